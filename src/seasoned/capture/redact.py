"""Secrets and personal data out, before anything enters the event log.

Invariant: what ``Redactor`` returns holds no secret that it knows how to find; redacting it again changes nothing; the
same secret gives the same placeholder within a namespace, so that prompts and commands still match, and without the
namespace's key no placeholder leads back to a secret or to the same secret elsewhere.

One RE2 pass finds the places worth a look (``secret_contexts.ANCHOR``); only there any work is done, so clean text
costs one scan and comes back as the same object. Home folders become ``~``: the user's name goes, the path still
matches. Contents of ``.env`` files, environment dumps and files outside the project are dropped whole.
"""

import hmac
import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from seasoned.capture.dropped import dropped_reason, is_env_file
from seasoned.capture.linear_patterns import LinearPattern, compile_linear
from seasoned.capture.secret_contexts import ANCHOR, is_literal, read
from seasoned.capture.secret_hits import Hit
from seasoned.capture.secret_values import is_reference, is_secret_name
from seasoned.errors import SettingsError
from seasoned.model import Artifact, CompletedTrace, Document, ExecutionUpdate, Signal, Span, Trace

__all__ = ["Finding", "Redactor"]

_PLACEHOLDER = re.compile("«redacted:[a-z0-9-]{1,60}:[0-9a-f]{8}»".encode())
_SHORT = 16
"""No token is shorter; what is shorter needs one of ``_SIGN`` to be a name and value, an address or a folder."""
_SIGN = re.compile(r"[@/\\=:>-]")
_BACK = 64
_ROUNDS = 4
"""A placeholder ends the name or value that it stands in, which may bare another; after as many rounds it is enough."""
_DEPTH = 32
_KEPT_TEXTS = 8_000
_KEPT_LENGTH = 400
"""Texts whose redaction is remembered: paths, tool names and commands come back all the time. Two thirds of the
strings of a coding agent's history are repeats; remembering them takes a quarter off the time of redaction."""
_RULE_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")
_Record = TypeVar("_Record", Trace, Span, Artifact)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One secret found by ``scan``."""

    rule: str
    start: int
    """Character offset into the text."""
    end: int


class Redactor:
    """Replaces secrets of one namespace. Not thread-safe: ``redactions`` is a plain counter."""

    def __init__(self, key: bytes, *, extra_rules: Sequence[tuple[str, str]] = (), allow: Sequence[str] = ()) -> None:
        """``key``: the namespace's secret, at least 16 bytes. ``extra_rules``: (name, RE2 pattern) pairs; group 1,
        where there is one, is what goes. ``allow``: RE2 patterns; a finding that one of them matches whole stays.

        Raises SettingsError for a short key, a name that is not lower case with dashes, or a pattern that RE2 refuses
        (it has no look-around and no back-references: they cannot be matched in linear time).
        """
        if len(key) < 16:
            raise SettingsError("the redaction key must have at least 16 bytes")
        self._key = key
        self._anchor = compile_linear(ANCHOR, "redaction")
        self._extra = [
            (_rule_name(name), compile_linear(pattern, f"redaction.rules.{name}")) for name, pattern in extra_rules
        ]
        self._allow = [compile_linear(pattern, "redaction.allow") for pattern in allow]
        self.redactions = 0
        """Placeholders put so far."""
        self._kept: dict[str, tuple[str | None, int]] = {}
        """What became of recent texts: the redacted text, None where nothing had to go, and placeholders put."""

    # -- one text ---------------------------------------------------------------------------------------------------
    def text(self, text: str) -> str:
        """``text`` with every secret replaced; the same object when there is none. Linear in its length."""
        if len(text) < _SHORT and not self._extra and not _SIGN.search(text):
            return text
        if len(text) > _KEPT_LENGTH:
            redacted = self._redacted(text)
            return text if redacted is None else redacted
        kept = self._kept.get(text)
        if kept is None:
            before = self.redactions
            redacted = self._redacted(text)
            if len(self._kept) >= _KEPT_TEXTS:
                self._kept.clear()
            self._kept[text] = redacted, self.redactions - before
        else:
            redacted, redactions = kept
            self.redactions += redactions
        return text if redacted is None else redacted

    def scan(self, text: str) -> list[Finding]:
        """What ``text`` would replace, in order, with character offsets; home folders are not findings."""
        encoded = text.encode("utf-8", "surrogatepass")
        findings: list[Finding] = []
        byte = character = 0
        for hit in self._hits(encoded):
            if hit.rule == "home":
                continue
            character += len(encoded[byte : hit.start].decode("utf-8", "surrogatepass"))
            length = len(encoded[hit.start : hit.end].decode("utf-8", "surrogatepass"))
            findings.append(Finding(rule=hit.rule, start=character, end=character + length))
            byte, character = hit.end, character + length
        return findings

    def placeholder(self, rule: str, secret: str) -> str:
        """What stands for ``secret``: 32 bits of HMAC-SHA256 under the namespace's key."""
        digest = hmac.digest(self._key, secret.encode("utf-8", "surrogatepass"), "sha256")
        return f"«redacted:{rule}:{digest[:4].hex()}»"

    # -- structures -------------------------------------------------------------------------------------------------
    def document(self, document: Document) -> Document:
        """``document`` with every string redacted, and whatever stands under a telling key (``password`` …).

        Keys that hold neither a secret nor a home folder are kept. The same object when nothing was found. Deeper than 32
        levels it is dropped.
        """
        return self._value(document, None, _DEPTH)  # pyright: ignore[reportReturnType]  # a dict gives a dict

    def update(self, update: ExecutionUpdate) -> ExecutionUpdate:
        """``update`` fit for the event log. Ids, hashes, numbers and enumerations are left alone."""
        # What a tracker keeps beside its trace is not redacted, and is with the log already.
        trace = self._trace(update.trace.bare if isinstance(update.trace, CompletedTrace) else update.trace)
        outside = update.trace.cwd is not None or update.trace.source is None
        spans = _mapped(update.spans, lambda span: self._span(span, outside_known=outside))
        artifacts = _mapped(update.artifacts, self._artifact)
        if trace is update.trace and spans is update.spans and artifacts is update.artifacts:
            return update
        return replace(update, trace=trace, spans=spans, artifacts=artifacts)

    # -- inside -----------------------------------------------------------------------------------------------------
    def _redacted(self, text: str) -> str | None:
        """``text`` without its secrets; None where it has none."""
        encoded = text.encode("utf-8", "surrogatepass")
        hits = self._hits(encoded)
        if not hits:
            return None
        for _ in range(_ROUNDS):
            encoded = self._replaced(encoded, hits)
            if not (hits := self._hits(encoded)):
                break
        return encoded.decode("utf-8", "surrogatepass")

    def _hits(self, text: bytes) -> list[Hit]:
        """What must go from ``text``: sorted, disjoint, none taking a part of a placeholder."""
        found: list[Hit] = []
        position = 0
        spared: list[tuple[int, int]] | None = None
        while (match := self._anchor.search(text, position)) is not None:
            start, end = match.span()
            if spared is None:
                spared = [m.span() for m in _PLACEHOLDER.finditer(text)] if b"\xc2\xabredacted:" in text else []
            hit = read(text, start, end)
            last = found[-1].end if found else 0
            if (
                hit is None
                or not last <= hit.start < hit.end
                or _cuts(hit, spared)
                or self._is_allowed(text[hit.start : hit.end])
            ):
                # Another anchor may begin inside a short one that came to nothing; going back only 64 bytes keeps it
                # linear.
                again = end - start <= _BACK and is_literal(text[start:end])
                position = start + 1 if again else max(end - 1, start + 1)
                continue
            found.append(hit)
            position = max(hit.end, start + 1)
        for name, pattern in self._extra:
            found.extend(self._extra_hits(name, pattern, text, found))
        if self._extra:
            found.sort(key=lambda hit: hit.start)
        return found

    def _extra_hits(self, name: str, pattern: LinearPattern, text: bytes, found: list[Hit]) -> list[Hit]:
        taken = [(hit.start, hit.end) for hit in found]
        taken.extend(m.span() for m in _PLACEHOLDER.finditer(text))
        taken.sort()
        hits: list[Hit] = []
        index = 0
        for match in pattern.finditer(text):
            start, end = match.span(1 if pattern.groups else 0)
            while index < len(taken) and taken[index][1] <= start:
                index += 1
            free = index == len(taken) or taken[index][0] >= end
            if 0 <= start < end and free and not self._is_allowed(text[start:end]):
                hits.append(Hit(name, start, end))
        return hits

    def _is_allowed(self, value: bytes) -> bool:
        return any(pattern.fullmatch(value) is not None for pattern in self._allow)

    def _replaced(self, text: bytes, hits: list[Hit]) -> bytes:
        parts: list[bytes] = []
        position = 0
        for hit in hits:
            parts.append(text[position : hit.start])
            parts.append(self._replacement(hit, text))
            position = hit.end
        parts.append(text[position:])
        return b"".join(parts)

    def _replacement(self, hit: Hit, text: bytes) -> bytes:
        secret = text[hit.start : hit.end]
        if hit.rule == "home":
            return b"-~" if secret[:1] == b"-" else b"~"
        self.redactions += 1
        return self.placeholder(hit.rule, secret.decode("utf-8", "surrogatepass")).encode()

    def _whole(self, rule: str, text: str) -> str:
        if not text or _PLACEHOLDER.fullmatch(text.encode("utf-8", "surrogatepass")):
            return text
        self.redactions += 1
        return self.placeholder(rule, text)

    def _value(self, value: object, sort: str | None, depth: int) -> object:
        if isinstance(value, str):
            if sort is not None and len(value) >= (1 if sort == "password" else 6) and not is_reference(value):
                return self._whole(sort, value)
            return self.text(value)
        if isinstance(value, dict):
            if depth == 0:
                return {}
            entries: dict[object, object] = value  # pyright: ignore[reportUnknownVariableType]
            changed = [
                (self._key_of(key), self._value(item, _sort_of(key), depth - 1)) for key, item in entries.items()
            ]
            pairs = zip(changed, entries.items(), strict=True)
            same = all(new is old and value is item for (new, value), (old, item) in pairs)
            return entries if same else dict(changed)
        if isinstance(value, list):
            items: list[object] = value  # pyright: ignore[reportUnknownVariableType]
            if depth == 0:
                return []
            redacted_items = [self._value(item, sort, depth - 1) for item in items]
            same = all(new is old for new, old in zip(redacted_items, items, strict=True))
            return items if same else redacted_items
        return value

    def _key_of(self, key: object) -> object:
        return self.text(key) if isinstance(key, str) else key

    def _trace(self, trace: Trace) -> Trace:
        changes = self._strings(
            trace,
            "prompt error_message cwd repo git_branch user_id agent_name model error_type".split(),
        )
        self._documents(trace, ("context", "metadata"), changes)
        self._lists(trace, ("follow_ups", "tags", "agent_chain"), changes)
        evidence = _mapped(trace.outcome_evidence, self._signal)
        if evidence is not trace.outcome_evidence:
            changes["outcome_evidence"] = evidence
        return _changed(trace, changes)

    def _signal(self, signal: Signal) -> Signal:
        detail = self.text(signal.detail)
        return signal if detail is signal.detail else replace(signal, detail=detail)

    def _span(self, span: Span, *, outside_known: bool) -> Span:
        reason = dropped_reason(span, outside_known=outside_known)
        results = ("result_preview", "error_message")
        names = ("name", "tool", "model", "description", "error_type")
        changes = self._strings(span, names if reason else (*names, *results))
        self._documents(span, ("arguments", "attributes"), changes)
        self._lists(span, ("files",), changes)
        if reason is not None:
            for name in results:
                text: str | None = getattr(span, name)
                if text and (placeholder := self._whole(reason, text)) is not text:
                    changes[name] = placeholder
            if reason == "env-file" and span.arguments is not None:
                arguments = self._without_content(self.document(span.arguments), "")
                if arguments != span.arguments:
                    changes["arguments"] = arguments
        return _changed(span, changes)

    def _without_content(self, value: object, key: str) -> object:
        """A call's arguments with everything but paths and commands dropped: what it writes is the file's content."""
        if isinstance(value, str):
            return value if _PLACE_KEY.search(key) else self._whole("env-file", value)
        if isinstance(value, dict):
            entries: dict[object, object] = value  # pyright: ignore[reportUnknownVariableType]
            return {name: self._without_content(item, str(name)) for name, item in entries.items()}
        if isinstance(value, list):
            items: list[object] = value  # pyright: ignore[reportUnknownVariableType]
            return [self._without_content(item, key) for item in items]
        return value

    def _artifact(self, artifact: Artifact) -> Artifact:
        changes = self._strings(artifact, ("file_path", "content_preview"))
        self._documents(artifact, ("metadata", "complexity_metrics", "pattern_compliance"), changes)
        if is_env_file(artifact.file_path):
            preview = artifact.content_preview
            if preview and (placeholder := self._whole("env-file", preview)) is not preview:
                changes["content_preview"] = placeholder
            if artifact.content_hash is not None:
                # A digest of a few short lines can be guessed.
                changes["content_hash"] = None
        return _changed(artifact, changes)

    def _strings(self, record: object, names: Sequence[str]) -> dict[str, object]:
        changes: dict[str, object] = {}
        for name in names:
            value: str | None = getattr(record, name)
            if value is not None and (redacted := self.text(value)) is not value:
                changes[name] = redacted
        return changes

    def _documents(self, record: object, names: Iterable[str], changes: dict[str, object]) -> None:
        for name in names:
            value: Document | None = getattr(record, name)
            if value is not None and (redacted := self.document(value)) is not value:
                changes[name] = redacted

    def _lists(self, record: object, names: Iterable[str], changes: dict[str, object]) -> None:
        for name in names:
            values: tuple[str, ...] = getattr(record, name)
            if (redacted := _mapped(values, self.text)) is not values:
                changes[name] = redacted


