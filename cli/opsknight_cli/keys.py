"""`keys`: what monitoring tools and programs authenticate with."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from secrets import token_hex, token_urlsafe
from typing import Annotated, Any, Final

import typer

from opsknight.config.configuration import Kind, id_of, slug_of
from opsknight.config.lint import meant
from opsknight.directory.entries import EVENTS_WRITE, SCOPES, ApiKey, IntegrationKey, key_hash
from opsknight.store.calls import Conflict
from opsknight.store.configurations import Configurations
from opsknight.store.keys import Held, Keys
from opsknight_cli.deployments import Deployment, Where
from opsknight_cli.files.words import in_words
from opsknight_cli.send import curl
from opsknight_cli.session import (
    JsonOption,
    ProfileOption,
    Refused,
    RegionOption,
    Session,
    StackOption,
    session_of,
)
from opsknight_cli.terminal.screen import Screen
from opsknight_cli.terminal.times import span, stamp

# So that a new key can be brought to wherever the old one is, within a day of work.
OVERLAP: Final = "1d"

app = typer.Typer(help="Keys of integrations and users.", no_args_is_help=True)

ServiceOption = Annotated[str | None, typer.Option("--service", help="A service's name.")]
UserOption = Annotated[str | None, typer.Option("--user", help="A user's name.")]


@app.command("create")
def create_command(
    context: typer.Context,
    service: ServiceOption = None,
    integration: Annotated[
        str | None, typer.Option("--integration", help="One of the service's integrations.")
    ] = None,
    user: UserOption = None,
    name: Annotated[
        str | None, typer.Option("--name", help="What an API key is for, as people read it.")
    ] = None,
    scope: Annotated[
        list[str] | None,
        typer.Option("--scope", help=f"What an API key may do: {', '.join(SCOPES)}."),
    ] = None,
    stack: StackOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a key, of an integration or of a user, and show it this one time."""
    session, screen = session_of(context), Screen(as_json=as_json)
    if (service is None) is (user is None) or (service is None) is not (integration is None):
        raise Refused("Give --service with --integration, or --user.")
    deployment = session.find(Where(stack, region, profile))
    now = session.now()
    key: IntegrationKey | ApiKey
    if service is not None and integration is not None:
        secret = token_hex(16)
        key = IntegrationKey(
            id=session.id("key"),
            name=_integration(deployment, session, service, integration),
            created_at=now,
            service_id=id_of(Kind.SERVICE, service),
            integration_id=id_of(Kind.INTEGRATION, integration),
        )
    else:
        secret = f"opsk_{token_urlsafe(32)}"
        owner = _user(deployment, session, user or "")
        key = ApiKey(
            id=session.id("key"),
            name=name or f"Key of {owner}",
            created_at=now,
            user_id=id_of(Kind.USER, user or ""),
            scopes=_scopes(scope or [EVENTS_WRITE]),
        )
    try:
        Keys(deployment.table).add(key_hash(secret), key, session.id("new"), session.deadline())
    except Conflict:
        raise Refused(
            "What the key is for is being removed at this moment: no key was made."
        ) from None
    _show_new(screen, deployment, key, secret)


