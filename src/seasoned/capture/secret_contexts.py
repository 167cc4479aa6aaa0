"""Where in a text secrets and personal data may stand: anchors, and how to read on from each.

``ANCHOR`` is one RE2 expression, compiled to a DFA that runs over the text once at memory speed. It finds *places*,
not secrets: a token's prefix, a telling name followed by an assignment, ``://…@``, an e-mail's ``@``, a home folder.
``read`` then looks at one place and says what, if anything, is secret there, reading at most ``REACH`` bytes. Both
steps are linear, so no text can make redaction slow; a backtracking engine over one large alternation could not promise
that.

Works on UTF-8 bytes: RE2 does, and most text is ASCII.
"""

import re

from seasoned.capture.personal_data import email, home_folder, phone
from seasoned.capture.secret_assignments import (
    cookie,
    glued_option,
    named,
    scheme_credential,
    user_option,
    userinfo,
    value_at,
)
from seasoned.capture.secret_blocks import environment, private_key, private_key_end, putty_key
from seasoned.capture.secret_hits import REACH, Hit, begins_word
from seasoned.capture.secret_rules import TOKEN_RULES, TokenRule

__all__ = ["ANCHOR", "is_literal", "read"]

_NAME_PARTS = (
    "passw|passphrase|passcode|[-_]pass|pwd|secret|token|credential|connection[-_]?string|authorization|bearer|jwt"
    "|(?:api|access|private|account|auth|sign|signing|encryption|encrypt|master|shared|storage|service|license|session"
    "|deploy|webhook|app|admin|write|server|integration|subscription|consumer|jwt|hmac|crypt|cipher|security|rest"
    "|application|ingest|root|backup|project|personal|password|pass)[-_ ]?key"
)
_ANCHORS = (
    # A telling name and what assigns: name: v, name = v, "name": "v", name => v, ["name"] = v, ("name", "v"), <name>v
    rf"(?i:{_NAME_PARTS})[A-Za-z0-9_-]*[\"'`\\\]]*[ \t]*(?:[:=>]|,[ \t]*[\"'`\\])",
    # --name v
    rf"--[a-z-]*(?i:{_NAME_PARTS})[a-z-]*[ \t]",
    r"(?:[a-z0-9][_-](?i:key)|[a-z]Key|[A-Z0-9]_KEY)[\"'`\\\]]*[ \t]*(?:[:=>]|,[ \t]*[\"'`\\])",
    r"(?i:bearer)[ \t]+[A-Za-z0-9]",
    r"\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{20}",
    r"(?i:cookie)[\"'\\]*[ \t]*[:=]",
    r"(?i:login)[ \t\n]+[^ \t\n]+[ \t\n]+password[ \t]",
    r"(?:-u|--user)[ =][\"']?[^\s:\"'=]+:[^\s\"']",
    r"sshpass -p[ ]*[^ ]",
    r"(?:mysql|mariadb)(?:dump|admin|check|import|show)?[ \t]",
    r"-----(?:BEGIN|END) [A-Z0-9 ]*PRIVATE KEY",
    r"PuTTY-User-Key-File-",
    r"://[^\s/?#@\"'<>«\\]+@",
    r"[A-Za-z0-9_]@[A-Za-z0-9]",
    r"(?i:/Users/|/home/|[A-Za-z]:[\\/]+Users[\\/]+)[A-Za-z0-9_.]|-(?:Users|home)-[A-Za-z0-9]",
    r"(?i:phone|mobile|tel|fax|cell)(?i:[_ -]?(?:number|phone|nr|no))?[\"'\\]*[ \t]*[:=]",
    r"(?m:^)(?:export |declare -x )?PATH=",
)


def _escaped(literal: bytes) -> str:
    return re.sub(r"([.$/+*?()\[\]{}|^\\-])", r"\\\1", literal.decode())


ANCHOR = "|".join([*(_escaped(anchor) + rule.opening for rule in TOKEN_RULES for anchor in rule.anchors), *_ANCHORS])

_BY_ANCHOR: dict[bytes, tuple[TokenRule, ...]] = {}
for _token_rule in TOKEN_RULES:
    for _literal in _token_rule.anchors:
        _BY_ANCHOR[_literal] = (*_BY_ANCHOR.get(_literal, ()), _token_rule)
_LITERAL_LENGTHS = sorted({len(literal) for literal in _BY_ANCHOR}, reverse=True)
_LITERAL_STARTS = frozenset(literal[:1] for literal in _BY_ANCHOR)
"""Most anchors are home folders, and no token begins with a slash."""


def is_literal(anchor: bytes) -> bool:
    """Whether an anchor is a token's prefix; where no token follows, another anchor may begin inside it."""
    return _literal_rules(anchor) is not None


