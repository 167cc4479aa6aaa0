"""Every command, argument, option, setting and evaluation is documented; and nothing that is not there.

The program itself is asked what it has, so that a new option fails here until somebody says what it is for.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from typer.main import get_command

from seasoned.doors.cli import _ALWAYS_JSON  # pyright: ignore[reportPrivateUsage]  # the commands that answer agents
from seasoned.doors.cli.root import application
from seasoned.settings import load

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| (?P<words>`[^|]*`) \| (?P<meaning>.*) \|$", re.MULTILINE)
GLOBAL = "Global options"


def commands() -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, by its full name."""
    waiting: list[tuple[str, click.Command]] = [("seasoned", get_command(application))]
    while waiting:
        name, command = waiting.pop()
        if isinstance(command, click.Group):
            waiting += [(f"{name} {each}", below) for each, below in command.commands.items()]
        else:
            yield name, command


COMMANDS = dict(commands())


def words_of(command: click.Command) -> set[str]:
    """Arguments in capitals and options, both spellings of a switch included; hidden ones are left out."""
    found: set[str] = set()
    for parameter in command.params:
        if isinstance(parameter, click.Argument):
            found.add((parameter.name or "").upper())
        elif isinstance(parameter, click.Option) and not parameter.hidden:
            found |= {*parameter.opts, *parameter.secondary_opts}
    return found


def sections() -> dict[str, str]:
    """The page by command, the global options and the settings among them."""
    found: dict[str, str] = {}
    for part in re.split(r"^#{2,3} ", PAGE, flags=re.MULTILINE)[1:]:
        heading, _, body = part.partition("\n")
        name = re.sub(r" \[?[A-Z].*$", "", heading.strip("`")) if heading.startswith("`") else heading
        assert name not in found, f"{name} is described twice"
        found[name] = body
    return found


def rows(body: str) -> dict[str, str]:
    """What a table explains, word by word, and how."""
    return {
        word: row["meaning"].strip() for row in ROW.finditer(body) for word in re.findall(r"`([^`]+)`", row["words"])
    }


SECTIONS = sections()


def test_the_page_has_every_command_and_no_other() -> None:
    assert {name for name in SECTIONS if name.startswith("seasoned")} == set(COMMANDS)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_argument_and_option_is_explained(name: str) -> None:
    explained = rows(SECTIONS[name])
    assert set(explained) == words_of(COMMANDS[name])
    assert [word for word, meaning in explained.items() if len(meaning) < 5] == []


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_what_is_needed_and_what_holds_otherwise_is_said(name: str) -> None:
    explained = rows(SECTIONS[name])
    for option in COMMANDS[name].params:
        if not isinstance(option, click.Option) or option.hidden:
            continue
        meaning = explained[option.opts[0]]
        assert ("**needed**" in meaning) == option.required, option.name
        if isinstance(option.default, int | float | str) and not isinstance(option.default, bool) and option.default:
            assert f"default {option.default}" in meaning, option.name


def test_the_global_options_are_explained() -> None:
    assert set(rows(SECTIONS[GLOBAL])) == words_of(get_command(application)) | {"-h", "--help"}


def test_every_command_says_what_it_is_for_and_takes_json() -> None:
    for name, command in COMMANDS.items():
        assert command.help, name
        assert any("--json" in option.opts for option in command.params), name
        hidden = [option for option in command.params if isinstance(option, click.Option) and option.hidden]
        assert bool(hidden) == (name.split()[-1] in _ALWAYS_JSON), name


def test_every_setting_is_explained_and_no_other(tmp_path: Path) -> None:
    loaded = load({"HOME": str(tmp_path)}, working_dir=tmp_path)
    assert set(rows(SECTIONS["Settings"])) == {origin.key for origin in loaded.origins}


def test_every_evaluation_has_its_section() -> None:
    page = (ROOT / "docs" / "evaluation.md").read_text(encoding="utf-8")
    described = set(re.findall(r"^## `seasoned evaluate (\w+)", page, re.MULTILINE))
    assert described == {name.split()[-1] for name in COMMANDS if name.startswith("seasoned evaluate ")}


def test_the_readme_names_every_command() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    named = {
        word for row in re.findall(r"^\| .* \|$", readme, re.MULTILINE) for word in re.findall(r"`([\w -]+)`", row)
    }
    groups = {" ".join(name.split()[1:2]) for name in COMMANDS}
    assert groups <= {word.split()[0] for word in named if word}
