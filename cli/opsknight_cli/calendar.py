"""`calendar`: the address of a calendar, to subscribe to."""

from typing import Annotated

import typer

from opsknight.config.configuration import Kind, id_of, slug_of
from opsknight.notification import calendar_link
from opsknight.store.rosters import Rosters
from opsknight_cli.terminal.invocation import Invocation, common_options
from opsknight_cli.terminal.link_keys import link_keys
from opsknight_cli.terminal.my_turns import me_of
from opsknight_cli.terminal.naming import configuration, unknown

app = typer.Typer()


@app.command("calendar")
@common_options(acting=True)
def calendar_command(
    invocation: Invocation,
    schedule: Annotated[
        str | None,
        typer.Option("--schedule", help="The calendar of this schedule, instead of yours."),
    ] = None,
) -> None:
    """Print the address of your calendar of shifts, or of a schedule's, to subscribe to (.ics)."""
    session, screen, deployment = invocation.session, invocation.screen, invocation.deployment
    found = configuration(invocation)
    if schedule is None:
        me = me_of(invocation, found)
        owner_id, whose = me.id, f"the shifts of {me.name}"
    else:
        owner_id = id_of(Kind.SCHEDULE, schedule)
        if owner_id not in found.schedules:
            raise unknown(Kind.SCHEDULE, schedule, found.schedules)
        whose = f"everybody's shifts of {found.schedules[owner_id].name}"
    key = link_keys(invocation)[0]
    epoch = Rosters(deployment.table).calendar_epoch(owner_id, session.deadline())
    url = deployment.url.rstrip("/") + calendar_link.path(owner_id, epoch, key)
    if screen.as_json:
        screen.data({"of": slug_of(owner_id), "url": url})
        return
    screen.say(f"Subscribe to this address; whoever has it reads {whose}:")
    screen.say()
    screen.command(url)
