"""Settings: precedence, origins, and errors that name the place and what is allowed."""

from pathlib import Path

import pytest

from seasoned.errors import SettingsError
from seasoned.settings import load


def test_file_below_environment_below_flag(tmp_path: Path) -> None:
    project = tmp_path / "project" / "deep"
    project.mkdir(parents=True)
    (tmp_path / "project" / "seasoned.toml").write_text('namespace = "from-file"\n[store]\nbusy_timeout_s = 5\n')
    environment = {"HOME": str(tmp_path), "SEASONED_STORE__BUSY_TIMEOUT_S": "7"}
    loaded = load(environment, working_dir=project, flags={"namespace": "from-flag", "data_dir": None})
    assert loaded.settings.namespace == "from-flag"
    assert loaded.settings.store.busy_timeout_s == 7
    origins = {origin.key: origin.source for origin in loaded.origins}
    assert origins["namespace"] == "flag"
    assert origins["store.busy_timeout_s"] == "environment SEASONED_STORE__BUSY_TIMEOUT_S"
    assert origins["store.pool_max"] == "default"
    assert loaded.data_dir == tmp_path / ".local" / "share" / "seasoned"


def test_short_names(tmp_path: Path) -> None:
    environment = {"HOME": str(tmp_path), "SEASONED_HOME": str(tmp_path / "d"), "SEASONED_DATABASE_URL": "sqlite:///x"}
    loaded = load(environment, working_dir=tmp_path)
    assert loaded.data_dir == tmp_path / "d"
    assert loaded.settings.store.url == "sqlite:///x"


def test_an_unknown_key_names_file_line_and_what_is_allowed(tmp_path: Path) -> None:
    (tmp_path / "seasoned.toml").write_text('# mine\n\n[store]\nurl = "sqlite:///x"\ntimeout = 3\n')
    with pytest.raises(SettingsError) as caught:
        load({"HOME": str(tmp_path)}, working_dir=tmp_path)
    message = str(caught.value)
    assert f"{tmp_path / 'seasoned.toml'}:5" in message
    assert "store.timeout" in message
    assert "busy_timeout_s" in message


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('store.url = "postgresql://me@far.example/x"', "store.url"),
        ('[store]\nurl = "POSTGRESQL+psycopg://me@far.example/x"', "store.url"),
        ('[redaction]\nallow = [".*"]', "redaction.allow"),
        ("knowledge = { command = ['sh'] }", "knowledge.command"),
    ],
)
def test_a_projects_file_sends_nothing_away_and_lets_no_secret_stay(tmp_path: Path, text: str, key: str) -> None:
    (tmp_path / "seasoned.toml").write_text(text)
    with pytest.raises(SettingsError, match=rf"seasoned\.toml:\d: {key}: a project's file may not"):
        load({"HOME": str(tmp_path)}, working_dir=tmp_path)
    (tmp_path / ".config" / "seasoned").mkdir(parents=True)
    (tmp_path / "seasoned.toml").rename(tmp_path / ".config" / "seasoned" / "seasoned.toml")
    load({"HOME": str(tmp_path)}, working_dir=tmp_path)  # the user's own may


def test_a_bad_value_names_the_variable(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"environment SEASONED_STORE__POOL_MAX: store\.pool_max"):
        load({"HOME": str(tmp_path), "SEASONED_STORE__POOL_MAX": "many"}, working_dir=tmp_path)


def test_broken_toml_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "seasoned.toml").write_text("namespace = \n")
    with pytest.raises(SettingsError, match=r"seasoned\.toml: Invalid value"):
        load({"HOME": str(tmp_path)}, working_dir=tmp_path)


def test_correlation_variables_of_the_shell_tools_are_no_settings(tmp_path: Path) -> None:
    load({"HOME": str(tmp_path), "SEASONED_CORRELATION_ID": "x"}, working_dir=tmp_path)