def _literal_rules(anchor: bytes) -> tuple[TokenRule, ...] | None:
    if anchor[:1] not in _LITERAL_STARTS:
        return None
    for length in _LITERAL_LENGTHS:
        rules = _BY_ANCHOR.get(anchor[:length])
        if rules is not None:
            return rules
    return None


def read(text: bytes, start: int, end: int) -> Hit | None:
    """What is secret at the anchor ``text[start:end]``; None where nothing is."""
    anchor = text[start:end]
    rules = _literal_rules(anchor)
    if rules is not None and (hit := _token(text, start, rules)) is not None:
        return hit
    first = anchor[:1]
    if first == b":":
        return userinfo(text, start)
    if first == b".":
        return _discord(text, start)
    if first in b"/\\" or anchor[1:2] == b":" or anchor.startswith((b"-Users", b"-home")):
        return home_folder(text, start, end)
    if anchor[1:2] == b"@":
        return email(text, start + 1)
    if anchor.startswith(b"-----BEGIN"):
        return private_key(text, start)
    if anchor.startswith(b"-----END"):
        return private_key_end(text, start)
    if anchor.startswith(b"PuTTY"):
        return putty_key(text, start)
    if anchor.endswith(b"PATH="):
        return environment(text, start)
    lowered = anchor.lower()
    if lowered.startswith((b"-u", b"--user")):
        return user_option(text, start)
    if lowered.startswith(b"sshpass"):
        return value_at(text, end - 1, "password", separated=True)
    if lowered.startswith((b"mysql", b"mariadb")) and anchor[-1:] in b" \t":
        return glued_option(text, end - 1)
    if lowered.startswith(b"cookie"):
        return cookie(text, end)
    if lowered.startswith((b"phone", b"mobile", b"tel", b"fax", b"cell")):
        return phone(text, end)
    if lowered.startswith(b"login"):
        return value_at(text, end, "password", separated=True)
    if lowered.startswith(b"bearer") and anchor[-1:].isalnum() and b" " in anchor:
        return scheme_credential(text, end - 1, "bearer-token")
    return named(text, start, end)


# -- tokens ---------------------------------------------------------------------------------------------------------


_BEFORE: dict[str, tuple[int, re.Pattern[bytes]]] = {
    "azure-client-secret": (3, re.compile(rb"[A-Za-z0-9_.~-]{3}\Z")),
    "terraform-token": (10, re.compile(rb"[A-Za-z0-9]{10,14}\Z")),
    "maxmind-key": (30, re.compile(rb"[A-Za-z0-9]{6}_[A-Za-z0-9]{29}\Z")),
    "telegram-token": (5, re.compile(rb"(?<![0-9])[0-9]{5,16}\Z")),
    "mailchimp-key": (32, re.compile(rb"(?<![0-9a-f])[0-9a-f]{32}\Z")),
}
"""Tokens whose telling part is not their beginning: how many bytes must stand before it, and which."""


def _token(text: bytes, start: int, rules: tuple[TokenRule, ...]) -> Hit | None:
    for rule in rules:
        if rule.bare and not begins_word(text, start):
            continue
        begin = start
        before_it = _BEFORE.get(rule.name)
        if before_it is not None:
            least, pattern = before_it
            head = pattern.search(text, max(0, start - 60), start)
            if head is None or head.end() - head.start() < least:
                continue
            begin = head.start()
        found = rule.pattern.match(text, start, start + REACH)
        if found:
            if rule.bare and _in_blob(text, start, found.end()):
                continue
            if rule.name == "jwt" and not _is_jwt(found[0]):
                continue
            group = 1 if rule.pattern.groups else 0
            return Hit(rule.name, found.start(group) if group else begin, found.end(group))
    return None


_DISCORD_ID = re.compile(rb"(?<![A-Za-z0-9_-])[MNO][A-Za-z0-9_-]{22,27}\Z")
_DISCORD_REST = re.compile(rb"\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,80}")


def _discord(text: bytes, start: int) -> Hit | None:
    """A bot's token: its id in base64, a time stamp, a digest (https://discord.com/developers/docs/reference)."""
    head = _DISCORD_ID.search(text, max(0, start - 40), start)
    found = _DISCORD_REST.match(text, start, start + 120)
    return Hit("discord-token", head.start(), found.end()) if head and found else None


_BLOB = re.compile(rb"[A-Za-z0-9+/]{32,40}")


def _in_blob(text: bytes, start: int, end: int) -> bool:
    """Whether base64 goes on for long on either side: an image, in which any prefix turns up by chance."""
    before, after = text[max(0, start - 40) : start], text[end : end + 40]
    return _BLOB.fullmatch(before) is not None or _BLOB.fullmatch(after) is not None


def _is_jwt(token: bytes) -> bool:
    """A header's base64 begins with ``{"`` and names an algorithm or type early; short ones without a dot are not."""
    return len(token) >= 60 or b"." in token
