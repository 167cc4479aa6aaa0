"""What to do before, so that a failure does not come up: only what its own remedy shows.

Nothing is invented here: the sentence restates the remedy as something to do first, and the check is a step of it that
only looks.
"""

from seasoned.model.failure import Resolution

__all__ = ["prevention"]

_KNOWN_AFTER = "that the error names"


def prevention(resolution: Resolution, kind: str) -> str | None:
    """A sentence, or None where the remedy does not tell what to do before."""
    steps = resolution.steps
    if not steps:
        return None
    match kind:
        case "preparation":
            before = " and ".join(f"`{step.command}`" for step in steps[:-1])
            return f"Do {before} before `{steps[-1].command.removesuffix(' again')}`."
        case "other_tool":
            return f"Have the arguments of `{steps[-1].command}` ready as well."
        case _ if _KNOWN_AFTER in resolution.description:
            return None  # the value is in the error message, and not to be had before
        case _ if steps[-1].command.startswith(f"{steps[-1].tool}("):
            return None  # arguments with slots alone say nothing that could be done before
        case _:
            return f"Call it so from the start: `{steps[-1].command}`."
