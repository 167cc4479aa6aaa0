"""How the library is doing: what is there, what is used, what works, what wants looking at, and what is missing.

Invariant: sums are over what the caller may read and nothing else, so that no total gives away what exists beside it.
Rates of what has no known outcome are None. An answer is kept until the library's revision changes or the day does.
"""

import copy
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Final

from seasoned.library import checks
from seasoned.library.finding import Finding
from seasoned.library.trust import BLOCKING, base_score
from seasoned.model import FALLING, PROMOTION_ASKED, WORTH_SHARING, Document
from seasoned.model.versions import version_order
from seasoned.store import LibraryQuery, PatternCard, TaskArea, UsageCounts

__all__ = ["HEALTH_CRITERIA", "Analytics"]

_TOP = 10
_LONGEST = 3_660
HEALTH_CRITERIA: Final = {
    "active": "at least half of the patterns that were not turned down are active",
    "used": "at least 40 % of the active patterns were used in the period",
    "successful": "the uses in the period with a known outcome succeeded in at least 80 %",
    "reviewed": "no active pattern waits for a review",
    "known": "at least half of the uses in the period say how they ended",
}
"""What the health of the knowledge base is judged by; one that cannot be judged yet counts neither way."""
_HIGH_VALUE = 0.7
_GAP_TASKS, _GAP_PATTERNS = 5, 1


class Analytics(Finding):
    """The part of ``Library`` that is about the whole of it."""

    def get_pattern_analytics(
        self, agent_id: str | None = None, namespace: str | None = None, days: int = 30
    ) -> Document:
        """The figures, as a JSON object: total_patterns, category_distribution, top_patterns, success_statistics,
        overview, distribution, usage_patterns, recommendations, over_time, versions, health.

        ``agent_id``: only patterns that it owns. ``namespace``: only that one's. ``days``: 1..3660, for everything
        said of uses "in the period". Raises ValidationError."""
        period = checks.whole("days", days, 1, _LONGEST)
        query = LibraryQuery(
            agent_id=checks.wanted("agent_id", agent_id), namespace=checks.wanted("namespace", namespace)
        )
        today = self._clock().date()
        areas = tuple(self.store.task_areas(self.who.namespace))  # what is worked on is no change of the library
        key = ("analytics", query, period, today.isoformat(), areas)
        return self._kept(key, lambda: self._analysed(query, period, areas))

    def suggest_learning_opportunities(self) -> Document:
        """Where learning would pay: areas with much work and few or failing patterns, candidates that wait, patterns
        that fell. As a JSON object: knowledge_base_summary, learning_opportunities, opportunity_count,
        priority_breakdown."""
        cards = self._all_cards()
        areas = self.store.task_areas(self.who.namespace)
        found = [*_gap_opportunities(cards, areas), *_review_opportunities(cards)]
        order = {"high": 0, "medium": 1, "low": 2}
        found.sort(key=lambda each: (order[str(each["priority"])], str(each["area"]), str(each["type"])))
        covered = {(card.category, card.subcategory) for card in cards if card.status == "active"}
        tasks = sum(area.executions for area in areas)
        inside = sum(area.executions for area in areas if (area.task_type, area.domain) in covered)
        return {
            "knowledge_base_summary": {
                "total_memories": tasks,
                "total_patterns": len(cards),
                "coverage_ratio": round(inside / tasks, 4) if tasks else None,
            },
            "learning_opportunities": found,
            "opportunity_count": len(found),
            "priority_breakdown": dict(Counter(str(each["priority"]) for each in found)),
        }

    # -- parts --------------------------------------------------------------------------------------------------
    def _kept(self, key: tuple[object, ...], make: Callable[[], Document]) -> Document:
        """``make()``, or what it was when the library was last as it is now."""
        revision = self.store.library_revision()
        mine = (self.who.namespace, self.who.agent_id, self.who.role, *key)
        held = self.cache.get(mine)
        if held is not None and held[0] == revision:
            return copy.deepcopy(held[1])
        made = make()
        self.cache[mine] = (revision, made)
        for oldest in list(self.cache)[: -self.cache_size]:
            self.cache.pop(oldest, None)
        return copy.deepcopy(made)

    def _all_cards(self) -> Sequence[PatternCard]:
        return self.store.cards(self.who, LibraryQuery())

    def _analysed(self, query: LibraryQuery, days: int, areas: Sequence[TaskArea]) -> Document:
        cards = self.store.cards(self.who, query)
        since = self._clock() - timedelta(days=days)
        daily = self.store.usage_counts(self.who, since=since, query=query)
        in_period = Counter[str]()
        for each in daily:
            in_period[each.pattern_id] += each.uses
        standing = [card for card in cards if card.status in {"candidate", "active"}]
        top = sorted(standing, key=lambda card: (-_worth(card), card.pattern_id))[:_TOP]
        rates = [card.success_rate for card in cards if card.success_rate is not None]
        uses = sum(card.usage_count for card in cards)
        average = round(sum(rates) / len(rates), 4) if rates else None
        health = _health(cards, daily, in_period)
        by_use = sorted(standing, key=lambda card: (-card.usage_count, card.pattern_name, card.pattern_id))
        used = [card for card in by_use if card.usage_count]
        return {
            "total_patterns": len(cards),
            "category_distribution": _counted(card.category or "none" for card in cards),
            "top_patterns": [_brief(card) for card in top],
            "success_statistics": {
                "avg_success_rate": average,
                "patterns_with_known_outcomes": len(rates),
                "uses": uses,
                "successes": sum(card.success_count for card in cards),
                "failures": sum(card.failure_count for card in cards),
                "unknown": sum(card.usage_count - card.success_count - card.failure_count for card in cards),
            },
            "overview": {
                "total_patterns": len(cards),
                "total_applications": uses,
                "applications_in_period": sum(in_period.values()),
                "days": days,
                "avg_applications_per_pattern": round(uses / len(cards), 4) if cards else None,
                "avg_success_rate": average,
                "knowledge_base_health": health["verdict"],
            },
            "distribution": {
                "by_category": _counted(card.category or "none" for card in cards),
                "by_confidence": _counted(_confidence_band(card.confidence_score) for card in cards),
                "by_access": _counted(card.access_level for card in cards),
                "by_status": _counted(card.status for card in cards),
            },
            "usage_patterns": {
                "most_applied": [_brief(card) for card in used[:_TOP]],
                "least_applied": [_brief(card) for card in reversed(used[-_TOP:])],
                "unused_patterns": [_brief(card) for card in by_use if not card.usage_count][:_TOP],
                "unused_count": sum(not card.usage_count for card in standing),
            },
            "recommendations": {
                "high_value_patterns": [_brief(card) for card in top if _worth(card) >= _HIGH_VALUE],
                "patterns_to_review": [_brief(card) for card in cards if _wants_review(card)][:_TOP],
                "knowledge_gaps": _gaps(cards, areas),
            },
            "over_time": _over_time(daily),
            "versions": _versions(cards),
            "health": health,
        }


