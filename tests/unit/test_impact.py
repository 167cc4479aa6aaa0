"""`seasoned impact`: what is claimed, what is not claimed yet, and what stands beside it under its own name."""

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Literal

import pytest
from advice_rows import BEGIN, FIX, NAMESPACE, PATTERN, Ends, failures, sessions
from typer.testing import CliRunner

from seasoned.advise.effects import Answered, Effect, opportunities
from seasoned.advise.experiment import anew
from seasoned.advise.impact import ImpactReport, impact, rounded
from seasoned.advise.product_metrics import ProductMetric, product_metrics
from seasoned.doors.cli.root import application
from seasoned.errors import UsageError
from seasoned.model import Advice, Document, Identity, Pattern, PatternUsage, Template, Trace
from seasoned.store import open_store

LATER = BEGIN + timedelta(days=3)


def of(report: ImpactReport, question: str, endpoint: str) -> Effect:
    told = next(each for each in report.questions if each.name == question)
    return next(each for each in told.effects if each.endpoint == endpoint)


def answers(rows: Iterable[Advice]) -> tuple[Answered, ...]:
    return impact(rows).questions


def shorter(effect: float, seed: int = 7) -> Iterator[Advice]:
    """3000 sessions whose time is cut by ``effect`` where advice was given, and whose success is not touched."""
    luck = Random(seed)

    def ends(number: int, told: bool) -> Document:
        usual = 60_000 * (1 + number % 3)
        return {
            "success": int(luck.random() < 0.7),
            "duration_ms": usual * math.exp(luck.gauss(0, 0.8)) * (1 - effect * told),
            "quality": luck.betavariate(8, 2),
        }

    return sessions(3000, ends)


def quicker(effect: int, seed: int = 2) -> Iterator[Advice]:
    luck = Random(seed)

    def ends(number: int, told: bool) -> Document:
        hard = number // 3 % 4  # of the session
        return {
            "steps_to_recovery": max(1, hard + luck.randint(2, 7) - effect * told),
            "same_failure_again": luck.randint(0, 1),
        }

    return failures(1500, ends)


# -- what is claimed ---------------------------------------------------------------------------------------------------
def test_nothing_is_told_of_nothing() -> None:
    report = impact([])
    assert report.headline.startswith("Nothing to tell yet: no moment was seen")
    assert all(each.effects[0].verdict == "no_data" for each in report.questions)
    assert report.naive == ()


def test_an_effect_is_found_where_there_is_one_and_nowhere_else() -> None:
    report = impact(shorter(0.4))
    duration = of(report, "plans", "duration_ms")
    assert duration.verdict == "helps"
    assert duration.low is not None and duration.high is not None
    assert duration.low < -0.4 < duration.high < 0
    assert duration.given is not None and duration.held_out is not None and duration.difference is not None
    assert duration.given / duration.held_out - 1 == pytest.approx(duration.difference)
    assert of(report, "plans", "success").verdict == "cannot_tell"
    assert of(report, "plans", "quality").verdict == "no_difference"
    assert "Cannot tell yet whether advice helps" in report.headline  # its own endpoint decides a question


def test_fixes_are_judged_by_steps_to_recovery() -> None:
    report = impact(quicker(3))
    steps = of(report, "fixes", "steps_to_recovery")
    assert (steps.primary, steps.verdict, steps.needed) == (True, "helps", None)
    assert report.headline.startswith("Known fixes right after a failure help: steps to recovery −")
    assert report.headline.endswith("more sessions.")
    assert next(each for each in report.hold_outs).share == 0.9


def test_harm_is_said_loudly_also_where_success_alone_shows_it() -> None:
    luck = Random(1)

    def ends(_: int, told: bool) -> Document:
        return {"steps_to_recovery": luck.randint(2, 7), "success": int(luck.random() < 0.8 - 0.3 * told)}

    report = impact(failures(2500, ends))
    assert "HARM, and are not given any more: success −" in report.headline
    assert report.hold_outs[0].share == 0.0


