"""Redaction: nothing secret stays, nothing else goes, and doing it twice changes nothing."""

import base64
import json
import random
import statistics
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from secret_samples import samples

from seasoned.capture.excerpt import ends
from seasoned.capture.redact import Redactor
from seasoned.errors import SettingsError
from seasoned.model import Artifact, ExecutionUpdate, Signal, Span, Trace

KEY = b"0123456789abcdef"
SAMPLES = list(samples(seed=20, per_kind=12))
REDACTOR = Redactor(KEY)
AWS = "AKIA" + "Q3EGRTPQ7LMNO2XY"
GITHUB = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"


def remains(secret: str, text: str) -> bool:
    """Whether twelve characters in a row of the secret are still there."""
    body = secret.removeprefix(secret[: secret.find("-----", 5) + 5]) if secret.startswith("-----") else secret
    return secret in text or any(body[i : i + 12] in text for i in range(max(1, len(body) - 11)) if len(body) >= 12)


# -- what goes ------------------------------------------------------------------------------------------------------
def test_recall_over_every_format_in_context() -> None:
    missed = [(kind, text) for kind, text, secret in SAMPLES if remains(secret, REDACTOR.text(text))]
    assert len(SAMPLES) >= 1000
    assert len(missed) <= 0.01 * len(SAMPLES), missed[:5]


def test_samples_twice_change_nothing() -> None:
    for _, text, _ in SAMPLES:
        once = REDACTOR.text(text)
        assert REDACTOR.text(once) is once


def test_placeholders_are_typed_keyed_and_stable() -> None:
    one, two = REDACTOR.text(f"use {AWS}"), REDACTOR.text(f'{{"id": "{AWS}"}}')
    placeholder = one.removeprefix("use ")
    assert placeholder.startswith("«redacted:aws-access-key:")
    assert placeholder in two
    assert placeholder != Redactor(b"another-key-of-16").text(f"use {AWS}").removeprefix("use ")
    assert len(placeholder) == len("«redacted:aws-access-key:7f3a9c21»")


def test_several_in_one_text() -> None:
    text = f"a {AWS} é {GITHUB}, mail jo.doe@corp.io, https://x:s3cr3tPw@host.dev/ end"
    redacted = REDACTOR.text(text)
    assert [part for part in (AWS, GITHUB, "jo.doe", "s3cr3tPw") if part in redacted] == []
    assert redacted.startswith("a «redacted:")
    assert redacted.endswith("@host.dev/ end")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cd /Users/jodoe/work/x", "cd ~/work/x"),
        ("/home/jo.doe/.cache/a", "~/.cache/a"),
        (r"C:\Users\jo\src", r"~\src"),
        ("~/.claude/projects/-Users-jodoe-work-x/1.jsonl", "~/.claude/projects/-~-work-x/1.jsonl"),
        ("/home/runner/work", "/home/runner/work"),
        ("/var/home-page", "/var/home-page"),
        ("https://host.dev/home/about", "https://host.dev/home/about"),
    ],
)
def test_home_folders_keep_their_paths(text: str, expected: str) -> None:
    assert REDACTOR.text(text) == expected


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("phone: +49 170 1234567", "170 1234567"),
        ('"mobile_number": "(555) 010-4477"', "010-4477"),
        ("Author: Jo Doe <jo@doe.name>", "jo@doe.name"),
    ],
)
def test_personal_data(text: str, gone: str) -> None:
    assert gone not in REDACTOR.text(text)


def test_an_environment_dump_goes_whole() -> None:
    dump = "SHELL=/bin/zsh\nHOME=/root\nPATH=/usr/bin:/bin\nMY_THING=plain words\nTERM=xterm\n_=/usr/bin/env\n"
    redacted = REDACTOR.text(f"$ env\n{dump}$ ")
    assert redacted.startswith("$ env\n«redacted:environment:")
    assert "plain words" not in redacted
    assert redacted.endswith("»\n$ ")
    early = REDACTOR.text(f"AWS_ID={AWS}\n{dump}")
    assert "plain words" not in early
    assert early.count("«") == 1
    assert REDACTOR.text("PATH=/usr/bin:/bin make\n") == "PATH=/usr/bin:/bin make\n"


# -- what stays -----------------------------------------------------------------------------------------------------
def _hex(length: int) -> Callable[[random.Random], str]:
    return lambda rng: "".join(rng.choice("0123456789abcdef") for _ in range(length))


def _data_uri(rng: random.Random) -> str:
    return "data:image/png;base64," + base64.b64encode(rng.randbytes(3000)).decode()


