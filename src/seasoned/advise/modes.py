"""How far Seasoned goes with an agent: what the namespace's modes come to.

Invariant: a kill switch wins over every mode, whoever set which first, and an agent's own mode over that of all.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from seasoned.model.advice import ALL_AGENTS, Mode, ModeName

__all__ = ["DEFAULT_MODE", "Effective", "effective"]

DEFAULT_MODE: ModeName = "suggest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Effective:
    """What holds for one agent."""

    name: ModeName
    silent: bool = False
    """A kill switch is on."""
    own: bool = False
    """The agent has a mode of its own: somebody asked for it."""

    @property
    def plans(self) -> bool:
        """Whether a shortcut comes as a filled plan: in ``auto`` for all, in ``opt_in`` for those that asked."""
        return self.name == "auto" or (self.name == "opt_in" and self.own)


def effective(modes: Iterable[Mode], source: str) -> Effective:
    """What holds for the agent ``source``; ``modes`` are those of the namespace."""
    by_agent = {each.agent: each for each in modes}
    own, everyone = by_agent.get(source), by_agent.get(ALL_AGENTS)
    chosen = own or everyone
    return Effective(
        name=chosen.mode if chosen is not None else DEFAULT_MODE,
        silent=any(each.kill_switch for each in (own, everyone) if each is not None),
        own=own is not None,
    )