def _worth(card: PatternCard) -> float:
    return base_score(card, card.confidence_score or 0.0).total


def _brief(card: PatternCard) -> Document:
    return {
        "pattern_id": card.pattern_id,
        "pattern_name": card.pattern_name,
        "version": card.version,
        "category": card.category,
        "status": card.status,
        "usage_count": card.usage_count,
        "success_rate": card.success_rate,
        "confidence": card.confidence_score,
        "known_outcomes": card.evidence_count + card.success_count + card.failure_count,
        "review_flags": list(card.review_flags),
        "last_used_at": card.last_used_at.isoformat() if card.last_used_at else None,
    }


def _counted(values: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(values).items(), key=lambda each: (-each[1], each[0])))


def _confidence_band(value: float | None) -> str:
    if value is None:
        return "unknown"
    return "high (≥ 0.8)" if value >= 0.8 else "medium (≥ 0.5)" if value >= 0.5 else "low (< 0.5)"


def _wants_review(card: PatternCard) -> bool:
    flagged = {FALLING, PROMOTION_ASKED, WORTH_SHARING}.intersection(card.review_flags)
    return bool(flagged) or (card.status == "active" and bool(BLOCKING.intersection(card.review_flags)))


def _over_time(daily: Sequence[UsageCounts]) -> list[Document]:
    days: dict[str, list[int]] = {}
    for each in daily:
        day = days.setdefault(each.day, [0, 0, 0])
        day[0] += each.uses
        day[1] += each.successes
        day[2] += each.failures
    return [
        {
            "day": day,
            "uses": uses,
            "successes": won,
            "failures": lost,
            "success_rate": round(won / (won + lost), 4) if won + lost else None,
        }
        for day, (uses, won, lost) in sorted(days.items())
    ]


def _versions(cards: Sequence[PatternCard]) -> list[Document]:
    """Patterns of which several versions have a known outcome, version beside version; the most used first."""
    families: dict[tuple[str, str, str], list[PatternCard]] = {}
    for card in cards:
        families.setdefault((card.namespace, card.agent_id, card.pattern_name), []).append(card)
    compared = [each for each in families.values() if sum(card.success_rate is not None for card in each) > 1]
    compared.sort(key=lambda each: (-sum(card.usage_count for card in each), each[0].pattern_name))
    return [
        {
            "pattern_name": family[0].pattern_name,
            "versions": [_brief(card) for card in sorted(family, key=lambda card: version_order(card.version))],
        }
        for family in compared[:_TOP]
    ]


