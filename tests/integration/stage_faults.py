"""A data folder as the doctor's table sees it, and how each stage breaks."""

import json
import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from seasoned.app import Seasoned
from seasoned.capture.hooks import moment_of
from seasoned.doors.cli.self_test import made_up_session
from seasoned.model import Advice, AdviceItem, Moment
from seasoned.model.ids import name_id
from seasoned.settings import load
from seasoned.testing.word_embedder import WordEmbedder
from seasoned.workers.feedback import advice_event

HOUR, DAY = timedelta(hours=1), timedelta(hours=24)
NOTHING: dict[str, object] = {"arm": None, "reason": "nothing relevant", "items": ()}
"""Of advice: somebody asked, and nothing was known."""


def payloads(data: Path, number: int, *, parts: slice = slice(None), ago: timedelta = timedelta(0)) -> None:
    """What the hooks of a made-up session kept, ``ago``."""
    inbox = data / "inbox"
    inbox.mkdir(mode=0o700, exist_ok=True)
    for place, payload in list(enumerate(made_up_session(number)))[parts]:
        path = inbox / f"claude_code.{number}.{place}"
        path.write_text(json.dumps(payload))
        at = time.time() - ago.total_seconds()
        os.utime(path, (at, at))


def opened(data: Path, *, words: bool = True, **settings: object) -> Seasoned:
    """A data folder, with an embedder that knows words alone."""
    flags = {name.replace("__", "."): value for name, value in settings.items()}
    seasoned = Seasoned(load({}, working_dir=data.parent, flags={"data_dir": data, **flags}))
    if words:
        seasoned.embedder = WordEmbedder()
    return seasoned


def change(seasoned: Seasoned, *statements: str) -> None:
    """Break rows behind Seasoned's back."""
    with closing(sqlite3.connect(seasoned.data_dir / "seasoned.db")) as database, database:
        for statement in statements:
            database.execute(statement)


