"""Remedies that are never offered, however often they worked.

That a call worked afterwards does not say that the step before it was harmless: ``git checkout FILE`` makes a failed
edit possible by throwing away what its owner had written. An agent that is offered such a step may take it. So whatever
destroys work or data, forces its way, switches a guard off, asks for more rights, runs code from elsewhere, touches
secrets, or reads like an order to the reader is refused, with the reason. The list errs on the side of refusing: a
remedy that is kept back costs a few calls, a wrong one costs work that nobody can bring back.

The texts are commands from traces, and what somebody reported: untrusted. Every expression is linear (bounded
repetitions); at most ``_READ`` characters are looked at, and what is longer is refused unread.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Literal

from seasoned.learn.patterns.suspicion import suspicions
from seasoned.model.failure import Resolution, ResolutionStep

__all__ = ["RefusalReason", "installs_unnamed", "refusal", "refusal_of", "refusal_of_steps"]

RefusalReason = Literal[
    "throws away work that is not committed",
    "rewrites or removes what others may have",
    "deletes files or data",
    "switches a guard off",
    "asks for more rights",
    "runs code from elsewhere",
    "touches secrets",
    "changes the machine outside the project",
    "stops processes",
    "speaks to the reader instead of naming a step",
    "is too long to be judged",
]

_READ = 4_000
_GIT = r"\bgit\b(?:\s+(?:-[cC]\s+\S{1,200}|--[\w\-]{2,30}(?:=\S{1,200})?)){0,4}\s+"
_TO_END = r"[^\n;|&]{0,400}"
_SHELL = r"(?:sudo\s+)?(?:\S{0,40}/)?(?:ba|z|da|k|fi)?sh\b|(?:sudo\s+)?(?:python[\d.]{0,4}|perl|ruby|node|iex|invoke-expression)\b"
_RULES: tuple[tuple[RefusalReason, str], ...] = (
    (
        "throws away work that is not committed",
        # a checkout is harmless only where it makes a branch, or names one plain word that can be no file
        rf"{_GIT}checkout\b(?!\s+(?:-b\s|--track\b|--orphan\b|[\w\-]{{1,100}}\s*(?:$|[;&|\n])))"
        rf"|{_GIT}(?:restore|reset|clean)\b"
        rf"|{_GIT}stash\b(?!\s+(?:list|show|apply|pop|branch)\b)"
        rf"|{_GIT}switch\s{_TO_END}(?:-f\b|--force\b|--discard-changes\b)"
        rf"|{_GIT}worktree\s+remove\b|{_GIT}(?:merge|rebase|am|cherry-pick)\s+--(?:abort|skip|quit)\b"
        rf"|{_GIT}checkout-index\b|{_GIT}read-tree\b",
    ),
    (
        "rewrites or removes what others may have",
        rf"{_GIT}push\b{_TO_END}\s(?:--force\S{{0,40}}|-[a-zA-Z]{{0,6}}[fd][a-zA-Z]{{0,6}}|--delete|--mirror|--prune|[+:]\S)"
        rf"|{_GIT}(?:filter-branch|filter-repo|update-ref|replace)\b|{_GIT}reflog\s+(?:expire|delete)\b"
        rf"|{_GIT}(?:gc|prune)\b|{_GIT}branch\b{_TO_END}\s(?:-[a-zA-Z]{{0,4}}[dD]\b|--delete\b|-[fM]\b|--force\b)"
        rf"|{_GIT}tag\b{_TO_END}\s(?:-d\b|--delete\b|-f\b|--force\b)|{_GIT}commit\b{_TO_END}\s--amend\b"
        rf"|{_GIT}remote\s+(?:rm|remove|set-url)\b"
        rf"|\bgh\s+\w{{2,20}}\s+(?:delete|archive|close|merge)\b|\b(?:npm|cargo|yarn|pnpm|twine)\s+(?:un)?(?:publish|yank|upload)\b"
        r"|\b(?:terraform|pulumi|tofu)\s+(?:destroy|apply|up)\b|\b(?:kubectl|helm|oc)\s+(?:delete|uninstall|drain)\b",
    ),
    (
        "deletes files or data",
        r"(?<![\w\-.])(?:rm|rmdir|shred|unlink|truncate|rimraf|trash|remove-item|del|erase|rd)\s"
        rf"|\bgit\s+rm\b|\bfind\b{_TO_END}\s-(?:delete|exec(?:dir)?\s+rm)\b|\brsync\b{_TO_END}--delete"
        r"|\bmkfs\b|\bdd\s+(?:\S{1,80}\s+){0,6}of=|\bwipefs\b|\bdropdb\b|\bflush(?:all|db)\b"
        r"|\bdrop\s+(?:table|database|schema|index|view|column)\b|\btruncate\s+table\b|\bdelete\s+from\b"
        r"|\b(?:docker|podman)\s+(?:system|volume|image|container|builder|network)?\s*(?:prune|rm|rmi)\b"
        r"|\b(?:docker|podman)(?:\s+|-)compose\s+(?:down|rm)\b|\baws\s+s3\s+(?:rm|rb)\b|\bgsutil\s+rm\b"
        r"|\bshutil\.rmtree\b|\bos\.(?:remove|unlink)\b|\bfs\.(?:rm|unlink)(?:sync)?\b"
        r"|^(?:\w{1,40}__)?(?:delete|remove|drop|destroy|purge|wipe|erase|cancel|revoke|refund|transfer)[a-z]{0,3}_\w{0,80}\(",
    ),
    (
        "switches a guard off",
        r"--no-(?:verify|gpg-sign|check(?:-certificate)?|strict|sandbox|audit|verify-ssl|checks|lint|test|tests)\b"
        rf"|{_GIT}commit\b{_TO_END}\s-[a-zA-Z]{{0,6}}n[a-zA-Z]{{0,6}}\b"
        r"|--(?:insecure|skip-tests?|skip-checks?|allow-root|privileged|break-system-packages|trusted-host|legacy-peer-deps)\b"
        r"|--(?:dangerously|disable|ignore|skip|bypass|unsafe)-[\w\-]{2,40}|--yolo\b|-DskipTests\b|-Dmaven\.test\.skip"
        r"|(?<!\S)--force\b|--unsafe\b"
        rf"|\bcurl\b{_TO_END}\s-[a-zA-Z]{{0,6}}k[a-zA-Z]{{0,6}}\b"
        r"|\b(?:git_ssl_no_verify|git_sslverify|node_tls_reject_unauthorized|pythonhttpsverify|goinsecure|gonosumdb|gonosumcheck"
        r"|gonoproxy|skip|husky|husky_skip_hooks|lefthook|pre_commit_allow_no_config|skip_\w{1,40}|no_\w{1,20}_check)\s*="
        r"|\bgosumdb\s*=\s*off\b|\bsslverify[\s=]+(?:false|0)\b|stricthostkeychecking[\s=]+no\b|\bsafe\.directory\b"
        r"|\bset\s+\+e\b|\|\|\s*(?:true|:)(?!\S)|\bsetenforce\s+0\b|\b(?:ufw|csrutil|spctl)\b|\biptables\s+-F\b"
        r"|(?:eslint|pylint|shellcheck|ruff|mypy)[\s:\-]{1,3}(?:disable|ignore)|#\s?noqa\b|//\s?nolint\b|@ts-(?:ignore|nocheck)\b"
        r"|\bcore\.hookspath\b",
    ),
    (
        "asks for more rights",
        r"(?<![\w\-./])(?:sudo|doas|su|runas|pkexec)\s|\bchmod\b[^\n;|&]{0,60}\s(?:0?[0-7]?777|0?[0-7]?666|[ugoa]{0,4}\+[rwxXst]{0,5}s"
        r"|[oa]{1,2}\+[rwxX]{0,4}w|\+[rwxX]{0,4}w)|\bchmod\s+(?:-\w{1,5}\s+)?-?R\b|\bchown\b|\bicacls\b|\bsetfacl\b|\bsetcap\b"
        r"|sandbox[_\-]permissions|require_escalated|dangerously",
    ),
    (
        "runs code from elsewhere",
        rf"\b(?:curl|wget|iwr|irm|invoke-webrequest|fetch)\b[^\n;]{{0,400}}\|\s*(?:{_SHELL})"
        rf"|\b(?:base64|xxd|openssl)\b[^\n;]{{0,400}}\|\s*(?:{_SHELL})"
        r"|(?:\beval\b|\bsource\b|\bsh\b\s+-c|(?<!\S)\.)\s+[^\n;]{0,40}[$<`]\(?[^\n;]{0,40}\b(?:curl|wget)\b"
        rf"|(?:{_SHELL})\s+<\(\s*(?:curl|wget)|\biex\b|\binvoke-expression\b"
        r"|\b(?:pip3?|uv|npm|pnpm|yarn|go|cargo|gem|brew)\b[^\n;|&]{0,120}\s(?:git\+)?https?://"
        r"|--(?:extra-)?index-url\b|--registry\b"
        rf"|\b(?:curl|wget|iwr|irm|invoke-webrequest)\b[^\n]{{0,400}}(?:&&|;|\|\|)\s*(?:{_SHELL}|chmod\b|\./)"
        r"|\b(?:kubectl|oc)\s+(?:apply|create)\b[^\n;|&]{0,200}https?://"
        # words that are put together only when they are run
        r"|(?:^|[;&|(]|\beval)\s{0,4}[\"']?(?:\$\(|`)\s{0,4}(?:echo|printf|base64|xxd)\b"
        r"|(?:^|[;&|(])\s{0,4}[\w/.\-]{0,40}(?:''|\"\")\w"
        r"|\b(?:nc|ncat|netcat)\s[^\n;|&]{0,100}-[a-z]{0,4}[ec]\b|/dev/(?:tcp|udp)/"
        r"|\bcore\.(?:fsmonitor|pager|editor|sshcommand)\b|\b(?:ld_preload|ld_audit|dyld_insert_libraries)\s*=",
    ),
    (
        "touches secrets",
        r"«redacted:|(?<![\w])(?:[\w]{0,40}_)?(?:api_?key|access_?key|token|secret|passw(?:or)?d|passphrase|credentials?)s?\s*=(?!=)"
        r"|--(?:[\w\-]{1,30}-)?(?:password|passwd|token|secret|api-key|access-key|private-key)\b"
        r"|\.ssh/|\.aws/|\.netrc\b|\.npmrc\b|\.pypirc\b|\.gnupg\b|\bid_(?:rsa|ed25519|ecdsa)\b|(?<![\w])\.env(?![\w.]*example)\b"
        r"|\bprintenv\b|\b(?:gh|gcloud|az|heroku|vault)\s+auth\s+\S{0,20}token\b|\bsecurity\s+find-\w{1,20}-password\b",
    ),
    (
        "changes the machine outside the project",
        rf"{_GIT}config\s{_TO_END}--(?:global|system)\b|\bsystemctl\b|\blaunchctl\b|\bcrontab\b|\bsysctl\b|\bmount\b\s|\bumount\b"
        r"|(?:>{1,2}|\btee\b(?:\s+-a)?|\b(?:cp|mv|ln|install)\b[^\n;|&]{0,200}\s)\s*[\"']?(?:/(?:etc|usr|bin|sbin|boot|sys|lib|opt|var/lib)/"
        r"|/dev/(?!null|stdout|stderr|tty)|~/\.\w)|\b(?:apt|apt-get|yum|dnf|pacman|brew|choco|winget)\s+(?:-\S{1,20}\s+){0,3}(?:remove|purge"
        r"|uninstall|autoremove|erase)\b|\bnpm\s+config\s+set\b|\breg\s+(?:add|delete)\b",
    ),
    (
        "stops processes",
        r"(?<![\w\-./])(?:kill|pkill|killall|taskkill|fuser\s+-\w{0,3}k|shutdown|reboot|halt|poweroff)(?:\s|$)",
    ),
)
_COMPILED: tuple[tuple[RefusalReason, re.Pattern[str]], ...] = tuple(
    (reason, re.compile(pattern, re.IGNORECASE | re.MULTILINE)) for reason, pattern in _RULES
)
_INSTALL = re.compile(
    r"\b(?:(?:pip3?|pipx|uv(?:\s+(?:pip|tool))?|npm|pnpm|yarn|bun|gem|cargo|go|brew|apt|apt-get|poetry|conda)"
    r"(?:\s+-\S{1,60}){0,4}\s+(?:install|add|i|get|run)|npx|uvx|bunx)\b((?:[ \t]+[^\s;|&<>]{1,200}){0,20})",
    re.IGNORECASE,
)
_TAKES_A_FILE = frozenset({"-r", "--requirement", "-c", "--constraint", "-e", "--editable", "-C", "--prefix", "--cwd"})
_SCRIPTS = frozenset({"run"})
"""``npm run build`` and ``uv run x`` start what the project has."""
_NAME = re.compile(r"@?[\w.\-]{1,100}(?:/[\w.\-]{1,100}){0,6}")
_TEMPLATE = re.compile(r"\{\{|\{%|\$\{jndi")
"""Of template languages; a slot has one brace."""


@lru_cache(maxsize=1024)  # one call is asked about by every failure before it, one fix by every look-up
def refusal(text: str) -> RefusalReason | None:
    """Why a step or a description that says ``text`` is not to be offered; None where nothing speaks against it.
    Never raises."""
    if len(text) > _READ:
        return "is too long to be judged"
    if any(unicodedata.category(sign) in ("Cc", "Cf", "Co", "Cs") and sign not in "\n\t\r" for sign in text):
        return "speaks to the reader instead of naming a step"
    plain = " ".join(unicodedata.normalize("NFKC", text).replace("\\\n", " ").split(" "))
    for reason, pattern in _COMPILED:
        if pattern.search(plain):
            return reason
    return "speaks to the reader instead of naming a step" if _TEMPLATE.search(plain) or suspicions(plain) else None


def installs_unnamed(text: str, errors: Iterable[str]) -> bool:
    """Whether ``text`` fetches a package that none of the ``errors`` names.

    A page that an agent read may have named it. What the error itself asks for, and what the project's own files list,
    is another thing."""
    wanted = [
        name.group().casefold().replace("-", "_")
        for found in _INSTALL.finditer(text[:_READ])
        if found.group().split()[-1 - len(found.group(1).split())].casefold() not in _SCRIPTS
        for word in _packages(found.group(1).split())
        if (name := _NAME.match(word.strip("\"'"))) is not None
    ]
    if not wanted:
        return False
    said = "\n".join(errors).casefold().replace("-", "_")
    return any(name not in said for name in wanted)


def _packages(words: list[str]) -> Iterable[str]:
    before = ""
    for word in words:
        own = word.startswith((".", "/", "~", "{", "-")) or before in _TAKES_A_FILE
        before = word
        if not own:
            yield word


def refusal_of_steps(description: str, steps: Iterable[ResolutionStep], *lines: str) -> RefusalReason | None:
    """The first reason against a remedy: its words, its steps, their examples, and the ``lines`` it was read from."""
    texts = [description, *lines]
    for step in steps:
        texts += [step.command, step.example or ""]
    return next((reason for text in texts if (reason := refusal(text)) is not None), None)


def refusal_of(resolution: Resolution) -> RefusalReason | None:
    """The first reason against a stored resolution, mined or reported."""
    return refusal_of_steps(resolution.description, resolution.steps)
