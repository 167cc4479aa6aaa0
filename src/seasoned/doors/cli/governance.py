"""``seasoned patterns review | promote | reject | …``: who may see a pattern, which version is best, what is trusted."""

from typing import TYPE_CHECKING, Annotated, Literal, cast

import typer

from seasoned.doors.cli import output
from seasoned.doors.cli.arguments import argument, boolean, document, names
from seasoned.doors.cli.knowledge import Limit, patterns
from seasoned.doors.cli.pages import show_pattern
from seasoned.doors.cli.root import AsJson, context
from seasoned.errors import UsageError

if TYPE_CHECKING:
    from seasoned.model import Pattern

__all__: list[str] = []

Key = Annotated[str, typer.Argument(help="Id, the beginning of one (6 characters), or name.", show_default=False)]
Reason = Annotated[str, typer.Option("--reason", help="Why; kept in the audit log.", show_default=False)]
MaybeReason = Annotated[str | None, typer.Option("--reason", help="Why; kept in the audit log.")]
Level = Literal["private", "team", "shared", "public", "system"]


def _said(pattern: "Pattern", what: str, *, as_json: bool) -> None:
    if as_json:
        output.emit_json(pattern)
        return
    output.say(f"{output.clean(pattern.pattern_name)} {pattern.version} ({pattern.pattern_id[:13]}): {what}")


@patterns.command("create")
def create(
    invocation: typer.Context,
    name: Annotated[str, typer.Argument(help="Its name.", show_default=False)],
    category: Annotated[str, typer.Option(help="Task type, or a category of your own.")],
    data: Annotated[str, typer.Option(help="problem, solution, steps, …: JSON object, @file or -.")],
    access: Annotated[Level, typer.Option(help="Who may read it.")] = "private",
    share_with: Annotated[str | None, typer.Option(help="Agents, for level shared: JSON list, or with commas.")] = None,
    as_json: AsJson = False,
) -> None:
    """Record a pattern. It is a candidate until it is promoted."""
    content = document("--data", data) or {}
    ctx = context(invocation)
    with ctx.open() as seasoned:
        made = ctx.library(seasoned).create_pattern(
            name, category, content, access_level=access, shared_with_agents=names("--share-with", share_with)
        )
    _said(made, f"recorded as {made.status}, access {made.access_level}", as_json=as_json)


@patterns.command("search")
def search(
    invocation: typer.Context,
    question: Annotated[str, typer.Argument(help="What you want to do.", show_default=False)],
    status: Annotated[Literal["candidate", "active", "deprecated", "rejected"] | None, typer.Option()] = None,
    limit: Limit = 10,
    as_json: AsJson = False,
) -> None:
    """Find patterns for a question. By meaning and by words; looking is not counted as use."""
    from seasoned.store import LibraryQuery

    ctx = context(invocation)
    with ctx.open() as seasoned:
        query = LibraryQuery(status=(status,) if status else (), limit=limit)
        found = ctx.library(seasoned).find(question, query)
    if as_json:
        output.emit_json({"patterns": found})
        return
    if not found:
        output.say("Nothing in the library answers that.")
        return
    output.table(
        ("id", "score", "status", "version", "shares", "name"),
        [
            (
                each.pattern.pattern_id[:13],
                f"{each.score:.2f}",
                each.pattern.status,
                each.pattern.version,
                output.head(", ".join(each.shared[:4]), 40),
                output.head(each.pattern.pattern_name, 100),
            )
            for each in found
        ],
        right={1: True},
    )


@patterns.command("recommend")
def recommend(
    invocation: typer.Context,
    task: Annotated[str | None, typer.Option(help="The task at hand; @file or -.")] = None,
    category: Annotated[str | None, typer.Option(help="Only this one.")] = None,
    limit: Limit = 10,
    as_json: AsJson = False,
) -> None:
    """Recommend active patterns. Each with where its score comes from."""
    ctx = context(invocation)
    about: dict[str, object] | None = None if task is None else {"task": argument("--task", task)}
    with ctx.open() as seasoned:
        found = ctx.library(seasoned).recommend_patterns(category=category, context_data=about, limit=limit)
    if as_json:
        told = [{"score": each.score, "explanation": each.explanation, "pattern": each.pattern} for each in found]
        output.emit_json({"recommendations": told})
        return
    if not found:
        output.say("No active pattern to recommend. `seasoned patterns review` shows what waits for you.")
        return
    for each in found:
        output.say(f"{output.clean(each.pattern.pattern_name)} {each.pattern.version} ({each.pattern.pattern_id[:13]})")
        output.say(f"    {each.explanation}")


