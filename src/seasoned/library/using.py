"""Using a pattern: what is counted, and what follows from it.

Invariant: counts, rate, confidence, flags, a promotion by policy and an alert are one transaction with the usage they
follow from, so that any number of agents at once count exactly.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from seasoned.errors import ValidationError
from seasoned.library import checks
from seasoned.library.duplicates import Duplicates
from seasoned.library.trust import judged, ready_by_policy
from seasoned.model import Alert, Document, Pattern, PatternUsage
from seasoned.model.ids import name_id, new_id

__all__ = ["Using"]

_CONTEXT_LIMIT = 64 * 1024
_LONGEST_S = 366 * 86_400


class Using(Duplicates):
    """The part of ``Library`` that is about use."""

    def use_pattern(
        self,
        pattern_id: str,
        using_agent_id: str | None = None,
        execution_time: float | None = None,
        success: bool | None = None,
        context_data: Mapping[str, object] | None = None,
        *,
        execution_id: str | None = None,
        quality_delta: float | None = None,
        usage_id: str | None = None,
    ) -> Pattern:
        """Record that the caller applied the pattern; the pattern as it stands afterwards.

        ``execution_time``: seconds, ≥ 0. ``success``: None counts as use, not as evidence. Counts, success rate,
        confidence, flags and last use change in one transaction; use of a deprecated or rejected pattern raises an
        alert. ``usage_id``: a UUID that names this use, so that telling of it twice counts once. Raises NotFoundError, ValidationError.
        """
        self._as_caller("using_agent_id", using_agent_id)
        success = checks.flag("success", success)
        seconds = None if execution_time is None else checks.number("execution_time", execution_time, 0, _LONGEST_S)
        delta = None if quality_delta is None else checks.number("quality_delta", quality_delta, -1, 1)
        context = None if context_data is None else self._document("context_data", context_data, limit=_CONTEXT_LIMIT)
        found, _ = self._readable(pattern_id, "use")
        if execution_id is not None:
            trace = self.store.trace(self.who.namespace, checks.label("execution_id", execution_id))
            if trace is None:
                raise ValidationError(f"execution_id: there is no execution {execution_id!r} in {self.who.namespace}.")
            execution_id = trace.execution_id
        alike = self.rules.auto_promote and found.status == "candidate" and bool(self._duplicates(found))
        now = self._clock()
        usage = PatternUsage(
            usage_id=usage_id or new_id(now),
            pattern_id=found.pattern_id,
            namespace=self.who.namespace,
            execution_id=execution_id,
            agent_id=self.who.agent_id,
            execution_time_ms=None if seconds is None else round(seconds * 1000),
            success=success,
            quality_delta=delta,
            context_data=context,
            used_at=now,
        )
        with self._changing() as writing:
            before, _ = self._within(writing, found.pattern_id, "use")
            writing.save_usage(usage)
            with writing.as_service():
                counted = writing.pattern(found.pattern_id)
                assert counted is not None
                after = judged(counted, () if success is None else writing.recent_outcomes(found.pattern_id, 10))
                if ready_by_policy(after, self.rules) and not alike:
                    after = replace(after, status="active")
                    self._note(
                        writing, "promote", after, by="policy",
                        before={"status": before.status}, after={"status": after.status},
                        reason=f"{after.usage_count} uses, success {after.success_rate:.2f}, validated",
                    )  # fmt: skip
                writing.save_standing([after])
                gained = set(after.review_flags) - set(before.review_flags)
                if gained:
                    self._note(writing, "flag", after, by="policy", after={"review_flags": sorted(gained)})
                if after.status in {"deprecated", "rejected"}:
                    writing.raise_alert(self._alert(f"{after.status}_pattern_used", after, now))
        return self._shown([after])[0]

    def _alert(self, rule: str, pattern: Pattern, now: datetime) -> Alert:
        details: Document = {"pattern_name": pattern.pattern_name, "version": pattern.version}
        if pattern.deprecation_reason:
            details["reason"] = pattern.deprecation_reason
        if pattern.successor_id:
            details["successor_id"] = pattern.successor_id
        return Alert(
            alert_id=name_id("alert", pattern.namespace, rule, pattern.pattern_id),
            namespace=pattern.namespace,
            rule=rule,
            subject=pattern.pattern_id,
            details=details,
            first_seen_at=now,
            last_seen_at=now,
        )