INNOCENT: dict[str, Callable[[random.Random], str]] = {
    "commit": lambda rng: f"commit {_hex(40)(rng)}\nMerge: {_hex(8)(rng)} {_hex(8)(rng)}",
    "branch": lambda rng: f"[main {_hex(7)(rng)}] fix: token parsing",
    "uuid": lambda rng: f'"id": "{uuid.UUID(bytes=rng.randbytes(16))}"',
    "digest": lambda rng: f"sha256:{_hex(64)(rng)}  dist/app.tar.gz",
    "integrity": lambda rng: f'"integrity": "sha512-{base64.b64encode(rng.randbytes(64)).decode()}"',
    "go.sum": lambda rng: f"github.com/a/b v1.2.3 h1:{base64.b64encode(rng.randbytes(32)).decode()}",
    "image": _data_uri,
    "cache key": lambda rng: f'cache_key = "{_hex(64)(rng)}"',
    "etag": lambda rng: f'ETag: "{_hex(32)(rng)}"',
    "public key": lambda rng: f"ssh-ed25519 {base64.b64encode(rng.randbytes(51)).decode()}",
}


@pytest.mark.parametrize("kind", INNOCENT)
def test_digests_and_ids_are_no_secrets(kind: str) -> None:
    rng = random.Random(kind)
    for _ in range(100):
        text = INNOCENT[kind](rng)
        assert REDACTOR.text(text) is text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "token = next(tokens)",
        "password: str",
        'token: "access_token"',
        "const token = getToken(user);",
        "max_tokens=4096, page_token=abc",
        "Authorization: Bearer $TOKEN",
        '"Authorization": f"Bearer {token}"',
        "password=${DB_PASSWORD}",
        "GITHUB_TOKEN: ${{ secrets.GITHUB_TOKEN }}",
        'api_key = os.environ["OPENAI_API_KEY"]',
        "api_key=your-api-key-here",
        "postgres://user:password@localhost/db",
        "git@github.com:org/repo.git",
        "uses: actions/checkout@v4",
        "npm i left-pad@1.3.0",
        "icon@2x.png",
        "user@example.com",
        "noreply@github.com",
        "the secret is out: tokens everywhere",
        "sort_key: created_at_descending",
        "the task-runner sk-learn and risk-free",
        "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----",
        "«redacted:password:1a2b3c4d»",
        'password="abc«redacted:ticket:00000000»def1!"',
        'access_token = "AccessTokenAuthenticationBackend"',
        'client_secret="projects_my_service_secret_versions_latest"',
    ],
)
def test_clean_text_comes_back_as_the_same_object(text: str) -> None:
    assert REDACTOR.text(text) is text


def test_few_false_positives_on_real_code() -> None:
    lines = findings = 0
    for module in (json, random, statistics, uuid, base64):
        source = Path(str(module.__file__)).read_text(encoding="utf-8")
        lines += source.count("\n")
        findings += sum(finding.rule != "email" for finding in REDACTOR.scan(source))
    assert lines > 2500
    assert findings <= lines / 1000


# -- rules of the user ----------------------------------------------------------------------------------------------
def test_user_rules_and_allow_list() -> None:
    redactor = Redactor(KEY, extra_rules=[("ticket", r"ACME-(\d{4})")], allow=[AWS, "~?/Users/ci"])
    assert redactor.text("see ACME-1234") == f"see ACME-{redactor.placeholder('ticket', '1234')}"
    assert redactor.text(f"use {AWS} or {GITHUB}").startswith(f"use {AWS} or «redacted:github-token:")
    assert redactor.text("cd /Users/ci/x") == "cd /Users/ci/x"


def test_user_rules_do_not_cut_placeholders() -> None:
    redactor = Redactor(KEY, extra_rules=[("digits", r"\d+"), ("word", r"redacted")])
    once = redactor.text(f"{AWS} 123 redacted")
    assert redactor.text(once) == once
    assert once.count("«") == 3


@pytest.mark.parametrize("rule", [("Bad Name", "x"), ("look", "(?=x)y"), ("open", "(")])
def test_rules_that_cannot_serve_are_refused(rule: tuple[str, str]) -> None:
    with pytest.raises(SettingsError, match="redaction"):
        Redactor(KEY, extra_rules=[rule])


def test_a_short_key_is_refused() -> None:
    with pytest.raises(SettingsError, match="16 bytes"):
        Redactor(b"short")


# -- scan -----------------------------------------------------------------------------------------------------------
def test_scan_names_rule_and_place_in_characters() -> None:
    text = f"é€😀 {AWS} — {GITHUB}"
    found = REDACTOR.scan(text)
    assert [finding.rule for finding in found] == ["aws-access-key", "github-token"]
    assert [text[finding.start : finding.end] for finding in found] == [AWS, GITHUB]
    assert REDACTOR.scan(REDACTOR.text(text)) == []


