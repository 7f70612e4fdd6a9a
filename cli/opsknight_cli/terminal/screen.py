"""Printing: sentences, columns and diffs for people, or one JSON object for programs.

Terminals get colour and wrapped lines; pipes and files get plain text, one line per item.
`COLUMNS` sets the width of either.
"""

import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, TextIO

from rich.cells import cell_len
from rich.console import Console, Group
from rich.text import Text

if TYPE_CHECKING:
    from opsknight.files.problems import Problem

# Longer than any line, so nothing wraps.
_ENDLESS: Final = 100_000
_COLOURS: Final = {"error": "bold red", "warning": "yellow"}

# The least width of a last column: with less, it would hold one word per line.
_ROOM: Final = 30
# With less, its second line begins at the left instead of below the first one.
_NARROW: Final = 20

# DEL, C1, line separators, and marks that turn the direction of text.
_STEERS: Final = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")

type Cell = str | Text


@dataclass(frozen=True, slots=True)
class Line:
    indent: int
    text: Text


class Screen:
    def __init__(
        self,
        *,
        as_json: bool = False,
        out: TextIO | None = None,
        err: TextIO | None = None,
        width: int | None = None,
    ) -> None:
        self.as_json = as_json
        self._out = _console(out or sys.stdout, width)
        self._err = _console(err or sys.stderr, width)

    @property
    def interactive(self) -> bool:
        """Whether there is a person to answer a question."""
        return sys.stdin.isatty() and self._out.is_terminal

    def data(self, value: Any) -> None:
        """The one object that `--json` prints."""
        self.raw(self._shown(json.dumps(value, indent=2, ensure_ascii=False)) + "\n")

    def line(self, value: Any) -> None:
        """One JSON object on one line, for programs that read a stream of them."""
        self.raw(self._shown(json.dumps(value, ensure_ascii=False)) + "\n")

    def _shown(self, text: str) -> str:
        """The same JSON. On a terminal, whose reader is a person, without what would steer it or
        turn the text around: strangers write titles, and JSON escapes only the first 32 controls.
        """
        if not self._out.is_terminal:
            return text
        return _STEERS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)

    def flush(self) -> None:
        self._out.file.flush()

    def raw(self, text: str) -> None:
        """Text to copy or pipe, unchanged."""
        self._out.file.write(text)

    def command(self, text: str) -> None:
        """A line to copy, in one piece however narrow the terminal is."""
        self.raw(f"    {text}\n")

    def say(self, text: Cell = "", style: str = "", indent: int = 0) -> None:
        self._line(self._out, Text(text, style) if isinstance(text, str) else text, indent, indent)

    def hanging(self, text: Text, indent: int, hang: int, *, failed: bool = False) -> None:
        """A line whose continuation lines are indented by `hang`. What belongs to a failure goes
        where its sentence goes.
        """
        self._line(self._err if failed else self._out, text, indent, hang)

    def complain(self, sentence: str) -> None:
        self._line(self._err, Text(sentence, "red"), 0, 0)

    def ask(self, question: str) -> bool:
        self._out.print(Text(f"{question} [y/N] ", "bold"), end="")
        return sys.stdin.readline().strip().lower() in ("y", "yes")

    def answer(self, question: str) -> str:
        """What somebody types."""
        self._out.print(Text(f"{question} ", "bold"), end="")
        return sys.stdin.readline().strip()

    def problems(self, problems: "Sequence[Problem]", *, failed: bool) -> None:
        """Where each problem is; below that, what is wrong and how to fix it, once for all places
        of which the same is said. `failed` says that they are why the command fails.
        """
        alike: dict[tuple[str, str], list[Problem]] = {}
        for problem in problems:
            alike.setdefault((problem.severity, problem.sentence), []).append(problem)
        for (severity, sentence), found in alike.items():
            for number, problem in enumerate(found):
                head = Text()
                head.append("" if number else f"{severity:<8}", _COLOURS[problem.severity])
                head.append(f"{problem.place.file}:{problem.place.line}", "bold")
                if problem.path:
                    head.append(f"  {problem.dotted}")
                self.hanging(head, 8 if number else 0, 8, failed=failed)
            self.hanging(Text(sentence), 8, 8, failed=failed)
        if problems:
            self.hanging(Text(), 0, 0, failed=failed)

    @property
    def live(self) -> bool:
        """Whether printed text can be replaced."""
        return self._out.is_terminal

    @property
    def size(self) -> tuple[int, int]:
        """Columns and lines."""
        return self._out.width, self._out.height

    @contextmanager
    def painting(self) -> Iterator[Callable[[Iterable[Line]], None]]:
        """Yields a function whose lines replace those of its last call. Needs a terminal."""
        # Only `incidents watch` paints.
        made = import_module("rich.live").Live
        with made(console=self._out, auto_refresh=False) as live:

            def paint(lines: Iterable[Line]) -> None:
                shown = [Text(" " * line.indent).append_text(line.text) for line in lines]
                for text in shown:
                    text.no_wrap, text.overflow = True, "ellipsis"
                live.update(Group(*shown), refresh=True)

            yield paint

    def facts(self, rows: Iterable[tuple[str, Cell]], indent: int = 0) -> None:
        """Words with their values, in two columns."""
        known = list(rows)
        width = max((len(word) for word, _ in known), default=0) + 2
        for word, value in known:
            line = Text(word.ljust(width), "dim")
            self.hanging(line.append_text(_text(value)), indent, indent + width)

    def columns(
        self, header: Sequence[str], rows: Sequence[Sequence[Cell]], indent: int = 0
    ) -> None:
        """Columns as wide as their content; the last one wraps, below itself if it has room."""
        texts = [[_text(each) for each in row] for row in rows]
        titles = [Text(each, "bold") for each in header]
        widths = [
            max(cell_len(row[number].plain) for row in [titles, *texts])
            for number in range(len(header) - 1)
        ]
        start = indent + sum(widths) + 2 * len(widths)
        hang = start if self._out.width - start >= _NARROW else indent + 4
        for row in [titles, *texts]:
            line = Text()
            for cell, width in zip(row, widths, strict=False):
                line.append_text(cell)
                line.append(" " * (width - cell_len(cell.plain) + 2))
            line.append_text(row[-1])
            self.hanging(line, indent, hang)

    def table(
        self, header: Sequence[str], rows: Sequence[Sequence[Cell]], split: int, indent: int = 0
    ) -> None:
        """Columns; on a narrow screen, those from number `split` on stand below the others."""
        for line in laid_out(header, rows, split, self._out.width - indent):
            self.hanging(line.text, line.indent + indent, line.indent + indent + 4)

    def rows(
        self, header: Sequence[str], rows: Sequence[Sequence[Cell]], drop: Sequence[int]
    ) -> None:
        """One line for each row, whatever the width: see `fitted`."""
        for line in fitted(header, rows, drop, self._out.width):
            self.hanging(line.text, line.indent, line.indent)

    def _line(self, console: Console, text: Text, indent: int, hang: int) -> None:
        width = console.width
        if cell_len(text.plain) <= width - indent:
            lines = [text]
        else:
            # The first line has more room than the following ones.
            [head, *_] = text.wrap(console, width - indent)
            rest = text[len(head.plain) :]
            inset = len(rest.plain) - len(rest.plain.lstrip())
            lines = [head, *rest[inset:].wrap(console, width - hang)]
        for number, line in enumerate(lines):
            line.rstrip()
            margin = " " * (hang if number else indent) if line.plain else ""
            if not console.is_terminal:
                # A large plan has thousands of lines, and the console is slow.
                console.file.write(f"{margin}{line.plain}\n")
                continue
            shown = Text(margin).append_text(line)
            console.print(shown, no_wrap=True, overflow="ignore", crop=False)


