"""`contact test`: a message by each contact method of a user, sent by the deployment itself: so its
channels, secrets, senders and permissions are tried, and not those of whoever runs this.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Any, Final

import typer
from rich.text import Text

from opsknight.config.lint import meant
from opsknight.directory.entries import User
from opsknight.directory.receivers import Receiver
from opsknight.notification.delivery import Delivery, State
from opsknight.notification.recipients import deliveries_of_test, methods
from opsknight.runtime.wakeups import delivery_wakeup
from opsknight.store.table import Table
from opsknight.views import answers
from opsknight.views.wire import to_json
from opsknight_cli.deployments import Where
from opsknight_cli.session import (
    Ended,
    JsonOption,
    ProfileOption,
    Refused,
    RegionOption,
    Session,
    StackOption,
    session_of,
)
from opsknight_cli.terminal.naming import method_name
from opsknight_cli.terminal.naming import user as user_called
from opsknight_cli.terminal.screen import Screen, laid_out, printable

WAITED: Final = timedelta(seconds=30)
POLLED_EVERY: Final = 0.5
_HEADER: Final = ("METHOD", "CHANNEL", "RESULT", "TOOK", "THE PROVIDER'S ID, OR WHY")

app = typer.Typer(help="Try out how people are reached.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Else a group with a single command would be that command."""


@app.command("test")
def test_command(
    context: typer.Context,
    user: Annotated[str, typer.Argument(help="Whose contact methods.")],
    method: Annotated[
        list[str] | None, typer.Option("--method", help="Only this one; may be repeated.")
    ] = None,
    no_wait: Annotated[
        bool, typer.Option("--no-wait", help="Do not wait for what becomes of them.")
    ] = False,
    stack: StackOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send a test message by each contact method of a user. It is a real one: telephones ring."""
    session, screen = session_of(context), Screen(as_json=as_json)
    deployment = session.find(Where(stack, region, profile))
    if deployment.pages is None:
        raise Refused(
            f"There is no output PagesUrl in {deployment.name}: deploy this version first."
        )
    found = user_called(deployment, session, user)
    chosen = _chosen(found, method, user)
    now = session.now()
    planned = deliveries_of_test(session.id("test"), found, chosen, now)
    for each in planned:
        deployment.table.plan_delivery(each, session.deadline())
        deployment.pages.enqueue_all([delivery_wakeup(each, now)], now)
    seen: Sequence[Delivery] = planned
    if not no_wait:
        seen = _wait(deployment.table, session, planned)
    if as_json:
        screen.data({"test": planned[0].incident_id, "deliveries": [*map(_told, seen)]})
    else:
        _show(screen, chosen, seen, no_wait)
    if not no_wait and any(each.state is not State.SENT for each in seen):
        raise Ended(1)


def _chosen(found: User, named: Sequence[str] | None, name: str) -> list[Receiver]:
    known = {method_name(each.id): each for each in methods(found)}
    for each in named or ():
        if each not in known:
            hint = meant(each, known) or f" There are: {', '.join(known)}."
            raise Refused(f'User {name} has no contact method "{each}".{hint}')
    return [known[each] for each in dict.fromkeys(named or known)]


def _wait(table: Table, session: Session, planned: Sequence[Delivery]) -> Sequence[Delivery]:
    """Until each was tried, or the time is up."""
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
        (method_name(receiver.id), receiver.channel, *_became(each))
        for receiver, each in zip(chosen, seen, strict=True)
    ]
    width, _ = screen.size
    screen.lines(laid_out(_HEADER, rows, 4, width))
    if any(each.state is State.PENDING for each in seen):
        screen.say()
        if no_wait:
            screen.say("They are on their way.")
        else:
            screen.say("What is not sent yet is tried for ten minutes in all.")
            if any(each.state is State.PENDING and not each.tries for each in seen):
                screen.say(
                    f"Within {WAITED.seconds} seconds nothing was heard of what is waiting: the "
                    "log group of notify may say why."
                )


def _told(each: Delivery) -> dict[str, Any]:
    ids = [one.provider_id for one in each.attempts if one.provider_id]
    return to_json(answers.delivery(each)) | ({"providerId": ids[-1]} if ids else {})


def _became(each: Delivery) -> tuple[str | Text, str, str]:
    last = each.attempts[-1] if each.attempts else None
    took = f"{last.ms} ms" if last else "-"
    match each.state:
        case State.SENT:
            said = [printable(last.provider_id)] if last and last.provider_id else []
            if each.reported:
                said.append(f"reported later: {each.reported}")
            return Text("sent", "green"), took, "; ".join(said)
        case State.PENDING if last is not None:
            return Text("retry", "yellow"), took, printable(last.why or "")
        case State.PENDING:
            return Text("waiting", "yellow"), took, ""
        case ended:
            return Text(ended.lower(), "bold red"), took, printable(each.why or "")
