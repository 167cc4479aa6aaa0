"""Seasoned's own JSONL under the importers' contract, and its round trip."""

from dataclasses import replace
from pathlib import Path

from seasoned.capture.importers.atif import AtifImporter
from seasoned.capture.importers.seasoned_jsonl import SeasonedJsonlImporter
from seasoned.model import Event, ExecutionUpdate, Trace
from seasoned.model.codec import decode_event, encode_event
from seasoned.testing.importers import ImporterContract, read

DATA = Path(__file__).parent.parent / "data"
SAMPLE = DATA / "made" / "seasoned_events.jsonl"


class TestSeasonedJsonl(ImporterContract):
    importer = SeasonedJsonlImporter()
    samples = (SAMPLE,)
    foreign = (DATA / "made" / "terminal_bench_trials.jsonl", DATA / "openhands" / "resolver_output.jsonl")
    sources = frozenset({"atif"})


def test_what_was_exported_comes_back_with_its_ids() -> None:
    exported = read(AtifImporter(), DATA / "made" / "atif_1_7_subagent.json")[0]
    imported = read(SeasonedJsonlImporter(), SAMPLE)[0]
    assert [item.update.trace.execution_id for item in imported] == [i.update.trace.execution_id for i in exported]
    assert [item.update.spans for item in imported] == [item.update.spans for item in exported]


def test_a_file_does_not_choose_whose_data_it_becomes() -> None:
    assert all(decode_event(line).namespace == "team-a" for line in SAMPLE.read_bytes().splitlines())
    assert {item.update.trace.namespace for item in read(SeasonedJsonlImporter(), SAMPLE)[0]} == {"contract"}


def test_texts_beyond_the_limits_are_cut_and_texts_cut_before_are_not_cut_again(tmp_path: Path) -> None:
    event = decode_event(SAMPLE.read_bytes().splitlines()[0])
    trace = Trace(execution_id=event.update.trace.execution_id, namespace="x", prompt="word " * 10_000)
    path = tmp_path / "events.jsonl"
    path.write_bytes(encode_event(replace(event, payload=ExecutionUpdate(trace=trace))) + b"\n")
    once = read(SeasonedJsonlImporter(), path)[0][0].update
    path.write_bytes(encode_event(replace(event, payload=once)) + b"\n")
    twice = read(SeasonedJsonlImporter(), path)[0][0].update
    assert len(once.trace.prompt or "") < 20_100
    assert twice == once


def test_a_newer_version_is_noted_and_its_neighbours_are_read(tmp_path: Path) -> None:
    first, second = SAMPLE.read_bytes().splitlines()
    newer: Event = replace(decode_event(first), schema_version=99)
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"\n".join([encode_event(newer), second, b'{"event_id":"x"}', first]))
    recordings, report = read(SeasonedJsonlImporter(), path)
    assert len(recordings) == 2
    assert report.skipped == 2
    assert report.newer_version is not None and "99" in report.newer_version
