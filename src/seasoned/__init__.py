"""Experience for AI agents.

``import seasoned`` loads nothing but this file; a name brings its own module when it is first used, so that an agent
pays for what it calls. ``ExecutionTracker`` taken from here sends its events to the spool in this
user's data folder, which any ``seasoned`` command takes into the database.
"""

from importlib import import_module

TYPE_CHECKING = False  # importing typing (and functools, below) would cost half of what the package may
if TYPE_CHECKING:
    from seasoned.app import Seasoned
    from seasoned.bus import Spool
    from seasoned.capture.sink import Sink
    from seasoned.capture.tracker import ExecutionTracker
    from seasoned.errors import (
        AccessDeniedError,
        ConflictError,
        NotFoundError,
        SeasonedError,
        ValidationError,
    )
    from seasoned.learn.insights import PerformanceAnalyzer, PerformanceInsights
    from seasoned.learn.metrics import ExecutionMetrics, MetricsCollector, PhaseMetrics
    from seasoned.library import LearningService, Library
    from seasoned.model import (
        Artifact,
        CompletedTrace,
        Event,
        ExecutionUpdate,
        Fingerprint,
        Identity,
        Match,
        Pattern,
        Signal,
        SimilarTasks,
        Span,
        Trace,
    )
    from seasoned.settings import Loaded

__all__ = [
    "AccessDeniedError",
    "Artifact",
    "CompletedTrace",
    "ConflictError",
    "Event",
    "ExecutionMetrics",
    "ExecutionTracker",
    "ExecutionUpdate",
    "Fingerprint",
    "Identity",
    "LearningService",
    "Library",
    "Match",
    "MetricsCollector",
    "NotFoundError",
    "Pattern",
    "PerformanceAnalyzer",
    "PerformanceInsights",
    "PhaseMetrics",
    "SeasonedError",
    "Signal",
    "SimilarTasks",
    "Sink",
    "Span",
    "Spool",
    "Trace",
    "ValidationError",
]

_HOMES = {
    "ExecutionMetrics": "seasoned.learn.metrics",
    "ExecutionTracker": "seasoned.capture.tracker",
    "MetricsCollector": "seasoned.learn.metrics",
    "PerformanceAnalyzer": "seasoned.learn.insights",
    "PerformanceInsights": "seasoned.learn.insights",
    "PhaseMetrics": "seasoned.learn.metrics",
    "LearningService": "seasoned.library",
    "Library": "seasoned.library",
    **dict.fromkeys(
        ("AccessDeniedError", "ConflictError", "NotFoundError", "SeasonedError", "ValidationError"), "seasoned.errors"
    ),
    "Sink": "seasoned.capture.sink",
    "Spool": "seasoned.bus",
}
"""Where a public name lives; the records live in ``seasoned.model``."""


_spools: "list[Spool]" = []
_loaded: "list[Loaded]" = []
_opened: "list[Seasoned]" = []


def _settings_of_this_user() -> "Loaded":
    if not _loaded:
        from seasoned.settings import load

        _loaded.append(load())
    return _loaded[0]


def _spool_of_this_user() -> "Spool":
    if not _spools:
        from seasoned.bus import SPOOL_FOLDER, Spool

        _spools.append(Spool(_settings_of_this_user().data_dir / SPOOL_FOLDER))
    return _spools[0]


def _namespace_of_this_user() -> str:
    return _settings_of_this_user().settings.namespace


def _library_of_this_user(token: "str | None") -> "Library":
    if not _opened:
        from seasoned.app import Seasoned

        _opened.append(Seasoned(_settings_of_this_user()))
    app = _opened[0]
    return app.library if token is None else app.library_for(app.identify(token))


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'seasoned' has no attribute {name!r}")
    if name == "LearningService":
        import_module("seasoned.library.service").set_default_library(_library_of_this_user)
    if name == "ExecutionTracker":
        import_module("seasoned.capture.sink").set_default_sink(_spool_of_this_user, _namespace_of_this_user)
    value = getattr(import_module(_HOMES.get(name, "seasoned.model")), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
