"""Who may do what, written out: identities, patterns of every level, owner and state, and the answer for each pair.

The table is literal. It was written from the published rules and not from the code that enforces them, so that a
mistake there is a difference here. Only the states are rules (``expected``): what is active is not promoted again, and
what is out of use not withdrawn.
"""

from dataclasses import replace
from typing import Literal, get_args

from seasoned.library.access import Right
from seasoned.library.words import keywords_of
from seasoned.model import LEARNER, AccessLevel, Identity, Pattern, PatternStatus, Role
from seasoned.model.ids import name_id

__all__ = [
    "CELLS", "ELSEWHERE", "IDENTITIES", "INSIDE", "NAMESPACE", "OPERATIONS", "Attempt", "Outcome",
    "expected", "marker_of", "matrix_patterns", "may_see", "named",
]  # fmt: skip

Attempt = Literal["read", "use", "branch", "change", "share", "delete", "promote", "withdraw"]
"""``branch``: record a next version; of what one may not change it is one's own, and private. ``withdraw``: reject a
candidate, deprecate what is active."""
Outcome = Right | Literal["moot"]
"""``moot``: allowed, but the state of the pattern leaves nothing to do."""

NAMESPACE = "north"
OPERATIONS: tuple[Attempt, ...] = get_args(Attempt)
_ROLES: tuple[Role, ...] = ("agent", "librarian", "admin")
_AGENTS = ("ana", "ben", "lea")
"""The owner of half of the patterns; one of the same team; one who is listed where a pattern is shared."""

INSIDE = tuple(Identity(namespace=NAMESPACE, agent_id=name, role=role) for role in _ROLES for name in _AGENTS)
ELSEWHERE = (
    Identity(namespace="south", agent_id="fay", role="agent"),
    Identity(namespace="south", agent_id="ana", role="agent"),
    Identity(namespace="south", agent_id="lea", role="agent"),
    Identity(namespace="south", agent_id="fay", role="librarian"),
    Identity(namespace="south", agent_id="ana", role="admin"),
)
"""Of another namespace; two bear the owner's name and one the name of who is listed."""
IDENTITIES = (*INSIDE, *ELSEWHERE)

# Y yes · A asks, and a reviewer answers · N no, and says so · . not found. Columns: ana, ben, lea as agents, as
# librarians and as administrators of the namespace; anybody elsewhere.
_TABLE = """
ana       private  read use branch          Y..  Y..  Y..  .
ana       private  change share delete      Y..  Y..  Y..  .
ana       private  promote withdraw         Y..  Y..  Y..  .
ana       team     read use branch          YYY  YYY  YYY  .
ana       team     change share delete      YNN  YNN  YNN  .
ana       team     promote                  ANN  YYY  YYY  .
ana       team     withdraw                 YNN  YYY  YYY  .
ana       shared   read use branch          Y.Y  Y.Y  Y.Y  .
ana       shared   change share delete      Y.N  Y.N  Y.N  .
ana       shared   promote                  A.N  Y.Y  Y.Y  .
ana       shared   withdraw                 Y.N  Y.Y  Y.Y  .
ana       public   read use branch          YYY  YYY  YYY  Y
ana       public   change share delete      YNN  YNN  YNN  N
ana       public   promote                  ANN  YYY  YYY  N
ana       public   withdraw                 YNN  YYY  YYY  N
ana       system   read use branch          YYY  YYY  YYY  Y
ana       system   change share delete      NNN  NNN  YYY  N
ana       system   promote withdraw         NNN  NNN  YYY  N
seasoned  private  read use branch          ...  ...  YYY  .
seasoned  private  change share delete      ...  ...  YYY  .
seasoned  private  promote withdraw         ...  ...  YYY  .
seasoned  team     read use branch          YYY  YYY  YYY  .
seasoned  team     change share delete      NNN  NNN  YYY  .
seasoned  team     promote withdraw         NNN  YYY  YYY  .
seasoned  shared   read use branch          ..Y  ..Y  YYY  .
seasoned  shared   change share delete      ..N  ..N  YYY  .
seasoned  shared   promote withdraw         ..N  ..Y  YYY  .
seasoned  public   read use branch          YYY  YYY  YYY  Y
seasoned  public   change share delete      NNN  NNN  YYY  N
seasoned  public   promote withdraw         NNN  YYY  YYY  N
seasoned  system   read use branch          YYY  YYY  YYY  Y
seasoned  system   change share delete      NNN  NNN  YYY  N
seasoned  system   promote withdraw         NNN  NNN  YYY  N
"""
_SIGNS: dict[str, Right] = {"Y": "yes", "A": "asks", "N": "no", ".": "hidden"}


