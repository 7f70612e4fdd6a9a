"""`aws alarms`: what of AWS has come in and pages nobody, with the line that would change that."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import typer
from rich.text import Text

from opsknight.directory.aws import Unmatched
from opsknight.files.aws_shape import rule_for
from opsknight.store.unmatched import UnmatchedRows
from opsknight.views.lengths import in_words
from opsknight.views.wire import time as instant
from opsknight_cli.terminal.invocation import Invocation, common_options
from opsknight_cli.terminal.screen import Screen

# The most frequent ones; some names are made for each day or run.
MOST_SHOWN: Final = 40

app = typer.Typer(help="See which of AWS's own events page nobody.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """So that the one command keeps its name."""


@app.command("alarms")
@common_options()
def alarms_command(invocation: Invocation) -> None:
    """List alarms and other events of AWS that no rule of the configuration names."""
    session, screen = invocation.session, invocation.screen
    now = session.now()
    found = UnmatchedRows(invocation.deployment.table).all(now, session.deadline())
    if screen.as_json:
        screen.data({"unmatched": [data(each) for each in found]})
    else:
        show(found, now, screen)


def data(each: Unmatched) -> dict[str, Any]:
    return {
        "source": each.source.value,
        "name": each.name,
        "account": each.account,
        "region": each.region,
        "count": each.count,
        "firstAt": instant(each.first_at),
        "lastAt": instant(each.last_at),
        "rule": rule_for(each),
    }


def _ago(passed: timedelta) -> str:
    """Roughly: the days, hours or minutes."""
    for unit in (timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)):
        if passed >= unit:
            return f"{in_words(passed // unit * unit)} ago"
    return "just now"


def show(found: Sequence[Unmatched], now: datetime, screen: Screen) -> None:
    if not found:
        screen.say("Everything of AWS that came in the last 30 days has a rule, or nothing came.")
        return
    rows = [
        (
            each.name,
            each.source.value,
            each.account,
            each.region,
            str(each.count),
            _ago(now - each.last_at),
        )
        for each in found[:MOST_SHOWN]
    ]
    screen.columns(("NAME", "SOURCE", "ACCOUNT", "REGION", "TIMES", "LAST"), rows)
    screen.say()
    screen.say("They page nobody. To change that, add to the file, with the service that it is:")
    screen.say()
    screen.say("aws:")
    screen.say("  rules:")
    for each in found[:MOST_SHOWN]:
        screen.hanging(Text(f"    - {rule_for(each)}"), 0, 6)
    screen.say()
    if len(found) > MOST_SHOWN:
        screen.say(f"{len(found) - MOST_SHOWN} more: --json has all. A pattern takes many at once.")
    screen.say("`ignore: true` in place of the service leaves it out of this list.")
