"""`keys`: the keys with which monitoring tools and programs authenticate."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from secrets import token_hex, token_urlsafe
from typing import Annotated, Any, Final

import typer

from opsknight.config.configuration import Kind, id_of, slug_of
from opsknight.config.spelling import did_you_mean
from opsknight.directory.entries import EVENTS_WRITE, SCOPES, ApiKey, IntegrationKey, key_hash
from opsknight.store.calls import Conflict
from opsknight.store.keys import Held, Keys
from opsknight.views import audited
from opsknight.views.lengths import in_words
from opsknight_cli.send import curl
from opsknight_cli.session import CommandError, UsageError
from opsknight_cli.terminal.audited import entry
from opsknight_cli.terminal.invocation import Invocation, common_options
from opsknight_cli.terminal.naming import configuration
from opsknight_cli.terminal.times import span, stamp

# A day is enough to replace the old key wherever it is used.
OVERLAP: Final = "1d"
MOST_NAMED: Final = 20

app = typer.Typer(help="Manage the keys of integrations and users.", no_args_is_help=True)

ServiceOption = Annotated[str | None, typer.Option("--service", help="A service's name.")]
UserOption = Annotated[str | None, typer.Option("--user", help="A user's name.")]


@app.command("create")
@common_options()
def create_command(
    invocation: Invocation,
    service: ServiceOption = None,
    integration: Annotated[
        str | None, typer.Option("--integration", help="An integration of that service.")
    ] = None,
    user: UserOption = None,
    name: Annotated[
        str | None, typer.Option("--name", help="The name of an API key, for people.")
    ] = None,
    scope: Annotated[
        list[str] | None,
        typer.Option(
            "--scope", help=f"What an API key may do; may be repeated: {', '.join(SCOPES)}."
        ),
    ] = None,
) -> None:
    """Create a key for an integration or a user, and show it this one time."""
    session = invocation.session
    if (service is None) is (user is None) or (service is None) is not (integration is None):
        raise UsageError("Give either --service and --integration, or --user.")
    deployment, now = invocation.deployment, session.now()
    key: IntegrationKey | ApiKey
    if service is not None and integration is not None:
        secret = token_hex(16)
        key = IntegrationKey(
            id=session.id("key"),
            name=_integration(invocation, service, integration),
            created_at=now,
            service_id=id_of(Kind.SERVICE, service),
            integration_id=id_of(Kind.INTEGRATION, integration),
        )
    else:
        secret = f"opsk_{token_urlsafe(32)}"
        owner = _user(invocation, user or "")
        key = ApiKey(
            id=session.id("key"),
            name=name or f"Key of {owner}",
            created_at=now,
            user_id=id_of(Kind.USER, user or ""),
            scopes=_scopes(scope or [EVENTS_WRITE]),
        )
    try:
        Keys(deployment.table).add(
            key_hash(secret),
            key,
            session.token(),
            session.deadline(),
            audit=entry(invocation, audited.key_made(key)),
        )
    except Conflict:
        raise CommandError(
            "Somebody has just removed the owner of this key: no key was created."
        ) from None
    _show_new(invocation, key, secret)


@app.command("list")
@common_options()
def list_command(
    invocation: Invocation,
    service: ServiceOption = None,
    user: UserOption = None,
) -> None:
    """List keys, without their secrets."""
    session, screen = invocation.session, invocation.screen
    owner = id_of(Kind.SERVICE, service) if service else id_of(Kind.USER, user) if user else None
    held = Keys(invocation.deployment.table).held(session.deadline(), owner)
    now = session.now()
    if screen.as_json:
        screen.data({"keys": [_data(each.key, now) for each in held]})
    elif not held:
        screen.say("There are no keys. Create one with `opsknight keys create`.")
    else:
        rows = [
            (
                each.key.id,
                _owner(each.key),
                each.key.used_on.isoformat() if each.key.used_on else "never",
                _state(each.key, now),
                each.key.name,
                ", ".join(each.key.scopes) if isinstance(each.key, ApiKey) else EVENTS_WRITE,
            )
            for each in held
        ]
        header = ("KEY", "OWNER", "LAST USED", "STATE", "NAME", "SCOPES")
        screen.table(header, rows, split=2)


@app.command("rotate")
@common_options()
def rotate_command(
    invocation: Invocation,
    key_id: Annotated[str, typer.Argument(help="The key's id, as `keys list` shows it.")],
    overlap: Annotated[
        str, typer.Option("--overlap", help="How long the old key keeps working.")
    ] = OVERLAP,
) -> None:
    """Create a key to replace another one, which keeps working for a while."""
    session = invocation.session
    lasts = span(overlap)
    keys, now = Keys(invocation.deployment.table), session.now()
    old = _find(invocation, key_id)
    fresh = {"id": session.id("key"), "created_at": now, "ends_at": None, "used_on": None}
    key = old.key.model_copy(update=fresh)
    secret = token_hex(16) if isinstance(key, IntegrationKey) else f"opsk_{token_urlsafe(32)}"
    if not old.key.live_at(now):
        raise CommandError(f"{key_id} has ended: create a new key with `opsknight keys create`.")
    until = min(now + lasts, old.key.ends_at or now + lasts)
    try:
        keys.replace(
            old,
            key_hash(secret),
            key,
            until,
            session.token(),
            session.deadline(),
            audit=entry(invocation, audited.key_rotated(old.key, key, until)),
        )
    except Conflict:
        raise CommandError(
            f"Somebody has just rotated, revoked or removed {key_id}: no key was created."
        ) from None
    _show_new(invocation, key, secret, old=old.key, lasts=until - now)


@app.command("revoke")
@common_options()
def revoke_command(
    invocation: Invocation,
    key_id: Annotated[str, typer.Argument(help="The key's id, as `keys list` shows it.")],
) -> None:
    """Revoke a key. It stops working everywhere within 30 seconds."""
    session, screen = invocation.session, invocation.screen
    now = session.now()
    held = _find(invocation, key_id)
    try:
        revoked = entry(invocation, audited.key_revoked(held.key))
        Keys(invocation.deployment.table).end(held, now, session.deadline(), audit=revoked)
    except Conflict:
        raise CommandError(f"{key_id} has already ended.") from None
    if screen.as_json:
        screen.data(_data(held.key.model_copy(update={"ends_at": now}), now))
    else:
        screen.say(
            f"{key_id} of {_owner(held.key)} is revoked. It stops working within 30 seconds."
        )


def _find(invocation: Invocation, key_id: str) -> Held:
    keys = Keys(invocation.deployment.table)
    held = {each.key.id: each for each in keys.held(invocation.session.deadline())}
    if key_id not in held:
        raise CommandError(f'There is no key "{key_id}". `opsknight keys list` shows all keys.')
    return held[key_id]


def _integration(invocation: Invocation, service: str, integration: str) -> str:
    """The name for people."""
    found = configuration(invocation)
    service_id = id_of(Kind.SERVICE, service)
    if service_id not in found.services:
        raise _no("service", service, map(slug_of, found.services))
    own = {
        slug_of(each.id): each.name
        for each in found.integrations.values()
        if each.service_id == service_id
    }
    if integration not in own:
        raise _no(f"integration of service {service}", integration, own)
    return own[integration]


def _user(invocation: Invocation, user: str) -> str:
    """The name for people."""
    table, deadline = invocation.deployment.table, invocation.session.deadline()
    found = table.user(id_of(Kind.USER, user), deadline)
    if found is None:
        raise _no("user", user, map(slug_of, configuration(invocation).users))
    return found.name


def _no(kind: str, name: str, known: Iterable[str]) -> CommandError:
    words = list(known)
    there = f" There are: {', '.join(words[:MOST_NAMED])}." if words else " There are none at all."
    return CommandError(f'There is no {kind} called "{name}".{did_you_mean(name, words) or there}')


def _scopes(wanted: Sequence[str]) -> tuple[str, ...]:
    for scope in wanted:
        if scope not in SCOPES:
            raise CommandError(
                f'There is no scope "{scope}".{did_you_mean(scope, SCOPES)} '
                f"The scopes are {', '.join(SCOPES)}."
            )
    return tuple(scope for scope in SCOPES if scope in wanted)


def _show_new(
    invocation: Invocation,
    key: IntegrationKey | ApiKey,
    secret: str,
    old: IntegrationKey | ApiKey | None = None,
    lasts: timedelta | None = None,
) -> None:
    screen, url = invocation.screen, invocation.deployment.url
    if screen.as_json:
        more = {"replaces": old.id} if old else {}
        screen.data({"url": url, "secret": secret} | _data(key, key.created_at) | more)
        return
    screen.say(f"Key {key.id} of {_owner(key)}, shown only this time:", "bold")
    screen.say()
    screen.command(secret)
    screen.say()
    if old is not None and lasts is not None:
        screen.say(f"The old key, {old.id}, keeps working for {in_words(lasts)}.")
        screen.say()
    if isinstance(key, IntegrationKey):
        screen.say("Send a first event:")
        screen.say()
        screen.raw(curl(url, secret) + "\n")


def _owner(key: IntegrationKey | ApiKey) -> str:
    if isinstance(key, ApiKey):
        return f"user {slug_of(key.user_id)}"
    return f"integration {slug_of(key.service_id)}/{slug_of(key.integration_id)}"


def _state(key: IntegrationKey | ApiKey, now: datetime) -> str:
    if not key.live_at(now):
        return "ended"
    return "live" if key.ends_at is None else f"ends in {in_words(_whole(key.ends_at - now))}"


def _whole(left: timedelta) -> timedelta:
    """Rounded down to minutes, but at least one."""
    return max(timedelta(minutes=1), left - left % timedelta(minutes=1))


def _data(key: IntegrationKey | ApiKey, now: datetime) -> dict[str, Any]:
    data: dict[str, Any] = {"id": key.id, "name": key.name}
    if isinstance(key, ApiKey):
        data |= {"user": slug_of(key.user_id), "userId": key.user_id, "scopes": list(key.scopes)}
    else:
        data |= {
            "service": slug_of(key.service_id),
            "serviceId": key.service_id,
            "integration": slug_of(key.integration_id),
            "integrationId": key.integration_id,
            "scopes": [EVENTS_WRITE],
        }
    return data | {
        "createdAt": stamp(key.created_at),
        "endsAt": key.ends_at and stamp(key.ends_at),
        "lastUsedOn": key.used_on and key.used_on.isoformat(),
        "live": key.live_at(now),
    }