def _read_table() -> dict[tuple[str, str, str, Identity], Right]:
    table: dict[tuple[str, str, str, Identity], Right] = {}
    for line in _TABLE.strip().splitlines():
        owner, level, *words = line.split()
        operations, signs = words[:-4], "".join(words[-4:-1]) + words[-1] * len(ELSEWHERE)
        for operation in operations:
            for who, sign in zip(IDENTITIES, signs, strict=True):
                table[owner, level, operation, who] = _SIGNS[sign]
    return table


_EXPECTED = _read_table()


def expected(who: Identity, operation: Attempt, pattern: Pattern) -> Outcome:
    """What must come of it."""
    right = _EXPECTED[pattern.agent_id, pattern.access_level, operation, who]
    over = (operation == "promote" and pattern.status == "active") or (
        operation == "withdraw" and pattern.status in {"deprecated", "rejected"}
    )
    return "moot" if over and right in {"yes", "asks"} else right


def may_see(who: Identity, pattern: Pattern) -> bool:
    """Whether anything of it may show."""
    return _EXPECTED[pattern.agent_id, pattern.access_level, "read", who] == "yes"


def named(who: Identity) -> str:
    """For the name of a test."""
    return f"{who.namespace}-{who.agent_id}-{who.role}"


def marker_of(number: int) -> str:
    """A word that stands in every text of the pattern of this number and nowhere else; none is the beginning of another."""
    return f"zork{chr(97 + number // 26)}{chr(97 + number % 26)}quux"


def matrix_patterns(*, related: bool = False) -> list[Pattern]:
    """One pattern for every owner, level and state; every text of each holds its marker.

    Pattern number k was used 2**k times, so that a sum of uses names the patterns in it. ``related``: they are each
    other's parents, successors and duplicates, so that some point at what not everybody may read who may read them.
    """
    made: list[Pattern] = []
    for owner in ("ana", LEARNER):
        for level in get_args(AccessLevel):
            for status in get_args(PatternStatus):
                made.append(_pattern(len(made), owner, level, status))
    if not related:
        return made
    ids = [each.pattern_id for each in made]
    many = len(made)
    return [
        replace(
            each,
            parent_pattern_id=None if not number else ids[(number * 7 + 3) % number],
            successor_id=ids[(number * 11 + 5) % many] if each.status == "deprecated" else None,
            duplicate_of=None if each.status == "active" else ids[(number * 13 + 17) % many],
            metadata={"distinct_from": [ids[(number * 17 + 9) % many]]},
        )
        for number, each in enumerate(made)
    ]


def _pattern(number: int, owner: str, level: AccessLevel, status: PatternStatus) -> Pattern:
    marker = marker_of(number)
    plain = Pattern(
        pattern_id=name_id("access matrix", str(number)),
        pattern_name=f"Name {marker}",
        namespace=NAMESPACE,
        agent_id=owner,
        category=f"category {marker}",
        subcategory=f"subcategory {marker}",
        pattern_type="workflow",
        intent=f"intent {marker}",
        status=status,
        access_level=level,
        shared_with_agents=("lea",) if level == "shared" else (),
        extraction_method="recorded",
        pattern_data={
            "problem": f"problem {marker} {marker}one {marker}two",
            "solution": f"solution {marker} {marker}three {marker}four",
            "steps": [f"step {marker} {marker}five"],
        },
        pattern_template=f"template {marker}",
        required_tools=(f"tool {marker}",),
        applicable_domains=(f"domain {marker}",),
        technology_requirements=(f"technology {marker}",),
        usage_count=2**number,
        success_count=number,
        failure_count=1,
        deprecation_reason=f"reason {marker}" if status in {"deprecated", "rejected"} else None,
        waiver={"name": "ana", "reason": f"waiver {marker}"} if status == "active" else None,
        validation_status="validated",
    )
    return replace(plain, keywords=keywords_of(plain))


CELLS = len(IDENTITIES) * len(OPERATIONS) * len(matrix_patterns())
"""How many pairs of identity and attempt there are."""
