"""Experience for AI agents.

``import seasoned`` loads nothing but this file; a name brings its own module when it is first used, so that an agent
pays for what it calls. ``ExecutionTracker`` taken from here sends its events to the spool in this
user's data folder, which any ``seasoned`` command takes into the database.
"""

from importlib import import_module

TYPE_CHECKING = False  # importing typing (and functools, below) would cost half of what the package may
if TYPE_CHECKING:
    from seasoned.bus import Spool
    from seasoned.capture.sink import Sink
    from seasoned.capture.tracker import ExecutionTracker
    from seasoned.errors import SeasonedError
    from seasoned.learn.insights import PerformanceAnalyzer, PerformanceInsights
    from seasoned.learn.metrics import ExecutionMetrics, MetricsCollector, PhaseMetrics
    from seasoned.model import (
        Artifact,
        CompletedTrace,
        Event,
        ExecutionUpdate,
        Fingerprint,
        Match,
        Signal,
        SimilarTasks,
        Span,
        Trace,
    )
    from seasoned.settings import Loaded

__all__ = [
    "Artifact",
    "CompletedTrace",
    "Event",
    "ExecutionMetrics",
    "ExecutionTracker",
    "ExecutionUpdate",
    "Fingerprint",
    "Match",
    "MetricsCollector",
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
]

_HOMES = {
    "ExecutionMetrics": "seasoned.learn.metrics",
    "ExecutionTracker": "seasoned.capture.tracker",
    "MetricsCollector": "seasoned.learn.metrics",
    "PerformanceAnalyzer": "seasoned.learn.insights",
    "PerformanceInsights": "seasoned.learn.insights",
    "PhaseMetrics": "seasoned.learn.metrics",
    "SeasonedError": "seasoned.errors",
    "Sink": "seasoned.capture.sink",
    "Spool": "seasoned.bus",
}
"""Where a public name lives; the records live in ``seasoned.model``."""


_spools: "list[Spool]" = []
_loaded: "list[Loaded]" = []


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


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'seasoned' has no attribute {name!r}")
    if name == "ExecutionTracker":
        import_module("seasoned.capture.sink").set_default_sink(_spool_of_this_user, _namespace_of_this_user)
    value = getattr(import_module(_HOMES.get(name, "seasoned.model")), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
