"""A slice of what ``make fuzz`` runs whole: damaged transcripts through every importer, the redactor and the writer."""

from pathlib import Path

import pytest
from formats import FORMATS, Format
from fuzz import run

from seasoned.capture.importers import BUILT_IN

pytestmark = pytest.mark.slow

SLICE = 150
"""Mutations of each format; half a second of it for each."""


@pytest.mark.parametrize("fmt", FORMATS, ids=[fmt.name for fmt in FORMATS])
def test_damage_costs_no_more_than_what_it_hit(fmt: Format, tmp_path: Path) -> None:
    outcome = run(fmt, range(SLICE), tmp_path)
    assert [(failure.number, failure.what, failure.reason) for failure in outcome.failures] == []
    assert outcome.mutations == SLICE
    assert outcome.executions > 0
    assert outcome.with_skips + outcome.refused > 0, "damage is counted or refused"


def test_every_importer_of_files_is_mutated() -> None:
    assert {fmt.importer for fmt in FORMATS} == BUILT_IN.keys() - {"git"}


def test_the_same_seed_gives_the_same_files(tmp_path: Path) -> None:
    first, second = (run(FORMATS[0], range(40), tmp_path, seed=7) for _ in range(2))
    assert first.kinds == second.kinds
    assert first.executions == second.executions
    assert run(FORMATS[0], range(40), tmp_path, seed=8).kinds != first.kinds
