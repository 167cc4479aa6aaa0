"""What ``seasoned doctor`` looks at. Each finding says what was counted, so that "healthy" can be believed."""

import shutil
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seasoned.doors.cli import output
from seasoned.errors import EmbedderError

if TYPE_CHECKING:
    from seasoned.app import Seasoned

__all__ = ["Checked", "checkup"]

_LOW_DISK_BYTES = 500_000_000
_LOOKED_AT = {
    "integrity": ("", "the database engine finds its file sound"),
    "foreign_keys": ("", "no row points at one that is not there"),
    "indexes": ("", "{n} there, none missing"),
    "trace_counters": ("execution", ": steps, tokens and files as the rows say"),
    "fingerprint_counters": ("task", ": runs and outcomes as the rows say"),
    "artifact_fingerprints": ("changed file", ", none of another task than its execution"),
    "span_namespaces": ("span", ", none in another namespace than its execution"),
    "pattern_counters": ("pattern", ": usages as the rows say"),
    "failure_counters": ("failure pattern", ": occurrences as the rows say"),
    "resolution_counters": ("resolution", ": seen and worked as the occurrences say"),
    "keyword_counts": ("word", ", each counted in as many tasks as have it"),
    "full_text": ("word", " indexed, each in as many tasks as have it"),
    "pattern_keywords": ("pattern word", ", each where it belongs"),
    "orphan_spans": ("span", ", none whose parent is missing"),
    "orphan_embeddings": ("vector", ", none without its task"),
    "waiting_traces": ("execution", ", none known by its parts alone"),
    "consumer_offsets": ("reader", " of the event log, none ahead of it"),
}
"""What a check that found nothing has seen: of what, which is counted, and the rest; ``{n}`` is how many rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One thing looked at."""

    name: str
    healthy: bool
    detail: str


def checkup(seasoned: "Seasoned", *, repair: bool) -> list[Checked]:
    """Every check, in the order in which a fault would spread."""
    from seasoned.store.doctor import examine
    from seasoned.workers import CONSUMER

    store = seasoned.store
    findings: list[Checked] = []
    if seasoned.database_url.startswith("sqlite"):
        free = shutil.disk_usage(seasoned.data_dir).free
        findings.append(
            Checked(
                name="disk", healthy=free > _LOW_DISK_BYTES, detail=f"{output.size(free)} free in {seasoned.data_dir}"
            )
        )
    health = examine(store, repair=repair)
    for name in dict.fromkeys((*health.checked, *health.found)):
        looked, off = health.checked.get(name, 0), health.found.get(name, 0)
        first = next((each for each in health.findings if each.check == name), None)
        noun, rest = _LOOKED_AT.get(name, ("", "{n} looked at"))
        detail = (output.counted(looked, noun) if noun else "") + rest.format(n=output.number(looked))
        if first is not None:
            detail = (
                f"{output.number(looked)} looked at, {off} off; the first: {first.subject}: {first.found} instead of "
                f"{first.expected}"
            )
            if first.remedy:
                detail += f"; {first.remedy}"
            elif not repair:
                detail += "; --repair puts it right"
        findings.append(Checked(name=name.replace("_", " "), healthy=not off or health.sound, detail=detail))
    with store.writing() as writing:
        head, offset = writing.log_head(), writing.committed_offset(CONSUMER)
    waiting = head - offset
    findings.append(
        Checked(
            name="event log",
            healthy=waiting == 0,
            detail=f"{output.number(offset)} of {output.number(head)} entries applied"
            + ("" if waiting == 0 else "; any import applies the rest"),
        )
    )
    dead = [letter for letter in store.dead_letters() if letter.state == "dead"]
    findings.append(
        Checked(
            name="dead letters",
            healthy=not dead,
            detail=f"{len(dead)} could not be applied (`seasoned dead-letters list`); the newest: {dead[-1].error}"
            if dead
            else "every event was applied",
        )
    )
    findings.append(_set_aside(seasoned))
    findings.append(_vectors(seasoned))
    return findings


def _set_aside(seasoned: "Seasoned") -> Checked:
    from seasoned import bus

    lines = seasoned.set_aside()
    day_ago = time.time() - 86_400
    inbox = seasoned.data_dir / bus.INBOX_FOLDER
    torn = [path for path in inbox.glob("*.bad") if path.stat().st_mtime > day_ago]
    said: list[str] = []
    if lines:
        said.append(
            f"{output.counted(lines, 'file')} of the spool with lines that could not be read; after an upgrade or a repair "
            "`seasoned dead-letters redrive` takes them in"
        )
    if torn:
        said.append(
            f"{output.counted(len(torn), 'payload')} of hooks since yesterday that are none ({torn[0].name}); look at them "
            f"in {inbox}, and delete them"
        )
    return Checked(name="set aside", healthy=not said, detail="; ".join(said) or "nothing that came in was unreadable")


def _vectors(seasoned: "Seasoned") -> Checked:
    try:
        embedder, index = seasoned.embedder, seasoned.index
        if embedder is None or index is None:
            return Checked(name="vectors", healthy=True, detail="embeddings are switched off")
        model = embedder.info.model
        fingerprints = seasoned.store.counts(seasoned.namespace).fingerprints
        stored = seasoned.store.embedding_count(seasoned.namespace, model)
        indexed = index.refresh(seasoned.namespace, model)
    except EmbedderError as error:
        return Checked(name="vectors", healthy=False, detail=str(error))
    # What agents recorded themselves waits for the next learning or import: behind, but nothing is wrong.
    healthy = stored == indexed and stored <= fingerprints
    embedded = f"{output.number(stored)} of {output.number(fingerprints)} tasks embedded"
    detail = f"{embedded}, {output.number(indexed)} indexed"
    if stored < fingerprints:
        detail += "; `seasoned learn` embeds the rest"
    return Checked(name="vectors", healthy=healthy, detail=detail)
