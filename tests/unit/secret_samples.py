"""Made secrets of every format that redaction knows, inside texts as agents see them. None was ever valid.

Each sample is (kind, text, secret): the secret stands once in the text. Formats follow the providers' public
descriptions, written down again here rather than taken from the rules under test.
"""

import base64
import json
import random
import string
import textwrap
from collections.abc import Callable, Iterator

UPPER = string.ascii_uppercase
ALNUM = string.ascii_letters + string.digits
LOWNUM = string.ascii_lowercase + string.digits
HEX = "0123456789abcdef"
URLSAFE = ALNUM + "-_"
BASE64 = ALNUM + "+/"

Rng = random.Random


def _of(alphabet: str, length: int) -> Callable[[Rng], str]:
    def make(rng: Rng) -> str:
        while True:
            value = "".join(rng.choice(alphabet) for _ in range(length))
            # A real generator's output of this length holds a digit wherever its alphabet does.
            if any(c.isdigit() for c in value) or not any(c.isdigit() for c in alphabet):
                return value

    return make


def _tail(rng: Rng, alphabet: str, length: int) -> str:
    value = _of(alphabet, length)(rng)
    return value[:-1] + rng.choice(ALNUM) if value[-1] in "-_" else value


def _uuid(rng: Rng) -> str:
    value = _of(HEX, 32)(rng)
    return f"{value[:8]}-{value[8:12]}-4{value[13:16]}-a{value[17:20]}-{value[20:]}"


def _jwt(rng: Rng) -> str:
    def part(value: dict[str, object]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).decode().rstrip("=")

    header = part({"alg": rng.choice(["HS256", "RS256", "ES256"]), "typ": "JWT"})
    body = part({"sub": str(rng.randrange(10**9)), "iat": 1_700_000_000 + rng.randrange(10**6)})
    return f"{header}.{body}.{_tail(rng, URLSAFE, 43)}"


def _pem(rng: Rng) -> str:
    kind = rng.choice(["RSA ", "EC ", "OPENSSH ", "", "ENCRYPTED ", "DSA "])
    body = "\n".join(textwrap.wrap(_of(BASE64, rng.choice([300, 800, 1600]))(rng) + "==", 64))
    return f"-----BEGIN {kind}PRIVATE KEY-----\n{body}\n-----END {kind}PRIVATE KEY-----"


def _pem_cut(rng: Rng) -> str:
    whole = _pem(rng)
    lines = whole.split("\n")
    return "\n".join(lines[: rng.randrange(3, len(lines) - 1)])


def _pem_rest(rng: Rng) -> str:
    lines = _pem(rng).split("\n")
    return "\n".join(lines[rng.randrange(2, len(lines) - 2) :])


def _fixed(prefix: str, alphabet: str, length: int, suffix: str = "") -> Callable[[Rng], str]:
    return lambda rng: prefix + _tail(rng, alphabet, length) + suffix


