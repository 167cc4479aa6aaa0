"""Secrets known by what stands before them: a telling name, a header, a URL's user, an option.

Each reader begins at an anchor, reads the name and the value, and lets ``secret_values`` judge them.
"""

import re

from seasoned.capture.secret_hits import REACH, Hit
from seasoned.capture.secret_values import is_placeholder, is_reference, is_secret_name, looks_secret

__all__ = [
    "authorization",
    "cookie",
    "glued_option",
    "named",
    "scheme_credential",
    "user_option",
    "userinfo",
    "value_at",
]

_LEFT = 64
"""Bytes that are read to the left of an anchor, for the beginning of a name."""
_USERINFO = re.compile(rb"://([^\s/?#@:\"'<>\\]*)(?::([^\s/?#@\"'<>\\]*))?@")
_STAND_INS = frozenset(
    "password pass passwd pwd secret user username token test admin pw p x xxx none null example changeme foo bar"
    " mypassword hunter postgres root guest secretpassword".split()
)


def userinfo(text: bytes, start: int) -> Hit | None:
    """The password, or a lone token, between ``://`` at ``start`` and the ``@``."""
    found = _USERINFO.match(text, start, start + REACH)
    if found is None:
        return None
    user, password = found[1], found[2]
    if password is None or not password:
        value = user.decode("utf-8", "replace")
        secret = len(value) >= 16 and looks_secret(value, "token", quoted=True)
        return Hit("url-token", found.start(1), found.end(1)) if secret else None
    value = password.decode("utf-8", "replace")
    if (
        value.lower() in _STAND_INS
        or is_reference(value)
        or "\u00ab" in value
        or re.fullmatch(r"[*x.]+|\d{1,5}|[A-Z_]+", value)
    ):
        return None
    return Hit("url-password", found.start(2), found.end(2))


_QUOTED = re.compile(rb"[ \t]*(?:[rbfuRBFUL@$]{0,2})(\\{0,3}[\"'`])([^\"'`\n]{1,2048}?)(?:\\{0,3}[\"'`]|$|(?=\n))")
_UNQUOTED = re.compile(rb"[ \t]*([^\s\"'`,;)\]}<>|\\\xc2]{4,2048})")
_NEXT_PARAMETER = re.compile(rb"&(?:amp;)?[A-Za-z_][\w.-]{0,60}=")
_ANNOTATION = re.compile(rb"[ \t]*[A-Za-z_][A-Za-z_.\[\] |]{0,40}?[ \t]*=[ \t]*(?=[rbfu]?[\"'])")
_SCHEME = re.compile(rb"(?:(?i:bearer|basic|token|digest|apikey|negotiate|aws4-hmac-sha256)[ \t]+)")
_NAME_LEFT = re.compile(rb"[A-Za-z0-9_.-]")


def named(text: bytes, start: int, end: int) -> Hit | None:
    """The value assigned to the telling name in ``text[start:end]``."""
    begin = start
    while begin and start - begin < _LEFT and _NAME_LEFT.match(text, begin - 1):
        begin -= 1
    raw = text[begin:end]
    name = re.match(rb"[A-Za-z0-9_. -]*", raw)
    key = (name[0] if name else b"").rstrip(b" ").decode("ascii", "ignore")
    if begin and text[begin - 1 : begin] == b"\\" and key[:1] in {"n", "t", "r"}:
        key = key[1:]
    sort = is_secret_name(key.replace(" ", "_"))
    if sort is None:
        return None
    flag = key.startswith("--") and raw[-1:] in b" \t"
    operator = raw[-1:]
    position = end
    if operator in b"\"'`\\":
        position = end - 1
        while text[position - 1 : position] == b"\\":
            position -= 1
    elif operator in b":=" and text[end : end + 1] in {b"=", b">"}:
        position = end + 1
        while text[position : position + 1] == b"=":
            position += 1
    elif operator == b">" and not (begin and text[begin - 1 : begin] in {b"<", b"-", b"="}):
        return None
    if key.lower().rstrip("-_.").endswith("authorization"):
        return authorization(text, position)
    if operator == b":":
        annotation = _ANNOTATION.match(text, position, position + 80)
        if annotation is not None:
            position = annotation.end()
    if sort == "password" and operator == b"=" and key.isupper() and (set_ := _SETTING.match(text, position)):
        value = set_[1].decode("ascii")
        if value.lower() not in _STAND_INS and not is_placeholder(value):
            return Hit(sort, set_.start(1), set_.end(1))
    return value_at(text, position, sort, separated=flag, loose=_is_env_style(text, begin, key))


_SETTING = re.compile(rb"[\"']?([A-Za-z0-9!@#%^&*+_-]{5,64})[\"']?(?=[\s\\;&]|$)")
"""The value of ``NAME_PASSWORD=value`` in a shell or an environment file: any word is a password there."""


def _is_env_style(text: bytes, begin: int, key: str) -> bool:
    """``NAME=value`` of an environment file, ini or YAML: an unquoted value is a literal there, not an expression."""
    return key.isupper() or begin == 0 or text[begin - 1 : begin] in b"\n;&?"


