"""Whom a world begins with: three people, two teams, two services, and keys of all kinds."""

from dataclasses import dataclass
from datetime import datetime
from secrets import token_hex, token_urlsafe

from opsknight.directory.entries import (
    EVENTS_WRITE,
    ApiKey,
    IntegrationKey,
    Member,
    Role,
    Service,
    Team,
    User,
    key_hash,
)
from opsknight.directory.integrations import Integration


@dataclass(frozen=True)
class Beginning:
    entries: list[Team | User | Service | Integration]
    keys: dict[str, IntegrationKey | ApiKey]
    """By the hash of their secret."""
    integration_secrets: list[str]
    """Of both integrations."""
    api_secrets: list[str]
    """Of a responder, a user in the team, one in no team, and one that may send nothing."""


def beginning(service: Service, other_service: Service, at: datetime) -> Beginning:
    """New secrets each time."""
    users = {
        name: User(
            id=f"user_{name}",
            name=name.title(),
            email=f"{name}@example.com",
            role=role,
            team_ids=teams,
        )
        for name, role, teams in (
            ("ada", Role.RESPONDER, ("team_web",)),
            ("ben", Role.USER, ("team_web",)),
            ("eve", Role.USER, ()),
        )
    }
    team = Team(
        id="team_web", name="Web", members=(Member(user_id="user_ada"), Member(user_id="user_ben"))
    )
    other_team = Team(id="team_data", name="Data")
    integrations = [
        Integration(id=f"int_{name}", service_id=service.id, name=name.title())
        for name in ("prometheus", "grafana")
    ]
    routes = {token_hex(16): integration for integration in integrations}
    keys: dict[str, IntegrationKey | ApiKey] = {
        key_hash(secret): IntegrationKey(
            id=f"key_{integration.id}",
            name=integration.name,
            created_at=at,
            used_on=at.date(),
            service_id=service.id,
            integration_id=integration.id,
        )
        for secret, integration in routes.items()
    }
    owners = [("ada", (EVENTS_WRITE,)), ("ben", (EVENTS_WRITE,)), ("eve", (EVENTS_WRITE,))]
    owners.append(("ada", ("incidents:read",)))
    secrets = []
    for number, (owner, scopes) in enumerate(owners):
        secret = f"opsk_{token_urlsafe(32)}"
        secrets.append(secret)
        keys[key_hash(secret)] = ApiKey(
            id=f"key_api{number}",
            name=f"{owner}'s key",
            created_at=at,
            used_on=at.date(),
            user_id=users[owner].id,
            scopes=scopes,
        )
    entries: list[Team | User | Service | Integration] = [
        *users.values(),
        team,
        other_team,
        service,
        other_service,
        *integrations,
    ]
    return Beginning(entries, keys, list(routes), secrets)
