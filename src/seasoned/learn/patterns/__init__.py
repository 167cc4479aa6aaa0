"""Patterns: how alike tasks were done, drawn from the runs that did them.

``clusters`` finds tasks that are alike, ``extract`` draws patterns from one cluster, ``single`` from one execution,
``settle`` corrects what they claim over all of them, and ``deduplicate`` brings them into a library.
"""

from seasoned.learn.patterns.clusters import Cluster, Member, clusters
from seasoned.learn.patterns.extraction import Options, extract, single
from seasoned.learn.patterns.library import Merged, deduplicate, settle
from seasoned.learn.patterns.suspicion import Suspicion, suspicions

__all__ = [
    "Cluster",
    "Member",
    "Merged",
    "Options",
    "Suspicion",
    "clusters",
    "deduplicate",
    "extract",
    "settle",
    "single",
    "suspicions",
]