def give(seasoned: Seasoned, session: str, **facts: object) -> None:
    """Log one piece of advice, as the service does."""
    basis = Advice(
        advice_id=name_id("advice", session, str(facts.get("subject")), str(facts.get("about_id"))),
        namespace=seasoned.namespace,
        given_at=datetime.now(UTC),
        session_id=session,
        source="claude_code",
        moment="after_failure",
        opportunity="automatic",
        items=(AdviceItem(kind="fix", id=name_id("fix"), score=0.9),),
        arm="given",
        share=0.5,
        unit=f"session:{session}",
        latency_ms=3,
        tokens_added=20,
    )
    told = replace(basis, **facts)  # pyright: ignore[reportArgumentType]
    seasoned.writer.ingest([advice_event(told)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """How a stage breaks, which row says so, and what it says to do."""

    breaks: Callable[[Seasoned], object]
    row: str
    says: str
    later: timedelta = timedelta(0)


def segment(seasoned: Seasoned) -> None:
    spool = seasoned.data_dir / "spool"
    spool.mkdir(mode=0o700, exist_ok=True)
    (spool / "00000000000000000001-1-1.jsonl").write_text("{}\n")


def log(*lines: str) -> Callable[[Seasoned], object]:
    at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return lambda seasoned: (seasoned.data_dir / "hooks.log").write_text("".join(f"{at} {line}\n" for line in lines))


def new_session(seasoned: Seasoned) -> None:
    payloads(seasoned.data_dir, 9)
    seasoned.drain_spool()


def many_failures_unmatched(seasoned: Seasoned) -> None:
    known = seasoned.advising.preview(failed()).advice
    assert [each.kind for each in known.items or ()] == ["fix"]
    for number in range(20):
        about = {"given_at": datetime.now(UTC) + 3 * HOUR, "about_id": name_id(str(number)), "subject": known.subject}
        give(seasoned, f"s{number}", **{**NOTHING, **about})


def failed() -> Moment:
    moment = moment_of("claude_code", made_up_session(7)[3])
    assert moment is not None
    return moment


def unheard(seasoned: Seasoned) -> None:
    session = str(made_up_session(1)[0]["session_id"])
    give(seasoned, session)


FAULTS = {
    "the inbox is not drained": Fault(
        breaks=lambda seasoned: payloads(seasoned.data_dir, 4, ago=HOUR), row="came in", says="seasoned service start"
    ),
    "the spool is not drained": Fault(breaks=segment, row="came in", says="seasoned service start", later=HOUR),
    "hooks cannot keep what they are told": Fault(
        breaks=log("hook claude_code: not kept: no file can be made in the inbox"),
        row="came in",
        says="seasoned import",
    ),
    "hooks get no answer again and again": Fault(
        breaks=log(*["ask claude_code: no answer: TimeoutError: timed out"] * 12),
        row="came in",
        says="seasoned service status",
    ),
    "executions are not written": Fault(
        breaks=lambda seasoned: change(seasoned, "DELETE FROM spans", "DELETE FROM execution_traces"),
        row="recorded",
        says="seasoned db export",
    ),
    "calls are not written": Fault(
        breaks=lambda seasoned: change(seasoned, "DELETE FROM spans"), row="recorded", says="seasoned db export"
    ),
    "events cannot be applied": Fault(
        breaks=lambda seasoned: change(
            seasoned,
            "INSERT INTO dead_letters (event_id, consumer, position, topic, error, attempts, state, first_at, last_at) "
            "SELECT event_id, 'writer', position, topic, 'broken', 1, 'dead', recorded_at, recorded_at FROM events LIMIT 1",
        ),
        row="recorded",
        says="seasoned dead-letters",
    ),
    "nothing is embedded": Fault(
        breaks=lambda seasoned: change(seasoned, "DELETE FROM embeddings"),
        row="embedded",
        says="seasoned learn",
        later=2 * HOUR,
    ),
    "embedding stopped": Fault(
        breaks=lambda seasoned: change(
            seasoned, "DELETE FROM embeddings WHERE owner_id = (SELECT max(owner_id) FROM embeddings)"
        ),
        row="embedded",
        says="seasoned learn",
        later=25 * HOUR,
    ),
    "nobody ever learned": Fault(
        breaks=lambda seasoned: change(seasoned, "DELETE FROM consumer_offsets WHERE consumer LIKE 'learner %'"),
        row="learned",
        says="seasoned learn",
        later=2 * HOUR,
    ),
    "learning stopped while work goes on": Fault(
        breaks=lambda seasoned: (
            new_session(seasoned),
            change(
                seasoned,
                "UPDATE events SET recorded_at = '2020-01-01T00:00:00.000000Z' WHERE position = "
                "(SELECT max(position) FROM events)",
            ),
            payloads(seasoned.data_dir, 10),
            seasoned.drain_spool(),
        ),
        row="learned",
        says="seasoned learn",
    ),
    "nobody asks": Fault(
        # Three sessions were told by hooks, and not a word of advice was asked for.
        breaks=lambda seasoned: change(seasoned, "DELETE FROM advice"),
        row="asked",
        says="seasoned service start",
    ),
    "what is known is not found": Fault(
        breaks=many_failures_unmatched, row="matched", says="seasoned service stop", later=4 * HOUR
    ),
    "advice is lost": Fault(
        breaks=lambda seasoned: give(seasoned, "s", arm=None), row="advised", says="seasoned service stop"
    ),
    "advice is always too late": Fault(
        breaks=lambda seasoned: [
            give(seasoned, f"s{number}", reason="too late", tokens_added=0) for number in range(5)
        ],
        row="advised",
        says="service.log",
    ),
    "nobody hears what became of advice": Fault(
        breaks=unheard, row="used", says="seasoned learn", later=2 * HOUR
    ),
    "sessions that asked are not recorded": Fault(
        breaks=lambda seasoned: give(seasoned, "never seen"), row="used", says="seasoned import", later=3 * HOUR
    ),
}  # fmt: skip
