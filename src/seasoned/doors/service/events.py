"""``POST /api/traces/{event_type}``: events that scripts and programs report, one, an array of them, or line by line.

Invariant: *what the answer calls accepted is in the spool*, and survives whatever happens to this process. So the answer
waits for the write and for nothing else: secrets are taken out, and rows made, when the spool is drained. One bad event
costs none of its neighbours; it is named by its place, with the reason and without its content. Whoever got no answer
sends everything again: the same event is one event (``capture.reported_events``).

The routes ask for JSON by its media type. A web page may send a form, or plain text, to any address without asking
first; JSON it may not (https://fetch.spec.whatwg.org/#cors-safelisted-request-header).
"""

import errno
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, cast

import msgspec
from anyio import to_thread
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from seasoned.capture.reported_events import EVENT_TYPES, EventType, Said, reported_event, said_by
from seasoned.errors import AccessDeniedError, SeasonedError, TooManyCallsError, ValidationError
from seasoned.model import ExecutionUpdate

if TYPE_CHECKING:
    from seasoned.answers.rates import Rates
    from seasoned.bus import Spool
    from seasoned.model import Document, Identity

__all__ = [
    "MOST_BYTES",
    "MOST_LINES_BYTES",
    "MOST_LINE_BYTES",
    "PATH",
    "Intake",
    "event_routes",
    "http_problem",
    "problem",
]