def test_a_failure_that_was_never_recovered_from_is_not_a_quick_one() -> None:
    """Given, half of the failures end at once and half never; held out, all end after four steps."""

    def ends(number: int, told: bool) -> Document:
        return {} if told and number % 2 else {"steps_to_recovery": 1 if told else 4}

    rows = [replace(row, outcome="recovered" if row.endpoints else "not_recovered") for row in failures(1500, ends)]
    steps = of(impact(rows), "fixes", "steps_to_recovery")
    assert steps.given == pytest.approx(5.5, abs=0.4)
    assert steps.verdict == "harms"


def test_there_is_no_word_on_an_effect_before_it_can_be_told() -> None:
    report = impact(list(shorter(0.0))[:60])
    assert report.headline.startswith("Cannot tell yet whether advice helps: it needs about")
    success = of(report, "plans", "success")
    assert success.needed is not None and 4500 < success.needed < 7500
    later = of(impact(shorter(0.0)), "plans", "success")
    assert later.needed is not None and success.needed - later.needed == pytest.approx(2940, rel=0.25)


def noisy_steps(luck: Random) -> Ends:
    """One step fewer where a fix was given, in a spread of six."""
    return lambda _, told: {"steps_to_recovery": luck.randint(2, 7) - told}


def test_as_many_as_it_says_are_needed_are_enough_four_times_in_five() -> None:
    found = 0
    for seed in range(20):
        rows = list(failures(400, noisy_steps(Random(seed)), each=1))
        first = of(impact(rows[:40]), "fixes", "steps_to_recovery")
        assert first.needed is not None
        found += of(impact(rows[: 40 + first.needed]), "fixes", "steps_to_recovery").verdict == "helps"
    assert found >= 16


# -- what is compared --------------------------------------------------------------------------------------------------
def test_a_unit_enters_with_its_first_opportunity_and_what_was_drawn_then() -> None:
    rows = list(sessions(50, lambda _, told: {"success": int(told)}))
    again = [
        replace(row, advice_id=f"z{row.advice_id}", given_at=LATER, share=0.8, endpoints={"success": 0}) for row in rows
    ]
    assert answers([*again, *rows]) == answers(rows)


def test_moments_without_chance_are_no_part_of_it() -> None:
    rows = list(sessions(50, lambda _, told: {"success": int(told)}))
    asked = [replace(row, unit=f"session:{row.advice_id}", opportunity="asked") for row in rows]
    certain = [replace(row, unit=f"session:x{row.advice_id}", share=1.0, arm="given") for row in rows]
    assert answers([*asked, *certain, *rows]) == answers(rows)


def test_warnings_are_a_question_of_their_own() -> None:
    rows = [replace(row, moment="before_tool") for row in failures(30, lambda _, told: {"same_failure_again": 0})]
    units = opportunities(rows)
    assert (len(units["warnings"].first), len(units["fixes"].first)) == (30, 0)
    assert not any(effect.primary for each in answers(rows) if each.name == "warnings" for effect in each.effects)


def test_lost_rows_are_noticed() -> None:
    rows = [row for row in shorter(0.4) if row.arm == "given" or int(row.advice_id[1:]) % 3]
    report = impact(rows)
    assert of(report, "plans", "duration_ms").verdict == "not_comparable"
    assert "not comparable" in report.headline


def test_outcomes_that_are_known_of_one_arm_more_often_are_not_compared() -> None:
    def ends(number: int, told: bool) -> Document:
        # The held out are as good; but where they fail one does not hear of it.
        success = int(number % 10 < 7)
        return {"success": success} if told or success else {}

    report = impact(sessions(2000, ends))
    told = next(each for each in report.questions if each.name == "plans")
    assert told.verdict == "not_comparable"
    assert any("known more often in one arm" in note for note in told.notes)


def test_unknown_outcomes_are_counted_and_widen_the_interval() -> None:
    """Advice changes nothing but that fewer failures are seen; of the rest one hears as often."""
    luck = Random(1)

    def ends(_: int, told: bool) -> Document:
        success = luck.random() < 0.75
        seen = luck.random() < (0.6 if success else 0.3 if told else 0.5)
        return {"success": int(success)} if seen else {}

    report = impact(sessions(1200, ends))
    success = of(report, "plans", "success")
    assert success.verdict == "cannot_tell"
    assert success.low is not None and success.high is not None and success.difference is not None
    assert success.low < 0 < success.high
    assert success.difference > 0.1  # what is known looks like help, and without widening was told as such
    note = next(note for each in report.questions for note in each.notes if "is not known" in note)
    assert note.startswith(
        f"Success is not known of {success.unknown_given + success.unknown_held_out} of 1200 sessions"
    )