@app.command("list")
def list_command(
    context: typer.Context,
    service: ServiceOption = None,
    user: UserOption = None,
    stack: StackOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """List keys, without their secrets."""
    session, screen = session_of(context), Screen(as_json=as_json)
    deployment = session.find(Where(stack, region, profile))
    owner = id_of(Kind.SERVICE, service) if service else id_of(Kind.USER, user) if user else None
    held = Keys(deployment.table).held(session.deadline(), owner)
    now = session.now()
    if as_json:
        screen.data({"keys": [_told(each.key, now) for each in held]})
    elif not held:
        screen.say("There are no keys. `opsknight keys create` makes one.")
    else:
        rows = [
            (
                each.key.id,
                _of(each.key),
                each.key.used_on.isoformat() if each.key.used_on else "never",
                _state(each.key, now),
                f"{each.key.name}: {', '.join(each.key.scopes)}"
                if isinstance(each.key, ApiKey)
                else EVENTS_WRITE,
            )
            for each in held
        ]
        screen.columns(("KEY", "OF", "LAST USED", "STATE", "SCOPES"), rows)


@app.command("rotate")
def rotate_command(
    context: typer.Context,
    key_id: Annotated[str, typer.Argument(help="The key's id, as `keys list` shows it.")],
    overlap: Annotated[
        str, typer.Option("--overlap", help="How long the old key goes on working.")
    ] = OVERLAP,
    stack: StackOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a key in the place of another, which works on for a while."""
    session, screen = session_of(context), Screen(as_json=as_json)
    lasts = span(overlap)
    deployment = session.find(Where(stack, region, profile))
    keys, now = Keys(deployment.table), session.now()
    old = _find(keys, key_id, session)
    fresh = {"id": session.id("key"), "created_at": now, "ends_at": None, "used_on": None}
    key = old.key.model_copy(update=fresh)
    secret = token_hex(16) if isinstance(key, IntegrationKey) else f"opsk_{token_urlsafe(32)}"
    if not old.key.live_at(now):
        raise Refused(f"{key_id} has ended: make a new key with `opsknight keys create`.")
    until = min(now + lasts, old.key.ends_at or now + lasts)
    try:
        keys.replace(old, key_hash(secret), key, until, session.id("new"), session.deadline())
    except Conflict:
        raise Refused(
            f"{key_id} was rotated, revoked or removed at this moment: no key was made."
        ) from None
    _show_new(screen, deployment, key, secret, old=old.key, lasts=until - now)


@app.command("revoke")
def revoke_command(
    context: typer.Context,
    key_id: Annotated[str, typer.Argument(help="The key's id, as `keys list` shows it.")],
    stack: StackOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """End a key: within 30 seconds it is refused everywhere."""
    session, screen = session_of(context), Screen(as_json=as_json)
    deployment = session.find(Where(stack, region, profile))
    keys, now = Keys(deployment.table), session.now()
    held = _find(keys, key_id, session)
    try:
        keys.end(held, now, session.deadline())
    except Conflict:
        raise Refused(f"{key_id} has ended already.") from None
    if as_json:
        screen.data(_told(held.key.model_copy(update={"ends_at": now}), now))
    else:
        screen.say(f"{key_id} of {_of(held.key)} is revoked: within 30 seconds it is refused.")


def _find(keys: Keys, key_id: str, session: Session) -> Held:
    held = {each.key.id: each for each in keys.held(session.deadline())}
    if key_id not in held:
        raise Refused(f'There is no key "{key_id}". `opsknight keys list` shows them all.')
    return held[key_id]


def _integration(deployment: Deployment, session: Session, service: str, integration: str) -> str:
    """Its name as people read it."""
    found = Configurations(deployment.table).read(session.deadline()).configuration
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


def _user(deployment: Deployment, session: Session, user: str) -> str:
    found = deployment.table.user(id_of(Kind.USER, user), session.deadline())
    if found is None:
        seen = Configurations(deployment.table).read(session.deadline()).configuration
        raise _no("user", user, map(slug_of, seen.users))
    return found.name


def _no(kind: str, name: str, known: Any) -> Refused:
    words: Sequence[str] = list(known)
    there = f" There are: {', '.join(words[:20])}." if words else " There is none at all."
    return Refused(f'There is no {kind} called "{name}".{meant(name, words) or there}')


def _scopes(wanted: Sequence[str]) -> tuple[str, ...]:
    for scope in wanted:
        if scope not in SCOPES:
            raise Refused(
                f'There is no scope "{scope}".{meant(scope, SCOPES)} '
                f"There are: {', '.join(SCOPES)}."
            )
    return tuple(scope for scope in SCOPES if scope in wanted)


def _show_new(
    screen: Screen,
    deployment: Deployment,
    key: IntegrationKey | ApiKey,
    secret: str,
    old: IntegrationKey | ApiKey | None = None,
    lasts: timedelta | None = None,
) -> None:
    if screen.as_json:
        more = {"replaces": old.id} if old else {}
        screen.data({"url": deployment.url, "secret": secret} | _told(key, key.created_at) | more)
        return
    screen.say(f"Key {key.id} of {_of(key)}, shown this one time:", "bold")
    screen.say()
    screen.raw(f"    {secret}\n")
    screen.say()
    if old is not None and lasts is not None:
        screen.say(f"The old key, {old.id}, works on for {in_words(lasts)}.")
        screen.say()
    if isinstance(key, IntegrationKey):
        screen.say("Send a first event:")
        screen.say()
        screen.raw(curl(deployment.url, secret) + "\n")


def _of(key: IntegrationKey | ApiKey) -> str:
    if isinstance(key, ApiKey):
        return f"user {slug_of(key.user_id)}"
    return f"integration {slug_of(key.service_id)}/{slug_of(key.integration_id)}"


def _state(key: IntegrationKey | ApiKey, now: datetime) -> str:
    if not key.live_at(now):
        return "ended"
    return "live" if key.ends_at is None else f"ends in {in_words(_whole(key.ends_at - now))}"


def _whole(left: timedelta) -> timedelta:
    """To the minute: nobody reads the rest."""
    return max(timedelta(minutes=1), left - left % timedelta(minutes=1))


def _told(key: IntegrationKey | ApiKey, now: datetime) -> dict[str, Any]:
    told: dict[str, Any] = {"id": key.id, "name": key.name}
    if isinstance(key, ApiKey):
        told |= {"user": slug_of(key.user_id), "userId": key.user_id, "scopes": list(key.scopes)}
    else:
        told |= {
            "service": slug_of(key.service_id),
            "serviceId": key.service_id,
            "integration": slug_of(key.integration_id),
            "integrationId": key.integration_id,
            "scopes": [EVENTS_WRITE],
        }
    return told | {
        "createdAt": stamp(key.created_at),
        "endsAt": key.ends_at and stamp(key.ends_at),
        "lastUsedOn": key.used_on and key.used_on.isoformat(),
        "live": key.live_at(now),
    }
