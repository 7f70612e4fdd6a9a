"""What a command prints: sentences, columns and diffs for people, or one JSON object.

Colour and wrapping are for terminals; what goes into a pipe or a file is plain, one line for one
thing. `COLUMNS` sets the width of either.
"""

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from rich.cells import cell_len
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from opsknight.config.lint import Severity
from opsknight_cli.files.problems import Problem, dotted

# Nothing is that long, so nothing is wrapped.
_ENDLESS: Final = 100_000
_COLOURS: Final = {Severity.ERROR: "bold red", Severity.WARNING: "yellow"}

# What a last column needs at least: with less, it would be a column of single words.
_ROOM: Final = 30

type Cell = str | Text


@dataclass(frozen=True, slots=True)
class Line:
    indent: int
    text: Text


class Screen:
    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json
        self._out = _console(sys.stdout)
        self._err = _console(sys.stderr)

    @property
    def interactive(self) -> bool:
        """Whether somebody is there to answer a question."""
        return sys.stdin.isatty() and self._out.is_terminal

    def data(self, value: Any) -> None:
        """The one object that `--json` prints."""
        sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")

    def line(self, value: Any) -> None:
        """One of many, each on a line, for who reads on while more come."""
        sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")

    def flush(self) -> None:
        sys.stdout.flush()

    def raw(self, text: str) -> None:
        """Text that is copied or piped on, exactly as it is."""
        sys.stdout.write(text)

    def say(self, text: Cell = "", style: str = "", indent: int = 0) -> None:
        self._line(self._out, Text(text, style) if isinstance(text, str) else text, indent, indent)

    def hanging(self, text: Text, indent: int, hang: int) -> None:
        """A line whose continuations begin further in."""
        self._line(self._out, text, indent, hang)

    def complain(self, sentence: str) -> None:
        self._line(self._err, Text(sentence, "red"), 0, 0)

    def ask(self, question: str) -> bool:
        self._out.print(Text(f"{question} [y/N] ", "bold"), end="")
        return sys.stdin.readline().strip().lower() in ("y", "yes")

    def problems(self, problems: Iterable[Problem]) -> None:
        """Where and what, and below it how to mend it."""
        for problem in problems:
            place = problem.place
            head = Text()
            head.append(f"{problem.severity:<8}", _COLOURS[problem.severity])
            head.append(f"{place.file}:{place.line}", "bold")
            if problem.path:
                head.append(f"  {dotted(problem.path)}")
            self.hanging(head, 0, 8)
            self.say(problem.sentence, indent=8)

    @property
    def live(self) -> bool:
        """Whether what was printed can be painted over."""
        return self._out.is_terminal

    @property
    def size(self) -> tuple[int, int]:
        """Columns and lines."""
        return self._out.width, self._out.height

    @contextmanager
    def painting(self) -> Iterator[Callable[[Iterable[Line]], None]]:
        """On a terminal: what is called with lines shows them in the place of those before."""
        with Live(console=self._out, auto_refresh=False) as live:

            def paint(lines: Iterable[Line]) -> None:
                shown = [Text(" " * line.indent).append_text(line.text) for line in lines]
                for text in shown:
                    text.no_wrap, text.overflow = True, "ellipsis"
                live.update(Group(*shown), refresh=True)

            yield paint

    def lines(self, lines: Iterable[Line]) -> None:
        for line in lines:
            self.hanging(line.text, line.indent, line.indent + 4)

    def facts(self, rows: Iterable[tuple[str, Cell]], indent: int = 0) -> None:
        """A word, and what there is to say of it."""
        known = list(rows)
        width = max((len(word) for word, _ in known), default=0) + 2
        for word, said in known:
            line = Text(word.ljust(width), "dim")
            self.hanging(line.append_text(_text(said)), indent, indent + width)

    def columns(
        self, header: Sequence[str], rows: Sequence[Sequence[Cell]], indent: int = 0
    ) -> None:
        """As wide as they need to be; what does not fit goes on below."""
        texts = [[_text(each) for each in row] for row in rows]
        titles = [Text(each, "bold") for each in header]
        widths = [
            max(cell_len(row[number].plain) for row in [titles, *texts])
            for number in range(len(header) - 1)
        ]
        for row in [titles, *texts]:
            line = Text()
            for cell, width in zip(row, widths, strict=False):
                line.append_text(cell)
                line.append(" " * (width - cell_len(cell.plain) + 2))
            line.append_text(row[-1])
            self.hanging(line, indent, indent + 4)

    def _line(self, console: Console, text: Text, indent: int, hang: int) -> None:
        width = console.width
        if cell_len(text.plain) <= width - indent:
            lines = [text]
        else:
            # The first line has more room than those that follow it.
            [head, *_] = text.wrap(console, width - indent)
            rest = text[len(head.plain) :]
            inset = len(rest.plain) - len(rest.plain.lstrip())
            lines = [head, *rest[inset:].wrap(console, width - hang)]
        for number, line in enumerate(lines):
            line.rstrip()
            margin = " " * (hang if number else indent) if line.plain else ""
            if not console.is_terminal:
                # Of a large plan there are thousands of lines, and the console takes its time.
                console.file.write(f"{margin}{line.plain}\n")
                continue
            shown = Text(margin).append_text(line)
            console.print(shown, no_wrap=True, overflow="ignore", crop=False)


def laid_out(
    header: Sequence[str], rows: Sequence[Sequence[Cell]], split: int, width: int
) -> list[Line]:
    """Columns; where they do not fit, those from number `split` on stand below the others."""
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


def _row(cells: Sequence[Text], widths: Sequence[int]) -> Text:
    line = Text()
    for cell, width in zip(cells, widths, strict=False):
        line.append_text(cell)
        line.append(" " * (width - cell_len(cell.plain) + 2))
    line.rstrip()
    return line


def printable(text: str) -> str:
    """What others wrote, on one line, and without what would command a terminal."""
    line = " ".join(text.split())
    return "".join(each for each in line if each.isprintable() or each == "\N{ZERO WIDTH JOINER}")


def _text(cell: Cell) -> Text:
    return Text(cell) if isinstance(cell, str) else cell


def _console(file: Any) -> Console:
    console = Console(file=file, highlight=False)
    if not (console.is_terminal or os.environ.get("COLUMNS")):
        console = Console(file=file, highlight=False, width=_ENDLESS)
    return console
