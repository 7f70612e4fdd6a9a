"""The commands of `me`.

The same rules as by the HTTP API (`store.own_methods`): what the configuration file has of
somebody is changed there, and an address counts after its code. The tries of a code are not counted
here: whoever runs this may write to the table.
"""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Annotated, Final

import typer

from opsknight.config.spelling import did_you_mean
from opsknight.directory import profile
from opsknight.directory.entries import SCOPES, User
from opsknight.directory.profile import CHANNELS, LATEST_RULE, WAITS, Refusal
from opsknight.directory.receivers import Channel, NotificationRule, Owner, Receiver, Unconfirmed
from opsknight.files.channel_fields import TO
from opsknight.incident.model import Urgency
from opsknight.notification import codes
from opsknight.notification.recipients import methods as methods_of
from opsknight.store.own_methods import OwnMethods, confirmed
from opsknight.store.receivers import Receivers
from opsknight.views import directory_answers as answers
from opsknight.views import directory_models as models
from opsknight.views.lengths import in_words
from opsknight.views.roster_models import Removed
from opsknight.views.wire import to_json
from opsknight_cli.me.sending import send_code, send_test, sending, sent_code
from opsknight_cli.session import CommandError, UsageError
from opsknight_cli.terminal.invocation import Invocation, common_options
from opsknight_cli.terminal.link_keys import link_keys
from opsknight_cli.terminal.my_turns import me_of
from opsknight_cli.terminal.naming import configuration, method_name
from opsknight_cli.terminal.times import shown, span

_HEADER: Final = ("METHOD", "CHANNEL", "ADDRESS", "CONFIRMED")
_RULE: Final = re.compile(r"(?P<urgency>\w+)=(?P<method>\S+?)(?: after (?P<delay>\S+))?")
_LOCKED: Final = "The configuration file has them: they are changed there."

app = typer.Typer(
    help="See and change how you are reached. You are the user of --as or OPSKNIGHT_USER.",
    no_args_is_help=True,
)

MethodArgument = Annotated[str, typer.Argument(help="A contact method, as `me methods` shows it.")]


@app.command("methods")
@common_options(acting=True)
def methods_command(invocation: Invocation) -> None:
    """Show your contact methods, and addresses that wait for their code."""
    session, screen, me = invocation.session, invocation.screen, _me(invocation)
    table, deadline = invocation.deployment.table, session.deadline()
    waiting = profile.waiting(me, session.now())
    known = (*me.contact_methods, *waiting)
    reached = confirmed(table, me, known, deadline)
    if screen.as_json:
        found = (table.team(each, deadline) for each in me.team_ids)
        teams = [each for each in found if each]
        data = answers.me(me, teams, SCOPES, reached, session.now())
        screen.data(to_json(models.Me(me=data)))
        return
    rows = [
        (method_name(each.id), each.channel, each.to, _when(me, reached.get(each.id)))
        for each in methods_of(me)
    ]
    screen.table(_HEADER, rows, split=2)
    for one in waiting:
        screen.say()
        place = f" in place of {method_name(one.replaces)}" if one.replaces else ""
        until = shown(one.until, me.clock)
        screen.say(f"{one.id}: {one.channel} {one.to} waits for its code until {until}{place}.")
    if not profile.has_own_methods(me):
        screen.say()
        screen.say(_LOCKED)


@app.command("add")
@common_options(acting=True)
def add_command(
    invocation: Invocation,
    channel: Annotated[Channel, typer.Argument(help=f"One of {', '.join(CHANNELS)}.")],
    to: Annotated[
        str, typer.Argument(help="The address, the number with its country, or the topic's URL.")
    ],
    name: Annotated[str | None, typer.Option("--name", help="The name that you read.")] = None,
    replaces: Annotated[
        str | None, typer.Option("--replaces", help="The contact method whose address it takes.")
    ] = None,
) -> None:
    """Ask for a contact method, or another address for one, and send a code there."""
    session, screen, me = invocation.session, invocation.screen, _me(invocation)
    sending(invocation)
    waiting = Unconfirmed(
        id=session.id("addr"),
        name=name or channel.value,
        channel=channel,
        to=_place(channel, to),
        replaces=None if replaces is None else _method(me, replaces).id,
        until=session.now() + WAITS,
    )
    user = _check(_mine(invocation, me).add(waiting))
    sent = send_code(invocation, user, waiting)
    if screen.as_json:
        answer = to_json(models.NewMethodAnswer(waiting=answers.waiting(waiting, None)))
        screen.data(answer | {"code": to_json(sent)})
        return
    screen.say(f"A code is on its way to {waiting.to}. The address counts once it is typed:")
    screen.say()
    screen.command(f"opsknight me confirm {waiting.id} {sent.id} CODE")


@app.command("code")
@common_options(acting=True)
def code_command(invocation: Invocation, method: MethodArgument) -> None:
    """Send a code to a contact method, or to an address that waits. It is real."""
    me = _me(invocation)
    found = _method(me, method, profile.waiting(me, invocation.session.now()))
    sent = send_code(invocation, me, found)
    if invocation.screen.as_json:
        invocation.screen.data(to_json(sent))
        return
    invocation.screen.say(f"A code is on its way to {found.to}:")
    invocation.screen.say()
    invocation.screen.command(f"opsknight me confirm {method_name(found.id)} {sent.id} CODE")


