"""`heartbeats`: what is expected to show that it lives, and whether it does."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

import typer
from rich.text import Text

from opsknight.config.configuration import Kind, id_of, slug_of
from opsknight.config.spelling import did_you_mean
from opsknight.directory.entries import Service
from opsknight.directory.heartbeats import Heartbeat, Pulse, PulseState, dedup_key, state
from opsknight.directory.integrations import Integration
from opsknight.store.heartbeats import Heartbeats
from opsknight.views.lengths import in_words
from opsknight_cli.session import CommandError
from opsknight_cli.terminal.invocation import Invocation, common_options
from opsknight_cli.terminal.naming import configuration
from opsknight_cli.terminal.times import UTC_ZONE, shown, stamp

app = typer.Typer(help="See what is expected to beat, and whether it does.", no_args_is_help=True)
_STYLES: Final[Mapping[PulseState, str]] = {
    PulseState.DOWN: "bold red",
    PulseState.LATE: "yellow",
    PulseState.WAITING: "yellow",
}


@dataclass(frozen=True, slots=True)
class _Known:
    service: Service
    integration: Integration
    beats: Heartbeat
    pulse: Pulse | None
    now: datetime

    @property
    def state(self) -> PulseState:
        return state(self.pulse, self.service.maintenance_at(self.now) is not None, self.now)

    @property
    def name(self) -> str:
        return f"{slug_of(self.service.id)}/{slug_of(self.integration.id)}"

    @property
    def clock(self) -> ZoneInfo:
        """What its times are shown by."""
        return self.beats.clock if self.beats.cron else UTC_ZONE

    def at(self, at: datetime | None, otherwise: str = "never") -> str:
        return shown(at, self.clock) if at else otherwise

    @property
    def last_at(self) -> datetime | None:
        return self.pulse.last_at if self.pulse else None

    @property
    def due_at(self) -> datetime | None:
        """When it counts as overdue, or is looked at again. None while it waits or is down."""
        alive = self.state not in (PulseState.DOWN, PulseState.WAITING)
        return self.pulse.due_at if self.pulse and alive else None

    @property
    def expected(self) -> str:
        if self.beats.cron is not None:
            return f"{self.beats.cron} ({self.beats.zone or 'UTC'})"
        return f"every {in_words(self.beats.every)}"


@app.command("list")
@common_options()
def list_command(
    invocation: Invocation,
    service: Annotated[str | None, typer.Option("--service", help="Only this service.")] = None,
) -> None:
    """List the heartbeats, and when each last beat."""
    screen = invocation.screen
    found = _known(invocation, service)
    if screen.as_json:
        screen.data({"heartbeats": [_data(each) for each in found]})
    elif not found:
        screen.say(
            "There are no heartbeats. Give an integration a `heartbeat` in the configuration "
            "(docs/integrations/heartbeats.md)."
        )
    else:
        rows = [
            (
                each.name,
                Text(each.state, _STYLES.get(each.state, "")),
                each.at(each.last_at),
                each.at(each.due_at, "-"),
                each.expected,
            )
            for each in found
        ]
        screen.table(("HEARTBEAT", "STATE", "LAST BEAT", "OVERDUE AT", "EXPECTED"), rows, split=2)


@app.command("show")
@common_options()
def show_command(
    invocation: Invocation,
    service: Annotated[str, typer.Argument(help="The service's name.")],
    integration: Annotated[str, typer.Argument(help="The integration's name.")],
) -> None:
    """Show one heartbeat, and where its sender beats."""
    screen = invocation.screen
    found = _known(invocation, service)
    name = f"{service}/{integration}"
    one = next((each for each in found if each.name == name), None)
    if one is None:
        hint = did_you_mean(integration, [slug_of(each.integration.id) for each in found])
        raise CommandError(f"There is no heartbeat {name}.{hint}")
    incident = _incident(invocation, one)
    if screen.as_json:
        screen.data(_data(one) | {"incident": incident})
        return
    screen.facts(_facts(one, incident))
    screen.say()
    url = invocation.deployment.url.rstrip("/")
    screen.say("Its sender fetches this address, with the key of the integration:")
    screen.command(f"curl -fsS -m 10 --retry 5 -o /dev/null {url}/heartbeat/KEY")


def _known(invocation: Invocation, service: str | None) -> list[_Known]:
    """Those that are down first. Raises CommandError."""
    known, now = configuration(invocation), invocation.session.now()
    if service is not None and id_of(Kind.SERVICE, service) not in known.services:
        hint = did_you_mean(service, map(slug_of, known.services))
        raise CommandError(f"There is no service {service}.{hint}")
    wanted = [
        each
        for each in known.integrations.values()
        if each.heartbeat and (service is None or each.service_id == id_of(Kind.SERVICE, service))
    ]
    rows = Heartbeats(invocation.deployment.table)
    pulses = rows.pulses(
        ((each.service_id, each.id) for each in wanted), invocation.session.deadline()
    )
    found = [
        _Known(
            known.services[each.service_id],
            each,
            each.heartbeat,
            pulses.get((each.service_id, each.id)),
            now,
        )
        for each in wanted
        if each.heartbeat
    ]
    order = (PulseState.DOWN, PulseState.LATE, PulseState.WAITING)

    def rank(each: _Known) -> tuple[int, str]:
        return (order.index(each.state) if each.state in order else len(order)), each.name

    return sorted(found, key=rank)


def _incident(invocation: Invocation, one: _Known) -> str | None:
    table, deadline = invocation.deployment.table, invocation.session.deadline()
    name = dedup_key(one.integration.id)
    pointer = table.pointer(one.service.id, name, deadline, internal=True)
    return pointer.id if pointer else None


def _facts(one: _Known, incident: str | None) -> Iterable[tuple[str, Text | str]]:
    beats, pulse = one.beats, one.pulse
    yield "Heartbeat", f"{one.name} ({one.integration.name})"
    yield "State", Text(one.state, _STYLES.get(one.state, ""))
    yield "Expected", f"{one.expected}, and {in_words(beats.grace)} later at most"
    if beats.runs_at_most is not None:
        yield "Runs", f"{in_words(beats.runs_at_most)} at most"
    yield "Last beat", one.at(one.last_at)
    if one.due_at is not None:
        yield "Overdue at", one.at(one.due_at)
    if pulse is not None and pulse.started_at is not None:
        yield "Running since", one.at(pulse.started_at)
    if pulse is not None and pulse.down_at is not None:
        yield "Down since", one.at(pulse.down_at)
    if pulse is not None and pulse.failure is not None:
        yield "Failure", pulse.failure
    if incident is not None:
        yield "Incident", incident
    yield "Severity", beats.severity


def _data(one: _Known) -> dict[str, Any]:
    beats, pulse = one.beats, one.pulse or Pulse(service_id="", integration_id="")

    def at(given: datetime | None) -> str | None:
        return stamp(given) if given else None

    return {
        "service": slug_of(one.service.id),
        "integration": slug_of(one.integration.id),
        "name": one.integration.name,
        "state": one.state.name.lower(),
        "every": None if beats.cron else in_words(beats.every),
        "cron": beats.cron,
        "zone": beats.zone,
        "grace": in_words(beats.grace),
        "lastBeatAt": at(one.last_at),
        "overdueAt": at(one.due_at),
        "runningSince": at(pulse.started_at),
        "downSince": at(pulse.down_at),
        "failure": pulse.failure,
    }
