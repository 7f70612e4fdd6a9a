"""What a warm function remembers of keys, and for how long."""

from datetime import UTC, datetime, timedelta

import pytest

from opsknight.http.directory_cache import MOST_REMEMBERED, REMEMBERED, TtlCache

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)


class Table:
    """Counts the questions; what it holds may change."""

    def __init__(self, **holds: str) -> None:
        self.holds = holds
        self.asked = 0

    def find(self, name: str) -> str | None:
        self.asked += 1
        return self.holds.get(name)


def ask(memory: TtlCache[str], table: Table, now: datetime, name: str = "k") -> str | None:
    return memory.get(name, now, lambda: table.find(name))


@pytest.mark.parametrize(
    ("age", "asked_again"),
    [
        (timedelta(0), False),
        (REMEMBERED - MOMENT, False),
        (REMEMBERED, True),
        (timedelta(days=14), True),
        (-MOMENT, True),
    ],
    ids=["at once", "under 30 s", "30 s", "thawed after weeks", "clock set back"],
)
def test_what_was_found_is_remembered_for_30_seconds(age: timedelta, asked_again: bool) -> None:
    memory, table = TtlCache[str](), Table(k="old")
    assert ask(memory, table, NOW) == "old"
    table.holds["k"] = "new"
    assert ask(memory, table, NOW + age) == ("new" if asked_again else "old")
    assert timedelta(seconds=30) == REMEMBERED


def test_using_it_does_not_keep_it_fresh() -> None:
    memory, table = TtlCache[str](), Table(k="old")
    for second in range(0, 60, 10):
        ask(memory, table, NOW + timedelta(seconds=second))
    assert table.asked == 2


def test_what_was_not_found_is_asked_for_each_time() -> None:
    memory, table = TtlCache[str](), Table()
    assert ask(memory, table, NOW) is None
    table.holds["k"] = "new"
    assert ask(memory, table, NOW) == "new"


def test_what_is_gone_is_forgotten() -> None:
    memory, table = TtlCache[str](), Table(k="old")
    ask(memory, table, NOW)
    table.holds.clear()
    assert ask(memory, table, NOW + REMEMBERED) is None
    assert ask(memory, table, NOW + MOMENT) is None, "nor found by a clock set back"


def test_memory_is_bounded_and_the_oldest_goes_first() -> None:
    memory, table = TtlCache[str](), Table(**{f"k{n}": "v" for n in range(MOST_REMEMBERED + 1)})
    for number in range(MOST_REMEMBERED + 1):
        ask(memory, table, NOW, f"k{number}")
    asked = table.asked
    ask(memory, table, NOW, f"k{MOST_REMEMBERED}")
    ask(memory, table, NOW, "k1")
    assert table.asked == asked
    ask(memory, table, NOW, "k0")
    assert table.asked == asked + 1
