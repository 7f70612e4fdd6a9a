"""Exports with anything anywhere: an import loses what makes no sense, says so, and writes files
that can be read.
"""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, note
from hypothesis import strategies as st

from opsknight.files import reading
from opsknight.files.checking import check
from opsknight.runtime.addresses import Reach
from opsknight_cli.importing import report
from opsknight_cli.importing.comparing import compared
from opsknight_cli.importing.folder import configuration_files
from opsknight_cli.importing.opsgenie import files as opsgenie_files
from opsknight_cli.importing.opsgenie.reading import imported as of_opsgenie
from opsknight_cli.importing.opsgenie.shapes import Export as OpsgenieExport
from opsknight_cli.importing.outcome import Imported
from opsknight_cli.importing.pagerduty import files as pagerduty_files
from opsknight_cli.importing.pagerduty.reading import imported as of_pagerduty
from opsknight_cli.importing.pagerduty.shapes import Export as PagerDutyExport
from tests.unit.test_imported_schedules import NOW

EXPORTS = Path(__file__).parents[1] / "exports"
JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from(
        [
            "",
            " ",
            "none",
            "team",
            "escalation",
            "user_reference",
            "`'\\",
            "P5",
            "not-a-date",
            "x" * 300,
        ]
    ),
    st.sampled_from(["2026-11-24T09:00:00Z", "1969-12-31T00:00:00Z", "9999-12-31T23:59:59Z"]),
    st.sampled_from(
        ["Ümläut\u202e ♥", "00:00:00", "24:00:00", "Asia/Kathmandu", "weekly", "hourly"]
    ),
    st.sampled_from([-1, 0, 1, 7, 59, 3600, 86401, 10**6, 10**12, 1.5]),
    st.just([]),
    st.just({}),
    st.just([[]]),
)


def places(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    children: Any = ()
    if isinstance(data, dict):
        children = data.items()
    elif isinstance(data, list | tuple):
        children = enumerate(data)
    for name, inner in children:
        yield from places(inner, (*path, name))


def export_of(system: str) -> dict[str, Any]:
    read: Any = {"pagerduty": pagerduty_files, "opsgenie": opsgenie_files}[system].read
    found: dict[str, Any] = read(str(EXPORTS / system)).model_dump(mode="json")
    return found


def brought(system: str, data: dict[str, Any]) -> Imported:
    if system == "pagerduty":
        return of_pagerduty(PagerDutyExport.model_validate(data), NOW)
    return of_opsgenie(OpsgenieExport.model_validate(data), NOW)


NOBODY = "Can never page anyone"
WHOLE = {system: export_of(system) for system in ("pagerduty", "opsgenie")}
# Below the kinds: those are the program's own.
PLACES = {system: [it for it in places(data) if len(it) > 1] for system, data in WHOLE.items()}


@pytest.mark.soak
@pytest.mark.parametrize("system", WHOLE)
@given(data=st.data())
def test_whatever_an_export_holds_the_files_can_be_read(system: str, data: st.DataObject) -> None:
    export = copy.deepcopy(WHOLE[system])
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(PLACES[system]))
        junk = data.draw(JUNK)
        note(f"{path} = {junk!r}")
        at: Any = export
        try:
            for part in path[:-1]:
                at = at[part]
            at[path[-1]] = junk
        except (LookupError, TypeError):
            continue
    found = brought(system, export)
    checked = check(reading.read(configuration_files(found)), NOW, Reach.PRIVATE)
    # Whom it leaves without anybody is the operator's to say.
    assert [each for each in checked.errors if NOBODY not in each.sentence] == []
    assert report.page(found, compared(found, NOW), checked.problems, NOW)
