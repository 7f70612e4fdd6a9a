"""The commands of `me`.

The same rules as by the HTTP API (`store.own_methods`): what the configuration file has of
somebody is changed there, and an address counts after its code. The tries of a code are not counted
here: whoever runs this may write to the table.
"""

import re
from datetime import datetime
from typing import Annotated, Final

import typer

from opsknight.config.last_apply import METHODS
from opsknight.directory import profile
from opsknight.directory.entries import SCOPES, User
from opsknight.directory.profile import CHANNELS, WAITS
from opsknight.directory.receivers import Channel, Owner, Unconfirmed
from opsknight.files.channel_fields import TO
from opsknight.notification import codes
from opsknight.notification.recipients import methods as methods_of
from opsknight.store.last_applies import LastApplies
from opsknight.store.own_methods import confirmed
from opsknight.store.receivers import Receivers
from opsknight.views import directory_answers as answers
from opsknight.views import directory_models as models
from opsknight.views.wire import to_json
from opsknight_cli.me import rules
from opsknight_cli.me.person import accepted, method_of, own, say_done, say_locked, whoever
from opsknight_cli.me.sending import send_code, send_test, sending, sent_code
from opsknight_cli.session import CommandError, UsageError
from opsknight_cli.terminal.invocation import Invocation, common_options
from opsknight_cli.terminal.link_keys import link_keys
from opsknight_cli.terminal.naming import method_name
from opsknight_cli.terminal.times import shown

_HEADER: Final = ("METHOD", "CHANNEL", "ADDRESS", "CONFIRMED")

app = typer.Typer(
    help="See and change how you are reached. You are the user of --as or OPSKNIGHT_USER.",
    no_args_is_help=True,
)

MethodArgument = Annotated[str, typer.Argument(help="A contact method, as `me methods` shows it.")]


@app.command("methods")
@common_options(acting=True)
def methods_command(invocation: Invocation) -> None:
    """Show your contact methods, and addresses that wait for their code."""
    session, screen, me = invocation.session, invocation.screen, whoever(invocation)
    table, deadline = invocation.deployment.table, session.deadline()
    waiting = profile.waiting(me, session.now())
    known = (*me.contact_methods, *waiting)
    reached = confirmed(table, me, known, deadline)
    if screen.as_json:
        found = (table.team(each, deadline) for each in me.team_ids)
        teams = [each for each in found if each]
        last_apply = LastApplies(table).read(deadline)
        data = answers.me(me, teams, SCOPES, reached, session.now(), last_apply)
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
        say_locked(invocation, me, METHODS)


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
    session, screen, me = invocation.session, invocation.screen, whoever(invocation)
    sending(invocation)
    waiting = Unconfirmed(
        id=session.id("addr"),
        name=name or channel.value,
        channel=channel,
        to=_place(channel, to),
        replaces=None if replaces is None else method_of(me, replaces).id,
        until=session.now() + WAITS,
    )
    user = accepted(own(invocation, me).add(waiting))
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
    me = whoever(invocation)
    found = method_of(me, method, profile.waiting(me, invocation.session.now()))
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
    session, me = invocation.session, whoever(invocation)
    waiting = profile.waiting(me, session.now())
    found = method_of(me, method, waiting)
    delivery = sent_code(invocation, me, found, message)
    if session.now() >= delivery.at + codes.LIFE:
        raise CommandError("The code does not count any more: its ten minutes are over.")
    if not codes.is_code(code, delivery.id, link_keys(invocation), found.to):
        raise CommandError("That is not the code.")
    destination = Owner.user(me.id).destination(found.id)
    receivers = Receivers(invocation.deployment.table)
    receivers.confirm(destination, found.to, session.now(), session.deadline())
    if found in waiting:
        accepted(own(invocation, me).use(found.id))
        say_done(invocation, f"Pages go to {found.to} from now on.")
    else:
        say_done(invocation, f"{method_name(found.id)} reaches you.")


@app.command("rename")
@common_options(acting=True)
def rename_command(
    invocation: Invocation,
    method: MethodArgument,
    name: Annotated[str, typer.Argument(help="The name that you read.")],
) -> None:
    """Give a contact method of yours another name."""
    me = whoever(invocation)
    found = method_of(me, method)
    accepted(own(invocation, me).rename(found.id, name))
    say_done(invocation, f'{method_name(found.id)} is called "{name}" from now on.')


@app.command("remove")
@common_options(acting=True)
def remove_command(invocation: Invocation, method: MethodArgument) -> None:
    """Remove a contact method of yours, or an address that waits for its code."""
    me = whoever(invocation)
    found = method_of(me, method, profile.waiting(me, invocation.session.now()))
    accepted(own(invocation, me).remove(found.id))
    say_done(invocation, f"{method_name(found.id)} is removed: nothing is sent to {found.to} now.")


@app.command("test")
@common_options(acting=True)
def test_command(invocation: Invocation, method: MethodArgument) -> None:
    """Send a test message to a contact method of yours. It is real: telephones ring."""
    me = whoever(invocation)
    found = method_of(me, method)
    sent = send_test(invocation, me, found)
    if invocation.screen.as_json:
        invocation.screen.data(to_json(sent))
    else:
        invocation.screen.say(f"A test message is on its way to {found.to or found.name}.")


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


def _when(me: User, at: datetime | None) -> str:
    return shown(at, me.clock) if at else "never"


app.registered_commands += rules.app.registered_commands
