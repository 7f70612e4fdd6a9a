"""`contact test`: sends a test message by each contact method of a user.

The deployment sends it, so the test covers its channels, secrets, senders and permissions, and not
those of the operator.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from email.utils import parseaddr
from typing import Annotated, Any, Final

import typer
from rich.text import Text

from opsknight.config.spelling import did_you_mean
from opsknight.directory.entries import User
from opsknight.directory.receivers import Owner, Receiver
from opsknight.notification.delivery import Delivery, State
from opsknight.notification.recipients import methods
from opsknight.notification.requested import deliveries_of_test
from opsknight.runtime.wakeups import delivery_wakeup
from opsknight.store.receivers import Receivers
from opsknight.store.table import Table
from opsknight.views import answers
from opsknight.views.names import UNKNOWN
from opsknight.views.wire import to_json
from opsknight_cli.session import CommandError, Exit, Session, UsageError
from opsknight_cli.terminal import holding
from opsknight_cli.terminal.invocation import Invocation, common_options
from opsknight_cli.terminal.naming import method_name
from opsknight_cli.terminal.naming import user as user_called
from opsknight_cli.terminal.screen import Screen, printable

_NUMBERS: Final = ("SmsOrigination", "VoiceOrigination", "TwilioSmsFrom", "TwilioVoiceFrom")
_NUMBER: Final = re.compile(r"\+[1-9]\d{6,14}")
WAITED: Final = timedelta(seconds=30)
POLLED_EVERY: Final = 0.5
_HEADER: Final = ("METHOD", "CHANNEL", "RESULT", "TOOK", "PROVIDER'S ID, OR REASON")

app = typer.Typer(help="Test whether people can be reached.", no_args_is_help=True)


@app.command("test")
@common_options()
def test_command(
    invocation: Invocation,
    user: Annotated[str, typer.Argument(help="The user to send test messages to.")],
    method: Annotated[
        list[str] | None,
        typer.Option("--method", help="Only this contact method; may be repeated."),
    ] = None,
    no_wait: Annotated[
        bool, typer.Option("--no-wait", help="Do not wait for the results.")
    ] = False,
    confirm: Annotated[
        bool, typer.Option("--confirm", help="Ask whether each arrived, and remember it.")
    ] = False,
) -> None:
    """Send a test message by each contact method of a user. It is real: telephones ring."""
    session, screen, deployment = invocation.session, invocation.screen, invocation.deployment
    if confirm and (no_wait or screen.as_json):
        raise UsageError("--confirm asks a person: it goes with neither --no-wait nor --json.")
    if (spell := holding.current(invocation)) is not None:
        raise CommandError(f"No test is sent. {holding.sentence(spell)}")
    if deployment.pages is None:
        raise CommandError(
            f"{deployment.name} has no output PagesHighUrl: deploy this version first."
        )
    found = user_called(invocation, user)
    chosen = _chosen(found, method, user)
    now = session.now()
    planned = deliveries_of_test(session.id("test"), found, chosen, now)
    for each in planned:
        deployment.table.plan_delivery(each, session.deadline())
        deployment.pages.enqueue_all([delivery_wakeup(each, now)], now)
    seen: Sequence[Delivery] = planned
    if not no_wait:
        seen = _wait(deployment.table, session, planned)
    if screen.as_json:
        screen.data({"test": planned[0].incident_id, "deliveries": [*map(_data, seen)]})
    else:
        _show(screen, chosen, seen, no_wait)
    if confirm:
        _confirm(invocation, found, chosen, seen)
    if not no_wait and any(each.state is not State.SENT for each in seen):
        raise Exit(1)


@app.command("card")
@common_options()
def card_command(invocation: Invocation) -> None:
    """Print a contact card (.vcf) of all numbers and addresses that messages come from."""
    screen, parameters = invocation.screen, invocation.deployment.parameters
    numbers, addresses = origins(parameters)
    if screen.as_json:
        screen.data({"numbers": numbers, "addresses": addresses})
        return
    if not numbers and not addresses:
        raise CommandError(
            f"{invocation.deployment.name} names no number and no address that its messages come "
            "from: set SmsOrigination, VoiceOrigination or EmailFrom."
        )
    screen.raw(card(numbers, addresses))


def origins(parameters: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """The numbers and the e-mail addresses that messages come from. A sender id is no number, and
    what AWS chooses from a pool is not known before.
    """
    given = ",".join(parameters.get(name, "") for name in _NUMBERS).split(",")
    numbers = [each.strip() for each in given if _NUMBER.fullmatch(each.strip())]
    address = parseaddr(parameters.get("EmailFrom", ""))[1]
    return [*dict.fromkeys(numbers)], [address] if "@" in address else []


def card(numbers: Iterable[str], addresses: Iterable[str]) -> str:
    """A vCard 3.0 (RFC 2426), which telephones of all makes read."""
    lines = ["BEGIN:VCARD", "VERSION:3.0", "FN:OpsKnight", "N:OpsKnight;;;;", "ORG:OpsKnight"]
    lines += [f"TEL;TYPE=CELL,VOICE:{each}" for each in numbers]
    lines += [f"EMAIL;TYPE=INTERNET:{each}" for each in addresses]
    lines += ["NOTE:Pages. Let this contact through Do Not Disturb.", "END:VCARD"]
    return "".join(f"{line}\r\n" for line in lines)


def _chosen(found: User, named: Sequence[str] | None, name: str) -> list[Receiver]:
    known = {method_name(each.id): each for each in methods(found)}
    for each in named or ():
        if each not in known:
            hint = did_you_mean(each, known) or f" Their contact methods are {', '.join(known)}."
            raise CommandError(f'User {name} has no contact method "{each}".{hint}')
    return [known[each] for each in dict.fromkeys(named or known)]


def _wait(table: Table, session: Session, planned: Sequence[Delivery]) -> Sequence[Delivery]:
    """The deliveries once each has been attempted, or when the time is up."""
    until = session.now() + WAITED
    while True:
        deadline = session.deadline()
        read = (table.delivery(each.incident_id, each.id, deadline) for each in planned)
        seen = [now or before for now, before in zip(read, planned, strict=True)]
        tried = all(each.tries or each.state is not State.PENDING for each in seen)
        if tried or session.now() >= until:
            return seen
        session.sleep(POLLED_EVERY)


def _show(
    screen: Screen, chosen: Sequence[Receiver], seen: Sequence[Delivery], no_wait: bool
) -> None:
    rows = [
        (method_name(receiver.id), receiver.channel, *_result(each))
        for receiver, each in zip(chosen, seen, strict=True)
    ]
    screen.table(_HEADER, rows, split=4)
    if any(each.state is State.PENDING for each in seen):
        screen.say()
        if no_wait:
            screen.say("The messages are on their way.")
        else:
            screen.say("The deployment retries unsent messages, for ten minutes in all.")
            if any(each.state is State.PENDING and not each.tries for each in seen):
                screen.say(
                    f"Some were not attempted within {WAITED.seconds} seconds: the log group of "
                    "notify may say why."
                )


def _confirm(
    invocation: Invocation, user: User, chosen: Sequence[Receiver], seen: Sequence[Delivery]
) -> None:
    session, table = invocation.session, invocation.deployment.table
    for method, delivery in zip(chosen, seen, strict=True):
        asked = f"Did the message to {method_name(method.id)} arrive?"
        if delivery.state is State.SENT and invocation.screen.ask(asked):
            destination = Owner.user(user.id).destination(method.id)
            Receivers(table).confirm(destination, method.to, session.now(), session.deadline())


def _data(each: Delivery) -> dict[str, Any]:
    ids = [one.provider_id for one in each.attempts if one.provider_id]
    return to_json(answers.delivery(each, UNKNOWN)) | ({"providerId": ids[-1]} if ids else {})


def _result(each: Delivery) -> tuple[str | Text, str, str]:
    last = each.attempts[-1] if each.attempts else None
    took = f"{last.ms} ms" if last else "-"
    match each.state:
        case State.SENT:
            notes = [printable(last.provider_id)] if last and last.provider_id else []
            if each.reported:
                notes.append(f"reported later: {each.reported}")
            return Text("sent", "green"), took, "; ".join(notes)
        case State.PENDING if last is not None:
            return Text("retry", "yellow"), took, printable(last.why or "")
        case State.PENDING:
            return Text("waiting", "yellow"), took, ""
        case ended:
            return Text(ended.lower(), "bold red"), took, printable(each.why or "")
