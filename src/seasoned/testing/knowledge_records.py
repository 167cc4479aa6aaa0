"""Small examples of what was learned, for tests of a store and of what is built on it."""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import TypeVar

from seasoned.model import (
    AgentChain,
    Contrast,
    FailureOccurrence,
    FailurePattern,
    Pattern,
    PatternStep,
    Resolution,
    ResolutionStep,
    Template,
)
from seasoned.model.ids import name_id
from seasoned.testing.stores import NOON

__all__ = [
    "CONTRAST", "DOCUMENT", "ODD", "STEPS", "chain", "changed", "failure", "full_pattern", "occurrence", "pattern",
    "resolution", "same", "silent", "template",
]  # fmt: skip

ODD = 'größe ¼ 日本 \U0001f40d\ufffd "q" \\u0000 \\ %s ? {{ x }} \r\n\t'
"""Not ASCII, beyond 16 bits, and what means something to SQL, JSON, drivers or templates."""
DOCUMENT: dict[str, object] = {
    "": None,
    ODD: [1, -2.5, {"deep": [[], {}]}, True, ODD],
    "big": 2**63 - 1,
    "bigger": 2**70,
    "small": 5e-324,
}
_Changed = TypeVar("_Changed", Pattern, Template, FailurePattern, FailureOccurrence, Resolution, AgentChain)


def changed(record: _Changed, changes: Mapping[str, object]) -> _Changed:
    """``record`` with other values in some fields."""
    return replace(record, **changes)  # pyright: ignore[reportArgumentType]  # checked by the dataclass' fields


def pattern(name: str, /, **changes: object) -> Pattern:
    """A candidate of namespace ``n``; its id is made of ``name``."""
    plain = Pattern(
        pattern_id=name_id("pattern", name),
        pattern_name=name,
        namespace="n",
        agent_id="seasoned",
        pattern_type="workflow",
    )
    return changed(plain, changes)


def template(name: str, /, **changes: object) -> Template:
    """A template of namespace ``n``."""
    plain = Template(
        template_id=name_id("template", name),
        template_name=name,
        namespace="n",
        agent_id="a",
        template_content="run {{ x }}",
        placeholder_schema={"type": "object"},
    )
    return changed(plain, changes)


def failure(name: str, /, **changes: object) -> FailurePattern:
    """A failure of namespace ``n`` with this signature."""
    return changed(FailurePattern(failure_id=name_id("failure", name), namespace="n", signature=name), changes)


def resolution(owner: FailurePattern, name: str, /, **changes: object) -> Resolution:
    """A mined resolution of ``owner``."""
    plain = Resolution(
        resolution_id=name_id("resolution", owner.failure_id, name),
        failure_id=owner.failure_id,
        namespace=owner.namespace,
        description=name,
        steps=(ResolutionStep(tool="Bash", command="pip install {package}", example="pip install x"),),
    )
    return changed(plain, changes)


def occurrence(owner: FailurePattern, name: str, /, **changes: object) -> FailureOccurrence:
    """An occurrence of ``owner`` at noon, of no execution."""
    plain = FailureOccurrence(
        occurrence_id=name_id("occurrence", owner.failure_id, name),
        failure_id=owner.failure_id,
        namespace=owner.namespace,
        execution_id=None,
        span_id=None,
        occurred_at=NOON,
    )
    return changed(plain, changes)


def chain(*names: str, **changes: object) -> AgentChain:
    """A hand-over of namespace ``n`` seen once."""
    plain = AgentChain(
        chain_id=name_id("chain", *names, repr(changes)),
        namespace="n",
        chain=names,
        task_type=None,
        domain=None,
        support=1,
        success_rate=None,
        avg_duration_ms=None,
        last_seen_at=None,
    )
    return changed(plain, changes)


CONTRAST = Contrast(
    verdict="harms", odds_ratio=1e-7, low=5e-324, high=1e22, p_value=0.0, q_value=1.0, successes=12, failures=8, sessions=5
)  # fmt: skip
STEPS = (
    PatternStep(
        number=1, action=f"Run {ODD}", tool="pytest", target="{path}", kind="check", seen_in=3, of=4, optional=True,
        repeats=True, median_duration_ms=2**53, contrast=CONTRAST,
    ),
    PatternStep(number=2, action="", tool="Edit", target="", seen_in=0, of=0),
)  # fmt: skip


def full_pattern(owner: str, parent: Pattern) -> Pattern:
    """Says something in every field."""
    given = {
        **dict.fromkeys(("category", "subcategory", "intent", "extraction_method", "pattern_template"), ODD),
        **dict.fromkeys(("validation_status", "deprecation_reason"), ""),
        **dict.fromkeys(("pattern_data", "applicability_criteria", "validation_criteria", "metadata"), DOCUMENT),
        "quality_thresholds": {},
        "waiver": {},
        **dict.fromkeys(("shared_with_agents", "execution_ids", "required_tools", "review_flags"), (ODD, "", "b", "a")),
        **dict.fromkeys(("applicable_domains", "technology_requirements", "keywords"), ("{x,y}", "NULL", '"')),
        **dict.fromkeys(("success_score", "success_rate", "confidence_score", "complexity_score"), 1 / 3),
        **dict.fromkeys(("extracted_at", "last_used_at", "deprecated_at"), NOON.replace(microsecond=1)),
        **dict.fromkeys(("parent_pattern_id", "duplicate_of", "successor_id"), parent.pattern_id),
    }
    return pattern(
        "full", **given, status="deprecated", access_level="system", version="10.2.0-rc.1", fingerprint_id=owner,
        recommended_steps=STEPS, estimated_duration_ms=2**63 - 1, evidence_count=2**40, evidence_success_count=7,
        usage_count=7, success_count=5, failure_count=1, avg_quality_improvement=-1.0, learning_weight=10.0, origin_trust="foreign",
    )  # fmt: skip


def silent(record: object) -> set[str]:
    """Fields of an example that say nothing, so that losing them would not be seen."""
    return {item.name for item in fields(record) if getattr(record, item.name) is None}  # pyright: ignore[reportArgumentType]


def same(found: Pattern | Template | None, given: Pattern | Template) -> bool:
    """Equal but for the wall clock."""
    return found is not None and replace(found, created_at=None, updated_at=None) == given
