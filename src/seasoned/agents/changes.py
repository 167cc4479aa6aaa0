"""Plans: for each settings file the bytes before and after, made and checked before anything is written.

The new text is parsed again and compared with the value that was meant, order included, and going back through the
splices must give the old text. Only then is there a change to show. ``apply`` writes all files or, where one fails,
puts back those that it had written.
"""

import json
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, cast

from seasoned.agents import files
from seasoned.agents.doubled import doubled
from seasoned.agents.edits import Splice, spliced, unspliced
from seasoned.agents.entries import SERVER, is_our_server
from seasoned.agents.files import State
from seasoned.agents.json_text import Edit, changed_value, read_json, splice_json
from seasoned.agents.places import Surroundings, Target
from seasoned.agents.records import Record, Records
from seasoned.agents.toml_text import read_toml, splice_table, without_table
from seasoned.agents.wanted import Wanted, in_edits, out_edits, server_entry, servers_in
from seasoned.errors import InputError, OutputError, SeasonedError

__all__ = ["Change", "apply", "plan_in", "plan_out"]

Action = Literal["create", "change", "delete", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What becomes of one settings file."""

    target: Target
    state: State
    after: bytes | None
    """None: the file is deleted, or there is none and stays none."""
    record: Record | None
    """To be kept; None: none, and one that is there is dropped."""
    attention: tuple[str, ...] = ()

    @property
    def action(self) -> Action:
        """What is done to the file."""
        if self.after == self.state.data:
            return "none"
        if self.state.data is None:
            return "create"
        return "delete" if self.after is None else "change"


@dataclass(slots=True, kw_only=True)
class _Done:
    """How far one change has come."""

    change: Change
    known: Record | None
    """The record that stood there before."""
    written: bool = False


def plan_in(target: Target, surroundings: Surroundings, records: Records) -> Change:
    """How the file takes our entries, or brings them up to date.

    Raises UnreadableFileError; InputError with the line for a text that is not what the agent reads; OutputError for a
    file that could not be written.
    """
    state = files.read_state(target.path)
    known = records.get(target.path)
    with _naming(state):
        text, splices, wanted = _into(target, state, surroundings)
        others = _servers(target, state.text) - {target.servers}
    attention = wanted.attention + (doubled(target.client, surroundings) if target.hooks else ())
    if state.marked and target.client.name == "codex" and target.hooks:  # seen with 0.169; it says nothing of it
        attention += (
            f"{target.path}: it begins with a byte order mark, and Codex does not read such a file: save it without.",
        )
    if not splices:
        return Change(target=target, state=state, after=state.data, record=known, attention=attention)
    files.check_writable(state)
    after = files.encoded(text, state)
    # In the order in which they were made: those of an earlier time, should they stand still, are further out.
    folders = dict.fromkeys((*(known.folders if known else ()), *_missing(state.target.parent)))
    record = Record(path=str(target.path), agent=target.client.name, after=files.digest(after), folders=tuple(folders))
    created = wanted.created if state.data is not None else ((), *wanted.created)
    if known is not None and _as_left(known, state):
        made = None if known.created is None else (*known.created, *created)
        chain = None if known.splices is None else (*known.splices, *splices)
        record = replace(record, before=known.before, splices=chain, created=made)
    elif not wanted.present and not others:  # what was known is of another time, or of a call that was killed
        before = None if state.data is None else files.digest(state.data)
        record = replace(record, before=before, splices=splices, created=created)
    elif known is not None:
        record = replace(record, created=None if known.created is None else (*known.created, *created))
    return Change(target=target, state=state, after=after, record=record, attention=attention)


def plan_out(target: Target, records: Records) -> Change:
    """How the file loses our entries: back to the bytes that were found where it is as it was left, else by taking out
    what is ours. Entries of another level in the same file stay. Raises as ``plan_in``."""
    state = files.read_state(target.path)
    known = records.get(target.path)
    after, record = state.data, None
    if state.data is not None:
        with _naming(state):
            others = _servers(target, state.text) - {target.servers}
        found = unspliced(state.text, known.splices) if known and known.splices and _as_left(known, state) else None
        if known is not None and found is not None and not others and not _servers(target, found):
            old = files.encoded(found, state)
            after = None if known.before is None else old
            if known.before is not None and files.digest(old) != known.before:
                raise InputError(f"{target.path}: the record of what was written into it is damaged; delete it.")
        else:
            made = known.created if known else None
            with _naming(state):
                text, splices, _ = _out_of(target, state, made)
            after = files.encoded(text, state) if splices else state.data
            if known is not None and others:
                chain = None if found is None or known.splices is None else (*known.splices, *splices)
                record = replace(known, after=files.digest(after), splices=chain)
            elif splices and made is not None and () in made and not text.strip(" \t\r\n{}"):
                after = None  # we made the file, and nothing has come into it since
        if after != state.data:
            files.check_writable(state)
    return Change(target=target, state=state, after=after, record=record)


def apply(changes: Sequence[Change], records: Records) -> None:
    """Write every file, its record first; where one fails, or the user stops it, put back those before it and raise its
    error. Of two calls at once the later one finds other files than it planned for, and writes none.

    Raises OutputError, ConflictError.
    """
    due = [each for each in changes if each.action != "none" or each.record != records.get(each.target.path)]
    if not due:
        return
    done: list[_Done] = []
    with records.locked():
        for change in due:
            files.check_unchanged(change.state)
        try:
            for change in due:
                _make(change, done, records)
        except (SeasonedError, KeyboardInterrupt) as error:
            left = _put_back(done, records)
            if left:
                said = str(error) or "Stopped."
                raise OutputError(f"{said} And these could not be put back: {'; '.join(left)}") from error
            raise


def _make(change: Change, done: list[_Done], records: Records) -> None:
    known = records.get(change.target.path)
    step = _Done(change=change, known=known)
    done.append(step)
    if change.record is not None:
        records.save(change.record)
    _write(change.state, change.after, private=not change.target.for_all)
    step.written = True
    if change.record is None:
        records.drop(change.target.path)
        _drop_folders(known if change.action == "delete" else None)


def _into(target: Target, state: State, surroundings: Surroundings) -> tuple[str, tuple[Splice, ...], Wanted]:
    value = _value(target, state.text)
    wanted = in_edits(value, target, surroundings)
    if target.syntax != "toml":
        return _edited(state.text, value, wanted, comments=target.syntax != "json")
    if not wanted.edits or target.servers is None:
        return state.text, (), wanted
    entry = server_entry(target.client, surroundings)
    values = cast("dict[str, str | list[str]]", entry)
    splice = splice_table(state.text, (*target.servers, SERVER), values)
    return _checked(state.text, (splice,), _after(value, wanted.edits), toml=True), (splice,), wanted


def _out_of(
    target: Target, state: State, made: tuple[tuple[str | int, ...], ...] | None
) -> tuple[str, tuple[Splice, ...], Wanted]:
    value = _value(target, state.text)
    if target.syntax != "toml":
        wanted = out_edits(value, target, made)
        return _edited(state.text, value, wanted, comments=target.syntax != "json")
    holder: object = value
    for key in target.servers or ():
        holder = cast("dict[str, object]", holder).get(key) if isinstance(holder, dict) else None
    servers = cast("dict[str, object]", holder) if isinstance(holder, dict) else {}
    wanted = Wanted(edits=(), created=(), present=is_our_server(servers.get(SERVER)))
    if not wanted.present or target.servers is None:
        return state.text, (), wanted
    splices = tuple(without_table(state.text, (*target.servers, SERVER)))
    del servers[SERVER]
    if not servers and target.servers[0] not in read_toml(spliced(state.text, splices)):
        del cast("dict[str, object]", value)[target.servers[0]]  # it stood there by its last table only
    return _checked(state.text, splices, value, toml=True), splices, wanted


def _edited(text: str, value: object, wanted: Wanted, *, comments: bool) -> tuple[str, tuple[Splice, ...], Wanted]:
    splices: list[Splice] = []
    now = text
    for edit in wanted.edits:
        splices.append(splice_json(now, edit, comments=comments))
        now = spliced(now, splices[-1:])
    return _checked(text, tuple(splices), _after(value, wanted.edits), comments=comments), tuple(splices), wanted


def _after(value: object, edits: Sequence[Edit]) -> object:
    for edit in edits:
        value = changed_value(value, edit)
    return value


def _checked(
    text: str, splices: tuple[Splice, ...], meant: object, *, comments: bool = False, toml: bool = False
) -> str:
    """The spliced text, once it reads as it should and leads back to the old one. Raises InputError."""
    now = spliced(text, splices)
    try:
        read = read_toml(now) if toml else read_json(now, comments=comments)
        same = read == meant if toml else json.dumps(read) == json.dumps(meant)  # in TOML a table's place means nothing
    except RecursionError as error:
        raise InputError("values are nested too deeply.") from error
    except InputError:
        same = False  # its place would be one of a text that nobody has
    if not same or unspliced(now, splices) != text:
        raise InputError(f'what stands at "{SERVER}" is laid out in a way that cannot be edited safely: do it by hand.')
    return now


def _value(target: Target, text: str) -> object:
    return read_toml(text) if target.syntax == "toml" else read_json(text, comments=target.syntax != "json")


def _servers(target: Target, text: str) -> set[tuple[str, ...]]:
    return {tuple(map(str, way)) for way in servers_in(_value(target, text))} if target.syntax != "toml" else set()


@contextmanager
def _naming(state: State) -> Generator[None]:
    """Errors about a text say which file it is."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{state.path}: {error} Nothing was changed.") from error


