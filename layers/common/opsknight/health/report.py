"""What a daily report says: what is wrong, and what the last day was like. Pure. Whom it goes to
and when is in `opsknight.directory.reports`; how it looks is up to each channel.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Final

from pydantic import Field

from opsknight.directory.entries import User
from opsknight.directory.receivers import Owner, Receiver
from opsknight.directory.reports import TOLD_WITHIN, DailyReport
from opsknight.health.findings import Finding, Verdict
from opsknight.incident.model import Model, Status, Urgency
from opsknight.notification.delivery import Delivery, delivery_id
from opsknight.notification.message import PageReason
from opsknight.notification.recipients import own_address

# A delivery is an item, and the longest finding names a handful of things.
MOST_CONCERNS: Final = 20
LONGEST_TEXT: Final = 600


class LastDay(Model):
    """The 24 hours before a report."""

    opened: dict[Urgency, int] = Field(default_factory=dict[Urgency, int])
    resolved: int = 0
    unpaged: int = 0
    """Of those opened, how many were over before anybody was paged: paging waited, and was not
    needed.
    """
    pages: int = 0
    """How often somebody was to be woken."""
    acknowledged: int = 0
    """Of those opened."""
    to_acknowledge: timedelta | None = None
    """The median of these; None without any."""
    active: dict[Status, int] = Field(default_factory=dict[Status, int])
    """All that are active now, whenever they were opened."""
    is_whole: bool = True
    """Whether all were counted: in a storm there may be too many."""


class Concern(Model):
    check: str
    text: str
    mend: str | None = None


class Report(Model):
    """Carried as JSON by its deliveries: everybody reads the same, however often one is tried."""

    name: str
    day: date
    concerns: tuple[Concern, ...] = ()
    """What needs a look, most important first."""
    more: int = 0
    """How many more there are."""
    last_day: LastDay

    @property
    def is_quiet(self) -> bool:
        day = self.last_day
        return not (self.concerns or day.opened or day.active)


def report(name: str, day: date, found: Iterable[Finding], last_day: LastDay) -> Report:
    """Without what is fine."""
    order = (Verdict.FAILED, Verdict.WARNING)
    wrong = sorted(
        (each for each in found if each.verdict in order), key=lambda it: order.index(it.verdict)
    )
    concerns = tuple(
        Concern(check=it.check, text=it.said[:LONGEST_TEXT], mend=it.mend)
        for it in wrong[:MOST_CONCERNS]
    )
    more = len(wrong) - len(concerns)
    return Report(name=name, day=day, concerns=concerns, more=more, last_day=last_day)


def deliveries(
    entry: DailyReport,
    users: Iterable[User],
    receivers: Iterable[Receiver],
    said: Report,
    due: datetime,
    now: datetime,
) -> tuple[Delivery, ...]:
    """To those who read it in these words. Planned twice, it is the same one, with the words of who
    was faster.
    """
    people = (
        # By the user's id, the address that they have when it is sent is found again.
        own_address(each).model_copy(update={"id": each.id})
        for each in users
        if not each.disabled
    )
    return tuple(_delivery(entry, each, said, due, now) for each in (*people, *receivers))


def _delivery(
    entry: DailyReport, receiver: Receiver, said: Report, due: datetime, now: datetime
) -> Delivery:
    """A notice: no person's page, whoever reads it."""
    what = ("report", entry.id, said.day.isoformat())
    return Delivery(
        id=delivery_id("n", *what, receiver.id),
        incident_id=delivery_id("report_", *what),
        service_id="",
        alert_id="",
        owner=Owner.report(entry.id),
        receiver_id=receiver.id,
        channel=receiver.channel,
        about=PageReason.REPORT,
        at=now,
        note=said.model_dump_json(exclude_defaults=True),
        urgency=Urgency.LOW,
        not_before=now,
        wanted_until=due + TOLD_WITHIN,
        due_at=now,
    )