def _health(cards: Sequence[PatternCard], daily: Sequence[UsageCounts], in_period: Counter[str]) -> Document:
    standing = [card for card in cards if card.status != "rejected"]
    active = [card for card in cards if card.status == "active"]
    won, lost = sum(each.successes for each in daily), sum(each.failures for each in daily)
    uses = sum(in_period.values())
    share: dict[str, tuple[float | None, bool | None]] = {}

    def judge(name: str, part: int, whole: int, least: float) -> None:
        value = part / whole if whole else None
        share[name] = (value, None if value is None else value >= least)

    judge("active", len(active), len(standing), 0.5)
    judge("used", sum(card.pattern_id in in_period for card in active), len(active), 0.4)
    judge("successful", won, won + lost, 0.8)
    waiting = sum(bool(BLOCKING.intersection(card.review_flags)) for card in active)
    share["reviewed"] = (float(waiting), waiting == 0) if active else (None, None)
    judge("known", won + lost, uses, 0.5)
    known = [met for _, met in share.values() if met is not None]
    met = sum(known)
    verdict = "unknown" if not known else "good" if met == len(known) else "fair" if 2 * met >= len(known) else "poor"
    return {
        "verdict": verdict,
        "met": met,
        "of": len(known),
        "criteria": [
            {
                "name": name,
                "says": HEALTH_CRITERIA[name],
                "value": None if value is None else round(value, 4),
                "met": met_,
            }
            for name, (value, met_) in share.items()
        ],
    }


def _gaps(cards: Sequence[PatternCard], areas: Sequence[TaskArea]) -> list[Document]:
    """Areas with much work and few patterns, or failing ones; the busiest first."""
    found: list[Document] = []
    of_area: dict[tuple[str | None, str | None], list[PatternCard]] = {}
    for card in cards:
        of_area.setdefault((card.category, card.subcategory), []).append(card)
    for area in areas:
        if area.executions < _GAP_TASKS:
            continue
        own = of_area.get((area.task_type, area.domain), [])
        active = [card for card in own if card.status == "active"]
        failing = [card for card in active if FALLING in card.review_flags]
        if len(active) >= _GAP_PATTERNS and len(failing) < len(active):
            continue
        known = area.successes + area.failures
        found.append(
            {
                "category": area.task_type,
                "subcategory": area.domain,
                "executions": area.executions,
                "success_rate": round(area.successes / known, 4) if known else None,
                "known_outcomes": known,
                "active_patterns": len(active),
                "candidates": sum(card.status == "candidate" for card in own),
                "failing_patterns": len(failing),
            }
        )
    return found[:_TOP]


def _gap_opportunities(cards: Sequence[PatternCard], areas: Sequence[TaskArea]) -> list[Document]:
    found: list[Document] = []
    for gap in _gaps(cards, areas):
        area = f"{gap['category']} · {gap['subcategory']}"
        waiting = gap["candidates"]
        rate = gap["success_rate"]
        told = f"{gap['executions']} executions and {gap['active_patterns']} active patterns"
        if isinstance(rate, float):
            told += f"; {rate:.0%} of {gap['known_outcomes']} known outcomes were successes"
        failing = isinstance(rate, float) and rate < 0.7
        busy = isinstance(gap["executions"], int) and gap["executions"] >= 10 * _GAP_TASKS
        found.append(
            {
                "type": "failing_area" if failing else "knowledge_gap",
                "area": area,
                "priority": "high" if failing or busy else "medium",
                "reason": told,
                "suggested_action": f"review what waits in this area ({waiting}): seasoned patterns review"
                if waiting
                else "run `seasoned learn`, or record what works with learn_pattern",
            }
        )
    return found


def _review_opportunities(cards: Sequence[PatternCard]) -> list[Document]:
    found: list[Document] = []
    for card in cards:
        flags = set(card.review_flags)
        area = f"{card.category or 'none'} · {card.subcategory or 'none'}"
        if FALLING in flags and card.status == "active":
            kind, priority, reason = "falling_pattern", "high", f"{card.pattern_name!r} works less often than it did"
            action = f"look at its uses, then evolve, deprecate or clear it: seasoned patterns show {card.pattern_id}"
        elif PROMOTION_ASKED in flags:
            kind, priority, reason = (
                "promotion_asked",
                "medium",
                f"{card.agent_id} asks to promote {card.pattern_name!r}",
            )
            action = f"seasoned patterns review, then promote or reject {card.pattern_id}"
        elif WORTH_SHARING in flags:
            kind, priority, reason = "worth_sharing", "low", f"{card.pattern_name!r} is private and works well"
            action = f"its owner may share it with the team: access level team for {card.pattern_id}"
        else:
            continue
        found.append({"type": kind, "area": area, "priority": priority, "reason": reason, "suggested_action": action})
    return found[: 3 * _TOP]
