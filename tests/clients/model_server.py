"""A model that says what scripts tell it to: a real HTTP server on loopback, for the real agent clients.

Which turn comes next is read from the request alone: a conversation belongs to the script whose prompt was said last in
it, and the turn's number is the number of answers behind that prompt. So a client may repeat a request, run sub-agents
at once or resume a session: no request uses anything up. Requests that offer no tools (titles, summaries, checks) get
one short text. A request that no script answers is refused with a message that says so, and kept in `refused`: a test
that drives a client ends by looking there.
"""

import json
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from clients.dialects import Dialect, dialect_of
from clients.script import Script, Turn

__all__ = ["Asked", "ModelServer", "model_server"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request for an answer."""

    path: str
    prompt: str | None
    """Of the script that answered it; None for a side request."""
    turn: int
    body: str
    """As it came, in UTF-8."""


class ModelServer(ThreadingHTTPServer):
    """The server; `asked` grows as clients ask, in order of arrival."""

    daemon_threads = True

    def __init__(self, scripts: Sequence[Script]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.scripts: dict[str, Script] = {}
        self.learn(*scripts)
        self.asked: list[Asked] = []
        self.refused: list[str] = []
        self.other: list[str] = []
        """Requests for anything else, as method and path; CONNECT and a host where a client would leave loopback."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def learn(self, *scripts: Script) -> None:
        """Answer these prompts too; a later script for the same prompt takes the place of the former."""
        self.scripts |= {script.prompt.strip(): script for script in scripts}

    def bodies(self, prompt: str | None = None) -> list[str]:
        """What the model was sent, side requests left out; of one script, or of all."""
        wanted = None if prompt is None else prompt.strip()
        return [each.body for each in self.asked if each.prompt is not None and wanted in (None, each.prompt)]

    def answer(self, path: str, dialect: Dialect, text: str) -> Turn:
        """The turn that comes next; LookupError where no script has one."""
        body = json.loads(text)
        if not dialect.offers_tools(body):
            self.asked.append(Asked(path=path, prompt=None, turn=0, body=text))
            return Turn(text="Scripted session")
        turn, script = 0, None
        for said in reversed(dialect.conversation(body)):
            if said.by_model:
                turn += 1
            elif script := self._script(said.texts):
                break
        if script is None:
            raise LookupError(f"no script answers the last prompt; there are scripts for {sorted(self.scripts)}")
        if turn >= len(script.turns):
            raise LookupError(f"the script for {script.prompt!r} has {len(script.turns)} turns; asked for one more")
        self.asked.append(Asked(path=path, prompt=script.prompt.strip(), turn=turn, body=text))
        chosen = script.turns[turn]
        return chosen if isinstance(chosen, Turn) else chosen(text)

    def _script(self, texts: Sequence[str]) -> Script | None:
        # Gemini puts what a SessionStart hook adds before the first prompt, in the same block.
        prompts = [text.rpartition("</hook_context>")[2].strip() for text in texts]
        return next((self.scripts[prompt] for prompt in reversed(prompts) if prompt in self.scripts), None)


@contextmanager
def model_server(*scripts: Script) -> Generator[ModelServer]:
    """A running server; stopped at the end."""
    server = ModelServer(scripts)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: ModelServer  # pyright: ignore[reportIncompatibleVariableOverride]
    protocol_version = "HTTP/1.1"

    def handle(self) -> None:
        # A client that ends resets the connections it kept.
        with suppress(ConnectionResetError):
            super().handle()

    def do_GET(self) -> None:
        self._note()
        self._send(404, "application/json", b'{"error": {"message": "no such route"}}')

    def do_CONNECT(self) -> None:
        self._note()
        self._send(403, "text/plain", b"loopback only")

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path = self.path.partition("?")[0]
        dialect = dialect_of(path)
        if dialect is None:
            self._note()
            self._send(404, "application/json", b'{"error": {"message": "no such route"}}')
            return
        try:
            turn = self.server.answer(path, dialect, sent.decode())
        except LookupError as error:
            self.server.refused.append(f"{path}: {error.args[0]}: {sent.decode()}")
            refusal = {"type": "error", "error": {"type": "invalid_request_error", "code": 400, "message": str(error)}}
            self._send(400, "application/json", json.dumps(refusal).encode())
            return
        body = json.loads(sent)
        events = list(dialect.events(turn, body))
        if path.endswith(":generateContent"):
            self._send(200, "application/json", json.dumps(events[0]).encode())
            return
        self._send(200, "text/event-stream", b"".join(_event(each) for each in events))

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: what came is kept in the server's lists."""

    def _note(self) -> None:
        self.server.other.append(f"{self.command} {self.path}")

    def _send(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _event(event: dict[str, Any]) -> bytes:
    name = f"event: {event['type']}\n" if "type" in event else ""
    return f"{name}data: {json.dumps(event)}\n\n".encode()
