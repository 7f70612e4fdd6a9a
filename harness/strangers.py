"""Requests of somebody who has no key, each refused: for tests, and for the bench's figures of what
a refusal costs.
"""

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from secrets import token_bytes, token_hex, token_urlsafe
from typing import Any, Final

from harness.desk import Desk
from harness.world import World, http_event

LARGE: Final = 500_000

type Request = Mapping[str, Any]


def large_body() -> str:
    """About as much as an event may have, and slow to read: many small parts."""
    part = '{"event_action":"trigger","n":[1,2,3]},'
    return '{"payload":[' + part * (LARGE // len(part)) + "0]}"


def to_events(body: str) -> dict[str, Request]:
    """To the events function, by what is wrong with each."""
    kinds = {
        "event with no key": {},
        "event with a key of no shape": {"authorization": "Token token=x"},
        "event with an unknown integration key": {"authorization": f"Token token={token_hex(16)}"},
        "event with an unknown API key": {"authorization": f"Bearer opsk_{token_urlsafe(32)}"},
    }
    return {name: http_event(body, headers=headers) for name, headers in kinds.items()}


def to_people(world: World) -> dict[str, Request]:
    """To the respond function."""
    stamp = str(int(world.clock().timestamp()))
    slack = {"x-slack-request-timestamp": stamp}
    button = "payload=" + json.dumps({"type": "block_actions", "user": {"id": "U1"}})
    forged = urlsafe_b64encode(token_bytes(41)).decode().rstrip("=")
    api = {"authorization": f"Bearer opsk_{token_urlsafe(32)}"}
    return {
        "link of no shape": http_event(method="GET", path=f"/r/{'x' * 200}"),
        "link with a forged signature": http_event(method="GET", path=f"/r/{forged}"),
        "button without a signature": http_event(button, path="/slack/actions", headers=slack),
        "button with a forged signature": http_event(
            button, path="/slack/actions", headers={**slack, "x-slack-signature": "v0=" + "0" * 64}
        ),
        "API call with no key": http_event(method="GET", path="/api/incidents"),
        "API call with an unknown key": http_event(
            method="GET", path="/api/incidents", headers=api
        ),
    }


class SecretCalls:
    """Counts what a desk's functions ask SSM."""

    def __init__(self, desk: Desk) -> None:
        self.number = 0
        desk.ssm.meta.events.register("before-call.ssm", self._count)

    def _count(self, **_: object) -> None:
        self.number += 1
