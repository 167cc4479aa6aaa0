"""Does `seasoned impact` find what is there, and nothing where nothing is? Trials with a known effect, looked at after
every unit.

    python benchmarks/impact_simulation.py [--simulations N] [--seed S] [--only TEXT] [--json]

*missed*: share of trials in which the 95 % interval at any look left out the truth; it must not exceed 5 %. *helps* and
*harms*: share in which that was ever said; where there is no effect each may be 5 % at most. *median units*: after how
many half of those that said *helps* (or *harms*) had said it. *width*: of the interval at the end, median. Beside it,
in the same trials: *peeking*, the share in which the usual 95 % interval, looked at after every unit from the 30th on,
ever claimed an effect; *asymptotic missed*, what *missed* is for the asymptotic confidence sequence; *naive*, the mean
difference that comparing with and without advice shows if advice is given where work is easy, beside the mean of ours
and of the truth; *pooled*, given against held out of the same trial without regard to when the share changed.

A second table is of trials in which not all outcomes become known, and advice may change which do: *claimed*, the share
in which an effect was ever claimed, *claimed bare*, the same had the interval not been widened by what unknown outcomes
could hide; *not comparable*, the share in which the check of the report said so at the end."""

from statistics import mean, median

from material.figures import Figures, options, show
from seasoned.testing.trials import SCENARIOS, Watched, simulate
from seasoned.testing.unknown_trials import HEARING, Heard, hearing


def row(trials: list[Watched]) -> Figures:
    """The figures of one scenario."""
    said = sorted(at for each in trials if (at := each.helps_at or each.harms_at) is not None)
    return {
        "missed": round(mean(each.missed for each in trials), 4),
        "helps": round(mean(each.helps_at is not None for each in trials), 4),
        "harms": round(mean(each.harms_at is not None for each in trials), 4),
        "median units": int(median(said)) if 2 * len(said) >= len(trials) else None,
        "width": round(median(each.width for each in trials), 3),
        "truth": round(mean(each.truth for each in trials), 4),
        "ours": round(mean(each.estimate for each in trials), 4),
        "naive": round(mean(each.asked for each in trials), 4),
        "pooled": round(mean(each.pooled for each in trials), 4),
        "peeking": round(mean(each.naive_at is not None for each in trials), 4),
        "asymptotic missed": round(mean(each.asymptotic_missed for each in trials), 4),
        "share at end": round(median(each.share for each in trials), 2),
    }


def heard_row(trials: list[Heard]) -> Figures:
    """The figures of one world in which not all becomes known."""
    said = sorted(each.claimed_at for each in trials if each.claimed_at is not None)
    return {
        "missed": round(mean(each.missed for each in trials), 4),
        "claimed": round(mean(each.claimed_at is not None for each in trials), 4),
        "claimed bare": round(mean(each.claimed_bare_at is not None for each in trials), 4),
        "median units": int(median(said)) if 2 * len(said) >= len(trials) else None,
        "not comparable": round(mean(each.incomparable for each in trials), 4),
    }


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--simulations", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="only scenarios whose name holds this")
    arguments = parser.parse_args()
    rows = {
        name: row(simulate(scenario, simulations=arguments.simulations, seed=arguments.seed))
        for name, scenario in SCENARIOS.items()
        if arguments.only in name
    }
    heard = {
        name: heard_row(hearing(world, simulations=arguments.simulations, seed=arguments.seed))
        for name, world in HEARING.items()
        if arguments.only in name
    }
    for title, table in (("with a known effect", rows), ("in which not all outcomes become known", heard)):
        if table:
            show(f"Trials {title}, {arguments.simulations} of each", table, as_json=arguments.json)


if __name__ == "__main__":
    main()
