"""Findings by day about problems of the night: each appears with its cause, and only then."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from opsknight.config import coverage
from opsknight.config.configuration import Configuration
from opsknight.config.coverage import AHEAD, Gap
from opsknight.config.lint import findings
from opsknight.files.checking import check
from opsknight.files.reading import read
from opsknight.oncall.schedules import shifts

NOW = datetime(2026, 3, 20, 12, 0, tzinfo=UTC)
PEOPLE = """
users:
  ada: {email: ada@x.org, role: ADMIN, contact_methods: {m: {channel: email, to: ada@x.org}}}
  off: {email: off@x.org, role: USER, disabled: true}
teams:
  web: {members: {ada: {pages: false}, off: {lead: true}}}
  quiet: {members: {ada: {pages: false}}}
  empty: {}
"""


def configuration(text: str) -> Configuration:
    return check(read({"": PEOPLE + text}), NOW).configuration


def said(text: str) -> list[str]:
    found = findings(configuration(text), NOW)
    return [f"{each.severity} {'.'.join(map(str, each.path))}: {each.sentence}" for each in found]


def test_nothing_is_said_of_what_is_right() -> None:
    assert said("policies: {p: {steps: [{targets: [{user: ada}]}]}}") == []


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("user: off", "user off is disabled"),
        ("team: web", "everybody in team web who takes pages is disabled"),
        ("team: quiet", "nobody in team quiet takes pages"),
        ("team: empty", "team empty has no members"),
        ("team_leads: web", "every lead of team web is disabled"),
        ("team_leads: quiet", "team quiet has no lead"),
        ("schedule: s", "nobody is on call by schedule s"),
    ],
)
def test_a_policy_that_can_never_page_anyone_is_an_error(target: str, why: str) -> None:
    schedule = "schedules: {s: {zone: UTC, layers: {}}}\n"
    policy = f"policies: {{p: {{steps: [{{targets: [{{{target}}}]}}]}}}}"
    [*_, last] = said(schedule + policy)
    assert last == f"error policies.p: Can never page anyone: {why}."


def test_one_step_of_several_that_reaches_nobody_is_a_warning() -> None:
    [only] = said("policies: {p: {steps: [{targets: [{user: ada}]}, {targets: [{user: off}]}]}}")
    assert only.startswith("warning policies.p.steps.1: This step reaches nobody")


def test_a_service_pages_its_team_if_that_can_be_paged() -> None:
    [only] = said("services: {s: {team: web}}")
    assert only.startswith("error services.s: Can never page anyone: it has no policy")
    assert said("services: {s: {team: web, disabled: true}}") == []


ROTA = """
schedules:
  s:
    zone: Europe/London
    layers:
      a:
        users: [{users}]
        turn: 1w
        handoff: "00:00"
        start: 2026-01-05
        restrictions: [{{start: "{start}", end: "{end}"}}]
"""


def gaps(start: str, end: str) -> list[Gap]:
    found = configuration(ROTA.format(users="ada", start=start, end=end))
    planned = shifts(found.schedules["sch_s"], (), NOW, NOW + AHEAD)
    return list(coverage.gaps(planned, NOW, NOW + AHEAD))


def test_hours_without_anybody_follow_the_wall_clock() -> None:
    """London puts its clocks forward on 29 March 2026, at 01:00."""
    london = ZoneInfo("Europe/London")
    lengths = {
        gap.start.astimezone(london).date().isoformat(): gap.end - gap.start
        for gap in gaps("03:00", "00:00")
    }
    assert lengths.pop("2026-03-29") == timedelta(hours=2), "00:00 GMT to 03:00 BST"
    assert set(lengths.values()) == {timedelta(hours=3)}


def test_an_hour_that_does_not_exist_has_nobody_missing() -> None:
    starts = [gap.start for gap in gaps("02:00", "01:00")]
    assert datetime(2026, 3, 29, 1, tzinfo=UTC) not in starts
    assert len(starts) == 27, "of 28 nights"


def test_times_are_told_by_the_clock_that_hangs_there() -> None:
    [only] = said(ROTA.format(users="ada", start="03:00", end="00:00"))
    # 28 nights of three hours, less the hour that is put forward.
    assert (
        "Nobody is on call for 83 hours of the next four weeks: Sat 21 Mar 00:00 to 03:00 GMT"
        in only
    )
    before = datetime(2026, 3, 28, 23, 30, tzinfo=UTC)
    found = findings(configuration(ROTA.format(users="ada", start="03:00", end="00:00")), before)
    assert any("Sun 29 Mar 00:00 GMT to 03:00 BST" in each.sentence for each in found)


def test_whoever_is_disabled_leaves_a_gap() -> None:
    # Two weeks of four, less the hour that is put forward in one of them.
    [turns, gap] = said(ROTA.format(users="ada, off", start="00:00", end="00:00"))
    assert turns.startswith("warning schedules.s.layers.a.users.1: User off is disabled")
    assert "Nobody is on call for 335 hours" in gap