@patterns.command("use")
def use(
    invocation: typer.Context,
    pattern: Key,
    success: Annotated[str | None, typer.Option(help="true or false; unknown where it is not said.")] = None,
    seconds: Annotated[float | None, typer.Option(min=0, help="How long it took.")] = None,
    execution: Annotated[str | None, typer.Option(help="The execution in which it was used.")] = None,
    as_json: AsJson = False,
) -> None:
    """Record that a pattern was applied, and how it went."""
    ctx = context(invocation)
    won = None if success is None else boolean("--success", success)
    with ctx.open() as seasoned:
        after = ctx.library(seasoned).use_pattern(pattern, None, seconds, won, execution_id=execution)
    known = after.success_count + after.failure_count
    uses = output.counted(after.usage_count, "use")
    _said(after, f"{uses}, {after.success_count} of {known} known outcomes successful", as_json=as_json)


@patterns.command("share")
def share(
    invocation: typer.Context,
    pattern: Key,
    access: Annotated[Level, typer.Option(help="Who may read it from now on.")],
    share_with: Annotated[str | None, typer.Option(help="Agents, for level shared: JSON list, or with commas.")] = None,
    as_json: AsJson = False,
) -> None:
    """Change who may read a pattern."""
    ctx = context(invocation)
    listed = None if share_with is None else names("--share-with", share_with)
    with ctx.open() as seasoned:
        after = ctx.library(seasoned).update_pattern(pattern, access_level=access, shared_with_agents=listed)
    _said(after, f"access {after.access_level}, {after.status}", as_json=as_json)


