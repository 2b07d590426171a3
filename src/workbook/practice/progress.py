"""What a reader has done: `progress.yml` beside their files, which a person can read and edit.

Reading, changing and writing happen under a lock, and the file is replaced as a whole, so
neither an interruption nor a second command can lose anything. What the reader has added,
comments included, stays.
"""

from __future__ import annotations

import datetime
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbook import messages
from workbook.files import atomic_write
from workbook.practice.locking import locked
from workbook.practice.words import ReaderError, say
from workbook.source.edition import LANGUAGES
from workbook.source.text import NotYaml, parse_yaml

if TYPE_CHECKING:
    from ruamel.yaml.comments import CommentedMap

STATES = ("pass", "fail", "error", "todo")


@dataclass(frozen=True)
class Record:
    """What is kept of one exercise."""

    state: str = ""  # of the last attempt, empty if there was none
    since: str = ""  # when it came to this state
    hints: int = 0  # how many hints were given
    answers: Mapping[str, str] = field(default_factory=dict)  # right ones, as they were typed

    @property
    def answered(self) -> bool:
        """Whether it was passed by typing the answer in."""
        return self.state == "pass" and bool(self.answers)


@dataclass(frozen=True)
class Progress:
    """The file of a reader's progress."""

    path: Path
    shown: Path  # as it is named to the reader
    lang: str

    def read(self) -> dict[str, Record]:
        """All records by the exercise's name; ReaderError where the file is damaged."""
        return {name: _record(entry) for name, entry in self._load().items()}

    def note(self, name: str, state: str) -> None:
        """Keep the state of an exercise after an attempt."""

        def change(entry: CommentedMap) -> None:
            if entry.get("state") != state:
                entry["state"] = state
                entry["since"] = f"{datetime.datetime.now():%Y-%m-%d %H:%M}"

        self._change(name, change)

    def keep_hints(self, name: str, count: int) -> None:
        """Keep how many hints were given."""

        def change(entry: CommentedMap) -> None:
            entry["hints"] = max(count, entry.get("hints", 0))

        self._change(name, change)

    def keep_answers(self, name: str, answers: Mapping[str, str]) -> None:
        """Keep answers that are right."""

        def change(entry: CommentedMap) -> None:
            entry["answers"] = {**entry.get("answers", {}), **answers}

        self._change(name, change)

    def forget(self, name: str) -> None:
        """An exercise is begun anew; the hints that were given stay given."""

        def change(entry: CommentedMap) -> None:
            for key in ("state", "since", "answers"):
                entry.pop(key, None)

        self._change(name, change)

    def _change(self, name: str, change: Callable[[CommentedMap], None]) -> None:
        from ruamel.yaml.comments import CommentedMap

        try:
            self.path.parent.mkdir(exist_ok=True)
            with locked(self.path.parent):
                data = self._load()
                if not isinstance(data.get(name), dict):
                    data[name] = CommentedMap()
                change(data[name])
                if not data[name]:
                    del data[name]
                self._write(data)
        except OSError as error:
            words = {"file": self.shown, "error": error.strerror}
            raise ReaderError(say(self.lang, "no:write", **words)) from None

    def _load(self) -> CommentedMap:
        from ruamel.yaml import YAML
        from ruamel.yaml.comments import CommentedMap

        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return CommentedMap()
        except OSError as error:
            words = {"file": self.shown, "error": error.strerror}
            raise ReaderError(say(self.lang, "no:read", **words)) from None
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            raise self._damaged(line, "encoding") from None
        try:
            data = YAML().load(text)
        except Exception as error:  # the reader of `2026-99-99` and `!!omap a` raises anything
            mark = getattr(error, "problem_mark", None)
            raise self._damaged(mark.line + 1 if mark else 1, "bad:yaml") from None
        if data is None:
            return CommentedMap()
        if not isinstance(data, CommentedMap):
            raise self._damaged(1, "bad:list")
        for name, entry in data.items():
            self._require(data, name, entry)
        return data

    def _require(self, data: CommentedMap, name: Any, entry: Any) -> None:
        """An entry is what it should be, or the reader is told in which line it is not."""
        line = _line(data, name, 1)
        if not isinstance(name, str) or not name:
            raise self._damaged(line, "bad:name")
        if entry is None:
            return
        if not isinstance(entry, dict):
            raise self._damaged(line, "bad:entry", name=name)
        hints = entry.get("hints", 0)
        wrong = {
            "state": entry.get("state", "pass") not in STATES,
            "hints": not isinstance(hints, int) or isinstance(hints, bool) or hints < 0,
            "answers": not isinstance(entry.get("answers", {}), dict),
        }
        for key, is_wrong in wrong.items():
            if is_wrong:
                raise self._damaged(_line(entry, key, line), f"bad:{key}")

    def _damaged(self, line: int, what: str, **values: str) -> ReaderError:
        said = say(self.lang, what, file=self.shown, **values)
        if what == "encoding":
            said = said.partition("；")[0].partition(";")[0]
        return ReaderError(
            say(self.lang, "bad:progress", file=self.shown, line=line, what=said)
        )

    def _write(self, data: CommentedMap) -> None:
        from ruamel.yaml import YAML

        text = io.StringIO()
        if not self.path.exists():
            for lang in LANGUAGES:
                text.write(f"# {messages.of('progress', lang)['header']}\n")
        yaml = YAML()
        yaml.width = 4096
        if data:
            yaml.dump(data, text)
        self._require_readable(text.getvalue())
        atomic_write(self.path, text.getvalue())

    def _require_readable(self, text: str) -> None:
        """What is written can be read: a comment in the midst of a key is put elsewhere."""
        from ruamel.yaml import YAML

        try:
            parse_yaml(text)  # which takes a tenth of the time
        except NotYaml:
            try:
                YAML().load(text)
            except Exception:
                raise self._damaged(1, "bad:yaml") from None


def progress_of(root: Path, folder: Path, lang: str) -> Progress:
    """The progress of the book at a root, in the folder of the exercises."""
    return Progress(root / folder / "progress.yml", folder / "progress.yml", lang)


def _line(data: CommentedMap, key: Any, otherwise: int) -> int:
    """The line of a key; that of something around it where it has none, as what is merged."""
    try:
        return data.lc.key(key)[0] + 1
    except (KeyError, TypeError, AttributeError, IndexError):
        return otherwise


def _record(entry: Mapping[str, Any] | None) -> Record:
    entry = entry or {}
    answers = {str(key): str(value) for key, value in entry.get("answers", {}).items()}
    return Record(
        entry.get("state", ""), str(entry.get("since", "")), entry.get("hints", 0), answers
    )
