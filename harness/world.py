"""A service with two integrations and API keys of every kind, and the real API before a table."""

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property, partial
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from events.handler import Api
from events.hook_secrets import HookSecrets
from events.intake import Intake
from harness import embedded
from harness.beginning import beginning
from harness.dynamodb import connect, make_table
from opsknight.directory.entries import Service
from opsknight.http.directory_cache import DirectoryCache
from opsknight.http.gateway import respond
from opsknight.http.rate_limiter import Limiter
from opsknight.runtime import clock
from opsknight.runtime.ssm_secrets import SecretReader
from opsknight.store.calls import (
    CONFLICT_PAUSE,
    LONGEST_PAUSE,
    RATES_CONFIG,
    TABLE_CONFIG,
    Deadline,
)
from opsknight.store.counters import Counters
from opsknight.store.table import Table

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_ssm import SSMClient

SECRETS_PREFIX = "/opsknight/test/secrets/"
RETENTION = timedelta(days=400)
# Seconds for a request beside much else on the machine. Nobody waits for them.
UNHURRIED = 60.0


@dataclass
class Clock:
    """Stands until a test moves it."""

    at: datetime = datetime(2026, 11, 23, 3, 0, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at

    def advance(self, **duration: float) -> None:
        self.at += timedelta(**duration)


@dataclass(frozen=True)
class Response:
    status: int
    headers: Mapping[str, str]
    body: dict[str, Any]
    """In the words of the documents."""
    problem: dict[str, Any] = field(default_factory=dict[str, Any])
    """What RFC 9457 adds to an error."""

    @classmethod
    def read(cls, status: int, headers: Mapping[str, str], text: str) -> "Response":
        body, problem = json.loads(text), {}
        if status >= 400 and "error" in body:
            added = {"code", "type", "title", "detail"}
            # An incident's status is a word.
            added |= {"status"} if isinstance(body.get("status"), int) else set()
            problem = {name: body.pop(name) for name in added & body.keys()}
        return cls(status, headers, body, problem)

    @property
    def action(self) -> str:
        action: str = self.body["result"]["action"]
        return action

    @property
    def incident(self) -> dict[str, Any]:
        incident: dict[str, Any] = self.body["result"]["incident"]
        return incident


def event(
    action: str = "trigger", dedup_key: str = "cpu-high", severity: str = "critical", **more: Any
) -> dict[str, Any]:
    """A valid body."""
    payload = {"summary": "CPU above 90% on web-01", "source": "prometheus", "severity": severity}
    payload |= more.pop("payload", {})
    return {"event_action": action, "dedup_key": dedup_key, "payload": payload, **more}


def http_event(
    body: object = "",
    *,
    method: str = "POST",
    path: str = "/api/events",
    headers: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
    base64: bool = False,
    source: str = "192.0.2.7",
) -> dict[str, Any]:
    """API Gateway's event (payload format 2.0). A body that is not a text becomes JSON."""
    http = {"method": method, "path": path, "sourceIp": source}
    return {
        "version": "2.0",
        "rawPath": path,
        "headers": dict(headers or {}),
        "queryStringParameters": dict(query or {}),
        "requestContext": {"requestId": "gateway-1", "http": http},
        "body": body if isinstance(body, str) else json.dumps(body),
        "isBase64Encoded": base64,
    }


@dataclass
class World:
    """Made by `build`. Each world has tables of its own."""

    table: Table
    counters: Counters
    clock: Clock
    service: Service
    other_service: Service
    """It belongs to another team."""
    integration_key: str
    second_integration_key: str
    """For another integration of the same service."""
    api_key: str
    """A responder's."""
    user_api_key: str
    """That of a USER in the service's team."""
    stranger_api_key: str
    """That of a USER in no team."""
    scopeless_api_key: str
    apis: list[Api] = field(default_factory=list)

    def api(self, patience: float | None = None) -> Api:
        """One more warm function, with a memory of its own. `patience`: seconds of a clock that
        stands (`standing`). Without it a function has as much as a busy machine may need.
        """
        background = ThreadPoolExecutor(max_workers=2)
        intake = Intake(self.table, Limiter(self.counters), clock.new_id, background)
        if self._embedded is None:
            intake = replace(intake, counted_within=UNHURRIED)
        api = Api(
            directory=DirectoryCache(self.table, background),
            intake=intake,
            secrets=HookSecrets(lambda: SecretReader(self.ssm), SECRETS_PREFIX),
            clock=self.clock,
            begin=partial(deadline, UNHURRIED) if patience is None else partial(standing, patience),
        )
        self.apis.append(api)
        return api

    @cached_property
    def _embedded(self) -> embedded.Items | None:
        url = self.table.client.meta.endpoint_url
        return embedded.Items(url, self.table.name) if embedded.is_embedded(url) else None

    @cached_property
    def ssm(self) -> "SSMClient":
        """Of the account that the tables are in. Only worlds within the process have one."""
        found: SSMClient = embedded.client("ssm", self.table.client.meta.endpoint_url)
        return found

    def request(self, gateway_event: Mapping[str, Any], api: Api | None = None) -> Response:
        """To the first function, unless another is named."""
        answer = self.gateway(gateway_event, api)
        return Response.read(answer["statusCode"], answer["headers"], answer["body"])

    def gateway(self, gateway_event: Mapping[str, Any], api: Api | None = None) -> dict[str, Any]:
        """The same, with the answer as API Gateway gets it."""
        chosen = api or (self.apis[0] if self.apis else self.api())
        return respond(gateway_event, lambda: chosen)

    def send(
        self, body: object, *, key: str | None = None, api: Api | None = None, **headers: str
    ) -> Response:
        """Posts an event with an integration key or an API key (by its look), else the first
        integration's.
        """
        secret = self.integration_key if key is None else key
        scheme = "Bearer " if secret.startswith("opsk_") else "Token token="
        sent = {"Authorization": scheme + secret, "Content-Type": "application/json"} | headers
        return self.request(http_event(body, headers=sent), api)

    def let_functions_end(self) -> None:
        """What they do beside an answer is done, and the next request finds a cold one."""
        for api in self.apis:
            api.intake.background.shutdown()
        self.apis.clear()

    def close(self) -> None:
        """Ends its functions and drops its tables, for tests that build many worlds."""
        self.let_functions_end()
        for name in (self.table.name, self.counters.name):
            self.table.client.delete_table(TableName=name)

    def items(self) -> list[dict[str, Any]]:
        """Everything in the main table, in wire form."""
        if self._embedded is not None:
            return self._embedded()
        pages = self.table.client.get_paginator("scan").paginate(TableName=self.table.name)
        return [dict(item) for page in pages for item in page["Items"]]


def deadline(seconds: float = 8) -> Deadline:
    return Deadline.after(seconds)


@dataclass
class _Standing:
    """A clock that stands, but for pauses after a conflict: they do not grow, and each counts."""

    at: float = 0.0

    def monotonic(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        if seconds <= CONFLICT_PAUSE:
            self.at += seconds


def standing(seconds: float) -> Deadline:
    """A deadline that is the same on any machine: nothing takes time, and a call that fails is
    tried until its next pause, which grows each time, would be longer than `seconds`, at most 1.
    """
    assert seconds <= LONGEST_PAUSE, "no pause is that long: it would be tried for ever"
    clock = _Standing()
    return Deadline(seconds, clock.monotonic, clock.sleep, chance=lambda: 1.0)


def build(
    endpoint: str | None = None,
    *,
    client: "DynamoDBClient | None" = None,
    rates_client: "DynamoDBClient | None" = None,
) -> World:
    """New tables with a directory in them, on the server at `endpoint`, or through the clients
    given. Those embedded here begin with the same secrets.
    """
    embeds = endpoint is not None and embedded.is_embedded(endpoint) and client is None
    world = empty(endpoint, client, rates_client)
    if not embeds or endpoint is None:
        return _with_directory(world)
    like = _first()
    embedded.fill(
        endpoint, world.table.name, (like.table.client.meta.endpoint_url, like.table.name)
    )
    return replace(like, table=world.table, counters=world.counters, clock=world.clock, apis=[])


@cache
def _first() -> World:
    """What most worlds of this process are copies of: writing a directory takes longer than most
    tests.
    """
    return _with_directory(empty(embedded.endpoint()))


def empty(
    endpoint: str | None,
    client: "DynamoDBClient | None" = None,
    rates_client: "DynamoDBClient | None" = None,
) -> World:
    """New tables with nothing in them, as `sam deploy` leaves them."""
    client = client or connect(endpoint, TABLE_CONFIG)
    table = Table(client, make_table(client, "Table"), RETENTION)
    counters = Counters(
        rates_client or connect(endpoint, RATES_CONFIG), make_table(client, "RatesTable")
    )
    service = Service(id="svc_checkout", name="Checkout", team_id="team_web")
    other_service = Service(id="svc_reports", name="Reports", team_id="team_data")
    return World(table, counters, Clock(), service, other_service, "", "", "", "", "", "")


def _with_directory(world: World) -> World:
    begun = beginning(world.service, world.other_service, world.clock.at)
    world.table.create(begun.entries, begun.keys, token_hex(8), deadline())
    first, second = begun.integration_secrets
    responder, user, stranger, scopeless = begun.api_secrets
    return replace(
        world,
        integration_key=first,
        second_integration_key=second,
        api_key=responder,
        user_api_key=user,
        stranger_api_key=stranger,
        scopeless_api_key=scopeless,
    )
