"""A small library that holds every case of the access table, and readers of every kind; for tests of it.

Invariant: every level, owner and namespace is there, and what somebody may read is not decided here:
``seasoned.library.access`` is the oracle.
"""

from dataclasses import replace
from datetime import timedelta
from itertools import product

from seasoned.library.access import may_read
from seasoned.model import LEARNER, AuditEntry, Identity, Pattern, PatternUsage
from seasoned.model.ids import name_id
from seasoned.store import Store, Writing
from seasoned.testing.knowledge_records import pattern
from seasoned.testing.stores import NOON

__all__ = ["LEVELS", "MODEL", "PATTERNS", "READERS", "SERVICE", "expected", "fill_library", "usage"]

LEVELS = ("private", "team", "shared", "public", "system")
MODEL = "model"
READERS = (
    *(Identity(namespace="n", agent_id=name) for name in ("owner", "listed", "other", "o_ner", "%")),
    *(Identity(namespace="m", agent_id=name) for name in ("owner", "listed", "other")),
    *(Identity(namespace=namespace, agent_id="lib", role="librarian") for namespace in ("n", "m")),
    *(Identity(namespace=namespace, agent_id="adm", role="admin", local=True) for namespace in ("n", "m")),
    Identity(namespace="n", agent_id="owner", role="admin"),
    Identity(namespace="n", agent_id=LEARNER),
    Identity(namespace="N' --", agent_id="owner"),
)
"""Owner, listed, neither, names that mean something to SQL, other namespaces, librarians, administrators."""
SERVICE = Identity(namespace="n", agent_id="adm", role="admin", local=True)


def _pattern(level: str, owner: str, namespace: str, status: str) -> Pattern:
    name = f"{level} of {owner} in {namespace}, {status}"
    return pattern(
        name, namespace=namespace, agent_id=owner, access_level=level, status=status,
        shared_with_agents=("listed", "lib") if level in {"shared", "private"} else (),
        keywords=("common", level), success_rate=0.5, confidence_score=LEVELS.index(level) / 10,
    )  # fmt: skip


PATTERNS = tuple(_pattern(*case) for case in product(LEVELS, ("owner", LEARNER), ("n", "m"), ("candidate", "active")))


def expected(reader: Identity) -> set[str]:
    """Ids that the policy lets ``reader`` read."""
    return {item.pattern_id for item in PATTERNS if may_read(reader, item)}


def usage(owner: Pattern, name: str, /, **changes: object) -> PatternUsage:
    """A usage of ``owner`` by ``other``, at noon, of unknown outcome."""
    plain = PatternUsage(
        usage_id=name_id("usage", owner.pattern_id, name),
        pattern_id=owner.pattern_id,
        namespace="n",
        agent_id="other",
        used_at=NOON,
    )
    return replace(plain, **changes)  # pyright: ignore[reportArgumentType]  # checked by the dataclass' fields


def _audited(writing: Writing, item: Pattern) -> None:
    entry = AuditEntry(namespace=item.namespace, who=item.agent_id, what="create", subject=item.pattern_id, at=NOON)
    writing.save_audit([entry, replace(entry, who="adm", what="promote", at=NOON + timedelta(1))])


def fill_library(store: Store) -> None:
    """Every pattern, with a vector, a usage by everybody who may use it, and two entries of the audit log."""
    with store.writing() as writing:
        writing.save_patterns(PATTERNS)
        writing.save_pattern_embeddings(
            MODEL, [(item.namespace, item.pattern_id, [1.0, number / 100]) for number, item in enumerate(PATTERNS)]
        )
        for item in PATTERNS:
            _audited(writing, item)
            for reader in READERS:
                if item.pattern_id in expected(reader):
                    name = f"{reader.namespace}/{reader.agent_id}/{reader.role}"
                    who = {"namespace": reader.namespace, "agent_id": reader.agent_id}
                    writing.save_usage(usage(item, name, **who, success=True, execution_time_ms=10))
