"""An MCP server with a search tool, as a knowledge source.

The question is held in a thread of its own that nobody waits for longer than the budget: neither a slow import of the
SDK, nor a name that does not resolve, nor a server that hangs can be interrupted from within. What outlives its budget
is cut off from outside, by killing the server or letting the connection go.
"""

import asyncio
import threading
import time
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from seasoned.knowledge.exchange import Exchange, SearchReply
from seasoned.knowledge.port import KnowledgeAnswer
from seasoned.knowledge.process import ServerProcess
from seasoned.knowledge.reading import plain, read_results, refusal, visible
from seasoned.knowledge.tools import PRESETS

__all__ = ["QUERY_LIMIT", "McpSource"]

QUERY_LIMIT = 1_000
"""Characters of a query that are sent: a search has no use for more, and what is not sent stays here."""
_GRACE_S = 0.5
"""What a server that has answered gets to put its things in order."""
_SAID_LIMIT, _SOURCE_LIMIT = 300, 80


@dataclass(frozen=True, slots=True, kw_only=True)
class _Server:
    """How it is reached, and which of its tools is asked."""

    command: tuple[str, ...]
    url: str | None
    token: str | None
    tool: str | None
    preset: str | None
    working_dir: Path

    @property
    def name(self) -> str:
        # Neither arguments nor the rest of an address: both may hold a password.
        return Path(self.command[0]).name if self.command else urlsplit(self.url or "").netloc.rpartition("@")[2]


class McpSource:
    """Asks one MCP server, on stdio or streamable HTTP; see ``KnowledgeSource``. Nothing is started before a question."""

    def __init__(
        self,
        *,
        command: Sequence[str] = (),
        url: str | None = None,
        token: str | None = None,
        tool: str | None = None,
        preset: str | None = None,
        working_dir: Path,
    ) -> None:
        """``command`` (program and arguments, run in ``working_dir``) or ``url``, not both; ``token`` goes to ``url``.

        ``tool`` names the search tool, ``preset`` one of ``tools.PRESETS``; see ``tools.search_tool``. Raises ValueError.
        """
        if bool(command) == (url is not None):
            raise ValueError("give the command of a server, or its address: one of them")
        if url is not None and (urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).hostname):
            raise ValueError("the address of a server begins with http:// or https:// and names a host")
        if preset is not None and preset not in PRESETS:
            raise ValueError(f"there is no preset {preset!r}; there are {', '.join(PRESETS)}")
        self._server = _Server(
            command=tuple(command), url=url, token=token, tool=tool, preset=preset, working_dir=working_dir
        )

    def search(self, query: str, *, most: int, budget_ms: int) -> KnowledgeAnswer:
        """See ``KnowledgeSource``."""
        if most < 1 or budget_ms < 1:
            raise ValueError("most and budget_ms are 1 or more")
        question = _Question(self._server, visible(query[:QUERY_LIMIT]), most, budget_ms)
        question.hold()
        return question.answer()


class _Question:
    """One question to one server, held in a thread of its own."""

    def __init__(self, server: _Server, query: str, most: int, budget_ms: int) -> None:
        self._server = server
        self._query = query
        self._most = most
        self._budget_ms = budget_ms
        self._began = time.monotonic()
        self._lock = threading.Lock()
        self._settled = threading.Event()
        self._over = False
        """Guarded by the lock: nobody waits any more, so that a process may not be started, or must end."""
        self._in_time = False
        self._process: ServerProcess | None = None
        self._connected = False
        self._seen = Exchange()
        self._reply: SearchReply | None = None
        self._reason: str | None = None
        self._error: Exception | None = None

    def hold(self) -> None:
        """Ask, and come back when there is an answer, a reason for none, or no time left."""
        thread = threading.Thread(target=self._run, name="seasoned-knowledge", daemon=True)
        thread.start()
        self._in_time = self._settled.wait(self._budget_ms / 1000)
        with self._lock:
            self._over = True
            late = None if self._in_time else self._process
        if late is not None:
            late.end()

    def answer(self) -> KnowledgeAnswer:
        """What came of it. Raises what is no fault of the server's."""
        # What comes after the budget was cut off by its end, and tells of that alone.
        reply, reason, error = (self._reply, self._reason, self._error) if self._in_time else (None, None, None)
        if error is not None:
            raise error
        name = plain(self._seen.server or "", _SOURCE_LIMIT, one_line=True) or self._server.name
        results = ()
        if reply is not None:
            refused = (
                "; ".join(reply.texts) or "no reason given" if reply.failed else refusal(reply.structured, reply.texts)
            )
            reason = None if refused is None else f"its tool {reply.tool} refuses: {refused}"
            results = () if reason is not None else read_results(reply.structured, reply.texts, self._most)
        if reply is None and reason is None:
            why = f": {self._seen.fault}" if self._seen.fault else ""
            said = f"The knowledge base {name} did not answer within {self._budget_ms:,} ms{why}."
        elif reason is not None:
            said = f"The knowledge base {name} cannot be used: {reason}".rstrip(".") + "."
        else:
            count = f"{len(results)} passage{'s' if len(results) != 1 else ''}" if results else "nothing"
            said = f"The knowledge base {name} found {count}."
        return KnowledgeAnswer(
            source=name,
            asked=self._query,
            available=reply is not None and reason is None,
            results=results,
            said=plain(said, _SAID_LIMIT, one_line=True),
            took_ms=round((time.monotonic() - self._began) * 1000),
        )

    def _run(self) -> None:
        try:
            if self._server.command and not self._started():
                return
            from seasoned.knowledge import session  # most of a second, in which the server starts too

            try:
                asyncio.run(self._converse())
            except TimeoutError:
                pass  # ``hold`` has stopped waiting too
            except Exception as error:  # noqa: BLE001  # ``_explain`` raises again what is no fault of the server's
                self._explain(error, session.foreign_reason(error))
        except Exception as error:  # noqa: BLE001  # raised again by ``answer``
            self._error = error
        finally:
            self._settled.set()
            if self._process is not None:
                self._process.leave(grace_s=_GRACE_S)

    def _started(self) -> bool:
        """Whether there is a server to talk to."""
        with self._lock:
            if self._over:
                return False
            try:
                self._process = ServerProcess(self._server.command, working_dir=self._server.working_dir)
            except OSError as error:
                self._reason = f"it cannot be started: {error.strerror or error}"
                return False
        return True

    async def _converse(self) -> None:
        from seasoned.knowledge import session

        def connect() -> AbstractAsyncContextManager[tuple[object, object]]:
            if self._process is None:
                return session.http_transport(
                    self._server.url or "", self._server.token, self._budget_ms / 1000, self._seen
                )
            if self._connected:  # a server on stdio has one connection in its life
                self._process.close()
                if not self._started():
                    raise TimeoutError
            self._connected = True
            return session.pipe_transport(self._process, self._seen)

        def deliver(reply: SearchReply) -> None:
            self._reply = reply
            self._settled.set()

        left = self._began + self._budget_ms / 1000 - time.monotonic()
        async with asyncio.timeout(left):
            await session.ask(
                connect,
                self._seen,
                query=self._query,
                most=self._most,
                wanted=self._server.tool,
                preset=self._server.preset,
                deliver=deliver,
            )

    def _explain(self, error: Exception, reason: str | None) -> None:
        """Say why there is no answer; what follows an answer that was delivered is of no interest to it."""
        if reason is None:
            raise error
        if self._reply is None:
            gone = self._process if "closed" in reason.casefold() else None
            self._reason = self._seen.fault or (reason if gone is None else gone.last_words())
