"""The library and a folder of Markdown files, brought in step.

Both sides are compared with what they were when they last agreed. Invariant: where only one side changed, the other
follows; where both did, neither is touched and both changes are shown. Whatever a file asks for is asked of the library
as the caller (``access`` decides), and a file that was refused is left alone. Nothing is deleted unasked.

A sync that is killed half-way is ended by the next one: every step is done in the library first, and what the library
then holds is recognised by its content, so that no edit makes two versions and no file two patterns.
"""

from collections.abc import Callable
from pathlib import Path
from typing import cast

import msgspec

from seasoned.errors import AccessDeniedError, ConflictError, InputError, NotFoundError, SeasonedError, ValidationError
from seasoned.library.access import allow
from seasoned.library.both_sides import FoundFile, check_take, read_both
from seasoned.library.comparing import both_diffs, changed_facts, fixed_changes, pattern_digest
from seasoned.library.file_edits import kept_of, recorded, revised
from seasoned.library.folder import FOLDERS, FolderFile, PatternFolder, Remembered, Shown, digest_of, remembered
from seasoned.library.markdown import content_of, pattern_text
from seasoned.library.service import Library
from seasoned.library.sync_report import Change, Side, SyncOptions, SyncReport, What
from seasoned.model import Pattern

__all__ = ["Change", "Side", "SyncOptions", "SyncReport", "sync_folder"]


def sync_folder(library: Library, project: Path, options: SyncOptions | None = None) -> SyncReport:
    """Bring ``project/.agent/patterns`` and the caller's library in step.

    Files hold the patterns of the caller's namespace that it may read, rejected ones aside. What concerns one file is in
    the report. Raises InputError for a folder that cannot be used, OutputError, StoreError.
    """
    return _Sync(library, PatternFolder(project), options or SyncOptions()).run()