# -- structures -----------------------------------------------------------------------------------------------------
def test_values_under_telling_keys_go_whatever_they_look_like() -> None:
    document: dict[str, object] = {
        "password": "simple",
        "nested": {"apiKey": "not so random", "list": [{"token": "abcdefgh"}]},
        "authorization": "$TOKEN",
        "max_tokens": 5,
        "password_set": True,
        "note": f"use {AWS}",
        "secret": "",
    }
    redacted = REDACTOR.document(document)
    text = json.dumps(redacted)
    assert not any(word in text for word in ("simple", "not so random", "abcdefgh", AWS))
    assert redacted["authorization"] == "$TOKEN"
    assert (redacted["max_tokens"], redacted["password_set"], redacted["secret"]) == (5, True, "")
    assert list(redacted) == list(document)
    assert REDACTOR.document(redacted) is redacted


def test_keys_are_read_too() -> None:
    found = REDACTOR.document({"changes": {"/home/jodoe/x.py": {"add": "a"}, GITHUB: 1, "left": [2]}})
    assert found == {"changes": {"~/x.py": {"add": "a"}, REDACTOR.text(GITHUB): 1, "left": [2]}}
    assert REDACTOR.document(found) is found


def test_a_clean_document_is_the_same_object() -> None:
    document: dict[str, object] = {"command": "go test ./...", "n": [1, {"x": None}]}
    assert REDACTOR.document(document) is document


def span(**changes: object) -> Span:
    return Span(span_id="s", execution_id="e", number=0, kind="tool", name="Bash", tool="Bash", **changes)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_every_text_of_an_update_is_redacted() -> None:
    trace = Trace(
        execution_id="e",
        namespace="n",
        source="sdk",
        cwd="/Users/jodoe/x",
        repo=f"https://jo:{GITHUB}@github.com/a/b",
        prompt=AWS,
        follow_ups=("fine", AWS),
        error_message=AWS,
        outcome_evidence=(Signal(kind="test", verdict="success", weight=1.0, detail=AWS),),
        tags=(AWS,),
        git_branch=AWS,
        user_id="jo@doe.name",
        context={"a": [AWS]},
        metadata={"password": "x"},
    )
    spans = (
        span(
            description=AWS,
            error_message=AWS,
            files=(f"/tmp/{AWS}",),
            arguments={"command": f"curl -u jo:{GITHUB} x"},
            result_preview=AWS,
            attributes={"k": AWS},
        ),
    )
    artifacts = (
        Artifact(
            artifact_id="a", execution_id="e", file_path=f"a/{AWS}", artifact_type="config", content_preview=AWS,
            metadata={"k": AWS},
        ),
    )  # fmt: skip
    update = REDACTOR.update(ExecutionUpdate(trace=trace, spans=spans, artifacts=artifacts))
    text = repr(update)
    assert not any(word in text for word in (AWS, GITHUB, "jodoe", "jo@doe", "'x'"))
    assert update.trace.cwd == "~/x"
    assert REDACTOR.update(update) is update


def test_a_clean_update_is_the_same_object() -> None:
    update = ExecutionUpdate(trace=Trace(execution_id="e", namespace="n", prompt="do it"), spans=(span(),))
    assert REDACTOR.update(update) is update


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"arguments": {"command": "cat .env"}}, "env-file"),
        ({"arguments": {"command": "cd app && head -5 config/.env.local"}}, "env-file"),
        ({"arguments": {"command": "env | sort"}}, "environment"),
        ({"arguments": {"command": "printenv"}}, "environment"),
        ({"arguments": {"command": "export -p"}}, "environment"),
        ({"arguments": {"command": "cat ~/.aws/credentials"}}, "secret-file"),
        ({"tool": "Read", "files": ("web/.env",)}, "env-file"),
        ({"tool": "Read", "files": ("keys/id_rsa",)}, "secret-file"),
        ({"tool": "Read", "files": ("/etc/hosts",)}, "outside-file"),
        ({"tool": "Read", "files": ("../other/notes.md",)}, "outside-file"),
    ],
)
def test_results_dropped_whole(changes: dict[str, object], rule: str) -> None:
    update = ExecutionUpdate(
        trace=Trace(execution_id="e", namespace="n", source="claude_code", cwd="/work/x"),
        spans=(Span(**{"span_id": "s", "execution_id": "e", "number": 0, "kind": "tool", "name": "x", "result_preview": "HOUSE=garden", **changes}),),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    )  # fmt: skip
    redacted = REDACTOR.update(update)
    preview = redacted.spans[0].result_preview
    assert preview is not None
    assert preview.startswith(f"«redacted:{rule}:")
    assert REDACTOR.update(redacted) is redacted