_PLACE_KEY = re.compile(r"path|file|name|command|cmd|description|tool", re.IGNORECASE)


def _rule_name(name: str) -> str:
    if not _RULE_NAME.fullmatch(name):
        raise SettingsError(f"redaction.rules: {name!r} is no rule name; use lower-case letters, digits and dashes")
    return name


def _sort_of(key: object) -> str | None:
    sort = is_secret_name(key) if isinstance(key, str) else None
    return None if sort == "key" else sort


def _cuts(hit: Hit, spared: list[tuple[int, int]]) -> bool:
    """Whether ``hit`` takes a part of a placeholder; one that it holds whole may go with it. They are sorted, disjoint."""
    for index in (bisect_left(spared, (hit.start, 0)) - 1, bisect_left(spared, (hit.end, 0)) - 1):
        if index >= 0:
            start, end = spared[index]
            if start < hit.end and hit.start < end and not hit.start <= start <= end <= hit.end:
                return True
    return False


_T = TypeVar("_T")


def _mapped(values: tuple[_T, ...], change: Callable[[_T], _T]) -> tuple[_T, ...]:
    changed = tuple(change(value) for value in values)
    return values if all(new is old for new, old in zip(changed, values, strict=True)) else changed


def _changed(record: _Record, changes: dict[str, object]) -> _Record:
    return replace(record, **changes) if changes else record  # pyright: ignore[reportArgumentType]