def test_only_units_that_began_since_then_count() -> None:
    """A session that went badly goes on the next day; those that were told go badly less often. Who looks at the next
    day alone sees, of the old sessions, only what is left of them."""
    first = list(sessions(1200, lambda number, told: {"success": 1}))
    next_day = [
        replace(row, advice_id=f"z{row.advice_id}", given_at=row.given_at + timedelta(days=1), endpoints={"success": 0})
        for row in first
        if row.arm == "held_out"
    ]
    fresh = list(sessions(40, lambda number, told: {"success": 1}, begin=1500))
    begin = BEGIN + timedelta(minutes=1300)
    report = impact([*first, *next_day, *fresh], since=begin)
    plans = next(each for each in report.questions if each.name == "plans")
    assert plans.n_given + plans.n_held_out == 40
    assert plans.verdict == "cannot_tell"
    assert report.moments == len([row for row in [*next_day, *fresh] if row.given_at >= begin])


def test_what_is_given_from_now_on_does_not_depend_on_what_one_asks_to_be_told_of() -> None:
    luck = Random(1)
    rows = list(sessions(2500, lambda _, told: {"success": int(luck.random() < 0.8 - 0.2 * told)}))
    last = BEGIN + timedelta(minutes=2480)
    recent = impact(rows, since=last, at_least=0.7)
    plans = next(place for place, each in enumerate(recent.questions) if each.name == "plans")
    assert recent.questions[plans].verdict == "cannot_tell"
    assert recent.hold_outs[plans].share == 0.0
    assert {held.share for place, held in enumerate(recent.hold_outs) if place != plans} == {0.7}
    assert "`seasoned impact --restart` begins anew" in recent.headline
    begun_anew = [*rows, anew(namespace=NAMESPACE, agent_id="me", at=last)]
    assert impact(begun_anew).hold_outs[plans].share == 0.5
    assert impact(begun_anew).since == last
    whole = impact(begun_anew, since=BEGIN)
    assert whole.moments == 2500  # the mark is none
    assert "HARM: success" in whole.headline and "not given any more" not in whole.headline


def test_few_users_are_named_as_such() -> None:
    one = answers(sessions(50, lambda _, told: {"success": 1}, places=1))
    many = answers(sessions(50, lambda _, told: {"success": 1}, places=12))
    assert any("says nothing about others" in note for each in one if each.name == "plans" for note in each.notes)
    assert not any(each.notes for each in many)


@pytest.mark.parametrize("value", ["fast", math.nan, math.inf])
def test_an_endpoint_that_is_no_number_is_named(value: object) -> None:
    rows = sessions(3, lambda _, told: {"duration_ms": value})
    with pytest.raises(ValueError, match="endpoint duration_ms of advice a000000"):
        impact(rows)


def test_the_naive_figure_stands_beside_and_is_wrong() -> None:
    """Work with nothing to say about it is harder. Advice changes nothing."""
    luck = Random(4)
    known = list(sessions(1500, lambda _, told: {"success": int(luck.random() < 0.8)}))
    new = [
        replace(
            row,
            arm=None,
            share=None,
            unit=None,
            items=(),
            reason="nothing relevant",
            endpoints={"success": int(luck.random() < 0.4)},
        )
        for row in sessions(1500, lambda _, told: {}, begin=5000)
    ]
    report = impact([*known, *new])
    naive = next(each for each in report.naive if each.endpoint == "success")
    assert naive.difference > 0.15
    assert naive.n_with + naive.n_without == 3000
    ours = of(report, "plans", "success")
    assert ours.low is not None and ours.high is not None and ours.difference is not None
    assert ours.low < 0 < ours.high and abs(ours.difference) < 0.06


def test_a_need_is_rounded_to_two_digits() -> None:
    assert [rounded(each) for each in (7, 85, 148, 2357, 12_345)] == ["7", "85", "150", "2\u202f400", "12\u202f000"]


