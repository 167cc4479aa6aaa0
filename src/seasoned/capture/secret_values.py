"""Secrets that only their context gives away: a value under a telling name.

``password = "…"``, ``"api_key": "…"``, ``--token …``: the name says that a secret may stand here, the value says
whether one does. Code is full of such names beside values that are none (``token = next(tokens)``, ``password: str``,
``"token": "access_token"``), so a value counts only when it looks chosen at random or like a password somebody
made up, and not like a word, a name of something, a reference or a placeholder.

Entropy is Shannon's over the value's own characters, in bits per character; random hexadecimal of 16 characters stays
above 3.0, random base64 above 3.4, English words and identifiers of that length mostly below (measured on the
sources of the packages installed beside this one).
"""

import math
import re
from collections import Counter, defaultdict
from functools import lru_cache
from itertools import pairwise

__all__ = ["is_placeholder", "is_reference", "is_secret_name", "looks_secret"]

_SPLIT = re.compile(r"[^A-Za-z0-9]+|(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_QUALIFIERS = frozenset(
    """value val str string text plain plaintext raw prod production dev development test testing staging live main
    default old new admin root user db database base64 b64 primary secondary current previous env header data a b v
    local master""".split()
)
"""Words behind the telling one that do not change what it names: ``password_prod``, ``API_KEY_2``."""
_ONE = frozenset(
    """password passwd passwort passphrase passcode pwd secret token apikey authtoken accesstoken secretkey accesskey
    privatekey jwt credential credentials authorization pass authkey bearer""".split()
)
_ENDINGS = ("password", "passwd", "passphrase", "secret", "token", "apikey", "secretkey", "accesskey", "privatekey")
_BEFORE_KEY = frozenset(
    """api access secret private auth signing encryption encrypt account shared master storage service license session
    deploy webhook app application admin write server integration subscription consumer sign jwt crypt cipher hmac
    security project personal rest ingest license root backup""".split()
)
_NO_SECRET_KEY = frozenset(
    """public primary foreign sort cache partition shard dict map hash index group row column field object s3
    idempotency lookup unique composite compound config settings i18n translation registry event message label tag data json
    node tree query search state store form input item list option param property prop section theme type version hot
    the a this that any no one each first last next prev left right up down return enter""".split()
)
_NOT_A_TOKEN = frozenset(
    """page next prev previous continuation continue cursor sync eos bos pad unk cls sep mask special start end stop
    cancellation cancel max min first last num count total input output prompt completion cached per of is has no
    pagination resume skip take split scan lex parse sub word text lookahead current_""".split()
)
_DIGEST = re.compile(r"(?i:sha\d*[:-])?(?:[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")
"""Under a name that only ends in *key* this is more often a cache key, a commit or a row's id than a secret."""
_PLACEHOLDER = re.compile(
    r"x{4,}|^x+$|\*{2,}|\.{3}|_{3,}|-{4,}|change_?me|example|placeholder|redacted|<|>|lorem|foobar|undefined|12345678"
    r"|qwerty|deadbeef|abcdef(?!\w*\d\w*[a-z]\d)|secret[-_ ]?here"
    r"|(?<![a-z0-9])(?:your|dummy|fake|sample|insert|replace|todo|none|null|hidden|removed|masked)",
    re.IGNORECASE,
)
"""Short words only where a word may begin: a long random value holds some of them by chance."""
_REFERENCE = re.compile(
    r"[$%&*@!#]?[{(\[<]|\$[A-Za-z_]\w*$|\$\(|%[A-Za-z_]+%$|%[sdr]$|:[a-z]\w*$"
    r"|(?:process\.env|os\.environ|os\.getenv|getenv|env|ENV"
    r"|import\.meta|secrets|vars|var|self|this|config|cfg|settings|params|args|opts|options|props|request|req|ctx|data"
    r"|local|module|each|steps|inputs|github|values|Values)\b[.\[(]|\\?[\"'`]?$|«|op://|vault:|ref\+|arn:"
    r"|keyring:|file:|/run/secrets",
)
_CALL = re.compile(r"[A-Za-z_][\w.]*[(\[]")
_PASSWORD_MARK = re.compile(r"[!@#$%^&*?~+=]")
_UNSPEAKABLE = re.compile(r"(?!ngths|ights)[bcdfghjklmnpqrstvwxz]{5}|[jqvx][bcdfghjklmnpqrstvwxz]{2}", re.IGNORECASE)
_LETTERS = re.compile(r"[a-z]+")
_DIGITS = re.compile(r"\d+")
_PIECES = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_PAIRS: defaultdict[str, str] = defaultdict(
    str,
    {
        group[0]: group[1:]
        for group in """aabcdefgiklmnprstuvwxy babcdeijlorsuy cacdefhiklmorstuy dabcdefilorstu eabcdefgilmnopqrstvwxy
        facdefilorstu gaehilnorsu haeiort iabcdefglmnoprstvxz kaeils lacdeilopstuy mabdeilmopstuy nacdefgiklnopstuv
        oabcdfgiklmnoprstuvwx pacehiloprstuy qu rabcdefgiklmnoprstuvy sacdehiklmopstuy tacdefhilmnoprstuwy
        uabcdefgilmnprst vaei waeinors xcefiptx ynpsty zez""".split()
    },
)
"""For each letter the letters that often follow it: the pairs that make up 93 % of those in the 27 000 distinct words
of the sources of Python's standard library (counted by us)."""

_LOOKED_AT = 256
"""Characters of a value that decide about it."""
_NAME_LENGTH = 120
"""Characters of a name that decide about it, from its end."""