def value_at(text: bytes, position: int, sort: str, *, separated: bool = False, loose: bool = True) -> Hit | None:
    """The value that stands at ``position``, where it looks secret for its ``sort``."""
    scheme = _SCHEME.match(text, position, position + 40)
    quoted = _QUOTED.match(text, position, position + REACH)
    if quoted is not None:
        inner = quoted[2]
        offset = quoted.start(2)
        prefix = _SCHEME.match(inner)
        if prefix is not None:
            inner, offset = inner[prefix.end() :], offset + prefix.end()
        inner = inner.rstrip(b"\\")
        value = inner.decode("utf-8", "replace")
        if "://" in value:
            return None
        if looks_secret(value, sort, quoted=True):
            return Hit(sort, offset, offset + len(inner))
        return None
    plain = _UNQUOTED.match(text, scheme.end() if scheme else position, position + REACH)
    if plain is None:
        return None
    raw = plain[1]
    parameter = _NEXT_PARAMETER.search(raw)
    if parameter is not None:
        raw = raw[: parameter.start()]
    following = b"&" if parameter is not None else text[plain.end() : plain.end() + 1]
    value = raw.decode("utf-8", "replace").rstrip(".:")
    if "://" in value or (following in b"([" and following):
        return None
    if separated or loose or following in {b"", b"\n", b"\r", b";", b"&", b" ", b"\\", b"<"}:
        strict = not (separated or loose)
        if looks_secret(value, sort, quoted=False) and not (strict and not re.search(r"\d.*\d|.{15}", value)):
            return Hit(sort, plain.start(1), plain.start(1) + len(value.encode()))
    return None


_HEADER_VALUE = re.compile(
    rb"[ \t]*[\\\"'`]{0,4}[ \t]*((?:(?i:bearer|basic|token|digest|apikey|negotiate|key|bot)[ \t]+)?)"
    rb"([A-Za-z0-9+/=_.~%:-]{8,4096})"
)


def authorization(text: bytes, position: int) -> Hit | None:
    """The credential of an Authorization header whose value begins at ``position``."""
    found = _HEADER_VALUE.match(text, position, position + REACH)
    if found is None:
        return None
    if found[2].startswith(b"AWS4-HMAC"):
        signature = re.compile(rb"Signature=([0-9a-f]{64})").search(text, position, position + 600)
        return Hit("aws-signature", signature.start(1), signature.end(1)) if signature else None
    value = found[2].decode("ascii", "ignore")
    if is_reference(value) or not _is_credential(value, scheme=bool(found[1])):
        return None
    return Hit("authorization", found.start(2), found.end(2))


def scheme_credential(text: bytes, position: int, rule: str) -> Hit | None:
    """A bearer credential at ``position``, where no header's name was seen."""
    found = re.compile(rb"[A-Za-z0-9+/=_.~-]{16,4096}").match(text, position, position + REACH)
    if found is None or not _is_credential(found[0].decode("ascii"), scheme=False):
        return None
    return Hit(rule, found.start(), found.end())


def _is_credential(value: str, *, scheme: bool) -> bool:
    if looks_secret(value, "token", quoted=True):
        return True
    return (
        scheme
        and len(value) >= 12
        and re.search(r"\d", value) is not None
        and looks_secret(value + "0aA", "token", quoted=True)
    )


_USER_OPTION = re.compile(rb"(?:-u|--user)[ =][\"']?([^\s:\"'=]+):([^\s\"'\\]{3,256})")


def user_option(text: bytes, start: int) -> Hit | None:
    """The password of ``-u user:password``."""
    found = _USER_OPTION.match(text, start, start + 400)
    if found is None or (start and text[start - 1 : start] not in {b" ", b"\n", b"\t", b'"', b"'"}):
        return None
    value = found[2].decode("utf-8", "replace")
    if (
        value.lower() in _STAND_INS
        or is_reference(value)
        or value.isdigit()
        or (re.match(r"[\w-]+(?:/|$)", value) and not re.search(r"\d|[^\w/.-]", value))
    ):
        return None
    return Hit("basic-auth", found.start(2), found.end(2)) if looks_secret(value, "password", quoted=True) else None


_GLUED = re.compile(rb"-p[\"']?([^\s\"'\\\xc2-][^\s\"'\\]{2,256})")
_OTHER_COMMAND = re.compile(rb"[\n|;&]")


def glued_option(text: bytes, start: int) -> Hit | None:
    """The password of ``-pPASSWORD`` in the rest of a command, where clients of MySQL take it."""
    at = start
    for _ in range(8):
        at = text.find(b"-p", at + 1, start + 300)
        if at < 0 or _OTHER_COMMAND.search(text, start, at):
            return None
        found = _GLUED.match(text, at, at + 300)
        if found is None or text[at - 1 : at] not in {b" ", b"\t", b'"', b"'"}:
            continue
        value = found[1].decode("utf-8", "replace")
        if value.lower() not in _STAND_INS and looks_secret(value, "password", quoted=True):
            return Hit("password", found.start(1), found.end(1))
    return None


_COOKIE = re.compile(
    rb"[ \t]*[\\\"']{0,3}[ \t]*([A-Za-z0-9_.!#$%&*+^`|~-]{1,80}=[^\s;\"'\\]{0,4096}"
    rb"(?:;[ \t]*[A-Za-z0-9_.-]{1,80}=[^\s;\"'\\]{0,4096})*)"
)
_ATTRIBUTE = re.compile(rb"(?:;[ \t]*(?:(?i:path|domain|expires|max-age|samesite|secure|httponly|priority)\b[^;]*))+$")


def cookie(text: bytes, end: int) -> Hit | None:
    """The pairs of a Cookie header behind ``end``, attributes left out, where a value looks secret."""
    found = _COOKIE.match(text, end, end + REACH)
    if found is None:
        return None
    pairs = _ATTRIBUTE.sub(b"", found[1])
    values = [pair.partition(b"=")[2].decode("utf-8", "replace") for pair in pairs.split(b";")]
    if not any(looks_secret(value, "token", quoted=True) for value in values):
        return None
    return Hit("cookie", found.start(1), found.start(1) + len(pairs))