# -- figures of the product --------------------------------------------------------------------------------------------
def figures(home: Path, rows: list[Advice]) -> dict[str, ProductMetric]:
    who = Identity(namespace=NAMESPACE, agent_id="me", role="admin", local=True)
    store = open_store(f"sqlite:///{home / 'seasoned.db'}")
    try:
        return {each.name: each for each in product_metrics(store, who, rows, answers(rows), now=LATER)}
    finally:
        store.close()


def test_what_is_not_measured_says_why(tmp_path: Path) -> None:
    found = figures(tmp_path, [])
    assert found.pop("patterns").value == 0
    assert len(found) == 10
    assert all(each.value is None and each.standing is None and each.reason for each in found.values())


def pattern(number: int, status: Literal["candidate", "active"]) -> Pattern:
    return Pattern(
        pattern_id=f"00000000-0000-5000-8000-00000000000{number}", pattern_name=f"p{number}", namespace=NAMESPACE, agent_id="me",
        pattern_type="workflow", status=status, execution_ids=(f"00000000-0000-5000-8000-0000000001{number:02}",),
    )  # fmt: skip


def fill(home: Path, rows: list[Advice]) -> None:
    """Two patterns, one of them drawn from one of four good executions and used in one; two templates, one of them
    used."""
    store = open_store(f"sqlite:///{home / 'seasoned.db'}")
    with store.writing() as writing:
        traces = [
            Trace(
                execution_id=f"00000000-0000-5000-8000-0000000001{number:02}", namespace=NAMESPACE, revision=1, prompt="p",
                status="success", quality_score=0.9 if number < 5 else 0.5, started_at=BEGIN,
            )
            for number in range(1, 8)
        ]  # fmt: skip
        writing.save_traces([(trace, None) for trace in traces])
        writing.save_patterns([pattern(1, "active"), pattern(9, "candidate")])
        writing.save_templates(
            [
                Template(
                    template_id=f"00000000-0000-5000-8000-00000000020{number}", template_name=f"t{number}",
                    namespace=NAMESPACE, agent_id="me", template_content="x", placeholder_schema={}, usage_count=number,
                )
                for number in range(2)
            ]
        )  # fmt: skip
        writing.save_usage(
            PatternUsage(
                usage_id="00000000-0000-5000-8000-000000000301", pattern_id=pattern(1, "active").pattern_id, namespace=NAMESPACE,
                execution_id="00000000-0000-5000-8000-000000000107", agent_id="me", used_at=BEGIN,
            )
        )  # fmt: skip
        writing.save_advice(rows)
    store.close()


def stored(home: Path) -> list[Advice]:
    """A log of 1,500 failures and 3,000 sessions in which a fix is quicker and a plan shorter, with a library beside
    it."""
    rows = [*shorter(0.4), *quicker(3)]
    rows = [
        replace(
            row,
            advice_id=f"00000000-0000-5000-9000-{number:012}",
            execution_id=f"00000000-0000-5000-8000-000000000{100 + number}" if number < 8 else None,
            followed=number < 3,
            accepted=number % 2 == 0 if number < 10 else None,
        )
        for number, row in enumerate(rows)
    ]
    fill(home, rows)
    return rows


def test_figures_are_measured_from_the_store(tmp_path: Path) -> None:
    rows = stored(tmp_path)
    found = figures(tmp_path, rows)
    tasks = 3000
    followed = sum(row.arm == "given" for row in rows[:3])
    reuse = found["pattern_reuse"]
    assert reuse.value == pytest.approx((followed + 1) / tasks)  # and one whose use was recorded
    assert (reuse.n, reuse.standing) == (tasks, "missed")
    assert (found["extraction"].value, found["extraction"].n) == (0.25, 4)
    assert (found["template_adoption"].value, found["template_adoption"].n) == (0.5, 2)
    assert found["patterns"].label == "patterns (1 active, 1 candidates)"
    told = [row for row in rows[:10] if row.arm == "given"]
    assert (found["acceptance"].n, found["acceptance"].value) == (
        len(told),
        pytest.approx(sum(bool(row.accepted) for row in told) / len(told)),
    )
    duration = found["duration"]
    assert duration.value == pytest.approx(-0.4, abs=0.06)
    assert (duration.at_most, duration.standing, found["repeated_failures"].standing) == (True, "open", "missed")