def is_secret_name(name: str) -> str | None:
    """What sort of secret a key or variable of that name holds: ``password``, ``token``, ``key`` (perhaps) or None."""
    return _sort_of_name(name if len(name) <= _NAME_LENGTH else name[-_NAME_LENGTH:])


@lru_cache(maxsize=2048)
def _sort_of_name(name: str) -> str | None:
    # Kept: a history asks 14 000 times about its 86 names of arguments (a tenth of the time of redaction).
    words = [word.lower() for word in _SPLIT.split(name) if word]
    while words and (words[-1] in _QUALIFIERS or words[-1].isdigit()) and len(words) > 1:
        words.pop()
    if not words:
        return None
    last = words[-1]
    before = words[-2] if len(words) > 1 else ""
    if last == "key":
        return "token" if before in _BEFORE_KEY else "key" if before and before not in _NO_SECRET_KEY else None
    if last == "string" and before == "connection":
        return "token"
    if last == "token" and before in _NOT_A_TOKEN:
        return None
    if last in {"pass", "bearer"} and not before:
        return None
    if last in _ONE or last.endswith(_ENDINGS):
        return "password" if last.startswith("pass") or "pass" in last or last.endswith("pwd") else "token"
    return None


def is_placeholder(value: str) -> bool:
    """Whether ``value`` stands for a secret in an example (``your-token``, ``xxxx``, ``<secret>``)."""
    return _PLACEHOLDER.search(value) is not None


def is_reference(value: str) -> bool:
    """Whether ``value`` says where the secret is (``$TOKEN``, ``${{ secrets.X }}``, ``getenv(…)``)."""
    return _REFERENCE.match(value) is not None or _CALL.match(value) is not None


def looks_secret(value: str, sort: str, *, quoted: bool) -> bool:
    """Whether ``value`` under a name of this ``sort`` (see ``is_secret_name``) is a secret and no stand-in.

    ``quoted``: it is a literal; an unquoted value in code may be an identifier and has to look more random.
    """
    value = value[:_LOOKED_AT]
    if len(value) < {"password": 6, "key": 16}.get(sort, 8) or is_reference(value) or _PLACEHOLDER.search(value):
        return False
    if len(set(value)) <= len(value) // 5:
        return False
    if sort == "password" and _looks_made_up(value, quoted=quoted):
        return True
    if not quoted and re.fullmatch(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+", value) and not re.search(r"\d[a-z]\w*\d", value):
        return False
    return _looks_random(value, quoted=quoted) and (sort != "key" or not _DIGEST.fullmatch(value))


def _looks_made_up(value: str, *, quoted: bool) -> bool:
    """A password that a person chose: letters with digits or signs, not an identifier, not a sentence."""
    if re.search(r"\s", value) or re.search(r"[/\\(){}\[\]|;,]", value):
        return False
    letters = re.search(r"[A-Za-z]", value) is not None
    digits = sum(character.isdigit() for character in value)
    if _PASSWORD_MARK.search(value) and letters and (digits or quoted) and "=" not in value[:-2]:
        return True
    if not letters or not digits:
        return False
    return quoted or not re.fullmatch(r"[A-Za-z]+\d?", value)


def _looks_random(value: str, *, quoted: bool) -> bool:
    if re.search(r"\s", value):
        return False
    body = value.rstrip("=")
    longest = max((part for part in re.split(r"[^A-Za-z0-9+/]+", body) if not part.isdigit()), key=len, default="")
    if "/" in longest and not re.search(r"\d", longest):
        longest = max(longest.split("/"), key=len)
    if re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", value, re.IGNORECASE):
        return True
    if len(longest) < 8 or (len(value) < 12 and not quoted):
        return _looks_random_in_parts(value)
    if _is_wordy(body):
        return False
    digits = sum(character.isdigit() for character in longest)
    if digits == len(longest):
        return False
    mixed = longest.lower() != longest and longest.upper() != longest
    if digits == 0 and not (mixed and len(longest) >= 20) and not _UNSPEAKABLE.search(longest):
        return False
    enough = 2.8 if re.fullmatch(r"[0-9a-fA-F]+", longest) else 3.0
    return _entropy(longest) >= enough or _looks_random_in_parts(value)


def _looks_random_in_parts(value: str) -> bool:
    """Groups of letters and digits mixed, as in licence keys: ``7QX4-9KDM-…``."""
    chunks = [chunk for chunk in re.split(r"[^A-Za-z0-9]+", value) if chunk]
    mixed = [c for c in chunks if len(c) >= 4 and re.search(r"\d[A-Za-z]|[A-Za-z]\d\w*[A-Za-z]", c)]
    return len(value) >= 12 and len(mixed) >= 2 and len(mixed) >= len(chunks) / 2


def _is_wordy(text: str) -> bool:
    """Whether ``text`` reads like an identifier: letter pairs as in words, few digits, long runs of one case.

    Of random alphanumeric strings of 20 characters 3 % pass the first condition alone; with the others 0.1 %, while
    95 % of two-word identifiers do.
    """
    runs = _LETTERS.findall(text.lower())
    pairs = sum(len(run) - 1 for run in runs)
    if pairs < 0.4 * len(text):
        return False
    usual = sum(second in _PAIRS[first] for run in runs for first, second in pairwise(run))
    pieces = _PIECES.findall(text)
    return usual >= 0.72 * pairs and len(_DIGITS.findall(text)) <= 2 and len(text) >= 3.2 * len(pieces)


def _entropy(text: str) -> float:
    counts = Counter(text)
    return -math.fsum(n / len(text) * math.log2(n / len(text)) for n in counts.values())
