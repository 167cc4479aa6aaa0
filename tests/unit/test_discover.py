"""Where agents keep their histories."""

from pathlib import Path

import pytest

from seasoned.capture.discover import agent_homes, find

STORAGE = Path(__file__).parents[1] / "data" / "agent-sessions" / "opencode_storage"


@pytest.mark.parametrize("moved", [False, True])
def test_opencode_s_json_files_of_old_are_found(tmp_path: Path, moved: bool) -> None:
    folder = tmp_path / ("elsewhere" if moved else ".local/share/opencode")
    folder.mkdir(parents=True)
    (folder / "storage").symlink_to(STORAGE)
    homes = agent_homes(tmp_path, {"OPENCODE_DATA_DIR": str(folder)} if moved else {})
    assert [home.agent for home in homes] == ["opencode before 1.2"]
    files = [file for home in homes for file in sorted(home.path.glob(home.pattern))]
    unreadable: list[str] = []
    assert [found.importer for found in find(files, unreadable)] == ["opencode", "opencode"]
    assert unreadable == []


def test_an_agent_without_histories_is_not_found(tmp_path: Path) -> None:
    (tmp_path / ".claude" / "projects").mkdir(parents=True)
    (tmp_path / ".codex").mkdir()
    assert agent_homes(tmp_path, {}) == []