def shown(home: Path, *arguments: str) -> str:
    done = CliRunner().invoke(application, ["--home", str(home), "--namespace", NAMESPACE, "impact", *arguments])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_the_command_tells_the_verdict_first(tmp_path: Path) -> None:
    stored(tmp_path)
    lines = shown(tmp_path).splitlines()
    assert lines[0].startswith("Known fixes right after a failure help: steps to recovery −")
    text = "\n".join(lines)
    assert "from now on 90% are given (surely helps)" in text
    assert "Naive comparison, NOT an effect" in text
    assert "routing confidence" in text and "not measured yet" in text
    assert lines.index(next(each for each in lines if "Naive" in each)) > lines.index(
        next(each for each in lines if "steps to recovery *" in each)
    )


def test_the_command_tells_no_effect_before_it_can(tmp_path: Path) -> None:
    """Of a few units: an estimate would be noise that looks like a finding."""
    fill(tmp_path, list(failures(40, lambda _, told: {"steps_to_recovery": 5})))
    row = next(each for each in shown(tmp_path).splitlines() if "steps to recovery *" in each)
    assert row.split("steps to recovery *")[1].split()[:3] == ["–", "–", "–"]
    assert "cannot tell yet" in row and "more" in row


def test_the_command_says_what_to_do_where_there_is_no_data(tmp_path: Path) -> None:
    text = shown(tmp_path)
    assert text.startswith("Nothing to tell yet: no moment was seen")
    assert "seasoned init" in text
    rows = [
        replace(row, items=FIX if number else PATTERN) for number, row in enumerate(failures(1, lambda _, told: {}))
    ]
    fill(
        tmp_path, [replace(row, advice_id="00000000-0000-5000-8000-000000000001", arm=None, share=None) for row in rows]
    )
    assert "at no moment so far did chance decide" in shown(tmp_path)


def test_the_document_and_since(tmp_path: Path) -> None:
    stored(tmp_path)
    whole = json.loads(shown(tmp_path, "--json"))
    assert whole["moments"] == 4500
    assert whole["questions"][0]["effects"][0]["verdict"] == "helps"
    assert {each["figure"]["name"]: each["standing"] for each in whole["metrics"]}["patterns"] == "missed"
    part = json.loads(shown(tmp_path, "--json", "--since", "2026-01-02T01:00"))
    assert part["moments"] == 1500  # of the sessions alone: the failures were over by then
    done = CliRunner().invoke(application, ["--home", str(tmp_path), "impact", "--since", "yesterday"])
    assert isinstance(done.exception, UsageError)
    assert "allowed is a day or a time" in str(done.exception)


def test_the_command_begins_anew(tmp_path: Path) -> None:
    stored(tmp_path)
    assert json.loads(shown(tmp_path, "--json"))["anew_at"] is None
    text = shown(tmp_path, "--restart")
    assert text.startswith("Nothing to tell yet")
    assert "or later is counted; `--since 2000-01-01` tells of all" in text
    after = json.loads(shown(tmp_path, "--json"))
    assert after["since"] == after["anew_at"] is not None
    assert [each["share"] for each in after["hold_outs"]] == [0.5, 0.5, 0.5]
    whole = json.loads(shown(tmp_path, "--json", "--since", "2000-01-01"))
    assert whole["questions"][0]["effects"][0]["verdict"] == "helps"
    assert [each["share"] for each in whole["hold_outs"]] == [0.5, 0.5, 0.5]
    arguments = ["--home", str(tmp_path), "impact", "--restart", "--since", "2026-01-01"]
    assert isinstance(CliRunner().invoke(application, arguments).exception, UsageError)


def test_the_command_says_where_nothing_is_held_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEASONED_ADVICE__HELD_OUT_SHARE", "0")
    assert "advice.held_out_share is 0: nothing is held out" in shown(tmp_path)
    stored(tmp_path)
    text = shown(tmp_path)
    assert text.count("from now on all are given (advice.held_out_share is 0)") == 2


def test_the_endpoint_that_decides_has_its_own_error_rate_and_the_others_share_one() -> None:
    for question in answers(sessions(50, lambda _, told: {"success": 1})):
        levels = {effect.level for effect in question.effects if effect.primary}
        others = [1 - effect.level for effect in question.effects if not effect.primary]
        assert levels <= {0.95}
        assert sum(others) == pytest.approx(0.05)
