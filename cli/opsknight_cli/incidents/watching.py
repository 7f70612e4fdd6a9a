"""`incidents watch`: polls the active incidents, and shows them and their changes of status."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import typer
from rich.text import Text

from opsknight.config.configuration import slug_of
from opsknight.incident.model import ACTIVE, Status, Urgency
from opsknight.store.calls import Unavailable
from opsknight.store.listings import Listed, Listings, Wanted
from opsknight.store.names import read_names
from opsknight.views import answers
from opsknight.views.names import UNKNOWN, Names, of_listed
from opsknight.views.wire import time as instant
from opsknight.views.wire import to_json
from opsknight_cli.incidents import view
from opsknight_cli.incidents.filters import (
    ServiceOption,
    StatusOption,
    TeamOption,
    UrgencyOption,
    service_ids,
)
from opsknight_cli.session import UsageError
from opsknight_cli.terminal import holding
from opsknight_cli.terminal.invocation import Invocation, common_options
from opsknight_cli.terminal.screen import Line, printable

POLL_SECONDS: Final = 5.0
MOST_WATCHED: Final = 500
# Shorter than the patience of other commands: another look follows anyway.
PATIENCE_OF_A_LOOK: Final = 10

app = typer.Typer()


@dataclass(frozen=True, slots=True)
class Look:
    """The active incidents at one moment, and what has changed since the look before."""

    active: Sequence[Listed]
    events: Sequence[tuple[Status | None, Listed]]
    """Incidents with the status that they had in the look before; None for a new one."""


@app.command("watch")
@common_options()
def watch_command(
    invocation: Invocation,
    status: StatusOption = None,
    urgency: UrgencyOption = None,
    service: ServiceOption = None,
    team: TeamOption = None,
) -> None:
    """Watch active incidents until Ctrl-C: a live list, or one line per change in a pipe."""
    screen = invocation.screen
    if status and Status.RESOLVED in status:
        raise UsageError(
            "`watch` follows active incidents and reports when one is resolved: drop "
            "`--status RESOLVED`."
        )
    wanted = Wanted(
        statuses=set(status or ACTIVE),
        service_ids=service_ids(invocation, service, team),
        urgencies=set(urgency or Urgency),
    )
    watched = _Watched(invocation, wanted)
    with suppress(KeyboardInterrupt):
        if screen.live and not screen.as_json:
            with screen.painting() as paint:
                _poll(invocation, watched, lambda look: paint(_list(look, invocation)))
        else:
            _poll(invocation, watched, lambda look: _print_events(look, invocation))


def _poll(invocation: Invocation, watched: "_Watched", show: Callable[[Look], None]) -> None:
    while True:
        try:
            show(watched.look())
        except Unavailable as error:
            # Nobody should have to restart this at night.
            invocation.screen.complain(f"{error}. Trying again in {POLL_SECONDS:g} seconds.")
        invocation.session.sleep(POLL_SECONDS)


class _Watched:
    def __init__(self, invocation: Invocation, wanted: Wanted) -> None:
        self._table = invocation.deployment.table
        self._session = invocation.session
        self._wanted = wanted
        self._known: dict[str, Listed] = {}
        self._resolved: set[str] = set()

    def look(self) -> Look:
        """Raises Unavailable."""
        now, deadline = self._session.now(), self._session.deadline(PATIENCE_OF_A_LOOK)
        listed = Listings(self._table).newest([self._wanted], MOST_WATCHED, now, deadline)
        # The index may lag behind, and a resolved incident never becomes active again.
        found = [each for each in listed if each.id not in self._resolved]
        active = {each.id: each for each in found}
        gone = self._known.keys() - active.keys()
        # An incident leaves the list when it is resolved, when its status is no longer one of those
        # watched, or when there are too many newer ones.
        left = [
            Listed.model_validate(each, from_attributes=True)
            for each in self._table.incidents(gone, deadline).values()
        ]
        events: list[tuple[Status | None, Listed]] = []
        for each in sorted([*found, *left], key=lambda one: one.id):
            before = self._known.get(each.id)
            if before is None:
                events.append((None, each))
            elif before.status is not each.status and (
                self._wanted.statuses & {before.status, each.status}
            ):
                events.append((before.status, each))
        self._resolved |= {each.id for each in left if each.status is Status.RESOLVED}
        self._known = active | {each.id: each for each in left if each.id not in self._resolved}
        return Look(found, events)


def _list(look: Look, invocation: Invocation) -> Iterable[Line]:
    now = invocation.session.now()
    width, height = invocation.screen.size
    if (spell := holding.current(invocation)) is not None:
        yield Line(0, Text(holding.sentence(spell), "bold red"))
    count = f"{len(look.active)} active" if look.active else "No incident is active"
    yield Line(0, Text(f"{count} at {now:%H:%M:%S} UTC. Press Ctrl-C to stop.", "dim"))
    if not look.active:
        return
    lines = view.listing(look.active, now, width)
    room = height - 4
    yield from lines[:room]
    if len(lines) > room:
        yield Line(0, Text("... and more than fit", "dim"))


def _print_events(look: Look, invocation: Invocation) -> None:
    now, screen = invocation.session.now(), invocation.screen
    names = UNKNOWN
    if screen.as_json and look.events:
        table, deadline = invocation.deployment.table, invocation.session.deadline()
        names = Names(read_names(table, of_listed(each for _, each in look.events), deadline))
    for before, each in look.events:
        if screen.as_json:
            incident = to_json(answers.listed(each, names))
            screen.line({"at": instant(now), "before": before, "incident": incident})
            continue
        change = f"{each.status}" if before is None else f"{before} -> {each.status}"
        line = Text(f"{now:%H:%M:%S}  {view.short(each.id, each.status)}  ")
        line.append_text(view.urgency(each.urgency)).append(
            f"  {change}  {slug_of(each.service_id)}  {printable(each.title)}"
        )
        screen.hanging(line, 0, 4)
    screen.flush()