def laid_out(
    header: Sequence[str], rows: Sequence[Sequence[Cell]], split: int, width: int
) -> list[Line]:
    """Columns; if they do not fit, those from number `split` on stand below the others."""
    texts = [[_text(each) for each in row] for row in rows]
    table = [[Text(each, "bold") for each in header], *texts]
    widths = [max(cell_len(row[number].plain) for row in table) for number in range(len(header))]
    if sum(widths[:-1]) + 2 * len(widths[:-1]) + min(widths[-1], _ROOM) <= width:
        return [Line(0, _row(row, widths)) for row in table]
    lines = []
    for row in table:
        lines.append(Line(0, _row(row[:split], widths)))
        if any(cell.plain for cell in row[split:]):
            lines.append(Line(4, _row(row[split:], widths[split:])))
    return lines


def fitted(
    header: Sequence[str], rows: Sequence[Sequence[Cell]], drop: Sequence[int], width: int
) -> list[Line]:
    """One line for each row. Where the width is too small, columns are left out in the order of
    `drop`, until the last column has room; then its text is cut.
    """
    table = [[Text(each, "bold") for each in header], *([_text(it) for it in row] for row in rows)]
    widths = [max(cell_len(row[number].plain) for row in table) for number in range(len(header))]
    kept = list(range(len(header)))
    for number in drop:
        if _taken(widths, kept) + min(widths[-1], _ROOM) <= width:
            break
        kept.remove(number)
    room = max(width - _taken(widths, kept), 1)
    lines = []
    for row in table:
        last = row[-1].copy()
        last.truncate(room, overflow="ellipsis")
        cells = [*(row[number] for number in kept[:-1]), last]
        lines.append(Line(0, _row(cells, [widths[number] for number in kept])))
    return lines


def _taken(widths: Sequence[int], kept: Sequence[int]) -> int:
    """What all columns but the last take, with the space behind each."""
    return sum(widths[number] + 2 for number in kept[:-1])


def _row(cells: Sequence[Text], widths: Sequence[int]) -> Text:
    line = Text()
    for cell, width in zip(cells, widths, strict=False):
        line.append_text(cell)
        line.append(" " * (width - cell_len(cell.plain) + 2))
    line.rstrip()
    return line


def printable(text: str) -> str:
    """Text from strangers on one line, without characters that would control a terminal."""
    line = " ".join(text.split())
    return "".join(each for each in line if each.isprintable() or each == "\N{ZERO WIDTH JOINER}")


def _text(cell: Cell) -> Text:
    return Text(cell) if isinstance(cell, str) else cell


def _console(file: TextIO, width: int | None) -> Console:
    console = Console(file=file, highlight=False, width=width)
    if not (console.is_terminal or width or os.environ.get("COLUMNS")):
        console = Console(file=file, highlight=False, width=_ENDLESS)
    return console
