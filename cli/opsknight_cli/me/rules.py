"""`me rules`: when the reader is reached by what."""

import re
from datetime import timedelta
from typing import Annotated, Final

import typer

from opsknight.config.last_apply import RULES
from opsknight.directory import profile
from opsknight.directory.entries import User
from opsknight.directory.profile import LATEST_RULE
from opsknight.directory.receivers import NotificationRule
from opsknight.incident.model import Urgency
from opsknight.views import directory_answers as answers
from opsknight.views import directory_models as models
from opsknight.views.lengths import in_words
from opsknight.views.wire import to_json
from opsknight_cli.me.person import accepted, method_of, own, say_locked, whoever
from opsknight_cli.session import UsageError
from opsknight_cli.terminal.invocation import Invocation, common_options
from opsknight_cli.terminal.naming import method_name
from opsknight_cli.terminal.times import span

_RULE: Final = re.compile(r"(?P<urgency>\w+)=(?P<method>\S+?)(?: after (?P<delay>\S+))?")

app = typer.Typer()


@app.command("rules")
@common_options(acting=True)
def rules_command(
    invocation: Invocation,
    wanted: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help='"HIGH=sms" or "HIGH=voice after 5m"; may be repeated. Sets all of your rules.',
        ),
    ] = None,
    defaults: Annotated[
        bool, typer.Option("--defaults", help="Remove your rules: the defaults hold.")
    ] = False,
) -> None:
    """Show when you are reached by what, or set it."""
    if wanted and defaults:
        raise UsageError("Give --set or --defaults, not both.")
    me = whoever(invocation)
    if wanted or defaults:
        me = accepted(own(invocation, me).rule([_rule(me, each) for each in wanted or ()]))
    screen = invocation.screen
    if screen.as_json:
        screen.data(to_json(models.MyRules(rules=[answers.rule(each) for each in me.rules])))
        return
    by = [(urgency, _by(me, urgency)) for urgency in Urgency]
    screen.table(("URGENCY", "BY"), by, split=1)
    if not profile.has_own_rules(me):
        say_locked(invocation, me, RULES)


def _rule(me: User, text: str) -> NotificationRule:
    """Raises CommandError."""
    found = _RULE.fullmatch(text.strip())
    if found is None or found["urgency"].upper() not in Urgency:
        raise UsageError(f'"{text}" is no rule. Write "HIGH=sms", or "HIGH=voice after 5m".')
    delay = timedelta() if found["delay"] is None else span(found["delay"])
    if delay % timedelta(minutes=1) or delay > LATEST_RULE:
        raise UsageError(f'"{text}": a rule waits whole minutes, for a day at most.')
    method_id = method_of(me, found["method"]).id
    urgency = Urgency(found["urgency"].upper())
    return NotificationRule(urgency=urgency, method_id=method_id, delay=delay)


def _by(me: User, urgency: Urgency) -> str:
    rules = [each for each in me.rules if each.urgency is urgency]
    if not rules:
        return "the defaults"
    return ", ".join(
        f"{method_name(each.method_id)} {'after ' + in_words(each.delay) if each.delay else 'now'}"
        for each in rules
    )