@pytest.mark.parametrize(
    "changes",
    [
        {"arguments": {"command": "cat .env.example"}},
        {"arguments": {"command": "env FOO=1 make"}},
        {"arguments": {"command": "set -e; make"}},
        {"tool": "Read", "files": ("src/env.py",)},
        {"tool": "Edit", "files": ("/etc/hosts",)},
    ],
)
def test_results_kept(changes: dict[str, object]) -> None:
    update = ExecutionUpdate(
        trace=Trace(execution_id="e", namespace="n", source="claude_code", cwd="/work/x"),
        spans=(Span(**{"span_id": "s", "execution_id": "e", "number": 0, "kind": "tool", "name": "x", "result_preview": "HOUSE=garden", **changes}),),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    )  # fmt: skip
    assert REDACTOR.update(update) is update


def test_what_is_written_to_an_env_file_goes_too() -> None:
    update = ExecutionUpdate(
        trace=Trace(execution_id="e", namespace="n"),
        spans=(
            span(
                files=(".env",),
                arguments={"file_path": ".env", "edits": [{"old_string": "A=rose", "new_string": "A=tulip"}]},
            ),
        ),
        artifacts=(
            Artifact(
                artifact_id="a", execution_id="e", file_path=".env", artifact_type="config", content_preview="A=tulip",
                content_hash="ab",
            ),
        ),
    )  # fmt: skip
    redacted = REDACTOR.update(update)
    assert "tulip" not in repr(redacted)
    assert "rose" not in repr(redacted)
    assert redacted.spans[0].arguments is not None
    assert redacted.spans[0].arguments["file_path"] == ".env"
    assert redacted.artifacts[0].content_hash is None


# -- properties -----------------------------------------------------------------------------------------------------
fragments = st.one_of(
    st.sampled_from([text for _, text, _ in SAMPLES[::7]]),
    st.sampled_from(["token=", "password: ", "://", "@", "-----BEGIN RSA PRIVATE KEY-----\n", "«redacted:", "»", "PATH=", "\n", "eyJ", "sk-", "/Users/", "bearer "]),
    st.text(max_size=30),
)  # fmt: skip


@settings(max_examples=200)
@given(st.lists(fragments, max_size=8).map("".join))
def test_redacting_twice_is_redacting_once(text: str) -> None:
    once = REDACTOR.text(text)
    assert REDACTOR.text(once) == once


@given(st.sampled_from(SAMPLES), st.text(max_size=40), st.text(max_size=40))
def test_a_secret_between_lines_of_anything_goes(sample: tuple[str, str, str], before: str, after: str) -> None:
    _, text, secret = sample
    if remains(secret, REDACTOR.text(text)):
        return  # counted by the recall test
    assert not remains(secret, REDACTOR.text(f"{before}\n{text}\n{after}"))


@given(
    st.sampled_from(["password", "jwt", "url-password", "private-key", "aws-access-key"]),
    st.binary(min_size=4, max_size=4),
)
def test_a_placeholder_is_never_taken_for_a_secret(rule: str, digest: bytes) -> None:
    placeholder = f"«redacted:{rule}:{digest.hex()}»"
    for text in (placeholder, f'password="{placeholder}"', f"token={placeholder}", f"https://a:{placeholder}@b.dev"):
        assert REDACTOR.text(text) is text


@given(st.text())
def test_any_text_is_taken(text: str) -> None:
    REDACTOR.text(text)
    for finding in REDACTOR.scan(text):
        assert 0 <= finding.start < finding.end <= len(text)


@pytest.mark.parametrize(
    "part",
    ["token:", 'token="', "://a:b@", "a@", "-----BEGIN RSA PRIVATE KEY-----\n", "ey", "eyJ", "PATH=a\n", "sk-", "ghp_",
     "HOME=\nSHELL=\n!\nPATH=a\n", "/Users/a/", "cookie: a=b;", "bearer a", "«redacted:", "«redacted:a:00000000»", "A" * 50 + "="],
)  # fmt: skip
def test_hostile_repetition_is_taken_and_stays_stable(part: str) -> None:
    text = part * (20_000 // len(part))
    once = REDACTOR.text(text)
    assert REDACTOR.text(once) == once


@pytest.mark.parametrize("end", ["-----END PRIVATE KEY-----\n", ""])
def test_a_key_whose_beginning_was_cut_off_goes(end: str) -> None:
    body = "\n".join(base64.b64encode(random.Random(n).randbytes(48)).decode() for n in range(20))
    text = f"deployed\n-----BEGIN PRIVATE KEY-----\n{body}\n{end}all 31 tests passed"
    shown = REDACTOR.text(ends(text, 600))
    assert shown.startswith("deployed\n")
    assert shown.endswith("all 31 tests passed")
    assert not [line for line in body.split("\n") if remains(line, shown)]


@pytest.mark.parametrize(
    "text", ["mysql -p -u root", "mysql -proot app", "mysql --port=3306 -P 3306", "mkdir -p a1b2c3d4/x9"]
)
def test_other_options_with_p_stay(text: str) -> None:
    assert REDACTOR.text(text) is text
