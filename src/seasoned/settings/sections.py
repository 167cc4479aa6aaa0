"""The tree of settings as records: each with its default, what is allowed, and what it means."""

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct, field

__all__ = [
    "AdviceSettings",
    "EmbedSettings",
    "ImportSettings",
    "KnowledgeSettings",
    "LearnSettings",
    "LibrarySettings",
    "LimitsSettings",
    "RedactionSettings",
    "Section",
    "ServiceSettings",
    "Settings",
    "SimilaritySettings",
    "StoreSettings",
]


class Section(Struct, frozen=True, kw_only=True):
    """Read by msgspec: a pydantic model of the same tree costs every cold command 90 ms more."""


class StoreSettings(Section, frozen=True):
    """Where the history is kept."""

    url: str | None = None
    """``sqlite:///path`` or ``postgresql://user@host/database``. Unset: SQLite in the data folder."""
    busy_timeout_s: Annotated[float, Meta(gt=0, le=600)] = 30.0
    """How long a writer waits for another one."""
    pool_min: Annotated[int, Meta(ge=1, le=100)] = 2
    pool_max: Annotated[int, Meta(ge=1, le=200)] = 10


class ImportSettings(Section, frozen=True):
    """How histories are read."""

    jobs: Annotated[int, Meta(ge=0, le=64)] | None = None
    """Reading processes; 0: read in this one; unset: by the number of cores and the amount of work."""


class RedactionSettings(Section, frozen=True):
    """What else counts as secret, and what does not."""

    rules: dict[str, str] = field(default_factory=dict[str, str])
    """Name → RE2 pattern; its first group, or else the whole match, is replaced."""
    allow: tuple[str, ...] = ()
    """RE2 patterns; a finding that one of them matches whole is left as it stands."""


class EmbedSettings(Section, frozen=True):
    """Which embedding model is used."""

    provider: str = "minilm"
    """Name of an entry of the group ``seasoned.embedders``; ``none`` switches embeddings off."""


class SimilaritySettings(Section, frozen=True):
    """How similar tasks are scored."""

    strategy: Literal["measured", "published"] = "measured"
    """``published``: 0.40 semantic, 0.30 keyword, 0.20 domain, 0.10 type. ``measured``: what evaluation supports."""
    min_score: Annotated[float, Meta(ge=0, le=1)] | None = None
    """Below it nothing counts as relevant; unset: the strategy's calibrated floor."""


class LearnSettings(Section, frozen=True):
    """From how much something is learned."""

    least_executions: Annotated[int, Meta(ge=1)] = 3
    """Of like tasks, from which a pattern is drawn."""
    support: Annotated[float, Meta(gt=0, le=1)] = 0.6
    """Share of them that must have a step."""
    quality: Annotated[float, Meta(ge=0, le=1)] = 0.85
    """From which an execution of known quality is a source."""
    fix_sessions: Annotated[int, Meta(ge=1)] = 2
    """In which a fix must have worked before it is shown."""


class LibrarySettings(Section, frozen=True):
    """How patterns earn and lose trust."""

    auto_promote: bool = False
    """Promote a validated candidate by itself after ``auto_promote_uses`` uses with at least ``auto_promote_success``;
    never one with a flag for its reviewer, nor one from outside the namespace."""
    auto_promote_uses: Annotated[int, Meta(ge=1)] = 5
    auto_promote_success: Annotated[float, Meta(ge=0, le=1)] = 0.8


class KnowledgeSettings(Section, frozen=True):
    """A knowledge base of your own, asked beside what was learned: any MCP server with a search tool."""

    command: tuple[str, ...] = ()
    """Program and arguments of a server on stdio. Unset, with ``url`` unset: no knowledge base is asked."""
    url: str | None = None
    """Address of a server on streamable HTTP."""
    token: str | None = None
    """Sent to it as a bearer token."""
    tool: str | None = None
    """Its search tool; unset: the preset's, else the one tool whose name says that it searches."""
    preset: Literal["archon"] | None = None
    """``archon``: perform_rag_query, rag_search_knowledge_base."""
    budget_ms: Annotated[int, Meta(ge=50, le=10_000)] = 1500
    """After this the answer comes without it, and says so."""
    most: Annotated[int, Meta(ge=1, le=20)] = 5
    """Results taken at most."""


class AdviceSettings(Section, frozen=True):
    """What agents are told through their hooks, unasked. How far it goes with each agent is its mode."""

    enabled: bool = True
    """False: nothing is said; moments are still recorded."""
    budget_tokens: Annotated[int, Meta(ge=60, le=4_000)] = 400
    """Most that one text may cost the agent; estimated as its bytes divided by three."""
    limit: Annotated[int, Meta(ge=1, le=10)] = 3
    """Past tasks that are looked at before a task."""
    floor: Annotated[float, Meta(ge=0, le=1)] | None = None
    """Score below which a past task is not relevant; unset: ``similarity.min_score``, else the calibrated floor."""
    held_out_share: Annotated[float, Meta(ge=0, le=0.9)] = 0.5
    """Share of the occasions at which advice is withheld at random, to measure what it does. It shrinks by itself once
    that is known; 0 measures nothing."""


class LimitsSettings(Section, frozen=True):
    """Calls a minute that one agent may make over a token, by kind."""

    check: Annotated[int, Meta(ge=1, le=1_000_000)] = 100
    """Questions: similar tasks, patterns, fixes, figures, resources."""
    capture: Annotated[int, Meta(ge=1, le=1_000_000)] = 50
    """Records of what was done: executions, file qualities, failures, uses of patterns."""
    record: Annotated[int, Meta(ge=1, le=1_000_000)] = 20
    """Patterns put in, changed or judged."""


class ServiceSettings(Section, frozen=True):
    """The process in the background that answers hooks and commands at once."""

    use: Literal["auto", "off"] = "auto"
    """``auto``: commands use it where it runs, and start it; ``off``: they do neither (SEASONED_SERVICE)."""
    idle_s: Annotated[float, Meta(gt=0, le=7 * 86_400)] = 1800.0
    """It ends after so many seconds without a request and without an agent's session under way."""
    learn: bool = True
    """Whether it learns by itself from what was recorded."""


class Settings(Section, frozen=True):
    """The whole tree."""

    data_dir: Path | None = None
    """Everything Seasoned stores on this machine. Unset: ``$XDG_DATA_HOME/seasoned`` or ``~/.local/share/seasoned``."""
    namespace: Annotated[
        str,
        Meta(
            pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
            description="at most 64 letters, digits, dots, dashes and underscores, the first a letter or digit",
        ),
    ] = "default"
    """The tenant that records belong to."""
    agent_id: Annotated[
        str,
        Meta(
            pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$",
            description="at most 64 letters, digits, dots, dashes, underscores and @, the first a letter or digit",
        ),
    ] = "local"
    """Who acts on this machine when no token says otherwise: a local administrator of the namespace."""
    store: StoreSettings = StoreSettings()
    imports: ImportSettings = ImportSettings()
    redaction: RedactionSettings = RedactionSettings()
    embed: EmbedSettings = EmbedSettings()
    similarity: SimilaritySettings = SimilaritySettings()
    learn: LearnSettings = LearnSettings()
    library: LibrarySettings = LibrarySettings()
    knowledge: KnowledgeSettings = KnowledgeSettings()
    advice: AdviceSettings = AdviceSettings()
    limits: LimitsSettings = LimitsSettings()
    service: ServiceSettings = ServiceSettings()
