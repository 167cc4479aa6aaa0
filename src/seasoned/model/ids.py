"""Identity: the same thing seen twice has the same id.

Ids are canonical UUID strings (36 characters, lower case). What an agent did is named by UUIDv5 over
the agent, its session and the agent's own id for the thing, so that a hook, an importer and a replay
arrive at the same row without asking each other. What is born here by a command is a UUIDv7.

UUIDs as RFC 9562 defines them: https://www.rfc-editor.org/rfc/rfc9562 (§5.5 version 5, §5.7 version 7).
``name_id`` hashes directly rather than through ``uuid.uuid5``: it is called for every span of an import
and the detour over ``UUID`` objects costs three times as much.
"""

import hashlib
import json
import os
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime

__all__ = [
    "canonical_json",
    "fingerprint_id",
    "name_id",
    "name_ids",
    "new_id",
    "occurrence_id",
    "short_id",
    "source_id",
]

_ROOT = uuid.uuid5(uuid.NAMESPACE_URL, "urn:seasoned:ids").bytes
_SEPARATOR = "\x1f"
_VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}


def name_id(*parts: str) -> str:
    """UUIDv5 of ``parts`` under Seasoned's own name space; equal parts give equal ids."""
    name = _SEPARATOR.join(parts).encode("utf-8", "surrogatepass")
    return _version_5(hashlib.sha1(_ROOT + name, usedforsecurity=False).hexdigest())


def name_ids(*parts: str) -> Callable[[str], str]:
    """``name_id`` for many ids that differ only in the last part: ``name_ids(a, b)(c) == name_id(a, b, c)``."""
    name = _SEPARATOR.join((*parts, "")).encode("utf-8", "surrogatepass")
    begun = hashlib.sha1(_ROOT + name, usedforsecurity=False)

    def name_of(last: str) -> str:
        digest = begun.copy()
        digest.update(last.encode("utf-8", "surrogatepass"))
        return _version_5(digest.hexdigest())

    return name_of


def _version_5(digest: str) -> str:
    """The first 16 bytes of a SHA-1 (hex) with version and variant set as RFC 9562 §5.5 says."""
    return f"{digest[:8]}-{digest[8:12]}-5{digest[13:16]}-{_VARIANT[digest[16]]}{digest[17:20]}-{digest[20:32]}"


def source_id(agent: str, session: str, native_id: str) -> str:
    """Id of something to which the agent itself gave an id (tool_use_id, prompt_id, turn_id).

    ``agent`` is the source's name as in ``Trace.source`` (``claude_code``, ``codex``, …).
    """
    return name_id(agent, session, native_id)


def occurrence_id(agent: str, session: str, kind: str, arguments: str, ordinal: int) -> str:
    """Id of something without an id of its own: the ``ordinal``-th (from 0) such thing in the session.

    ``kind`` is ``prompt`` or a span kind; ``arguments`` the prompt's text, or ``canonical_json`` of the call.
    """
    return name_id(agent, session, kind, arguments, str(ordinal))


def fingerprint_id(task_hash: str) -> str:
    """UUIDv5 of a task hash (SHA-256, hex)."""
    return name_id("fingerprint", task_hash)


def canonical_json(value: Mapping[str, object] | list[object] | str) -> str:
    """JSON with sorted keys and no spaces: equal values give equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def new_id(now: datetime) -> str:
    """UUIDv7: sorts by ``now`` (aware; millisecond precision), random below it."""
    if now.tzinfo is None:
        raise ValueError("new_id needs an aware time")
    milliseconds = int(now.timestamp() * 1000)
    value = (milliseconds << 80) | int.from_bytes(os.urandom(10), "big")
    value = (value & ~(0xF << 76)) | (0x7 << 76)
    value = (value & ~(0x3 << 62)) | (0x2 << 62)
    return str(uuid.UUID(int=value))


def short_id(identity: str) -> str:
    """The beginning of an id that names one thing, for people and the commands' ``show``.

    Eight digits of a hash do. A UUIDv7 begins with its time, so that all of one minute have the first eight in common:
    of those, the whole millisecond and twelve random bits.
    """
    return identity[:18] if identity[14:15] == "7" else identity[:8]
