"""Making, reading and deleting patterns.

Invariant: every text is redacted before it is a ``Pattern``, and one that addresses its reader is flagged in it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypedDict, cast

from seasoned.errors import AccessDeniedError, ConflictError, SeasonedError, ValidationError
from seasoned.learn.patterns import suspicions
from seasoned.library import checks
from seasoned.library.desk import Desk
from seasoned.library.words import keywords_of, texts_in
from seasoned.model import REVIEW_NOTES, AccessLevel, Document, Pattern, PatternType
from seasoned.model.ids import new_id
from seasoned.store import LibraryQuery, PatternCard, Writing

__all__ = ["Page", "Patterns", "page"]

_MOST_LISTED = 1_000
_BATCH = 10_000
_SUSPECT = "instructions_in_text"
_ARGUMENTS = frozenset(
    """pattern_name category pattern_data agent_id namespace subcategory access_level learning_weight complexity_score
    version parent_pattern_id shared_with_agents pattern_type intent technology_requirements required_tools
    applicable_domains quality_thresholds metadata""".split()
)


class Patterns(Desk):
    """The part of ``Library`` that is about single patterns."""

    def create_pattern(
        self,
        pattern_name: str,
        category: str,
        pattern_data: Mapping[str, object],
        agent_id: str | None = None,
        namespace: str = "default",
        subcategory: str | None = None,
        access_level: AccessLevel = "private",
        learning_weight: float = 1.0,
        complexity_score: float | None = None,
        version: str = "1.0.0",
        parent_pattern_id: str | None = None,
        shared_with_agents: Sequence[str] | None = None,
        *,
        pattern_type: PatternType = "workflow",
        intent: str | None = None,
        technology_requirements: Sequence[str] = (),
        required_tools: Sequence[str] = (),
        applicable_domains: Sequence[str] = (),
        quality_thresholds: Mapping[str, object] | None = None,
        metadata: Mapping[str, object] | None = None,
    ) -> Pattern:
        """Record a candidate. Texts are redacted; one that addresses its reader is flagged for review.

        ``pattern_data``: problem, solution, steps, when_to_use, …; a JSON object of at most 256 KiB. ``agent_id``: the
        caller's own. ``namespace``: ``default`` is the caller's. ``learning_weight``: 0..10. ``complexity_score``: 0..1.

        Raises ValidationError, ConflictError for a name that is taken, AccessDeniedError for somebody else's name or
        the level ``system``, NotFoundError for a parent that the caller cannot read.
        """
        pattern = self._made(
            {
                "pattern_name": pattern_name, "category": category, "pattern_data": pattern_data, "agent_id": agent_id,
                "namespace": namespace, "subcategory": subcategory, "access_level": access_level,
                "learning_weight": learning_weight, "complexity_score": complexity_score, "version": version,
                "parent_pattern_id": parent_pattern_id, "shared_with_agents": shared_with_agents or (),
                "pattern_type": pattern_type, "intent": intent, "technology_requirements": technology_requirements,
                "required_tools": required_tools, "applicable_domains": applicable_domains,
                "quality_thresholds": quality_thresholds, "metadata": metadata,
            }
        )  # fmt: skip
        with self._changing() as writing:
            self._save_new(writing, [pattern])
        return self._stored(pattern)

    def batch_create_patterns(
        self, patterns_data: Sequence[Mapping[str, object]], agent_id: str | None = None
    ) -> list[Pattern]:
        """Record many: all of them in one transaction, or none. Each is an object with the arguments of
        ``create_pattern``. Raises what that raises, with the row (from 1) and its name in front."""
        self._as_caller("agent_id", agent_id)
        if isinstance(patterns_data, str | bytes | Mapping) or not isinstance(patterns_data, Sequence):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ValidationError("patterns_data: a list of objects is needed.")
        if len(patterns_data) > _BATCH:
            raise ValidationError(f"patterns_data: {len(patterns_data):,} rows; at most {_BATCH:,} in one call.")
        made: list[Pattern] = []
        taken: dict[tuple[str, str], int] = {}
        for row, data in enumerate(patterns_data, 1):
            try:
                pattern = self._made(_arguments(data))
            except SeasonedError as error:
                raise type(error)(f"{_row(row, data)}: {error}") from error
            first = taken.setdefault((pattern.pattern_name, pattern.version), row)
            if first != row:
                raise ConflictError(
                    f"{_row(row, data)}: row {first} has the same name and version {pattern.version}. Nothing was recorded."
                )
            made.append(pattern)
        names = {(each.pattern_name, each.version): number for number, each in enumerate(made, 1)}
        for card in self._own_cards():
            if (row := names.get((card.pattern_name, card.version))) is not None:
                raise ConflictError(
                    f"{_row(row, patterns_data[row - 1])}: the name is taken in version {card.version}. Nothing was recorded."
                )
        with self._changing() as writing:
            self._save_new(writing, made)
        ids = tuple(each.pattern_id for each in made)
        found: dict[str, Pattern] = {}
        for start in range(0, len(ids), _MOST_LISTED):
            part = ids[start : start + _MOST_LISTED]
            query = LibraryQuery(pattern_ids=part, limit=len(part))
            found |= {each.pattern_id: each for each in self.store.visible_patterns(self.who, query)}
        return [found.get(each.pattern_id, each) for each in made]

    def get_pattern(self, pattern_id: str, requesting_agent_id: str | None = None) -> Pattern | None:
        """The pattern with this id, unique beginning of an id, or name; None where the caller may read none such."""
        self._as_caller("requesting_agent_id", requesting_agent_id)
        found = self._named(pattern_id)
        return self._shown([found])[0] if found is not None else None

    def get_patterns_by_agent(
        self, agent_id: str, category: str | None = None, limit: int = 100, offset: int = 0
    ) -> list[Pattern]:
        """What ``agent_id`` owns, as far as the caller may read it; highest confidence first."""
        query = LibraryQuery(
            agent_id=checks.wanted("agent_id", agent_id),
            category=checks.wanted("category", category),
            **page(limit, offset),
        )
        return self._shown(self.store.visible_patterns(self.who, query))

    def delete_pattern(self, pattern_id: str, deleting_agent_id: str | None = None) -> bool:
        """Delete one version with its usages; versions drawn from it move to its parent. True.

        Raises NotFoundError, AccessDeniedError."""
        self._as_caller("deleting_agent_id", deleting_agent_id)
        found, _ = self._readable(pattern_id, "delete")
        with self._changing() as writing:
            before, _ = self._within(writing, found.pattern_id, "delete")
            told: Document = {
                "pattern_name": before.pattern_name, "version": before.version, "status": before.status,
                "access_level": before.access_level, "agent_id": before.agent_id,
            }  # fmt: skip
            writing.delete_patterns([before.pattern_id])
            self._note(writing, "delete", before, before=told)
        return True

    # -- parts --------------------------------------------------------------------------------------------------
    def _made(self, given: Mapping[str, object]) -> Pattern:
        """A new candidate from arguments of ``create_pattern``, checked and redacted."""
        self._as_caller("agent_id", cast("str | None", given.get("agent_id")))
        namespace = self._as_namespace(cast("str | None", given.get("namespace")))
        subcategory, intent = given.get("subcategory"), given.get("intent")
        complexity, thresholds = given.get("complexity_score"), given.get("quality_thresholds")
        extra, parent = given.get("metadata"), given.get("parent_pattern_id")
        if parent is not None:
            above, _ = self._readable(checks.label("parent_pattern_id", parent))
            parent = above.pattern_id
        now = self._clock()
        pattern = Pattern(
            pattern_id=new_id(now),
            pattern_name=checks.name(
                "pattern_name", self._redactor.text(checks.name("pattern_name", given.get("pattern_name")))
            ),
            namespace=namespace,
            agent_id=self.who.agent_id,
            category=self._label("category", given.get("category")),
            subcategory=None if subcategory is None else self._label("subcategory", subcategory),
            pattern_type=checks.pattern_type(given.get("pattern_type", "workflow")),
            intent=None if intent is None else self._text("intent", intent),
            access_level=self._level(given.get("access_level", "private")),
            shared_with_agents=self._agents("shared_with_agents", given.get("shared_with_agents", ())),
            version=self._version("version", given.get("version", "1.0.0")),
            parent_pattern_id=parent,
            extraction_method="recorded",
            technology_requirements=self._labels("technology_requirements", given.get("technology_requirements", ())),
            required_tools=self._labels("required_tools", given.get("required_tools", ())),
            applicable_domains=self._labels("applicable_domains", given.get("applicable_domains", ())),
            quality_thresholds=None if thresholds is None else self._document("quality_thresholds", thresholds),
            learning_weight=checks.number("learning_weight", given.get("learning_weight", 1.0), 0, 10),
            complexity_score=None if complexity is None else checks.number("complexity_score", complexity, 0, 1),
            metadata=None if extra is None else self._metadata(extra),
        )
        return self._with_content(pattern, self._content(given.get("pattern_data")))

    def _metadata(self, data: object) -> Document:
        found = self._document("metadata", data)
        if notes := sorted(REVIEW_NOTES & found.keys()):
            raise ValidationError(f"metadata: {', '.join(notes)} is written by reviewing alone; use another name.")
        return found

    def _content(self, data: object) -> Document:
        found = self._document("pattern_data", data)
        if not any(each.strip() for each in texts_in(found)):
            raise ValidationError(
                "pattern_data: holds no text; say what to do in `solution`, `steps` or `description`."
            )
        return found

    def _with_content(self, pattern: Pattern, content: Document) -> Pattern:
        """With other content, its keywords, and the flag of a text that addresses its reader."""
        after = replace(pattern, pattern_data=content)
        said = "\n".join([after.pattern_name, after.intent or "", *texts_in(content)])
        flags = set(after.review_flags) - {_SUSPECT} | ({_SUSPECT} if suspicions(said) else set[str]())
        return replace(after, keywords=keywords_of(after), review_flags=tuple(sorted(flags)))

    def _version(self, field: str, value: object) -> str:
        return checks.version(field, self._redactor.text(checks.version(field, value)))

    def _level(self, value: object) -> AccessLevel:
        level = checks.access_level(value)
        if level == "system" and self.who.role != "admin":
            raise AccessDeniedError("access_level: only administrators make system patterns.")
        return level

    def _save_new(self, writing: Writing, patterns: Sequence[Pattern]) -> None:
        writing.save_patterns(patterns)
        for pattern in patterns:
            told: Document = {
                "pattern_name": pattern.pattern_name, "version": pattern.version, "access_level": pattern.access_level,
            }  # fmt: skip
            self._note(writing, "create", pattern, after=told)

    def _own_cards(self) -> Sequence[PatternCard]:
        return self.store.cards(self.who, LibraryQuery(namespace=self.who.namespace, agent_id=self.who.agent_id))

    def _stored(self, pattern: Pattern) -> Pattern:
        found = self.store.visible_pattern(self.who, pattern.pattern_id)
        return self._shown([found or pattern])[0]


class Page(TypedDict):
    """Part of a query."""

    limit: int
    offset: int


def page(limit: int, offset: int = 0) -> Page:
    """Checked. Raises ValidationError."""
    return {
        "limit": checks.whole("limit", limit, 1, _MOST_LISTED),
        "offset": checks.whole("offset", offset, 0, 10**9),
    }


def _arguments(data: object) -> Mapping[str, object]:
    if not isinstance(data, Mapping):
        raise ValidationError(f"an object is needed, not {type(data).__name__}.")
    given = cast("Mapping[str, object]", data)
    if unknown := sorted(str(key) for key in given if key not in _ARGUMENTS):
        raise ValidationError(f"unknown: {', '.join(unknown[:5])}; allowed are {', '.join(sorted(_ARGUMENTS))}.")
    return given


def _row(number: int, data: object) -> str:
    named = cast("Mapping[str, object]", data).get("pattern_name") if isinstance(data, Mapping) else None
    return f"row {number} ({str(named)[:60]!r})" if named else f"row {number}"