PATH = "/api/traces/{event_type}"
MOST_BYTES = 4 << 20
"""Of one event or an array, which is read whole."""
MOST_LINES_BYTES = 64 << 20
"""Of NDJSON, which is taken in as it comes."""
MOST_LINE_BYTES = 1 << 20
_LINES = frozenset(
    {
        "application/x-ndjson",
        "application/ndjson",
        "application/jsonl",
        "application/x-jsonlines",
        "application/jsonlines",
    }
)
_NAMED = 1_000
"""Accepted events whose ids the answer gives."""
_SHOWN = 100
"""Rejected events whose reasons it gives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """Where events go, and who may bring them."""

    spool: "Spool"
    caller: "Callable[[Request], Identity]"
    """Who sends a request; called in a thread. Raises AccessDeniedError, StoreError."""
    now: Callable[[], datetime]
    """Aware."""
    rates: "Rates | None" = None
    """Each request counts as one call of kind ``capture``; None: as many as come."""
    clean: "Callable[[Identity, ExecutionUpdate], ExecutionUpdate]" = lambda _, update: update
    """Applied before the spool, for what its drain cannot do."""
    taken: Callable[[], None] = lambda: None
    """Called after a request of which something was accepted."""


def event_routes(intake: Intake) -> list[Route]:
    """The routes, for any Starlette application."""
    return [Route(PATH, partial(_post, intake), methods=["POST"], name="report_event")]


def problem(
    status: int, title: str, detail: str, more: "Document | None" = None, *, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """An error as RFC 9457 has it (https://www.rfc-editor.org/rfc/rfc9457); ``more``: further members."""
    document = {"type": "about:blank", "title": title, "status": status, "detail": detail, **(more or {})}
    return JSONResponse(document, status, headers, media_type="application/problem+json")


class _Refused(Exception):  # noqa: N818  an answer
    """The request as a whole gets this answer, and what it brought before stays accepted."""

    def __init__(self, status: int, title: str, detail: str) -> None:
        super().__init__(detail)
        self.status, self.title = status, title


@dataclass(slots=True, kw_only=True)
class _Taking:
    """One request's events."""

    intake: Intake
    who: "Identity"
    kind: EventType
    said: Said
    accepted: int = 0
    rejected: int = 0
    named: "list[Document]" = field(default_factory=list["Document"])
    reasons: "list[Document]" = field(default_factory=list["Document"])

    def take(self, value: object, place: str, number: int | None = None) -> None:
        """One event, the ``number``-th of many. Raises _Refused where the spool takes no more."""
        said = self.said
        if number is not None and said.event_id is not None:
            said = replace(said, event_id=f"{said.event_id}#{number}")
        try:
            if not isinstance(value, dict):
                raise ValidationError("An event is a JSON object.")
            event = reported_event(
                self.kind, cast("Document", value), said, namespace=self.who.namespace, now=self.intake.now()
            )
        except ValidationError as error:
            self.reject(place, str(error))
            return
        update = event.payload
        assert isinstance(update, ExecutionUpdate)
        if not self.intake.spool.write(replace(event, payload=self.intake.clean(self.who, update))):
            self.stop(place)
        self.accepted += 1
        if len(self.named) < _NAMED:
            self.named.append(
                {
                    "event_id": event.event_id,
                    "execution_id": update.trace.execution_id,
                    "correlation_id": event.correlation_id,
                    "span_id": update.spans[0].span_id if update.spans else None,
                }
            )

    def reject(self, place: str, reason: str) -> None:
        """Of an event that cannot be used."""
        self.rejected += 1
        if len(self.reasons) < _SHOWN:
            self.reasons.append({"place": place, "reason": reason})

    def stop(self, place: str) -> None:
        """Raise what says that the spool cannot be written."""
        error = self.intake.spool.why_lost
        full = error is not None and error.errno in {errno.ENOSPC, errno.EDQUOT}
        reason = (error and error.strerror) or "the spool cannot be written"
        raise _Refused(
            507 if full else 503,
            "No space is left" if full else "Events cannot be kept",
            f"{place}: {reason}. What came before it is kept; send it again later, as a whole if you like.",
        )

    def counts(self) -> "Document":
        """What became of them."""
        return {
            "accepted": self.accepted,
            "rejected": self.reasons,
            "rejected_count": self.rejected,
            "events": self.named,
        }


async def _post(intake: Intake, request: Request) -> Response:
    kind = request.path_params["event_type"]
    if kind not in EVENT_TYPES:
        allowed = ", ".join(EVENT_TYPES)
        return problem(404, "No such type of event", f"Types of events are: {allowed}.", {"allowed": list(EVENT_TYPES)})
    try:
        who = await to_thread.run_sync(intake.caller, request)
        if intake.rates is not None:
            intake.rates.count(who, "capture")
        taking = _Taking(intake=intake, who=who, kind=kind, said=said_by(request.headers))
    except AccessDeniedError as error:
        return problem(401, "Not identified", str(error), headers={"WWW-Authenticate": "Bearer"})
    except TooManyCallsError as error:
        return problem(429, "Too many calls", str(error), headers={"Retry-After": str(error.retry_after_s)})
    except ValidationError as error:
        return problem(422, "A header cannot be used", str(error))
    except SeasonedError as error:
        return problem(503, "Not available", str(error))
    try:
        await _read(request, taking)
    except _Refused as refused:
        return problem(refused.status, refused.title, str(refused), taking.counts())
    except ClientDisconnect:
        return Response(status_code=400)  # nobody reads it
    finally:
        if taking.accepted:
            intake.taken()
    if taking.rejected and not taking.accepted:
        return problem(422, "No event could be used", str(taking.reasons[0]["reason"]), taking.counts())
    return JSONResponse(taking.counts(), 202)


async def _read(request: Request, taking: _Taking) -> None:
    """Take everything in. Raises _Refused."""
    media_type, _, parameters = request.headers.get("content-type", "").partition(";")
    media_type = media_type.strip().lower()
    in_lines = media_type in _LINES
    if not in_lines and media_type != "application/json":
        raise _Refused(415, "Not that media type", "Events are application/json or application/x-ndjson.")
    charset = parameters.lower().replace(" ", "").replace('"', "").partition("charset=")[2]
    if charset not in {"", "utf-8", "utf8"} or request.headers.get("content-encoding", "identity") != "identity":
        raise _Refused(415, "Not that encoding", "Events are UTF-8, and not compressed.")
    most = MOST_LINES_BYTES if in_lines else MOST_BYTES
    if int(request.headers.get("content-length", "0")) > most:  # the server has seen to it that this is a number
        raise _too_large(most)
    if in_lines:
        async for number, line in _lines(_bounded(request, most)):
            if line is None:
                taking.reject(f"line {number}", f"A line has at most {MOST_LINE_BYTES >> 20} MiB.")
            elif line.strip():
                _take_line(line, number, taking)
        if not taking.accepted and not taking.rejected:
            raise _Refused(400, "Nothing to take", "The body is empty.")
        return
    body = b"".join([chunk async for chunk in _bounded(request, most)])
    try:
        value = _decoded(body)
    except ValueError as error:
        raise _Refused(400, "No JSON", f"The body is no JSON: {error}.") from error
    if not isinstance(value, list):
        taking.take(value, "event 1")
        return
    for number, each in enumerate(cast("list[object]", value), 1):
        taking.take(each, f"event {number}", number)


def _take_line(line: bytes, number: int, taking: _Taking) -> None:
    try:
        value = _decoded(line)
    except ValueError as error:
        taking.reject(f"line {number}", f"This is no JSON: {error}.")
    else:
        taking.take(value, f"line {number}", number)


async def _bounded(request: Request, most: int) -> AsyncIterator[bytes]:
    """The body, up to ``most`` bytes. Raises _Refused."""
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > most:
            raise _too_large(most)
        yield chunk


async def _lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[tuple[int, bytes | None]]:
    """Lines with their numbers, from 1; None for one that is too long, which is not kept."""
    number, rest, dropping = 1, bytearray(), False
    async for chunk in chunks:
        *whole, last = chunk.split(b"\n")
        for part in whole:
            rest += part
            yield number, None if dropping or len(rest) > MOST_LINE_BYTES else bytes(rest)
            number, dropping = number + 1, False
            rest.clear()
        rest += last
        if len(rest) > MOST_LINE_BYTES:
            dropping = True
            rest.clear()
    if rest or dropping:
        yield number, None if dropping else bytes(rest)


def _decoded(body: bytes) -> object:
    """The JSON value; bytes that are no UTF-8, as a program's output may hold, are replaced. Raises ValueError."""
    try:
        try:
            return msgspec.json.decode(body)
        except UnicodeDecodeError:
            return msgspec.json.decode(body.decode("utf-8", "replace"))
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def _too_large(most: int) -> _Refused:
    return _Refused(413, "Too large", f"A body has at most {most >> 20} MiB; what came before is kept.")


def http_problem(_: Request, error: Exception) -> Response:
    """Of what the routing itself refuses: an address or a method that is not there."""
    assert isinstance(error, HTTPException)
    return problem(error.status_code, error.detail, error.detail, headers=error.headers)
