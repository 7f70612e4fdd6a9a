"""Daily reports: their section of the file, their days by the wall clock, and what they say."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from opsknight.directory.receivers import Channel, Receiver
from opsknight.directory.reports import DailyReport
from opsknight.files.checking import Checked, check
from opsknight.files.reading import read
from opsknight.health.findings import Finding, failed, ok, unchecked, warning
from opsknight.health.report import MOST_CONCERNS, LastDay, report
from opsknight.incident.model import Urgency
from opsknight_cli.configuration.parameters import wanted

NOW = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)
FILE = """\
users:
  ada: {email: ada@example.com, role: ADMIN}
reports:
  morning:
    at: "08:00"
    zone: Europe/Berlin
"""
CHAT = "    receivers: {ops: {channel: slack, to: C0123456789, secret: slack-token}}\n"


def checked(text: str) -> Checked:
    return check(read({"opsknight.yaml": FILE + text}), NOW)


def test_a_report_goes_to_people_and_to_places() -> None:
    found = checked("    users: [ada]\n" + CHAT)
    assert found.errors == ()
    [entry] = found.configuration.reports.values()
    assert (entry.id, entry.at, entry.zone) == ("rep_morning", time(8), "Europe/Berlin")
    assert entry.user_ids == ("user_ada",)
    assert [each.channel for each in entry.receivers] == [Channel.SLACK]
    assert wanted(found.configuration) == {"slack-token": "report morning"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "needs `users` or `receivers`"),
        ("    users: [eve]\n", "eve"),
        (
            '    receivers: {me: {channel: sms, to: "+4915112345678"}}\n',
            "`me` cannot be of channel sms",
        ),
        (CHAT.replace("slack-token", "xoxb-1-2-abcdefghijklmnop"), "secret"),
    ],
)
def test_what_is_wrong_with_a_report_is_said(text: str, said: str) -> None:
    [error] = checked(text).errors
    assert said in error.sentence


def test_whoever_is_disabled_is_said_to_get_none() -> None:
    disabled = FILE.replace("role: ADMIN}", "role: ADMIN, disabled: true}")
    found = check(read({"opsknight.yaml": disabled + "    users: [ada]\n"}), NOW)
    assert '"ada" is disabled, and gets no report.' in [each.sentence for each in found.problems]


def daily(at: str, zone: str = "Europe/Berlin") -> DailyReport:
    chat = Receiver(id="rcv_ops", name="Ops", channel=Channel.EMAIL, to="ops@example.com")
    at_time = time.fromisoformat(at)
    return DailyReport(id="rep_1", name="Daily", at=at_time, zone=zone, receivers=(chat,))


def test_days_are_those_of_the_wall_clock() -> None:
    eight = daily("08:00")
    before, at = datetime(2026, 7, 1, 5, 59, tzinfo=UTC), datetime(2026, 7, 1, 6, tzinfo=UTC)
    assert eight.due(before) == (date(2026, 6, 30), at - timedelta(days=1))
    assert eight.due(at) == (date(2026, 7, 1), at)
    assert eight.next_due(before) == at
    # In winter it is an hour later by UTC, and it stays one report a day.
    night = datetime(2026, 10, 25, 6, 30, tzinfo=UTC)
    assert eight.due(night)[0] == date(2026, 10, 24)
    assert eight.next_due(night) == datetime(2026, 10, 25, 7, tzinfo=UTC)
    # What the clock skips is due when the gap ends.
    skipped = daily("02:30").due(datetime(2026, 3, 29, 12, tzinfo=UTC))
    assert skipped == (date(2026, 3, 29), datetime(2026, 3, 29, 1, tzinfo=UTC))


def test_a_report_says_what_is_wrong_and_the_worst_first() -> None:
    found = [
        ok("a", "Fine."),
        warning("b", "Hm.", "Look."),
        unchecked("c", "?"),
        failed("d", "!", ""),
    ]
    said = report("Daily", date(2026, 11, 25), found, LastDay())
    assert [each.check for each in said.concerns] == ["d", "b"]
    many = [warning("b", "Hm.", "Look.")] * (MOST_CONCERNS + 3)
    assert report("Daily", date(2026, 11, 25), many, LastDay()).more == 3


@pytest.mark.parametrize(
    ("found", "day", "quiet"),
    [
        ([ok("a", "Fine.")], LastDay(resolved=2), True),
        ([warning("b", "Hm.", "Look.")], LastDay(), False),
        ([], LastDay(opened={Urgency.LOW: 1}), False),
    ],
)
def test_a_quiet_day_has_nothing_wrong_and_nothing_new(
    found: list[Finding], day: LastDay, quiet: bool
) -> None:
    assert report("Daily", date(2026, 11, 25), found, day).is_quiet is quiet
