"""What is wrong with the deployment, as its table says: all findings of `opsknight.health`."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Annotated

from pydantic import Field

from opsknight.classes import dataclass
from opsknight.config.configuration import Configuration
from opsknight.directory.heartbeats import Pulse
from opsknight.directory.passing_on import MirrorState
from opsknight.directory.status_pages import StatusPage
from opsknight.escalation.hold import Hold
from opsknight.escalation.policy import Rota
from opsknight.health import beating, coming_week, configuration_findings, mirrored, published
from opsknight.health.findings import Finding, Verdict, day_and_time, ok, warning
from opsknight.notification.throttle import ReceiverState
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


@dataclass(frozen=True, slots=True)
class Sight:
    """What the table says of the deployment at one moment, read once for readers of all zones."""

    now: datetime
    known: Configuration
    states: Mapping[str, ReceiverState]
    rotas: Mapping[str, Rota]
    hold: Hold
    mirrors: Mapping[str, MirrorState]
    pulses: Mapping[tuple[str, str], Pulse]
    rendered: Mapping[str, datetime]

    @classmethod
    def read(cls, table: Table, now: datetime, deadline: Deadline) -> "Sight":
        """Raises Unavailable."""
        known = Configurations(table).read(deadline).configuration
        names = configuration_findings.destinations(known)
        schedules = coming_week.schedules_of(coming_week.policies_in_use(known))
        beats = [each for each in known.integrations.values() if each.heartbeat]
        return cls(
            now=now,
            known=known,
            states=Receivers(table).states(names, deadline),
            rotas={each: rota for each in schedules if (rota := table.rota(each, deadline))},
            hold=Holds(table).read(deadline),
            mirrors=_mirror_states(table, known, deadline),
            pulses=Heartbeats(table).pulses([(it.service_id, it.id) for it in beats], deadline),
            rendered=Posts(table).rendered([each.id for each in _public(known)], deadline),
        )

    def findings(self, zone: tzinfo = UTC) -> list[Finding]:
        """`zone`: by whose clock times are told."""
        known, now = self.known, self.now
        disabled = frozenset(each.id for each in known.users.values() if each.disabled)
        policies = coming_week.policies_in_use(known)
        names = configuration_findings.destinations(known)
        return [
            _hold(self.hold, now, zone),
            *configuration_findings.sharing(known),
            *configuration_findings.services(known, now, zone),
            *mirrored.findings(known.services.values(), self.mirrors, now, zone),
            *coming_week.findings(policies, self.rotas, disabled, now, zone),
            *configuration_findings.receivers(names, self.states, zone),
            configuration_findings.unconfirmed(known, self.states, now),
            *configuration_findings.moved(known, self.states, whole=False),
            beating.findings(known, self.pulses, now),
            published.findings(_public(known), self.rendered, now),
        ]


def _public(known: Configuration) -> list[StatusPage]:
    return [each for each in known.status_pages.values() if each.public is not None]


def mirrors(
    table: Table,
    known: Configuration,
    now: datetime,
    deadline: Deadline,
    zone: tzinfo = UTC,
) -> list[Finding]:
    """Raises Unavailable."""
    states = _mirror_states(table, known, deadline)
    return [*mirrored.findings(known.services.values(), states, now, zone)]


def _mirror_states(
    table: Table, known: Configuration, deadline: Deadline
) -> dict[str, MirrorState]:
    services = mirrored.passing_on(known.services.values())
    return Mirrors(table).states([each.id for each in services], deadline)


def _hold(hold: Hold, now: datetime, zone: tzinfo) -> Finding:
    spell = hold.spell(now)
    if spell is None:
        return ok("hold", "Nothing is held.")
    said = f"On hold until {day_and_time(spell.end, zone)}: nobody is paged."
    return warning("hold", said, "`opsknight hold off` ends it.")