@app.command("confirm")
@common_options(acting=True)
def confirm_command(
    invocation: Invocation,
    method: MethodArgument,
    message: Annotated[str, typer.Argument(help="The id that `me add` or `me code` printed.")],
    code: Annotated[str, typer.Argument(help="The code that arrived.")],
) -> None:
    """Show by its code that a contact method reaches you; one that waited is used from then on."""
    session, me = invocation.session, _me(invocation)
    waiting = profile.waiting(me, session.now())
    found = _method(me, method, waiting)
    delivery = sent_code(invocation, me, found, message)
    if session.now() >= delivery.at + codes.LIFE:
        raise CommandError("The code does not count any more: its ten minutes are over.")
    if not codes.is_code(code, delivery.id, link_keys(invocation), found.to):
        raise CommandError("That is not the code.")
    destination = Owner.user(me.id).destination(found.id)
    receivers = Receivers(invocation.deployment.table)
    receivers.confirm(destination, found.to, session.now(), session.deadline())
    if found in waiting:
        _check(_mine(invocation, me).use(found.id))
        _done(invocation, f"Pages go to {found.to} from now on.")
    else:
        _done(invocation, f"{method_name(found.id)} reaches you.")


@app.command("rename")
@common_options(acting=True)
def rename_command(
    invocation: Invocation,
    method: MethodArgument,
    name: Annotated[str, typer.Argument(help="The name that you read.")],
) -> None:
    """Give a contact method of yours another name."""
    me = _me(invocation)
    found = _method(me, method)
    _check(_mine(invocation, me).rename(found.id, name))
    _done(invocation, f'{method_name(found.id)} is called "{name}" from now on.')


@app.command("remove")
@common_options(acting=True)
def remove_command(invocation: Invocation, method: MethodArgument) -> None:
    """Remove a contact method of yours, or an address that waits for its code."""
    me = _me(invocation)
    found = _method(me, method, profile.waiting(me, invocation.session.now()))
    _check(_mine(invocation, me).remove(found.id))
    _done(invocation, f"{method_name(found.id)} is removed: nothing is sent to {found.to} now.")


@app.command("test")
@common_options(acting=True)
def test_command(invocation: Invocation, method: MethodArgument) -> None:
    """Send a test message to a contact method of yours. It is real: telephones ring."""
    me = _me(invocation)
    found = _method(me, method)
    sent = send_test(invocation, me, found)
    if invocation.screen.as_json:
        invocation.screen.data(to_json(sent))
    else:
        invocation.screen.say(f"A test message is on its way to {found.to or found.name}.")


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
    me = _me(invocation)
    if wanted or defaults:
        me = _check(_mine(invocation, me).rule([_rule(me, each) for each in wanted or ()]))
    screen = invocation.screen
    if screen.as_json:
        screen.data(to_json(models.MyRules(rules=[answers.rule(each) for each in me.rules])))
        return
    by = [(urgency, _by(me, urgency)) for urgency in Urgency]
    screen.table(("URGENCY", "BY"), by, split=1)
    if not profile.has_own_rules(me):
        screen.say()
        screen.say(_LOCKED)


def _me(invocation: Invocation) -> User:
    return me_of(invocation, configuration(invocation))


def _mine(invocation: Invocation, me: User) -> OwnMethods:
    session, table = invocation.session, invocation.deployment.table
    return OwnMethods(table, me.id, session.now(), session.token(), session.deadline())


def _method(me: User, name: str, waiting: Iterable[Receiver] = ()) -> Receiver:
    """Of those and the contact methods, by id or as `me methods` shows it. Raises CommandError."""
    known = {method_name(each.id): each for each in (*methods_of(me), *waiting)}
    for short, each in known.items():
        if name in (short, each.id):
            return each
    hint = did_you_mean(name, known) or f" There are {', '.join(known)}."
    raise CommandError(f'{me.name} has no contact method "{name}".{hint}')


def _place(channel: Channel, to: str) -> str:
    """As it is stored: numbers without what people write between digits. Raises UsageError."""
    if channel not in CHANNELS:
        raise UsageError(f"A contact method by {channel} needs a secret: the file has it.")
    phone = channel in (Channel.SMS, Channel.VOICE)
    place = re.sub(r"[\s()./-]", "", to) if phone else to.strip()
    pattern, expected = TO[channel]
    if not pattern.fullmatch(place):
        raise UsageError(f'"{to}" is not {expected}.')
    return place


def _rule(me: User, text: str) -> NotificationRule:
    """Raises CommandError."""
    found = _RULE.fullmatch(text.strip())
    if found is None or found["urgency"].upper() not in Urgency:
        raise UsageError(f'"{text}" is no rule. Write "HIGH=sms", or "HIGH=voice after 5m".')
    delay = timedelta() if found["delay"] is None else span(found["delay"])
    if delay % timedelta(minutes=1) or delay > LATEST_RULE:
        raise UsageError(f'"{text}": a rule waits whole minutes, for a day at most.')
    method_id = _method(me, found["method"]).id
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


def _when(me: User, at: datetime | None) -> str:
    return shown(at, me.clock) if at else "never"


def _check(decided: User | Refusal) -> User:
    """Raises CommandError for a refusal."""
    if isinstance(decided, User):
        return decided
    error, said = answers.refused(decided)
    raise CommandError(f"{error}. {said}")


def _done(invocation: Invocation, sentence: str) -> None:
    if invocation.screen.as_json:
        invocation.screen.data(to_json(Removed(status="success")))
    else:
        invocation.screen.say(sentence)
