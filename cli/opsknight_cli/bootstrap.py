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

LONGEST_SLUG: Final = 60
PATIENCE_SECONDS: Final = 20


class Unusable(Exception):
    """A name that cannot be used; the text is a sentence for the operator."""


@dataclass(frozen=True, slots=True)
class Names:
    team: str
    user: str
    email: str
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


def bootstrap(
    table: Table, names: Names, now: datetime, new_id: Callable[[str, datetime], str]
) -> Made:
    """Raises Unusable, and Unavailable when DynamoDB is."""
    deadline = Deadline.after(PATIENCE_SECONDS)
    made = Made(
        team_id=f"team_{slug(names.team)}",
        user_id=f"user_{slug(names.user)}",
        service_id=f"svc_{slug(names.service)}",
        integration_id=f"int_{slug(names.integration)}",
        integration_key=token_hex(16),
        api_key=f"opsk_{token_urlsafe(32)}",
    )
    team = table.team(made.team_id, deadline)
    user = table.user(made.user_id, deadline)
    service = table.service(made.service_id, deadline)
    if team and all(member.user_id != made.user_id for member in team.members):
        raise Unusable(f"Team {names.team!r} exists and has no member {names.user!r}.")
    if service and service.team_id != made.team_id:
        raise Unusable(f"Service {names.service!r} exists and belongs to another team.")
    if user and made.team_id not in user.team_ids:
        raise Unusable(f"User {names.user!r} exists and is in no team {names.team!r}.")
    entries: list[Team | User | Service | Integration] = [
        Integration(id=made.integration_id, service_id=made.service_id, name=names.integration)
    ]
    if team is None:
        member = Member(user_id=made.user_id, lead=True)
        entries.append(Team(id=made.team_id, name=names.team, members=(member,)))
    if user is None:
        entries.append(
            User(
                id=made.user_id,
                name=names.user,
                email=names.email,
                role=Role.ADMIN,
                team_ids=(made.team_id,),
            )
        )
    if service is None:
        entries.append(Service(id=made.service_id, name=names.service, team_id=made.team_id))
    keys: dict[str, IntegrationKey | ApiKey] = {
        key_hash(made.integration_key): IntegrationKey(
            id=new_id("key", now),
            name=names.integration,
            created_at=now,
            service_id=made.service_id,
            integration_id=made.integration_id,
        ),
        key_hash(made.api_key): ApiKey(
            id=new_id("key", now),
            name=f"{names.user} for {names.integration}",
            created_at=now,
            user_id=made.user_id,
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
    return made


def slug(name: str) -> str:
    """The stable part of an id. Raises Unusable for a name without a letter or digit."""
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    made = re.sub("[^a-z0-9]+", "-", ascii_name)[:LONGEST_SLUG].strip("-")
    if not made:
        raise Unusable(f"{name!r} has no letter or digit to make an id of.")
    return made