TOKENS: dict[str, Callable[[Rng], str]] = {
    "aws-access-key": lambda rng: rng.choice(["AKIA", "ASIA"]) + _of(UPPER + "234567", 16)(rng),
    "gcp-api-key": _fixed("AIza", URLSAFE, 35),
    "gcp-oauth": _fixed("ya29.a0", URLSAFE, 120),
    "gcp-client-secret": _fixed("GOCSPX-", URLSAFE, 28),
    "azure-client-secret": lambda rng: _of(ALNUM, 3)(rng) + "8Q~" + _tail(rng, ALNUM + "_.-~", 34),
    "digitalocean": _fixed("dop_v1_", HEX, 64),
    "supabase": _fixed("sbp_", HEX, 40),
    "databricks": _fixed("dapi", HEX, 32),
    "github-classic": _fixed("ghp_", ALNUM, 36),
    "github-oauth": _fixed("gho_", ALNUM, 36),
    "github-server": _fixed("ghs_", ALNUM, 36),
    "github-fine": lambda rng: f"github_pat_{_of(ALNUM, 22)(rng)}_{_of(ALNUM, 59)(rng)}",
    "gitlab": _fixed("glpat-", URLSAFE, 20),
    "gitlab-deploy": _fixed("gldt-", URLSAFE, 20),
    "atlassian": _fixed("ATATT3xFfGF0", ALNUM + "-_", 170, "=A1B2C3D4"),
    "npm": _fixed("npm_", ALNUM, 36),
    "pypi": _fixed("pypi-AgEIcHlwaS5vcmc", URLSAFE, 140),
    "rubygems": _fixed("rubygems_", HEX, 48),
    "docker": _fixed("dckr_pat_", URLSAFE, 27),
    "vault": _fixed("hvs.CAESI", URLSAFE, 90),
    "terraform": lambda rng: f"{_of(ALNUM, 14)(rng)}.atlasv1.{_tail(rng, URLSAFE, 67)}",
    "pulumi": _fixed("pul-", HEX, 40),
    "doppler": _fixed("dp.pt.", ALNUM, 43),
    "slack-bot": lambda rng: (
        f"xoxb-{rng.randrange(10**11, 10**12)}-{rng.randrange(10**12, 10**13)}-{_of(ALNUM, 24)(rng)}"
    ),
    "slack-user": lambda rng: (
        f"xoxp-{rng.randrange(10**11, 10**12)}-{rng.randrange(10**12, 10**13)}-{_of(HEX, 32)(rng)}"
    ),
    "slack-app": lambda rng: (
        f"xapp-1-A{_of(UPPER + string.digits, 10)(rng)}-{rng.randrange(10**12, 10**13)}-{_of(HEX, 64)(rng)}"
    ),
    "twilio": _fixed("SK", HEX, 32),
    "sendgrid": lambda rng: f"SG.{_tail(rng, URLSAFE, 22)}.{_tail(rng, URLSAFE, 43)}",
    "mailgun": _fixed("key-", HEX, 32),
    "stripe-live": _fixed("sk_live_", ALNUM, 24),
    "stripe-long": _fixed("rk_live_", ALNUM, 99),
    "stripe-webhook": _fixed("whsec_", ALNUM, 32),
    "square": _fixed("sq0atp-", URLSAFE, 22),
    "shopify": _fixed("shpat_", HEX, 32),
    "openai-project": _fixed("sk-proj-", URLSAFE, 156),
    "openai-legacy": lambda rng: f"sk-{_of(ALNUM, 20)(rng)}T3BlbkFJ{_of(ALNUM, 20)(rng)}",
    "anthropic": _fixed("sk-ant-api03-", URLSAFE, 93, "AA"),
    "openrouter": _fixed("sk-or-v1-", HEX, 64),
    "huggingface": _fixed("hf_", string.ascii_letters, 34),
    "groq": _fixed("gsk_", ALNUM, 52),
    "replicate": _fixed("r8_", ALNUM, 37),
    "xai": _fixed("xai-", ALNUM, 80),
    "perplexity": _fixed("pplx-", ALNUM, 48),
    "langsmith": lambda rng: f"lsv2_pt_{_of(HEX, 32)(rng)}_{_of(HEX, 10)(rng)}",
    "deepseek": _fixed("sk-", HEX, 32),
    "linear": _fixed("lin_api_", ALNUM, 40),
    "notion": _fixed("ntn_", ALNUM, 46),
    "figma": _fixed("figd_", URLSAFE, 40),
    "airtable": lambda rng: f"pat{_of(ALNUM, 14)(rng)}.{_of(HEX, 64)(rng)}",
    "newrelic": _fixed("NRAK-", UPPER + string.digits, 27),
    "grafana": lambda rng: f"glsa_{_of(ALNUM, 32)(rng)}_{_of(HEX, 8)(rng)}",
    "posthog": _fixed("phx_", ALNUM, 43),
    "postman": lambda rng: f"PMAK-{_of(HEX, 24)(rng)}-{_of(HEX, 34)(rng)}",
    "sentry": _fixed("sntrys_", BASE64, 120),
    "jwt": _jwt,
}

IN_TEXT = (
    'client = Client("{s}")',
    "export SOME_VALUE={s}",
    '{{"value": "{s}", "n": 3}}',
    "const x = '{s}';",
    "curl -H 'X-Thing: {s}' https://api.host.dev/v1",
    "https://api.host.dev/v1/items?k={s}&page=2",
    "  value: {s}\n  other: 1",
    "I pasted the value {s} into the console.",
    "line one\nline two {s}\nline three",
    '{{"stdout": "ok\\n{s}\\nend"}}',
    '"{{\\"k\\": \\"{s}\\"}}"',
    "| name | {s} | note |",
    "Error: request failed ({s})",
    '+    "tok": "{s}",',
    "<value>{s}</value>",
    "FOO={s} make run",
)

