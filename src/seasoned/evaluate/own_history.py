"""The store's own history as questions with a known answer: what was asked, and the files that came of it.

A task is a root execution that changed files, its sub-agents' files included; a commit without an agent is known, but
never a question. One history per repository (where that is not known, per working directory), as paths of different
ones mean different files. A question is asked when the execution began, and a task is known when it ended. Families
join what shares a session or the beginning of a prompt (``evaluate.histories``).
"""

from collections.abc import Iterator

from seasoned.evaluate.histories import Change, Families, History, LinkedTask, same_beginning
from seasoned.model import Artifact, Trace
from seasoned.store import Store, TraceQuery

__all__ = ["read_own_histories"]

_PAGE = 500
_COMMITS = "git"
"""Source of executions that are commits: their prompt is the commit's message, which nobody put to an agent."""


def read_own_histories(store: Store, namespace: str) -> list[History]:
    """One history for each place where work was done, by name; places where nothing changed are left out.

    Raises StoreError.
    """
    families = Families()
    places: dict[str, list[tuple[Trace, list[Artifact]]]] = {}
    for trace in _roots(store, namespace):
        session = ("session", trace.session_id or trace.execution_id)
        families.join(session, ("execution", trace.execution_id))
        if trace.prompt and (begun := same_beginning(trace.prompt)) is not None:
            families.join(session, ("prompt", begun))
        changed = _artifacts(store, trace.execution_id)
        if changed and trace.prompt and trace.prompt.strip() and trace.started_at is not None:
            places.setdefault(trace.repo or trace.cwd or "", []).append((trace, changed))
    return [_history(place, done, families) for place, done in sorted(places.items())]


def _roots(store: Store, namespace: str) -> Iterator[Trace]:
    offset = 0
    while found := store.traces(TraceQuery(namespace=namespace, roots_only=True, limit=_PAGE, offset=offset)):
        yield from found
        offset += len(found)


def _artifacts(store: Store, execution_id: str) -> list[Artifact]:
    """Of the execution and of all that it delegated."""
    found: dict[str, list[Artifact]] = {}
    waiting = [execution_id]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found[one] = store.artifacts(one)
            waiting += [child.execution_id for child in store.children(one)]
    return [artifact for each in found.values() for artifact in each]


def _history(place: str, done: list[tuple[Trace, list[Artifact]]], families: Families) -> History:
    tasks: list[LinkedTask] = []
    changes: list[Change] = []
    for trace, artifacts in done:
        if trace.started_at is None:
            continue
        family = families.of(("execution", trace.execution_id))
        ended = (trace.completed_at or trace.started_at).timestamp()
        lines: dict[str, int] = {}
        for each in artifacts:
            lines[each.file_path] = lines.get(each.file_path, 0) + (each.lines_added or 0) - (each.lines_deleted or 0)
        tasks.append(
            LinkedTask(
                prompt=(trace.prompt or "").strip(),
                files=frozenset(lines),
                asked_at=trace.started_at.timestamp(),
                done_at=max(ended, trace.started_at.timestamp()),
                family=family,
                session=trace.session_id or "",
                asked=trace.source != _COMMITS,
            )
        )
        changes.append(Change(at=ended, files=tuple(sorted(lines.items())), family=family))
    tasks.sort(key=lambda task: (task.done_at, task.asked_at, task.prompt, sorted(task.files)))
    changes.sort(key=lambda change: (change.at, change.files))
    return History(name=place or "(place unknown)", tasks=tuple(tasks), changes=tuple(changes))
