"""The evaluations of recommended steps and of lessons, on runs whose answer is known."""

from collections.abc import Sequence
from random import Random

import pytest
from learned_runs import Call, cancellation, execution

from seasoned.errors import UsageError
from seasoned.evaluate.labelled_runs import LabelledRun, labelled_executions
from seasoned.evaluate.lessons import run_lessons
from seasoned.evaluate.new_tasks import new_tasks, scored
from seasoned.evaluate.report import Figure, Report
from seasoned.evaluate.steps import run_steps
from seasoned.model import Execution

DEEDS = {"cancel": "cancel_order", "return": "return_items", "exchange": "exchange_items", "upgrade": "upgrade_seat"}


THINGS = "lamp sofa chair table kettle radio mirror carpet candle basket pillow blanket".split()


def tasks(runs_each: int = 2) -> list[Execution]:
    """48 tasks of 24 people: the verb of the prompt decides what is done, and the things named distract."""
    random = Random(3)
    made: list[Execution] = []
    for person in range(24):
        for verb in list(DEEDS)[person % 2 :: 2]:
            calls: list[Call] = [("get_user_details", {"user_id": f"u_{person}"}), (DEEDS[verb], {"id": f"A{person}"})]
            things = " ".join(sorted(random.sample(THINGS, 4)))
            prompt = f"Customer person_{person}77 wants to {verb} {things}"
            made += [execution(f"{person} {verb} {run}", prompt, calls) for run in range(runs_each)]
    return made


def figure(report: Report, key: str, part: int = 0) -> Figure:
    return next(each for each in report.parts[part].figures if each.key == key)


def labelled(executions: Sequence[Execution]) -> list[LabelledRun]:
    return labelled_executions(executions)


def test_families_join_runs_of_one_task_and_tasks_that_share_an_identifier() -> None:
    runs = labelled(tasks())
    assert len({run.task for run in runs}) == 48
    assert len({run.family for run in runs}) == 24


def test_runs_without_a_known_outcome_are_left_out() -> None:
    assert labelled([cancellation("x", "#W1", "a_b", status="unknown")]) == []


@pytest.fixture(scope="module")
def report() -> Report:
    return run_steps(labelled(tasks()))


def test_a_task_that_recurs_is_planned_like_another_success(report: Report) -> None:
    assert figure(report, "recurring_ratio").value == 1
    assert figure(report, "recurring_ratio").met is True


def test_words_that_decide_are_found_and_a_plan_is_offered_only_where_they_exist(report: Report) -> None:
    assert figure(report, "offered_share").value == 1
    new = figure(report, "new_f1")
    assert new.value is not None
    assert new.value > max(value for name, value in new.baselines if value is not None and name != "ceiling")
    assert figure(report, "new_margin").met is True
    assert report.parts[-1].name == "prompts permuted"
    assert figure(report, "offered_share", -1).value == 0


def test_a_family_has_no_part_in_its_own_plans() -> None:
    """What is done in one family alone can never be planned for it."""
    odd = execution("odd", "Customer person_9977 wants to cancel something", [("burn_everything", {"id": "A1"})])
    results = scored(new_tasks(labelled([*tasks(), odd]), None))
    lone = next(run.family for run in labelled([*tasks(), odd]) if run.trace.execution_id == odd.trace.execution_id)
    assert [each.ours for each in results if each.family == lone] == [0.0, 0.0]


def test_without_a_success_there_is_nothing_to_measure() -> None:
    failed = [cancellation("f", "#W1", "a_b", status="failure")]
    with pytest.raises(UsageError, match="known to have succeeded"):
        run_steps(labelled(failed))
    with pytest.raises(UsageError, match="successes and failures"):
        run_lessons(labelled(failed))


def planted(tasks_count: int, runs_each: int) -> list[Execution]:
    """Half of the runs of each task succeed: those that look first. Hard tasks take a step more and fail more often."""
    made: list[Execution] = []
    for task in range(tasks_count):
        for run in range(runs_each):
            won = run % 2 == 0
            calls: list[Call] = [("cancel_order", {"id": "A1"})]
            if won:
                calls.insert(0, ("get_order", {"id": "A1"}))
            made.append(
                execution(
                    f"{task} {run}",
                    f"Cancel the order with the name {'abcdefgh'[task]}lpha",
                    calls,
                    status="success" if won else "failure",
                )
            )
    return made


def test_a_planted_lesson_is_found_and_shuffled_outcomes_teach_none() -> None:
    report = run_lessons(labelled(planted(4, 8)))
    found, shuffled = figure(report, "lessons").value, figure(report, "lessons_shuffled").value
    assert found is not None
    assert found >= 1
    assert shuffled is not None
    assert shuffled < 0.5


def test_too_few_runs_of_a_task_teach_nothing() -> None:
    report = run_lessons(labelled(planted(8, 4)))
    assert figure(report, "lessons").value == 0
    assert dict(figure(report, "lessons").baselines)["small strata"] is not None


def test_hard_tasks_make_no_lesson_of_what_they_need() -> None:
    """Easy tasks succeed, hard ones fail, and hard ones need a search: pooled, searching seems to harm."""
    made: list[Execution] = []
    for task in range(6):
        hard = task % 2 == 1
        for run in range(8):
            calls: list[Call] = [("cancel_order", {"id": "A1"})]
            if hard:
                calls.insert(0, ("search_flights", {"day": str(run)}))
            lucky = run % 4 == 0
            made.append(
                execution(
                    f"h{task} {run}",
                    f"Cancel the order with the name {'abcdefgh'[task]}lpha",
                    calls,
                    status="success" if lucky == hard else "failure",
                )
            )
    report = run_lessons(labelled(made))
    assert figure(report, "lessons").value == 0
    assert figure(report, "lessons_shuffled").value == 0
    assert (dict(figure(report, "lessons_shuffled").baselines)["pooled"] or 0) > 0
