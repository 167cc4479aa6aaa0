"""A machine with hooks: a data folder, an inbox and the agents' own transcripts, for the sessions that were recorded."""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from seasoned.bus import Inbox
from seasoned.capture import Redactor
from seasoned.model import Artifact, Span, Trace
from seasoned.store import SqlStore, TraceQuery, open_store
from seasoned.workers import ImportOptions, Writer, import_histories
from seasoned.workers.hooking import TakenIn, take_inbox

DATA = Path(__file__).parents[1] / "data" / "agent-hooks"
RESUMED = DATA.with_name("agent-hooks-resumed")
KEY = b"k" * 32

Row = Trace | Span | Artifact


@dataclass(slots=True)
class Recorded:
    """One of the recorded sessions."""

    source: str
    folder: Path
    payloads: list[dict[str, Any]]
    times: list[float]
    lines: list[int]
    """Of the transcript, as it was at each payload; empty where that was not recorded."""

    @property
    def session_id(self) -> str:
        return self.payloads[0]["session_id"]

    @property
    def end(self) -> datetime:
        return self.at(-1)

    def at(self, place: int) -> datetime:
        return datetime.fromtimestamp(self.times[place], UTC)


def recorded(name: str, *, resumed: bool = False) -> Recorded:
    """``resumed``: of the sessions that were ended and resumed five times."""
    folder = (RESUMED if resumed else DATA) / f"session_{name}"
    lines = [json.loads(line) for line in (folder / "hooks.jsonl").read_text("utf-8").splitlines()]
    source = "claude_code" if name.startswith("claude") else name.partition("_")[0]
    return Recorded(
        source=source,
        folder=folder,
        payloads=[line["payload"] for line in lines],
        times=[line["t"] for line in lines],
        lines=[line["lines"] for line in lines if "lines" in line],
    )


class Machine:
    """A data folder, and the agent's own folder of transcripts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.inbox = Inbox(folder / "inbox")
        self.store: SqlStore = open_store(f"sqlite:///{folder / 'seasoned.db'}")

    def put(self, session: Recorded, places: range | None = None, *, number: int = 0) -> None:
        self.inbox.folder.mkdir(mode=0o700, exist_ok=True)
        for place in places or range(len(session.payloads)):
            path = self.inbox.folder / f"{session.source}.{100 + place}.{number}"
            path.write_text(json.dumps(session.payloads[place]), "utf-8")
            self.stamp(path, session.times[place])

    @staticmethod
    def stamp(path: Path, seconds: float) -> None:
        os.utime(path, ns=(round(seconds * 1e9), round(seconds * 1e9)))

    def drain(self, now: datetime, *, before_commit: Callable[[], None] | None = None) -> TakenIn:
        writer = Writer(self.store, before_commit=before_commit)
        redact = Redactor(KEY).update
        return take_inbox(self.inbox, self.store, writer, redact, namespace="default", now=now)

    def transcript(self, session: Recorded) -> Path:
        path = self.folder / "transcripts" / f"{session.session_id}.jsonl"
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            shutil.copy(session.folder / "transcript.jsonl", path)
            if (session.folder / "subagents").is_dir():
                shutil.copytree(session.folder / "subagents", path.with_suffix("") / "subagents")
        return path

    def read_transcript(self, session: Recorded, *, lines: int | None = None) -> None:
        """Import it; its first ``lines`` alone, as it stood while the session went on."""
        path = self.transcript(session)
        if session.lines:
            whole = (session.folder / "transcript.jsonl").read_bytes().splitlines(keepends=True)
            path.write_bytes(b"".join(whole[:lines]))
        options = ImportOptions(namespace="default", redactor_key=KEY, jobs=0)
        done = import_histories([self.folder / "transcripts"], self.store, Writer(self.store), options)
        assert not done.unreadable
        assert all(file.error is None for file in done.files)

    def rows(self) -> dict[str, Row]:
        found: dict[str, Row] = {}
        for trace in self.store.traces(TraceQuery(namespace="default", limit=1_000)):
            found[trace.execution_id] = trace
            found.update({span.span_id: span for span in self.store.spans(trace.execution_id)})
            found.update({each.artifact_id: each for each in self.store.artifacts(trace.execution_id)})
        return found

    def left(self) -> list[str]:
        return sorted(path.name for path in self.inbox.folder.iterdir())
