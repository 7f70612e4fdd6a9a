"""What is wrong with the deployment, as its table says: all findings of `opsknight.health`."""

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from typing import Annotated

from pydantic import Field

from opsknight.config.configuration import Configuration
from opsknight.escalation.hold import Hold
from opsknight.health import beating, coming_week, configuration_findings, mirrored, published
from opsknight.health.findings import Finding, Verdict, day_and_time, ok, warning
from opsknight.store.calls import Deadline
from opsknight.store.configurations import Configurations
from opsknight.store.heartbeats import Heartbeats
from opsknight.store.holds import Holds
from opsknight.store.mirrors import Mirrors
from opsknight.store.posts import Posts
from opsknight.store.receivers import Receivers
from opsknight.store.table import Table
from opsknight.views.wire import Absent, Shape


class FindingAnswer(Shape):
    check: str
    verdict: Verdict
    text: str
    mend: Annotated[str | Absent, Field(description="How to fix it.")] = None


class Health(Shape):
    findings: Annotated[Sequence[FindingAnswer], Field(description="Warnings first.")]
    checked_at: datetime


def answer(found: list[Finding], now: datetime) -> Health:
    fine = (Verdict.OK, Verdict.NOT_CHECKED)
    ordered = sorted(found, key=lambda each: each.verdict in fine)
    return Health(
        findings=[
            FindingAnswer(check=it.check, verdict=it.verdict, text=it.said, mend=it.mend)
            for it in ordered
        ],
        checked_at=now,
    )


def look(table: Table, now: datetime, deadline: Deadline, zone: tzinfo = UTC) -> list[Finding]:
    """`zone`: by whose clock times are told. Raises Unavailable."""
    known = Configurations(table).read(deadline).configuration
    names = configuration_findings.destinations(known)
    states = Receivers(table).states(names, deadline)
    policies = coming_week.policies_in_use(known)
    schedules = coming_week.schedules_of(policies)
    rotas = {each: rota for each in schedules if (rota := table.rota(each, deadline))}
    disabled = frozenset(each.id for each in known.users.values() if each.disabled)
    beats = [each for each in known.integrations.values() if each.heartbeat]
    where = [(each.service_id, each.id) for each in beats]
    public = [each for each in known.status_pages.values() if each.public is not None]
    rendered = Posts(table).rendered([each.id for each in public], deadline)
    return [
        _hold(Holds(table).read(deadline), now, zone),
        *configuration_findings.services(known, now, zone),
        *mirrors(table, known, now, deadline, zone),
        *coming_week.findings(policies, rotas, disabled, now, zone),
        *configuration_findings.receivers(names, states, zone),
        configuration_findings.unconfirmed(known, states, now),
        *configuration_findings.moved(known, states),
        beating.findings(known, Heartbeats(table).pulses(where, deadline), now),
        published.findings(public, rendered, now),
    ]


def mirrors(
    table: Table,
    known: Configuration,
    now: datetime,
    deadline: Deadline,
    zone: tzinfo = UTC,
) -> list[Finding]:
    """Raises Unavailable."""
    services = mirrored.passing_on(known.services.values())
    states = Mirrors(table).states([each.id for each in services], deadline)
    return [*mirrored.findings(services, states, now, zone)]


def _hold(hold: Hold, now: datetime, zone: tzinfo) -> Finding:
    spell = hold.spell(now)
    if spell is None:
        return ok("hold", "Nothing is held.")
    said = f"On hold until {day_and_time(spell.end, zone)}: nobody is paged."
    return warning("hold", said, "`opsknight hold off` ends it.")
