"""The maintenance windows of a night, as the commands of operators say. A part of the judge, under
the same rule: it imports nothing of the product.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from harness.simulation.journal import Asked
from harness.simulation.verdict import CLOCKS

type Span = tuple[float, float]


@dataclass(frozen=True)
class Window:
    """A maintenance window. It begins within one span and ends within the other."""

    begins: Span
    ends: Span


def windows_of(asked: Sequence[Asked]) -> dict[str, list[Window]]:
    found: dict[str, list[Window]] = {}
    named: dict[str, int] = {}
    for each in asked:
        words = each.what.split()
        if each.who != "operator" or words[0] != "maintenance":
            continue
        done = inf if each.ended is None or each.status else each.ended
        mine = found.setdefault(words[2], [])
        if words[1] == "start":
            length = int(words[4].removesuffix("m")) * 60
            ends = each.began + length, done + length
            # What it prints is how to end it.
            said = each.body.get("said", "").partition(f"maintenance stop {words[2]} ")[2]
            named |= dict.fromkeys(said.split()[:1], len(mine))
            mine.append(Window((each.began, done), ends))
        elif mine:
            # One that came too late, or failed, ends nothing later than before.
            which = named.get("".join(words[3:4]), -1)
            ends = min(each.began, mine[which].ends[0]), min(done, mine[which].ends[1])
            mine[which] = Window(mine[which].begins, ends)
    return found


def last_one(windows: Sequence[Window], earliest: float, latest: float) -> Window | None:
    """The one in which an incident opened, which happened between these moments; of several, the
    one that ends last. One that is just being ended may keep it quiet until it is looked at.
    """
    around = (
        each
        for each in windows
        if each.begins[0] <= latest + CLOCKS and earliest < each.ends[1] + CLOCKS
    )
    # One that may never have begun, as its command failed, comes after those that did.
    last = max(around, key=lambda window: (window.begins[1] < inf, window.ends), default=None)
    # It is quiet until no window is in force.
    for each in sorted(windows, key=lambda window: window.begins):
        if last and each.begins[0] <= last.ends[1] + CLOCKS and each.ends > last.ends:
            # One that may have begun too late, by some clock, may have left a gap: it lets it out.
            gap = last.ends[0] - CLOCKS < each.begins[1]
            ends = (last.ends[0] if gap else each.ends[0]), each.ends[1]
            last = Window(last.begins, ends)
    return last
