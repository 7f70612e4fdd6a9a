"""The customer whom the owner's document addresses: a service under the id that the document gives
it, and keys of every kind for it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from secrets import token_hex, token_urlsafe
from typing import Any

import requests

from harness.dynamodb import connect
from harness.world import RETENTION, deadline
from local.stack import Running
from opsknight.directory.entries import (
    EVENTS_WRITE,
    ApiKey,
    IntegrationKey,
    Role,
    Service,
    Team,
    User,
    key_hash,
)
from opsknight.directory.integrations import Integration
from opsknight.incident.event_request import describe
from opsknight.incident.model import Incident
from opsknight.store.calls import TABLE_CONFIG
from opsknight.store.table import Table
from tests.e2e.document import Document, filled


@dataclass(frozen=True)
class Customer:
    """Made by `settle`. Sends what the document shows, to where and with what it says."""

    document: Document
    url: str
    table: Table
    service_id: str
    integration_key: str
    busy_key: str
    """An integration key for the test that uses up its minute."""
    api_key: str
    """Of a responder."""
    stranger_key: str
    """Of a user in no team."""
    scopeless_key: str

    def post(self, body: str, headers: Mapping[str, str]) -> requests.Response:
        path = self.document.find("Endpoint", "POST (.+)")
        kind = self.document.find("Content Type", "Content-Type: (.+)")
        sent = {"Content-Type": kind, **headers}
        return requests.post(self.url + path, data=body.encode(), headers=sent, timeout=20)

    def by_integration(self, body: str, key: str = "") -> requests.Response:
        """With the document's header for an integration key, the customer's unless one is given."""
        value = self.document.find("Authentication", "Authorization: (Token token=.+)")
        known = {"YOUR_INTEGRATION_KEY": key or self.integration_key}
        return self.post(body, {"Authorization": filled(value, known)})

    def by_api_key(self, body: str, key: str = "") -> requests.Response:
        """With the document's header for an API key, the responder's unless one is given."""
        value = self.document.find("API Key", "Authorization: (Bearer .+)")
        known = {"YOUR_API_KEY": key or self.api_key}
        return self.post(body, {"Authorization": filled(value, known)})

    def incident(self, incident_id: str) -> Incident:
        """As it lies in the table."""
        incident = self.table.incident(incident_id, deadline())
        assert incident is not None
        return incident

    def details(self, incident_id: str) -> dict[str, Any]:
        """The custom details of the incident's first alert, read back from its description."""
        first, *_ = self.table.alerts(incident_id, deadline())
        details: dict[str, Any] = json.loads(describe(first.body) or "{}")
        return details


def settle(up: Running, document: Document) -> Customer:
    """Puts the customer into the deployed table, beside the demo."""
    table = Table(connect(up.endpoint, TABLE_CONFIG), up.outputs["TableName"], RETENTION)
    now = datetime.now(UTC)
    team = Team(id="team_document", name="Document")
    users = {
        role: User(id=f"user_{role}", name=role, email=f"{role.lower()}@example.com", role=role)
        for role in (Role.RESPONDER, Role.USER)
    }
    service_id = str(document.json_object("Request Body")["service_id"])
    service = Service(id=service_id, name="Document", team_id=team.id)
    integrations = {
        token_hex(16): Integration(id=f"int_{name}", service_id=service_id, name=name)
        for name in ("document", "busy")
    }
    keys: dict[str, IntegrationKey | ApiKey] = {
        key_hash(secret): IntegrationKey(
            id=f"key_{integration.id}",
            name=integration.name,
            created_at=now,
            service_id=service_id,
            integration_id=integration.id,
        )
        for secret, integration in integrations.items()
    }
    owners = [(Role.RESPONDER, (EVENTS_WRITE,)), (Role.USER, (EVENTS_WRITE,)), (Role.RESPONDER, ())]
    secrets = [f"opsk_{token_urlsafe(32)}" for _ in owners]
    for secret, (role, scopes) in zip(secrets, owners, strict=True):
        keys[key_hash(secret)] = ApiKey(
            id=f"key_document_{len(keys)}",
            name="document",
            created_at=now,
            user_id=users[role].id,
            scopes=scopes,
        )
    entries: list[Team | User | Service | Integration] = [team, service]
    entries += [*users.values(), *integrations.values()]
    table.create(entries, keys, token_hex(8), deadline())
    return Customer(document, up.url, table, service_id, *integrations, *secrets)
