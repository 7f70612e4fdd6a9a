"""`hold`: stops everything that the deployment does by itself, for a while."""

from typing import Annotated

import typer

from opsknight.escalation.hold import LONGEST
from opsknight.store.holds import Holds
from opsknight.views import audited
from opsknight.views.lengths import in_words
from opsknight_cli.session import CommandError
from opsknight_cli.terminal import holding
from opsknight_cli.terminal.audited import entry
from opsknight_cli.terminal.invocation import Invocation, common_options
from opsknight_cli.terminal.times import UTC_ZONE, shown, span

app = typer.Typer(
    help="Stop everything that OpsKnight sends and does by itself. Events are still taken.",
    no_args_is_help=True,
)


@app.command("on")
@common_options()
def on_command(
    invocation: Invocation,
    lasts: Annotated[str, typer.Option("--for", help='How long, at most 4h: "15m".')],
    reason: Annotated[str, typer.Option("--reason", help="The reason to show to people.")] = "",
) -> None:
    """Hold everything from now on: no messages, steps, reminders or fallback."""
    session, screen = invocation.session, invocation.screen
    now, length = session.now(), span(lasts)
    by = invocation.deployment.operator().rsplit("/", 1)[-1]
    try:
        hold = Holds(invocation.deployment.table).change(
            lambda seen: seen.begun(now, length, by, reason),
            session.deadline(),
            audit=lambda after: entry(invocation, audited.hold_begun(after.spells[-1])),
        )
    except ValueError:
        raise CommandError(
            f"A hold lasts {in_words(LONGEST)} at most, from its start. To begin another one, end "
            "this one first: people are paged in between."
        ) from None
    spell = hold.spells[-1]
    if screen.as_json:
        screen.data({"hold": holding.data(spell)})
        return
    screen.say(
        f"On hold until {shown(spell.end, UTC_ZONE)}: nobody is paged or notified. All "
        "functions know it within 10 seconds. What comes due meanwhile is done when the hold ends. "
        "To end it earlier:",
        "bold red",
    )
    screen.command("opsknight hold off")


@app.command("off")
@common_options()
def off_command(invocation: Invocation) -> None:
    """End the hold. What came due meanwhile begins within a minute, HIGH first."""
    session, screen = invocation.session, invocation.screen
    now, before = session.now(), holding.current(invocation)
    Holds(invocation.deployment.table).change(
        lambda seen: seen.ended(now),
        session.deadline(),
        audit=lambda after: entry(invocation, audited.hold_ended(after.spells[-1])),
    )
    if screen.as_json:
        screen.data({"ended": holding.data(before)})
    elif before is None:
        screen.say("There was no hold.")
    else:
        screen.say(
            f"The hold is over after {holding.since(before, now)}. What came due meanwhile begins "
            "within a minute, HIGH first.",
            "green",
        )


@app.command("status")
@common_options()
def status_command(invocation: Invocation) -> None:
    """Show whether a hold is on."""
    spell = holding.current(invocation)
    if invocation.screen.as_json:
        invocation.screen.data({"hold": holding.data(spell)})
    elif spell is None:
        invocation.screen.say("There is no hold.")
    else:
        invocation.screen.say(holding.sentence(spell), "bold red")
