"""`switch status`: each sender with its new key, and what is still to be switched."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

import typer
from rich.text import Text

from opsknight.config.configuration import slug_of
from opsknight.directory.entries import IntegrationKey, Service
from opsknight.directory.integrations import Integration
from opsknight.directory.passing_on import MirrorState
from opsknight.health import shadows as health
from opsknight.store.keys import Keys
from opsknight.store.mirrors import Mirrors
from opsknight_cli.session import Exit
from opsknight_cli.terminal.invocation import Invocation, common_options
from opsknight_cli.terminal.naming import configuration
from opsknight_cli.terminal.screen import printable
from opsknight_cli.terminal.times import UTC_ZONE, shown, stamp

NOT_YET: Final = 2
MOST_COUNTED: Final = 100
QUIET_FOR: Final = timedelta(days=7)
_HEADER: Final = ("INTEGRATION", "NAME", "LAST EVENT", "SERVICE IS")

app = typer.Typer(help="See how far the switch from another system is.", no_args_is_help=True)


@dataclass(frozen=True, slots=True)
class _Row:
    service: Service
    integration: Integration
    keys: int
    """How many live keys it has."""
    used_on: date | None
    now: datetime

    @property
    def state(self) -> str:
        if not self.keys:
            return "no key yet"
        if self.used_on is None:
            return "not yet switched"
        if self.used_on < (self.now - QUIET_FOR).date():
            return f"quiet since {self.used_on}"
        return str(self.used_on)

    @property
    def is_switched(self) -> bool:
        return self.used_on is not None


@app.callback()
def switch() -> None:
    """See how far the switch from another system is."""


@app.command("status")
@common_options()
def status_command(invocation: Invocation) -> None:
    """Show each sender, its last event, and the mirror. Exits with 2 if one is not yet switched."""
    session, screen = invocation.session, invocation.screen
    table, now = invocation.deployment.table, session.now()
    known = configuration(invocation)
    used = _used(invocation, now)
    rows = [
        _Row(known.services[each.service_id], each, *used.get(name, (0, None)), now)
        for name, each in sorted(known.integrations.items())
        if each.service_id in known.services and not known.services[each.service_id].disabled
    ]
    mirrors = Mirrors(table)
    states: dict[str, tuple[MirrorState | None, int]] = {}
    for service in known.services.values():
        if service.mirror is not None:
            state = mirrors.state(service.id, session.deadline())
            waiting = mirrors.waiting(service.id, MOST_COUNTED, session.deadline())
            states[service.id] = state, len(waiting)
    if screen.as_json:
        screen.data({"integrations": [_data(each, states) for each in rows]})
    else:
        cells = [
            (
                f"{slug_of(each.service.id)}/{slug_of(each.integration.id)}",
                printable(each.integration.name),
                Text(each.state, "" if each.is_switched else "yellow"),
                _mode(each.service, now),
            )
            for each in rows
        ]
        screen.rows(_HEADER, cells, (1,))
        left = sum(not each.is_switched for each in rows)
        screen.say()
        screen.say(f"{len(rows) - left} of {len(rows)} senders have been switched.", "bold")
        for service in known.services.values():
            if service.mirror is not None:
                said = Text(f"Mirror of {slug_of(service.id)}: ") + _mirror(service, states)
                screen.hanging(said, 0, 4)
        if found := health.in_shadow(known.services.values(), now):
            screen.say(health.sentence(found), "bold yellow")
    if any(not each.is_switched for each in rows):
        raise Exit(NOT_YET)


def _used(invocation: Invocation, now: datetime) -> Mapping[str, tuple[int, date | None]]:
    """How many live keys each integration has, and when one was used last."""
    found: dict[str, tuple[int, date | None]] = {}
    held = Keys(invocation.deployment.table).held(invocation.session.deadline())
    for key in (each.key for each in held):
        if not isinstance(key, IntegrationKey):
            continue
        name = f"{key.service_id}/{key.integration_id}"
        live, last = found.get(name, (0, None))
        days = [day for day in (last, key.used_on) if day is not None]
        found[name] = live + key.live_at(now), max(days, default=None)
    return found


def _mode(service: Service, now: datetime) -> str:
    return "in shadow" if service.in_shadow(now) else "live"


def _mirror(service: Service, states: Mapping[str, tuple[MirrorState | None, int]]) -> Text:
    if service.mirror is None:
        return Text("none")
    state, waiting = states[service.id]
    if state is None:
        return Text(f"{service.mirror.to}: nothing passed on yet")
    if state.failing_since is not None:
        since = shown(state.failing_since, UTC_ZONE)
        said = f"{service.mirror.to}: failing since {since}, {state.why}; {_count(waiting)} wait"
        return Text(said, "red")
    if state.lost is not None:
        return Text(f"{service.mirror.to}: gave up {printable(state.lost)}", "yellow")
    last = f", last {shown(state.sent_at, UTC_ZONE)}" if state.sent_at else ""
    return Text(f"{service.mirror.to}: {_count(waiting)} wait{last}")


def _count(waiting: int) -> str:
    return f"{waiting}+" if waiting == MOST_COUNTED else str(waiting)


def _data(each: _Row, states: Mapping[str, tuple[MirrorState | None, int]]) -> dict[str, Any]:
    mirror = None
    if each.service.mirror is not None:
        state, waiting = states[each.service.id]
        state = state or MirrorState()
        mirror = {
            "to": each.service.mirror.to,
            "waiting": waiting,
            "sentAt": stamp(state.sent_at) if state.sent_at else None,
            "failingSince": stamp(state.failing_since) if state.failing_since else None,
            "why": state.why,
            "lost": state.lost,
        }
    until = each.service.shadow_until
    return {
        "service": slug_of(each.service.id),
        "integration": slug_of(each.integration.id),
        "name": each.integration.name,
        "keys": each.keys,
        "usedOn": each.used_on.isoformat() if each.used_on else None,
        "switched": each.is_switched,
        "shadowUntil": stamp(until) if until and each.service.in_shadow(each.now) else None,
        "mirror": mirror,
    }
