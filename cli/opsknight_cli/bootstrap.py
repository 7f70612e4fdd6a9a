"""The first team, user, service, integration and keys of a deployment.

What exists under a name is used as it is; the integration must be new, as its key is made with it
and shown once.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from secrets import token_hex, token_urlsafe
from typing import Final

from opsknight.directory import (
    EVENTS_WRITE,
    ApiKey,
    Integration,
    IntegrationKey,
    Member,
    Role,
    Service,
    Team,
    User,
    key_hash,
)
from opsknight.store.calls import Conflict, Deadline
from opsknight.store.table import Table

LONGEST_NAME: Final = 60
PATIENCE_SECONDS: Final = 20
_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+")


class Unusable(Exception):
    """A name that cannot be used; the text is a sentence for the operator."""


@dataclass(frozen=True, slots=True)
class Names:
    team: str
    user: str
    email: str | None
    """Needed for a new user only."""
    service: str
    integration: str


@dataclass(frozen=True, slots=True)
class Made:
    """The keys are in the clear here, and nowhere else, ever again."""

    team_id: str
    user_id: str
    service_id: str
    integration_id: str
    integration_key: str
    api_key: str
    new: frozenset[str]
    """The ids that did not exist before."""


def bootstrap(
    table: Table, names: Names, now: datetime, new_id: Callable[[str, datetime], str]
) -> Made:
    """Raises Unusable, and Unavailable when DynamoDB is."""
    deadline = Deadline.after(PATIENCE_SECONDS)
    team_id, user_id = f"team_{slug(names.team)}", f"user_{slug(names.user)}"
    service_id, integration_id = f"svc_{slug(names.service)}", f"int_{slug(names.integration)}"
    integration_key, api_key = token_hex(16), f"opsk_{token_urlsafe(32)}"
    team = table.team(team_id, deadline)
    user = table.user(user_id, deadline)
    service = table.service(service_id, deadline)
    _check(names, team, user, service)
    entries: list[Team | User | Service | Integration] = [
        Integration(id=integration_id, service_id=service_id, name=names.integration)
    ]
    if team is None:
        member = Member(user_id=user_id, lead=True)
        entries.append(Team(id=team_id, name=names.team, members=(member,)))
    if user is None and names.email is not None:
        entries.append(
            User(
                id=user_id,
                name=names.user,
                email=names.email,
                role=Role.ADMIN,
                team_ids=(team_id,),
            )
        )
    elif user is None:
        raise Unusable(f"{names.user!r} is new here: give their address with --email.")
    if service is None:
        entries.append(Service(id=service_id, name=names.service, team_id=team_id))
    keys: dict[str, IntegrationKey | ApiKey] = {
        key_hash(integration_key): IntegrationKey(
            id=new_id("key", now),
            name=names.integration,
            created_at=now,
            service_id=service_id,
            integration_id=integration_id,
        ),
        key_hash(api_key): ApiKey(
            id=new_id("key", now),
            name=f"{names.user} for {names.integration}",
            created_at=now,
            user_id=user_id,
            scopes=(EVENTS_WRITE,),
        ),
    }
    try:
        table.create(entries, keys, new_id("boot", now), deadline)
    except Conflict:
        raise Unusable(
            f"Service {names.service!r} has an integration named {names.integration!r} already. "
            "Its key cannot be shown again; choose another name with --integration."
        ) from None
    return Made(
        team_id=team_id,
        user_id=user_id,
        service_id=service_id,
        integration_id=integration_id,
        integration_key=integration_key,
        api_key=api_key,
        new=frozenset(entry.id for entry in entries),
    )


def _check(names: Names, team: Team | None, user: User | None, service: Service | None) -> None:
    """Whether what exists can be used for what was named."""
    for existing, name in ((team, names.team), (user, names.user), (service, names.service)):
        if existing and existing.name != name:
            raise Unusable(f"{name!r} is too much like {existing.name!r}, which exists.")
    if names.email is not None and not _EMAIL.fullmatch(names.email):
        raise Unusable(f"{names.email!r} is no e-mail address.")
    if user and names.email not in (None, user.email):
        raise Unusable(f"User {names.user!r} exists, with the address {user.email}.")
    if team and (user is None or all(member.user_id != user.id for member in team.members)):
        raise Unusable(
            f"Team {names.team!r} exists without {names.user!r}: "
            "choose one of its members with --user, or another team with --team."
        )
    if user and (team is None or team.id not in user.team_ids):
        raise Unusable(
            f"User {names.user!r} exists and is in another team: "
            "choose that with --team, or another user with --user."
        )
    if (user and user.disabled) or (service and service.disabled):
        raise Unusable(f"{names.user!r} or {names.service!r} exists and is disabled.")
    if service and (team is None or service.team_id != team.id):
        raise Unusable(f"Service {names.service!r} exists and belongs to another team.")


def slug(name: str) -> str:
    """The stable part of an id. Raises Unusable for a name that makes none."""
    if len(name) > LONGEST_NAME:
        raise Unusable(f"{name!r} is longer than {LONGEST_NAME} characters.")
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    made = re.sub("[^a-z0-9]+", "-", ascii_name).strip("-")
    if not made:
        raise Unusable(f"{name!r} has no letter from a to z and no digit to make an id of.")
    return made
