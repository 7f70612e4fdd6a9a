"""Lists of incidents on terminals of any width: one line for each, and the title last."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from opsknight_cli.terminal.screen import fitted

HEADER = ("ID", "URGENCY", "AGE", "SERVICE", "TITLE")
LONG = "Checkout: p99 latency above 4 s for 10 minutes in eu-central-1 and eu-west-1"
ROWS: Sequence[Sequence[str]] = (
    ("inc_01a20660d8e000", "HIGH", "4 min", "checkout", LONG),
    ("inc_01a2065f042000", "MEDIUM", "6 min", "search", "Replica is 90 s behind"),
    ("inc_01a206589b8000", "LOW", "13 min", "search", "磁盘已满 " * 9),
)
DROP = (3, 2, 1)


def shown(width: int) -> list[str]:
    return [line.text.plain for line in fitted(HEADER, ROWS, DROP, width)]


def test_with_room_everything_is_shown() -> None:
    assert shown(200)[1].split("  ")[-1] == LONG
    assert shown(200)[0].split() == list(HEADER)


def test_columns_go_before_the_title_is_cut_to_nothing() -> None:
    assert shown(60)[0].split() == ["ID", "URGENCY", "TITLE"]
    assert shown(60)[1].endswith("…")
    assert "HIGH" in shown(60)[1]


@given(st.integers(min_value=22, max_value=200))
def test_a_row_is_one_line_of_any_terminal(width: int) -> None:
    lines = shown(width)
    assert len(lines) == 1 + len(ROWS)
    assert all(cell_len(line) <= width for line in lines)
    assert all(row[0] in line for row, line in zip(ROWS, lines[1:], strict=True))
