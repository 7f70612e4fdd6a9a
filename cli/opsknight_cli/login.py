"""`login`: a one-time link to the console, for whoever has AWS credentials, and on a new deployment
its first person; `logout`: ends a user's sessions there.
"""

from datetime import timedelta
from secrets import token_urlsafe
from typing import Annotated, Final

import typer

from opsknight.directory.entries import key_hash
from opsknight.directory.sessions import LOGIN_LIFE, Login
from opsknight.store.sessions import Sessions
from opsknight.views import audited
from opsknight.views.wire import time as instant
from opsknight_cli.configuration.first_person import make_first
from opsknight_cli.session import UsageError
from opsknight_cli.terminal.audited import entry
from opsknight_cli.terminal.invocation import Invocation, common_options
from opsknight_cli.terminal.naming import user as named

MINUTES: Final = LOGIN_LIFE // timedelta(minutes=1)

app = typer.Typer()


@app.command("login")
@common_options()
def login_command(
    invocation: Invocation,
    user: Annotated[
        str | None, typer.Option("--user", help="Who is logged in by the link.", show_default=False)
    ] = None,
    first: Annotated[
        str | None,
        typer.Option(
            "--first",
            metavar="EMAIL",
            help="Make the first administrator, while the configuration names nobody.",
            show_default=False,
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option("--name", help="The name of the first administrator.", show_default=False),
    ] = None,
    forget_provider: Annotated[
        bool,
        typer.Option(
            "--forget-provider",
            help="Let the user log in as somebody else of the identity provider, too.",
        ),
    ] = False,
) -> None:
    """Make a link that logs a user in to the console, once, within ten minutes."""
    session, screen = invocation.session, invocation.screen
    match user, first:
        case (str(), None) if name is None:
            found, revision = named(invocation, user), None
        case None, str():
            found, revision = make_first(invocation, first, name)
        case _:
            raise UsageError(
                "Give --user, or on a new deployment --first with your e-mail address, and --name "
                "beside it."
            )
    secret, ends_at = token_urlsafe(32), session.now() + LOGIN_LIFE
    login = Login(user_id=found.id, user_since=found.since, ends_at=ends_at)
    made = audited.login_link_made(found, login, forgets_identities=forget_provider)
    Sessions(invocation.deployment.table).hand_out(
        key_hash(secret),
        login,
        session.deadline(),
        forgets_identities=forget_provider,
        audit=entry(invocation, made),
    )
    link = f"{invocation.deployment.url.rstrip('/')}/auth/{secret}"
    if screen.as_json:
        made_at = {} if revision is None else {"revision": revision}
        screen.data({"userId": found.id, "url": link, "endsAt": instant(ends_at)} | made_at)
        return
    if revision is not None:
        screen.say(f"{found.name} is the first administrator, as of revision {revision}.")
    screen.say(f"Whoever opens this first within {MINUTES} minutes is logged in as {found.name}:")
    screen.say()
    screen.command(link)


@app.command("logout")
@common_options()
def logout_command(
    invocation: Invocation,
    user: Annotated[str, typer.Option("--user", help="Whose sessions in the console end.")],
) -> None:
    """End every session of a user in the console, as after a lost telephone."""
    session, screen = invocation.session, invocation.screen
    found = named(invocation, user)
    sessions = Sessions(invocation.deployment.table)
    # One that is over, too: it could be renewed.
    known = sessions.of(found.id, session.deadline())
    ended = [
        each
        for each in known
        if sessions.end(
            found.id,
            each.id,
            session.deadline(),
            audit=entry(invocation, audited.session_ended(audited.of_user(found), each.id)),
        )
    ]
    if screen.as_json:
        screen.data({"userId": found.id, "ended": len(ended)})
        return
    if not ended:
        screen.say(f"{found.name} is logged in nowhere.")
        return
    count = "1 session" if len(ended) == 1 else f"{len(ended)} sessions"
    screen.say(f"{count} of {found.name} ended. Within 30 seconds nothing can be done by them.")
    screen.say("API keys of theirs go on; `opsknight keys list` shows them.")