GENERIC: tuple[Callable[[Rng], str], ...] = (
    _of(HEX, 32),
    _of(HEX, 40),
    _of(HEX, 64),
    _of(ALNUM, 20),
    _of(ALNUM, 32),
    _of(ALNUM, 40),
    lambda rng: _tail(rng, URLSAFE, 43),
    lambda rng: _tail(rng, BASE64, 40),
    lambda rng: _tail(rng, BASE64, 43) + "=",
    _of(LOWNUM, 24),
    _uuid,
)

SECRET_NAMES = (
    "API_KEY api_key apiKey ACCESS_TOKEN access_token accessToken AUTH_TOKEN authToken CLIENT_SECRET client_secret "
    "clientSecret AWS_SECRET_ACCESS_KEY aws_secret_access_key secretAccessKey SECRET_KEY secret_key DATADOG_API_KEY "
    "private_key PRIVATE_TOKEN refresh_token refreshToken WEBHOOK_SECRET signing_secret JWT_SECRET SESSION_SECRET "
    "encryption_key ENCRYPTION_KEY AccountKey x-api-key api-key bot_token BOT_TOKEN NPM_TOKEN app_secret "
    "consumer_secret service_key ADMIN_KEY APP_KEY"
).split()

PASSWORD_NAMES = (
    "password PASSWORD DB_PASSWORD dbPassword db_password passwd POSTGRES_PASSWORD admin_password PGPASSWORD".split()
)

NAMED = (
    "{n}={s}",
    "export {n}={s}",
    "{n}: {s}",
    '{n} = "{s}"',
    "{n} = '{s}'",
    '"{n}": "{s}"',
    '{{"{n}":"{s}","x":1}}',
    '{{\\"{n}\\": \\"{s}\\"}}',
    'os.environ["{n}"] = "{s}"',
    'const {n} = "{s}";',
    '{n}: "{s}",',
    '{n} := "{s}"',
    '    {n}="{s}",',
    '{n}: str = "{s}"',
    '"{n}" => "{s}",',
    "<{n}>{s}</{n}>",
    "# settings\nname=app\n{n}={s}\nport=80\n",
    "url=https://host.dev/cb?{n}={s}&state=1",
    'set("{n}", "{s}")',
)

PASSWORD_NAMED = tuple(t for t in NAMED if "?" not in t and "<" not in t)


def _password(rng: Rng) -> str:
    words = ["Winter", "tiger", "Dragon", "summer", "pluto", "Maxwell", "coffee", "Rocket"]
    return rng.choice(
        [
            lambda: rng.choice(words) + str(rng.randrange(10, 9999)) + rng.choice("!@#*?"),
            lambda: rng.choice(words) + rng.choice("!@#*") + str(rng.randrange(100, 99999)),
            lambda: _of(ALNUM, 12)(rng),
            lambda: _of(ALNUM, 16)(rng),
            lambda: rng.choice(words) + rng.choice(words) + str(rng.randrange(100, 9999)),
        ]
    )()


HEADERS = (
    "Authorization: Bearer {s}",
    '-H "Authorization: Bearer {s}"',
    "-H 'Authorization: token {s}'",
    '"Authorization": "Bearer {s}",',
    '{{"headers": {{"authorization": "Bearer {s}"}}}}',
    'headers={{"Authorization": "Bearer {s}"}}',
    "> authorization: Bearer {s}\r\n> accept: */*",
    "Proxy-Authorization: Bearer {s}",
    "Cookie: theme=dark; session={s}",
    "Set-Cookie: sid={s}; Path=/; HttpOnly",
    "-H 'Cookie: sessionid={s}'",
    "--token {s}",
    "tool login --api-key={s} --verbose",
    "tool --client-secret {s} --org a",
)