class _Sync:
    def __init__(self, library: Library, folder: PatternFolder, options: SyncOptions) -> None:
        self.library = library
        self.folder = folder
        self.options = options
        self.changes: list[Change] = []
        self.unchanged = 0
        self.patterns: dict[str, Pattern] = {}
        self.state: dict[str, Remembered] = {}
        self.files: dict[str, FoundFile] = {}
        """By pattern id."""
        self.taken: set[str] = set()
        """Paths that this sync has given away."""

    def run(self) -> SyncReport:
        if self.options.dry_run:
            return self._run()
        with self.folder.locked():
            return self._run()

    def _run(self) -> SyncReport:
        namespace = self.library.who.namespace
        self.state = dict(self.folder.state(namespace))
        before = dict(self.state)
        if not self.options.dry_run:
            self.folder.clear()
        read = read_both(self.library, self.folder, self.state)
        self.patterns, self.files = read.patterns, read.files
        self.changes += read.broken
        check_take(self.options.take, read, self.state)
        try:
            for found in read.new:
                self._guarded(found.file.path, None, lambda found=found: self._new(found))
            done = {*read.held, *(each.pattern_id for each in self.changes)}
            for pattern_id in sorted((self.patterns.keys() | self.state.keys() | self.files.keys()) - done):
                path = self._path_of(pattern_id)
                self._guarded(path, pattern_id, lambda pattern_id=pattern_id: self._settle(pattern_id))
        finally:
            if not self.options.dry_run and self.state != before:
                self.folder.remember(namespace, self.state)
        return SyncReport(changes=tuple(self.changes), unchanged=self.unchanged, dry_run=self.options.dry_run)

    def _path_of(self, pattern_id: str) -> str:
        if pattern_id in self.files:
            return self.files[pattern_id].file.path
        if pattern_id in self.state:
            return self.state[pattern_id].path
        pattern = self.patterns.get(pattern_id)
        return pattern.pattern_name if pattern is not None else pattern_id

    # -- deciding ---------------------------------------------------------------------------------------------
    def _settle(self, pattern_id: str) -> None:
        pattern, found, last = self.patterns.get(pattern_id), self.files.get(pattern_id), self.state.get(pattern_id)
        if last is not None and found is None and any(each.file.path == last.path for each in self.files.values()):
            last = None  # the path went over to another version
        side = self._side(pattern_id)
        if pattern is None or pattern.status == "rejected":
            self._without_pattern(pattern_id, pattern, found, last)
        elif found is None and last is None:
            self._put(pattern, None, "written", "new in the library")
        elif found is None and last is not None:
            self._without_file(pattern, last, side)
        elif found is not None:
            self._both(pattern, found, last, side)

    def _without_pattern(
        self, pattern_id: str, rejected: Pattern | None, found: FoundFile | None, last: Remembered | None
    ) -> None:
        if found is None:
            self.state.pop(pattern_id, None)
            return
        path = found.file.path
        if last is None and rejected is None:
            raise InputError(
                f"{path}: no pattern of this library has the id {pattern_id}; take the line `id` out to record a new one."
            )
        untouched = last is not None and (found.file.digest, found.file.status) == (last.text, last.status)
        by = last.by if last is not None and rejected is None else ""
        why = "was rejected" if rejected is not None else "is gone from the library"
        if untouched and by not in {"", self.library.who.agent_id}:
            told = f"gone, or not to be read by {self.library.who.agent_id}; {by} synced the file, so it stays"
            self._say("pattern_gone", path, pattern_id, told)
        elif untouched and (rejected is not None or self.options.delete):
            if not self.options.dry_run:
                self.folder.remove(path, found.file.digest)
                self.state.pop(pattern_id, None)
            self._say("removed", path, pattern_id, f"the pattern {why}")
        elif untouched:
            self._say("pattern_gone", path, pattern_id, "gone from the library; --delete deletes the file too")
        else:
            told = f"the pattern {why} and the file was changed; delete the file, or take its line `id` out"
            self._say("conflict", path, pattern_id, told, diff=both_diffs(last, None, found.file.text))

    def _without_file(self, pattern: Pattern, last: Remembered, side: Side | None) -> None:
        if side == "library":
            self._put(pattern, None, "written", "written again")
        elif self.options.delete or side == "file":
            if pattern_digest(pattern) != last.library or pattern.status != last.status:
                told = "the file is gone and the pattern was changed; --take library writes it again"
                self._say(
                    "conflict", last.path, pattern.pattern_id, told, diff=both_diffs(last, pattern_text(pattern), None)
                )
                return
            allow(self.library.who, "delete", pattern, pattern.pattern_name)
            if not self.options.dry_run:
                self.library.delete_pattern(pattern.pattern_id)
                self.state.pop(pattern.pattern_id, None)
            self._say("deleted", last.path, pattern.pattern_id, "deleted in the library, as its file was")
        else:
            told = f"the file is gone; --delete deletes the pattern, --take library={last.path} writes the file again"
            self._say("file_gone", last.path, pattern.pattern_id, told)

    def _both(self, pattern: Pattern, found: FoundFile, last: Remembered | None, side: Side | None) -> None:
        file = found.file
        edited = last is None or file.digest != last.text
        moved = last is not None and file.status != last.status
        changed = last is None or pattern_digest(pattern) != last.library
        went = pattern.status != (file.status if last is None else last.status)
        if not (edited or moved or changed or went):
            self._unchanged(pattern, found)
            return
        if (edited or moved) and (changed or went) and self._same(pattern, found):
            self._put(pattern, found, None, "")
            return
        if side == "library":
            self._put(pattern, found, "rewritten", "as the library has it", over=False)
        elif not (edited or moved):
            what: What = "moved" if went and not changed else "rewritten"
            self._put(pattern, found, what, f"{pattern.status} in the library" if went else "changed in the library")
        elif side == "file" or not (changed or went) or (edited and went and not changed and not moved):
            self._from_file(pattern, found, moved or (side == "file" and went))
        elif (grown := self._grown(pattern, found)) is not None:
            self._after_edit(pattern, grown, found)
        else:
            name = file.path
            told = f"changed on both sides; --take library={name} or --take file={name} settles it"
            self._say(
                "conflict", name, pattern.pattern_id, told, diff=both_diffs(last, pattern_text(pattern), file.text)
            )

    def _unchanged(self, pattern: Pattern, found: FoundFile) -> None:
        last = self.state[pattern.pattern_id]
        if self.options.figures and pattern_text(pattern, over=found.page) != found.file.text:
            self._put(pattern, found, "rewritten", "with its figures as they are now")
            return
        self.unchanged += 1
        if last.path != found.file.path:  # another name in the same folder
            self.state[pattern.pattern_id] = msgspec.structs.replace(last, path=found.file.path)

    def _same(self, pattern: Pattern, found: FoundFile) -> bool:
        return (
            found.file.status == pattern.status
            and kept_of(self.library, found.page) == content_of(pattern)
            and not changed_facts(found.page, pattern)
            and not fixed_changes(found.page, pattern)
        )

    def _grown(self, pattern: Pattern, found: FoundFile) -> Pattern | None:
        """A version that says this already: one that an earlier sync made of the edit before it was cut off."""
        said = kept_of(self.library, found.page)
        below = (each for each in self.patterns.values() if each.parent_pattern_id == pattern.pattern_id)
        return next((each for each in below if each.status != "rejected" and content_of(each) == said), None)

    # -- what a file asks for ---------------------------------------------------------------------------------
    def _new(self, found: FoundFile) -> None:
        page, path, who = found.page, found.file.path, self.library.who
        if found.file.status == "deprecated":
            raise ValidationError(f"{path}: a new pattern begins in candidates/ or active/.")
        if page.owner is not None and page.owner != who.agent_id:
            raise AccessDeniedError(
                f"{path}: owner {page.owner!r} is not who syncs, {who.agent_id!r}; a pattern belongs to who records it."
            )
        said = kept_of(self.library, page)
        held = {*self.files, *self.state}
        for each in self.patterns.values():
            own = each.agent_id == who.agent_id and each.pattern_name == said[0] and each.pattern_id not in held
            if own and each.status != "rejected" and content_of(each) == said:
                self.files[each.pattern_id] = found  # recorded by a sync that was cut off
                if each.status != found.file.status:
                    self._move(each, found)
                else:
                    self._put(each, found, "created", "recorded as a pattern")
                return
        if self.options.dry_run:
            self._say("created", path, None, "would be recorded as a candidate")
            return
        made = recorded(self.library, page)
        self._hold(made, found)
        if found.file.status == "active":
            self._move(made, found)
        else:
            self._put(made, found, "created", f"recorded as {made.pattern_name!r} {made.version}, a candidate")

    def _hold(self, pattern: Pattern, found: FoundFile) -> None:
        self.patterns[pattern.pattern_id] = pattern
        self.files[pattern.pattern_id] = found

    def _from_file(self, pattern: Pattern, found: FoundFile, moved: bool) -> None:
        path, page = found.file.path, found.page
        if moved and found.file.status == "candidate":
            raise ConflictError(
                f"{path}: {pattern.pattern_name!r} is {pattern.status}; it does not become a candidate again by a move. "
                f"Put the file back into {FOLDERS[cast('Shown', pattern.status)]}/; an edit there makes a new candidate."
            )
        if fixed := fixed_changes(page, pattern):
            raise ValidationError(
                f"{path}: {', '.join(fixed)} cannot be changed in a file; allowed are the sections, version, access, "
                "shared_with, learning_weight and complexity. For another pattern take the line `id` out."
            )
        renewed = kept_of(self.library, page) != content_of(pattern) or page.version not in {None, pattern.version}
        facts = changed_facts(page, pattern)
        after = pattern
        if renewed or facts:
            grown = self._grown(pattern, found)
            if grown is None:
                allow(self.library.who, "change", pattern, pattern.pattern_name)
                if self.options.dry_run:
                    self._say("edited", path, pattern.pattern_id, "the pattern would follow the file")
                    return
                grown = revised(self.library, pattern, page, renewed, facts)
            after = grown
        if moved:
            if after.pattern_id != pattern.pattern_id:
                self._hold(after, found)
                self.files.pop(pattern.pattern_id, None)
                self.state.pop(pattern.pattern_id, None)
            self._move(after, found)
            if after.pattern_id != pattern.pattern_id:
                self._put(pattern, None, "written", "the version before")
        else:
            self._after_edit(pattern, after, found)

    def _after_edit(self, before: Pattern, after: Pattern, found: FoundFile) -> None:
        """The files of both versions, once the library has the edit."""
        if after.pattern_id == before.pattern_id:
            self._put(after, found, "edited", f"version {after.version} follows the file")
            return
        current = self.library.get_pattern(before.pattern_id) or before
        self.patterns |= {after.pattern_id: after, before.pattern_id: current}
        told = f"version {after.version}, a candidate, made of the edit of {before.version}"
        own = self.files.get(after.pattern_id)
        if own is None and found.file.status == after.status:
            # The file goes on as the new version; the one before gets a file of its own.
            self.files.pop(before.pattern_id, None)
            self.files[after.pattern_id] = found
            self._put(after, found, "new_version", told)
            self.state.pop(before.pattern_id, None)
            self._put(current, None, "written", "the version before")
            return
        self._put(after, own, "new_version", told, like=found)
        last = self.state.get(before.pattern_id)
        same = last is not None and pattern_digest(current) == last.library
        text = last.base_text if last is not None and same else None
        self._put(
            current,
            found,
            "rewritten",
            f"{before.version} stays {before.status} until that is promoted",
            text=text,
            over=False,
        )

    def _move(self, pattern: Pattern, found: FoundFile) -> None:
        """Promote or deprecate, as the file's folder says."""
        page, path = found.page, found.file.path
        if self.options.dry_run:
            told = "promoted" if found.file.status == "active" else "deprecated"
            self._say(told, path, pattern.pattern_id, f"would be {told}, if the library allows it")
            return
        if found.file.status == "active":
            held = (pattern.waiver or {}).get("reason")
            try:
                after = self.library.promote(
                    pattern.pattern_id,
                    waiver=page.waiver if page.waiver != held else None,
                    reason="moved by hand to active",
                )
            except ValidationError as error:
                raise ValidationError(
                    f"{path}: {error} In a file the waiver is a line `waiver: why` of its front matter."
                ) from error
            if after.status != "active":
                self._put(after, found, "asked", "asked for; it is a candidate until a reviewer has promoted it")
            else:
                self._put(after, found, "promoted", f"version {after.version} is active")
            return
        after = self.library.deprecate(
            pattern.pattern_id, page.deprecation_reason or "moved by hand to deprecated", page.successor
        )
        self._put(after, found, "deprecated", f"version {after.version}: {after.deprecation_reason}")

    # -- files ------------------------------------------------------------------------------------------------
    def _put(
        self,
        pattern: Pattern,
        found: FoundFile | None,
        what: What | None,
        message: str,
        *,
        like: FoundFile | None = None,
        over: bool = True,
        text: str | None = None,
    ) -> None:
        """Write the pattern's file, in the folder of its state. ``found``: the one it has. ``like``: whose wording it has.
        ``over``: keep the lines of ``found`` that say the same. ``what``: None: not worth a word."""
        status = cast("Shown", pattern.status)
        self.patterns[pattern.pattern_id] = pattern
        if found is not None and found.file.status == status:
            path = found.file.path
        else:
            short = pattern.pattern_id.replace("-", "")[-8:]
            path = self.folder.free_path(status, pattern.pattern_name, pattern.version, short, self.taken)
        if text is None:
            model = found if found is not None and over else like
            text = pattern_text(pattern, over=model.page if model is not None else None)
            if model is not None:  # its own lines may stay, its secrets not
                text = str(self.library.as_kept(text))
        if what is not None:
            self._say(what, path, pattern.pattern_id, message)
        self.taken.add(path)
        if self.options.dry_run:
            return
        shape = found or like
        newline, bom = (shape.file.newline, shape.file.bom) if shape is not None else ("\n", False)
        if found is None:
            self.folder.write(path, text, newline=newline, bom=bom)
        else:
            if found.file.path != path:
                self.folder.move(found.file.path, path, found.file.digest)
            if text != found.file.text:
                self.folder.write(path, text, newline=newline, bom=bom, instead_of=found.file.digest)
        self.state[pattern.pattern_id] = remembered(
            path, status, text, pattern_digest(pattern), self.library.who.agent_id
        )
        file = FolderFile(path=path, status=status, text=text, newline=newline, bom=bom, digest=digest_of(text))
        self.files[pattern.pattern_id] = FoundFile(file=file)

    # -- saying -----------------------------------------------------------------------------------------------
    def _side(self, pattern_id: str) -> Side | None:
        pattern = self.patterns.get(pattern_id)
        names = [pattern_id, self._path_of(pattern_id), pattern.pattern_name if pattern is not None else pattern_id]
        return next((self.options.take[name] for name in names if name in self.options.take), None)

    def _guarded(self, path: str, pattern_id: str | None, step: Callable[[], None]) -> None:
        """What concerns one file does not stop the others."""
        try:
            step()
        except (AccessDeniedError, ConflictError, InputError, NotFoundError, ValidationError) as error:
            told = str(error) if str(error).startswith(path) else f"{path}: {error}"
            self._say("refused", path, pattern_id, told, error=error)

    def _say(
        self,
        what: What,
        path: str,
        pattern_id: str | None,
        message: str,
        *,
        diff: str = "",
        error: SeasonedError | None = None,
    ) -> None:
        name = type(error).__name__ if error is not None else None
        self.changes.append(Change(what=what, path=path, pattern_id=pattern_id, message=message, diff=diff, error=name))