def _as_left(known: Record | None, state: State) -> bool:
    return known is not None and state.data is not None and files.digest(state.data) == known.after


def _missing(folder: Path) -> tuple[str, ...]:
    """The folders that have to be made, outermost first."""
    missing: list[str] = []
    while not folder.exists():
        missing.insert(0, str(folder))
        folder = folder.parent
    return tuple(missing)


def _write(state: State, after: bytes | None, *, private: bool) -> None:
    if after == state.data:
        return
    if after is None:
        files.delete(state)
        return
    try:
        state.target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{state.path}: {error.strerror or error}.") from error
    files.replace(state, after, new_mode=0o600 if private else 0o644)


def _drop_folders(known: Record | None) -> None:
    """Take away the folders that were made for a file, unless something else lies in them by now."""
    for folder in reversed(known.folders if known else ()):
        try:
            Path(folder).rmdir()
        except OSError:
            return  # not empty, or gone: somebody else's by now


def _put_back(done: Sequence[_Done], records: Records) -> list[str]:
    """Undo what was written; what could not be."""
    left: list[str] = []
    for step in reversed(done):
        change, known = step.change, step.known
        try:
            now = files.read_state(change.target.path)
            if step.written and now.data == change.after and now.data != change.state.data:
                back = replace(now, mode=change.state.mode or now.mode, owner=change.state.owner or now.owner)
                _write(back, change.state.data, private=not change.target.for_all)
                _drop_folders(change.record if change.action == "create" else None)
            if known is None:
                records.drop(change.target.path)
            else:
                records.save(known)
        except SeasonedError as error:
            left.append(str(error))
    return left
