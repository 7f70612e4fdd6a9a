"""Woken by a schedule. Each flight has an integration key of its own that nobody keeps."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from secrets import token_hex
from typing import Any, Final
from urllib.parse import urlsplit

from aws_lambda_powertools.utilities.typing import LambdaContext

from opsknight.classes import dataclass
from opsknight.directory.entries import (
    IntegrationKey,
    Never,
    Remind,
    Role,
    Service,
    User,
    key_hash,
)
from opsknight.directory.receivers import Channel, NotificationRule, Receiver
from opsknight.escalation.policy import Policy, Step, Target, TargetKind
from opsknight.incident import canary
from opsknight.incident.model import Action, Severity, Urgency
from opsknight.runtime import clients, clock
from opsknight.runtime.settings import CanarySettings, read_settings
from opsknight.runtime.telemetry import logger
from opsknight.store.calls import Deadline
from opsknight.store.directory_items import directory_item, policy_items
from opsknight.store.key_items import any_key_item
from opsknight.store.table import Table
from opsknight.store.wire import Item, expiry

PATIENCE_SECONDS: Final = 8
# Longer than API Gateway waits for the events function.
ANSWERED_WITHIN_SECONDS: Final = 20
KEY_LIFE: Final = timedelta(minutes=5)
# A canary that the next flight did not resolve ends by itself, and nobody is reminded of it.
AUTO_RESOLVE: Final = timedelta(hours=1)


class NotTaken(Exception):
    """The API did not take the canary."""


type Post = Callable[[dict[str, Any], str], int]
"""Sends an event with an integration key, and returns the status of the answer."""


@dataclass(frozen=True, slots=True)
class Flight:
    table: Table
    post: Post
    clock: Callable[[], datetime]
    new_key: Callable[[], str]
    patience: float = PATIENCE_SECONDS

    def begin(self) -> None:
        """Resolves the canary before, and sends the next one. Raises NotTaken."""
        now, key = self.clock(), self.new_key()
        self.table.put_all(_entries(key, now), Deadline.after(self.patience))
        for action in (Action.RESOLVE, Action.TRIGGER):
            status = self.post(_event(action), key)
            if status != 202:
                raise NotTaken(f"{action}: answered {status}")
        logger.info("the canary is on its way")


def _event(action: Action) -> dict[str, Any]:
    return {
        "event_action": action,
        "dedup_key": canary.DEDUP_KEY,
        # The most urgent: it takes the way on which pages must not be late.
        "payload": {"summary": "Canary", "source": "opsknight", "severity": Severity.CRITICAL},
    }


def _entries(secret: str, now: datetime) -> list[Item]:
    """All that an event needs of the directory. Written each time: entries expire, and one that
    somebody damaged is whole again.
    """
    never = Remind(high=Never.NEVER, medium=Never.NEVER, low=Never.NEVER)
    service = Service(
        id=canary.SERVICE_ID,
        name="Canary",
        team_id="",
        policy_id=canary.POLICY_ID,
        auto_resolve=AUTO_RESOLVE,
        remind=never,
    )
    user = User(
        id=canary.USER_ID,
        name="Canary",
        email="",
        role=Role.USER,
        contact_methods=(
            Receiver(id="null", name="Null", channel=Channel.WEBHOOK, to=canary.NULL),
        ),
        rules=(NotificationRule(urgency=Urgency.HIGH, method_id="null"),),
    )
    target = Target(kind=TargetKind.USER, id=canary.USER_ID)
    policy = Policy(
        id=canary.POLICY_ID,
        name="Canary",
        version=1,
        steps=(Step(targets=(target,)),),
        # The next flight comes first.
        repeat_after=AUTO_RESOLVE,
    )
    key = IntegrationKey(
        id=canary.SERVICE_ID,
        name="Canary",
        created_at=now,
        ends_at=now + KEY_LIFE,
        # Its use is known, and need not be recorded.
        used_on=now.date(),
        service_id=canary.SERVICE_ID,
        integration_id=canary.SERVICE_ID,
    )
    expires = {"expires_at": expiry(now, canary.LIFE)}
    entries = [directory_item(service), directory_item(user), *policy_items(policy)]
    return [each | expires for each in [*entries, any_key_item(key_hash(secret), key)]]


def over_http(url: str, event: dict[str, Any], key: str) -> int:
    """Raises NotTaken when there is no answer. `url`: the address of the API."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    # Not every resolver knows that names under localhost are this machine (RFC 6761).
    place = "127.0.0.1" if host.endswith(".localhost") else host
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(place, parts.port, timeout=ANSWERED_WITHIN_SECONDS)
    headers = {
        "Authorization": f"Token token={key}",
        "Content-Type": "application/json",
        "Host": parts.netloc,
        "User-Agent": "OpsKnight canary",
    }
    try:
        connection.request("POST", f"{parts.path}/api/events", json.dumps(event), headers)
        return connection.getresponse().status
    except (OSError, HTTPException) as error:
        raise NotTaken(type(error).__name__) from error
    finally:
        connection.close()


def on_schedule(event: Mapping[str, Any], context: LambdaContext) -> None:
    settings = read_settings(CanarySettings)
    post = partial(over_http, settings.api_url)
    Flight(clients.table(Table), post, clock.now, partial(token_hex, 16)).begin()
