"""What every command prints with: counts with their nouns, and documents that any reader of JSON can take."""

import json
import os

import pytest

from seasoned.doors.cli import output


def test_a_count_agrees_with_its_noun() -> None:
    told = [output.counted(1, "session"), output.counted(0, "session"), output.counted(2, "fix", "fixes")]
    assert told == ["1 session", "0 sessions", "2 fixes"]


def test_a_document_with_a_name_that_is_no_text_is_json_all_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    odd = os.fsdecode(b"/home/gr\xf6\xdfe")
    output.emit_json({"data_dir": odd, odd: [{"within": (odd,)}]})
    shown = "/home/gr\ufffd\ufffde"
    assert json.loads(capsys.readouterr().out) == {"data_dir": shown, shown: [{"within": [shown]}]}
