"""What the doctor sees outside the data folder's rows: hooks in the agents' settings, and the service.

Invariant: nothing is changed, started or stopped by looking.
"""

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from seasoned.doors.cli import output
from seasoned.doors.cli.stages import StageRow
from seasoned.errors import InputError, ServiceError

if TYPE_CHECKING:
    from seasoned.agents import Standing
    from seasoned.resident import Place
    from seasoned.settings import Loaded

__all__ = ["as_written", "changed_at", "hooks_row", "hooks_standing", "service_row"]

_LOADS_S = 60.0
_ANSWER_S = 2.0


# -- hooks -----------------------------------------------------------------------------------------------------------
def hooks_standing(data_dir: Path) -> "tuple[Standing, ...]":
    """The agents' settings that hold hooks of ours, or should. Raises InputError for settings that cannot be read."""
    from seasoned.agents import Surroundings, standing

    home = Path(os.path.expanduser("~"))  # noqa: PTH111  as ``init`` finds it
    where = as_written(data_dir)
    return standing(Surroundings(home=home, environment=dict(os.environ), data_dir=where, program=(sys.executable,)))


def as_written(data_dir: Path) -> Path:
    """The data folder as ``init`` writes it into settings: absolute, with the links by which the user named it."""
    return Path(os.path.abspath(data_dir))  # noqa: PTH100  links stay: the user named it so


def hooks_row(standing: "Sequence[Standing] | InputError", data_dir: Path) -> StageRow:
    """Whether what ``init`` wrote is there, and names what is there."""
    if isinstance(standing, InputError):
        return StageRow(name="hooks", healthy=False, came="", detail=str(standing))
    data_dir = as_written(data_dir)
    problems: list[str] = []
    said: list[str] = []
    for each in standing:
        wrong = _wrong(each, data_dir)
        problems += [f"{each.client.title} ({each.path}): {one}" for one in wrong]
        problems += [one.removesuffix(".") for one in each.idle]
        if each.data_dirs and not wrong and not each.idle:
            level = "" if each.level == "user" else f" in {each.level}"
            elsewhere = "" if data_dir in each.data_dirs else f" (for {each.data_dirs[0]})"
            said.append(f"{each.client.title}{level}{elsewhere}")
    detail = "; ".join(problems) or ", ".join(said) or "in no agent's settings; `seasoned init` puts them there"
    return StageRow(
        name="hooks", healthy=not problems, came=output.counted(len(standing), "settings file"), detail=detail
    )


def _wrong(standing: "Standing", data_dir: Path) -> list[str]:
    from seasoned.agents import SCRIPTS

    again = f"`seasoned init --agent {standing.client.name}{'' if standing.level == 'user' else ' --project'}` "
    ours = standing.written_at is not None
    if not standing.events:
        return [f"the hooks that were written are gone; {again}writes them, with --remove it forgets them"]
    found: list[str] = []
    for folder in standing.data_dirs:
        missing = [name for name in SCRIPTS if not (folder / "hooks" / name).is_file()]
        if not folder.is_dir():
            found.append(f"the hooks name the data folder {folder}, which is gone; {again}writes them anew")
        elif missing:
            found.append(f"the hooks call {folder / 'hooks' / missing[0]}, which is not there; {again}writes it")
    if ours and data_dir not in standing.data_dirs and not found:
        found.append(f"the hooks tell {standing.data_dirs[0]}, not {data_dir}; {again}brings them here")
    if ours and standing.missing:
        found.append(f"no hook for {', '.join(standing.missing)}; {again}adds it")
    return found


# -- the service -----------------------------------------------------------------------------------------------------
def service_row(loaded: "Loaded") -> StageRow:
    """Whether the service runs, answers, is ready, and gets done what it does behind."""
    from seasoned.resident import Place, holder

    place = Place(data_dir=loaded.data_dir)
    try:
        pid = holder(place)
        if pid is not None:
            return _running(place, pid)
    except ServiceError as error:
        return StageRow(name="service", healthy=False, came="", detail=str(error))
    if loaded.settings.service.use == "off":
        return StageRow(name="service", healthy=True, came="", detail="switched off")
    if reason := _did_not_start(place):
        detail = f"it was asked for and did not start: {reason}; `seasoned service run` shows it happen"
        return StageRow(name="service", healthy=False, came="", detail=detail)
    if changed_at(place.address) > _booted():
        detail = (
            f"it was killed, or broke off; `seasoned service start` starts it anew, {place.log} says what it did last"
        )
        return StageRow(name="service", healthy=False, came="", detail=detail)
    detail = "none runs; the next hook or command that needs it starts it"
    return StageRow(name="service", healthy=True, came="", detail=detail)


def _running(place: "Place", pid: int) -> StageRow:
    import msgspec

    from seasoned.resident import ask

    came = f"process {pid}"
    try:
        reply = ask(place, "/health", method="GET", budget_s=_ANSWER_S)
        health = msgspec.json.decode(reply.body, type=dict[str, object])
        failing = msgspec.convert(health.get("failing", {}), type=dict[str, str])
    except (ServiceError, msgspec.ValidationError, msgspec.DecodeError) as error:
        detail = f"{error} Agents go on without it. `kill -9 {pid}` ends it; the next hook starts another"
        return StageRow(name="service", healthy=False, came=came, detail=detail)
    problems = [f"{job} fails: {reason}" for job, reason in failing.items()]
    ready, up_s = health.get("ready") is True, float(str(health.get("up_s") or 0))
    if not ready and (health.get("failed") or up_s > _LOADS_S):
        problems.insert(0, f"it is not ready: {health.get('failed') or 'it still loads'}")
    if problems:
        problems.append(f"{place.log} says more; `seasoned service stop` has it started anew")
        return StageRow(name="service", healthy=False, came=came, detail="; ".join(problems))
    answered = f"{output.counted(int(str(health.get('answered') or 0)), 'question')} answered"
    late = int(str(health.get("late") or 0))
    detail = f"{'ready' if ready else 'it loads'}, up {output.duration(up_s * 1000)}, {answered}, {late} too late"
    return StageRow(name="service", healthy=True, came=came, detail=detail)


def _did_not_start(place: "Place") -> str:
    """What the last start said that never came to its log; empty where it did, or was a moment ago."""
    from seasoned.resident import said_at_start

    asked = changed_at(place.asked)
    if not asked or time.time() - asked < _ANSWER_S or changed_at(place.log) >= asked:
        return ""
    return output.clean(said_at_start(place))[:300]


def changed_at(path: Path) -> float:
    """When a file was last written, in seconds since 1970; 0 where there is none."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _booted() -> float:
    """When this machine started: a service that ran then was ended with it. 0 where the system does not say."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return 0.0 if clock is None else time.time() - time.clock_gettime(clock)
