"""Patterns: how alike tasks were done, drawn from the runs that did them.

``clusters`` finds tasks that are alike, ``extract`` draws patterns from one cluster, ``single`` from one execution,
``settle`` corrects what they claim over all of them, and ``deduplicate`` brings them into a library.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seasoned.learn.patterns.clustering import Cluster, Member, clusters
    from seasoned.learn.patterns.extraction import Options, extract, single
    from seasoned.learn.patterns.library import Merged, brought_up_to_date, deduplicate, settle
    from seasoned.learn.patterns.suspicion import Suspicion, suspicions

__all__ = [
    "Cluster",
    "Member",
    "Merged",
    "Options",
    "Suspicion",
    "brought_up_to_date",
    "clusters",
    "deduplicate",
    "extract",
    "settle",
    "single",
    "suspicions",
]

_HOME = {
    **dict.fromkeys(("Cluster", "Member", "clusters"), "clustering"),
    **dict.fromkeys(("Options", "extract", "single"), "extraction"),
    **dict.fromkeys(("Merged", "brought_up_to_date", "deduplicate", "settle"), "library"),
    **dict.fromkeys(("Suspicion", "suspicions"), "suspicion"),
}


def __getattr__(name: str) -> object:
    # Whoever only asks whether a text is suspicious loads neither the template engine nor an array library.
    if name in _HOME:
        return getattr(import_module(f"seasoned.learn.patterns.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