URLS = (
    "postgres://app:{s}@db.host.dev:5432/app",
    "DATABASE_URL=postgresql+psycopg://svc:{s}@10.0.0.4/app",
    "redis://:{s}@cache:6379/0",
    "mongodb+srv://user:{s}@cluster0.mongodb.net/db?retryWrites=true",
    "git clone https://oauth2:{s}@gitlab.host.dev/a/b.git",
    "amqp://worker:{s}@mq:5672/%2f",
    "https://user:{s}@proxy.host.dev:8080",
    "mysql://root:{s}@localhost/app",
    '"url": "https://bot:{s}@host.dev/x.git"',
)

OTHER: dict[str, tuple[tuple[str, ...], Callable[[Rng], str]]] = {
    "private-key": (("{s}\n", 'key = """{s}"""', "cat id_rsa\n{s}\n$ ", "  {s}"), _pem),
    "private-key-cut": (("{s}", "cat key.pem\n{s}"), _pem_cut),
    "private-key-rest": (("use it\u2026[+1567]\u2026{s}\n", "[20 lines truncated]\n{s}", "{s}"), _pem_rest),
    "azure-connection": (
        ("DefaultEndpointsProtocol=https;AccountName=acc;AccountKey={s};EndpointSuffix=core.windows.net",),
        lambda rng: _tail(rng, BASE64, 86) + "==",
    ),
    "service-bus": (
        ("Endpoint=sb://ns.servicebus.windows.net/;SharedAccessKeyName=Root;SharedAccessKey={s}",),
        lambda rng: _tail(rng, BASE64, 43) + "=",
    ),
    "sql-connection": (("Server=db;Database=app;User Id=sa;Password={s};Encrypt=true",), _password),
    "slack-webhook": (
        ("https://hooks.slack.com/services/{s}",),
        lambda rng: (
            f"T{_of(UPPER + string.digits, 8)(rng)}/B{_of(UPPER + string.digits, 8)(rng)}/{_of(ALNUM, 24)(rng)}"
        ),
    ),
    "discord-webhook": (
        ("https://discord.com/api/webhooks/112233445566778899/{s}",),
        lambda rng: _tail(rng, URLSAFE, 68),
    ),
    "basic-header": (
        ("Authorization: Basic {s}", '"Authorization": "Basic {s}"'),
        lambda rng: base64.b64encode(f"user:{_of(ALNUM, 16)(rng)}".encode()).decode(),
    ),
    "curl-user": (("curl -u admin:{s} https://host.dev", "curl --user 'svc:{s}' https://host.dev"), _password),
    "mysql-option": (
        ("mysql -p{s} -u root", "mysqldump -uroot -h db '-p{s}' app > x", "mariadb -u a -p'{s}'"),
        _password,
    ),
    "netrc": (("machine host.dev login me password {s}\n",), _password),
    "npmrc": (("//registry.example.com/:_authToken={s}\n",), _uuid),
}


def samples(seed: int, per_kind: int) -> Iterator[tuple[str, str, str]]:
    """``per_kind`` samples of every format, each in another context."""
    rng = random.Random(seed)
    for kind, make in TOKENS.items():
        for template in rng.sample(IN_TEXT, per_kind):
            secret = make(rng)
            yield kind, template.format(s=secret), secret
    for name in SECRET_NAMES:
        for template in rng.sample(NAMED, per_kind):
            secret = rng.choice(GENERIC)(rng)
            yield "named-secret", template.format(n=name, s=secret), secret
    for name in PASSWORD_NAMES:
        for template in rng.sample(PASSWORD_NAMED, per_kind):
            secret = _password(rng)
            yield "password", template.format(n=name, s=secret), secret
    for template in HEADERS:
        for _ in range(max(1, per_kind // 2)):
            secret = rng.choice((*GENERIC[:9], _jwt))(rng)
            yield "header", template.format(s=secret), secret
    for template in URLS:
        for _ in range(max(1, per_kind // 2)):
            secret = (
                rng.choice((_password, _of(ALNUM, 20), _of(HEX, 32)))(rng)
                .replace("#", "!")
                .replace("?", "!")
                .replace("@", "!")
            )
            yield "url", template.format(s=secret), secret
    for kind, (templates, make) in OTHER.items():
        for template in templates:
            for _ in range(max(1, per_kind // 2)):
                secret = make(rng)
                yield kind, template.format(s=secret), secret
