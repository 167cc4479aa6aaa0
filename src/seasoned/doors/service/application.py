"""The routes. A hook is answered within its budget, in its agent's format, with nothing where anything is wrong.

Commands are answered only where they run the same code under the same settings (``resident.digest``); whatever else, also
an error, they are sent away, and answer by themselves, so that an error is said once and in one way.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from seasoned import answers
from seasoned.answers.fix_answer import told_fixes
from seasoned.answers.plain import plain
from seasoned.app.parts import now
from seasoned.capture.hooks import SOURCES
from seasoned.doors.service.events import Intake, event_routes, http_problem
from seasoned.doors.service.hooking import Delivery, hook_answer
from seasoned.errors import SeasonedError

if TYPE_CHECKING:
    from seasoned.app import Seasoned
    from seasoned.doors.service.office import Office
    from seasoned.model import Identity

__all__ = ["application"]

_log = logging.getLogger("seasoned.service")

_MOST_BYTES = 64 << 20
_BUDGET_MS = 40.0
"""A hook's own budget is 45 ms (``hooks/ask.py``); the rest is for the way there and back."""
_WAY_MS = 5.0


class Matches(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What ``seasoned similar`` asks."""

    prompt: str
    limit: int
    min_score: float | None
    semantic: bool


class Fixes(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What ``seasoned failures fix`` asks."""

    error: str
    tool: str | None
    command: str | None


def _matches(seasoned: "Seasoned", given: Matches) -> object:
    return seasoned.similar(given.prompt, limit=given.limit, min_score=given.min_score, semantic=given.semantic)


def _fixes(seasoned: "Seasoned", given: Fixes) -> object:
    return told_fixes(seasoned, given.error, tool=given.tool, command=given.command)


COMMANDS: Mapping[str, tuple[type[msgspec.Struct], Callable[..., object]]] = {
    "similar": (answers.CheckSimilarTasks, answers.check_similar_tasks),
    "fix": (answers.GetFix, answers.get_fix),
    "capture": (answers.CaptureTaskExecution, answers.capture_task_execution),
    "matches": (Matches, _matches),
    "fixes": (Fixes, _fixes),
}
"""Route → arguments and the function of the core that answers."""


def application(office: "Office") -> Starlette:
    """The ASGI application of one service."""

    def caller(_: Request) -> "Identity":
        office.touch()
        return office.seasoned.me  # whoever can open the socket

    intake = Intake(spool=office.spool, caller=caller, now=now)
    return Starlette(
        routes=[
            Route("/hook/{source}", partial(_hook, office), methods=["POST"]),
            Route("/health", partial(_health, office), methods=["GET"]),
            Route("/stop", partial(_stop, office), methods=["POST"]),
            *(Route(f"/{name}", _command(office, name), methods=["POST"]) for name in COMMANDS),
            *event_routes(intake),
        ],
        exception_handlers={HTTPException: http_problem},
    )


async def _hook(office: "Office", request: Request) -> Response:
    """What a hook prints; see ``hooking``."""
    office.touch()
    source = request.path_params["source"]
    if source not in SOURCES:
        return Response(status_code=404)
    began = perf_counter()
    body = await _body(request)
    if body is None:
        return Response(status_code=413)
    if not office.ready:
        return Response(b"")
    delivery = Delivery()
    loop = asyncio.get_running_loop()
    answer = loop.run_in_executor(office.threads, hook_answer, office.seasoned, source, body, delivery)
    left = _budget_s(request) - (perf_counter() - began)
    done, _ = await asyncio.wait({answer}, timeout=max(left, 0.0))
    if not done and delivery.give_up():
        office.late += 1
        answer.cancel()
        answer.add_done_callback(_late)
        _log.warning("A hook of %s was answered with nothing: %d ms were not enough.", source, left * 1000)
        return Response(b"")
    try:
        said = await answer
    except (SeasonedError, msgspec.DecodeError) as error:
        _log.warning("A hook of %s was answered with nothing: %s", source, error)
        said = b""
    except Exception:  # noqa: BLE001  the hook fails open, whatever it is
        _log.exception("A hook of %s was answered with nothing.", source)
        said = b""
    office.answered += 1
    return Response(said)


def _late(answer: "asyncio.Future[bytes]") -> None:
    if not answer.cancelled() and (error := answer.exception()) is not None:
        _log.warning("An answer that was too late failed: %s", error)


def _budget_s(request: Request) -> float:
    """What the hook allows itself, less the way; never more than half a minute."""
    said = request.headers.get("seasoned-budget-ms", "")
    allowed = min(float(said) if said.isdecimal() else _BUDGET_MS + _WAY_MS, 30_000.0)
    return max(allowed - _WAY_MS, 1.0) / 1000


def _command(office: "Office", name: str) -> Callable[[Request], Awaitable[Response]]:
    kind, answer = COMMANDS[name]

    async def endpoint(request: Request) -> Response:
        office.touch()
        if request.headers.get("seasoned-digest") != office.digest:
            return _refusal(409, "This service runs other code, or under other settings.")
        if not office.ready:
            return _refusal(503, office.failed or "Not ready yet.")
        body = await _body(request)
        if body is None:
            return _refusal(413, "Too much.")
        try:
            given = msgspec.json.decode(body, type=kind)
            loop = asyncio.get_running_loop()
            found = await loop.run_in_executor(office.threads, answer, office.seasoned, given)
        except msgspec.ValidationError as error:
            return _refusal(422, str(error))
        except msgspec.DecodeError as error:
            return _refusal(400, str(error))
        except SeasonedError as error:
            return _refusal(422, str(error))
        office.answered += 1
        office.touch()
        return Response(msgspec.json.encode(found), media_type="application/json")

    return endpoint


async def _health(office: "Office", _request: Request) -> Response:
    said = plain(office.health())  # the name of a folder need not be text
    return Response(msgspec.json.encode(said), media_type="application/json")


async def _stop(office: "Office", _request: Request) -> Response:
    office.stop()
    return JSONResponse({"stopping": True})


async def _body(request: Request) -> bytes | None:
    """The whole body; None where it is too long."""
    pieces: list[bytes] = []
    size = 0
    try:
        async for piece in request.stream():
            size += len(piece)
            if size > _MOST_BYTES:
                return None
            pieces.append(piece)
    except ClientDisconnect:  # nobody will hear the answer
        return b""
    return b"".join(pieces)


def _refusal(status: int, message: str) -> JSONResponse:
    return JSONResponse({"error": message}, status_code=status)