@patterns.command("delete")
def delete(
    invocation: typer.Context,
    pattern: Key,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete one version with its uses. Versions drawn from it move to its parent; `deprecate` keeps it instead."""
    from seasoned.errors import NotFoundError

    ctx = context(invocation)
    with ctx.open() as seasoned:
        library = ctx.library(seasoned)
        found = library.get_pattern(pattern)
        if found is None:
            raise NotFoundError(f"No pattern is called {pattern!r}. `seasoned patterns list` shows them.")
        named = f"{output.clean(found.pattern_name)} {found.version}"
        if not yes and not typer.confirm(
            f"Delete {named} and its {output.counted(found.usage_count, 'use')}?", err=True
        ):
            raise UsageError("Nothing was deleted.")
        library.delete_pattern(found.pattern_id)
    if as_json:
        output.emit_json({"deleted": found.pattern_id})
    else:
        output.say(f"{named}: deleted")


@patterns.command("review")
def review(invocation: typer.Context, limit: Limit = 20, as_json: AsJson = False) -> None:
    """Show what waits for a reviewer. What each still needs, and what to look at."""
    ctx = context(invocation)
    with ctx.open() as seasoned:
        library = ctx.library(seasoned)
        queue, alerts = library.review_queue(limit), library.alerts()
    if as_json:
        output.emit_json({"queue": queue, "alerts": alerts})
        return
    for alert in alerts:
        name = output.clean(str((alert.details or {}).get("pattern_name", alert.subject)))
        output.say(f"! {alert.rule.replace('_', ' ')}: {name}, {output.counted(alert.occurrences, 'time')}")
    if not queue:
        output.say("Nothing waits for a review.")
        return
    for each in queue:
        pattern = each.pattern
        output.say(
            f"{output.clean(pattern.pattern_name)} {pattern.version} ({pattern.pattern_id[:13]}), {pattern.status}"
        )
        output.say(f"    {output.clean(each.why)}")
        if each.needs:
            output.say(f"    still needs: {', '.join(each.needs)}")
    first = queue[0].pattern.pattern_id[:13]
    output.say(f"\nseasoned patterns show {first} · promote {first} --waive WHY · reject {first} --reason WHY")


@patterns.command("promote")
def promote(
    invocation: typer.Context,
    pattern: Key,
    waive: Annotated[
        str | None, typer.Option(help="Why it may be active without having been validated; kept with your name.")
    ] = None,
    distinct_from: Annotated[
        str | None, typer.Option(help="Ids of like patterns that say something else: JSON list, or with commas.")
    ] = None,
    reason: MaybeReason = None,
    as_json: AsJson = False,
) -> None:
    """Make a pattern active. Agents are advised from active patterns only."""
    ctx = context(invocation)
    apart = names("--distinct-from", distinct_from)
    with ctx.open() as seasoned:
        after = ctx.library(seasoned).promote(pattern, reason=reason, waiver=waive, distinct_from=apart)
    _said(after, "active" if after.status == "active" else "waits for a reviewer", as_json=as_json)


@patterns.command("reject")
def reject(invocation: typer.Context, pattern: Key, reason: Reason, as_json: AsJson = False) -> None:
    """Turn a candidate down."""
    ctx = context(invocation)
    with ctx.open() as seasoned:
        after = ctx.library(seasoned).reject(pattern, reason)
    _said(after, after.status, as_json=as_json)


@patterns.command("deprecate")
def deprecate(
    invocation: typer.Context,
    pattern: Key,
    reason: Reason,
    successor: Annotated[str | None, typer.Option(help="Id of what to use instead.")] = None,
    as_json: AsJson = False,
) -> None:
    """Take a pattern out of use."""
    ctx = context(invocation)
    with ctx.open() as seasoned:
        after = ctx.library(seasoned).deprecate(pattern, reason, successor)
    _said(after, after.status, as_json=as_json)


@patterns.command("clear")
def clear(
    invocation: typer.Context,
    pattern: Key,
    reason: Reason,
    flags: Annotated[str | None, typer.Option(help="Only these: JSON list, or with commas.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say that you looked at its flags and it may go on."""
    ctx = context(invocation)
    only = None if flags is None else names("--flags", flags)
    with ctx.open() as seasoned:
        after = ctx.library(seasoned).clear_flags(pattern, reason, only)
    _said(after, "flags left: " + (", ".join(after.review_flags) or "none"), as_json=as_json)


@patterns.command("diff")
def diff(
    invocation: typer.Context,
    before: Key,
    after: Annotated[str | None, typer.Argument(help="Another; without one: against its parent.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what changed from one version to another."""
    ctx = context(invocation)
    with ctx.open() as seasoned:
        library = ctx.library(seasoned)
        first, second = before, after
        if second is None:
            found = library.get_pattern(before)
            if found is None or found.parent_pattern_id is None:
                raise UsageError(f"{before!r} has no parent that you may read; name two versions.")
            first, second = found.parent_pattern_id, found.pattern_id
        changed = library.diff(first, second)
    if as_json:
        told = {key: {"before": old, "after": new} for key, (old, new) in changed.changes.items()}
        ids = {"before": changed.before.pattern_id, "after": changed.after.pattern_id}
        output.emit_json({**ids, "bump": changed.bump, "changes": told, "diff": changed.text})
        return
    if not changed.text and not changed.changes:
        output.say("They say the same.")
        return
    output.say(output.clean(changed.text) if changed.text else "The words are the same.")
    wordless = [key for key in changed.changes if not key.startswith("pattern_data.") and key != "recommended_steps"]
    if wordless:
        output.say(f"\nalso: {', '.join(wordless)}")


@patterns.command("history")
def history(invocation: typer.Context, pattern: Key, limit: Limit = 20, as_json: AsJson = False) -> None:
    """Show its versions, what was done to it, and its latest uses."""
    ctx = context(invocation)
    with ctx.open() as seasoned:
        library = ctx.library(seasoned)
        tree, entries = library.get_versions(pattern), library.audit(pattern, limit)
        uses = library.usages(pattern, limit)
    if as_json:
        output.emit_json({"versions": tree.versions, "best": tree.best_active_id, "audit": entries, "usages": uses})
        return
    output.say("Versions")
    for node in tree.versions:
        each = node.pattern
        rate = "no known outcome" if each.success_rate is None else f"success {each.success_rate:.2f}"
        best = "  ← best" if each.pattern_id == tree.best_active_id else ""
        uses_ = output.counted(each.usage_count, "use")
        branch = f", {output.clean(each.agent_id)}"
        line = f"{each.version} ({each.pattern_id[:13]}) {each.status}, {uses_}, {rate}{branch}{best}"
        output.say("  " * (node.depth + 1) + line)
    if entries:
        output.say("\nWhat was done")
    for entry in entries:
        why = f": {output.clean(entry.reason)}" if entry.reason else ""
        output.say(f"  {entry.at:%Y-%m-%d %H:%M}  {output.clean(entry.who)}  {entry.what}{why}")
    if uses:
        output.say("\nUses")
    for usage in uses:
        went = {True: "worked", False: "failed", None: "unknown"}[usage.success]
        took = "" if usage.execution_time_ms is None else f", {output.duration(usage.execution_time_ms)}"
        output.say(f"  {usage.used_at:%Y-%m-%d %H:%M}  {output.clean(usage.agent_id)}  {went}{took}")


@patterns.command("analytics")
def analytics(
    invocation: typer.Context,
    days: Annotated[int, typer.Option(min=1, max=3660, help="For what is said of uses.")] = 30,
    as_json: AsJson = False,
) -> None:
    """Show how the library is doing. Its health, what is used, what wants looking at, what is missing."""
    ctx = context(invocation)
    with ctx.open() as seasoned:
        library = ctx.library(seasoned)
        told = library.get_pattern_analytics(days=days)
        chances = library.suggest_learning_opportunities()
    if as_json:
        output.emit_json({**told, "opportunities": chances})
        return
    _analytics(cast("dict[str, dict[str, object]]", told), chances)


def _analytics(told: "dict[str, dict[str, object]]", chances: dict[str, object]) -> None:
    overview, health = told["overview"], told["health"]
    rate = overview["avg_success_rate"]
    said = "no known outcome yet" if rate is None else f"average success {rate:.2f}"
    output.say(
        f"{output.counted(cast('int', overview['total_patterns']), 'pattern')}, "
        f"{output.counted(cast('int', overview['total_applications']), 'use')} "
        f"({overview['applications_in_period']} in {overview['days']} days), {said}"
    )
    for what, counts in told["distribution"].items():
        parts = (f"{key} {count}" for key, count in cast("dict[str, int]", counts).items())
        output.say(f"  {what.replace('_', ' ')}: {output.clean(', '.join(parts)) or '–'}")
    output.say(f"Health: {health['verdict']} ({health['met']} of {health['of']} criteria met)")
    for each in cast("list[dict[str, object]]", health["criteria"]):
        mark = {True: "✓", False: "✗", None: "?"}[cast("bool | None", each["met"])]
        value = "" if each["value"] is None else f" ({each['value']:g})"
        output.say(f"  {mark} {each['says']}{value}")
    listed = cast("list[dict[str, object]]", chances["learning_opportunities"])
    if listed:
        output.say("To do")
    for each in listed[:10]:
        output.say(f"  {each['priority']}: {output.clean(str(each['area']))}: {output.clean(str(each['reason']))}")
        output.say(f"      {output.clean(str(each['suggested_action']))}")


@patterns.command("show")
def show(
    invocation: typer.Context,
    pattern: Key,
    as_json: AsJson = False,
) -> None:
    """Show one pattern. Its steps, what they rest on, when to use it and when not."""
    from seasoned.errors import NotFoundError

    ctx = context(invocation)
    with ctx.open() as seasoned:
        found = ctx.library(seasoned).get_pattern(pattern)
    if found is None:
        raise NotFoundError(f"No pattern is called {pattern!r}. `seasoned patterns list` shows them.")
    if as_json:
        output.emit_json(found)
    else:
        show_pattern(found)
