"""The story of a night in which something went wrong, in about twenty lines."""

from collections.abc import Iterator

from harness.simulation.night import Night
from harness.simulation.verdict import Violation

LINES = 20
_ASIDE = ("deaths", "dies", "out of time", "loses", "never hears", "gives up", "does not come")


def told(night: Night, violation: Violation) -> Iterator[str]:
    yield f"{violation.kind}: {violation.case}: {violation.text}"
    ids = {
        incident_id
        for title, incident_id in night.outside.incidents.items()
        if violation.case in title
    }
    names = {violation.case, *ids}
    about = [
        (at, line)
        for at, line in night.journal.lines
        if any(name in line for name in names) or any(word in line for word in _ASIDE)
    ]
    for at, line in nearest(about, violation.at):
        for incident_id in ids:
            line = line.replace(incident_id, violation.case)
        yield f"  {at:8.1f}  {line[:170]}"


def nearest(lines: list[tuple[float, str]], at: float) -> list[tuple[float, str]]:
    """The first few, how it began, and those before the end."""
    before = [each for each in lines if each[0] <= at + 5]
    if len(before) <= LINES:
        return before
    return before[:4] + before[-(LINES - 4) :]
