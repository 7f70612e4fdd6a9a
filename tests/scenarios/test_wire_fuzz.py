"""Strangers' wires, whatever comes over them: never a 5xx, JSON always, and nothing stored of what
was refused or had no key.
"""

import base64
import json
from collections import Counter
from collections.abc import Callable, Iterator
from copy import deepcopy
from random import Random
from typing import Any, Final

import pytest

from events.integrations.wires import WIRES
from harness import embedded
from harness.invariants import check, stored
from harness.world import World, build, http_event

ALERT: Final = {
    "status": "firing",
    "labels": {"alertname": "HighCPU", "severity": "critical"},
    "annotations": {"summary": "CPU"},
    "startsAt": "2026-11-23T02:17:38Z",
    "endsAt": "0001-01-01T00:00:00Z",
    "fingerprint": "8907c632687e21f5",
}
FLUSH: Final = {
    "alerts": [ALERT, ALERT],
    "groupKey": "{}",
    "truncatedAlerts": 1,
    "status": "firing",
}
EVENT: Final = {
    "routing_key": "KEY",
    "event_action": "trigger",
    "dedup_key": "k",
    "payload": {"summary": "s", "source": "w", "severity": "error", "custom_details": {"a": 1}},
    "links": [{"href": "https://a.example", "text": "a"}],
}
V1: Final = {"service_key": "KEY", "event_type": "trigger", "description": "d", "contexts": [{}]}
LEGACY: Final = {"ruleId": 7, "ruleName": "r", "state": "alerting", "tags": {}, "evalMatches": []}
OPSGENIE: Final = {"message": "m", "alias": "k", "priority": "P1", "tags": ["a"], "details": {}}
ENVELOPE: Final = {
    "Type": "Notification",
    "TopicArn": "arn:aws:sns:us-east-1:123456789012:alarms",
    "MessageId": "1",
    "Message": "m",
    "Timestamp": "2026-11-23T02:17:38.000Z",
    "SignatureVersion": "2",
    "Signature": "AAAA",
    "SigningCertURL": "https://elsewhere.example/x.pem",
}
# Method, path, and a body that means something. KEY stands for the key.
SAMPLES: Final[tuple[tuple[str, str, object], ...]] = (
    ("POST", "/v2/enqueue", EVENT),
    ("POST", "/v2/enqueue", EVENT | {"event_action": "resolve"}),
    ("POST", "/v2/change/enqueue", EVENT),
    ("POST", "/generic/2010-04-15/create_event.json", V1),
    ("POST", "/api/integrations/alertmanager", FLUSH),
    ("POST", "/api/integrations/grafana", FLUSH),
    ("PUT", "/api/integrations/grafana", LEGACY),
    ("POST", "/k/KEY/alertmanager", FLUSH),
    ("POST", "/k/KEY/grafana", LEGACY | {"state": "ok"}),
    ("POST", "/k/KEY/sns", ENVELOPE),
    ("POST", "/k/KEY/sns", ENVELOPE | {"Type": "SubscriptionConfirmation", "SubscribeURL": "x"}),
    ("POST", "/heartbeat/KEY", ""),
    ("PATCH", "/v2/heartbeats/Backup/ping", ""),
    ("GET", "/heartbeat/KEY/fail", ""),
    ("PUT", "/heartbeat/KEY/3", "rsync: connection unexpectedly closed"),
    ("POST", "/v2/alerts", OPSGENIE),
    ("POST", "/jsm/ops/integration/v2/alerts", OPSGENIE),
    ("POST", "/v2/alerts/k/close", {"source": "s"}),
    ("POST", "/v2/alerts/k/acknowledge", {}),
    ("POST", "/v2/alerts/k/snooze", {"endTime": "2026-11-23T04:17:38Z"}),
    ("POST", "/v2/alerts/k/notes", {"note": "n"}),
    ("PUT", "/v2/alerts/k/message", {"message": "m"}),
    ("GET", "/v2/alerts/k", ""),
    ("GET", "/v2/alerts", ""),
    ("GET", "/v2/schedules/x/on-calls", ""),
)
JUNK: Final[tuple[object, ...]] = (
    *(None, True, 0, -1.5, 10**400, "", " ", "\ud800", "\0", "x" * 3000, [], {}, [[]]),
    *({"a": {"b": []}}, "KEY", "firing", "resolved", "P9", "2026-99-99", "0" * 32),
)
GARBAGE: Final = ("", "[]", "null", "NaN", "{", "[" * 5000, '{"a":' * 900, "7", '"x"')
QUERIES: Final[tuple[dict[str, str], ...]] = (
    *({}, {}, {}, {"per": "group"}, {"key": "KEY"}, {"key": "0" * 32}, {"key": "\ud800"}),
    *({"identifierType": "alias"}, {"identifierType": "tiny"}, {"limit": "-1"}, {"query": "("}),
)
HEADERS: Final[tuple[dict[str, str], ...]] = (
    *({"Authorization": "Bearer KEY"}, {"Authorization": "GenieKey KEY"}),
    *(
        {"Authorization": "Token token=KEY"},
        {"Authorization": "Basic \u00e9"},
        {"X-API-Key": "KEY"},
    ),
    *({}, {"Authorization": ""}, {"Authorization": "Bearer " + "0" * 32}),
)


def places(found: Any) -> Iterator[tuple[Any, Any]]:
    """Every container with every key or index in it."""
    if isinstance(found, dict | list):
        for name in list(found) if isinstance(found, dict) else range(len(found)):
            yield found, name
            yield from places(found[name])


def spoilt(body: object, chance: Random) -> str:
    body = deepcopy(body)
    for _ in range(chance.choice([0, 0, 1, 1, 2, 4])):
        if not (known := list(places(body))):
            break
        where, name = chance.choice(known)
        if chance.random() < 0.3:
            del where[name]
        else:
            where[name] = deepcopy(chance.choice(JUNK))
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=chance.random() < 0.8)
    match chance.randrange(14):
        case 0:
            return text[: chance.randrange(len(text) + 1)]
        case 1:
            return chance.choice(
                ["", "[]", "null", "NaN", "{", "[" * 5000, '{"a":' * 900, "7", '"x"']
            )
        case _:
            return text


def sent(chance: Random, key: str) -> dict[str, Any]:
    method, path, body = chance.choice(SAMPLES)
    headers = dict(chance.choice(HEADERS))
    query = dict(chance.choice(QUERIES))
    if chance.random() < 0.05:
        method = chance.choice(["GET", "PATCH", "DELETE", "OPTIONS", "", "PUT"])
    if chance.random() < 0.1:
        path += chance.choice(["/", "/x", "//", "/../x", "\ud800", "/" + "y" * 600, "%00"])
    text = spoilt(body, chance).replace("KEY", key)
    here = {name: value.replace("KEY", key) for name, value in headers.items()}
    asked = {name: value.replace("KEY", key) for name, value in query.items()}
    path = path.replace("KEY", key)
    if chance.random() < 0.05:
        raw = base64.b64encode(text.encode("utf-8", "surrogatepass")).decode()
        return http_event(raw, method=method, path=path, headers=here, query=asked, base64=True)
    return http_event(text, method=method, path=path, headers=here, query=asked)


def incidents(world: World) -> set[tuple[str, str, int]]:
    return {
        (each["id"], each["status"], int(each["alert_count"]))
        for each in stored(world).incidents.values()
    }


@pytest.mark.soak
def test_nothing_breaks_a_wire_and_no_garbage_pages(
    full_size: bool, say: Callable[[str], None]
) -> None:
    statuses: Counter[int] = Counter()
    chance = Random(16)
    # Small worlds: after each request the whole of one is read.
    for number in range(400 if full_size else 12):
        world = build(embedded.endpoint())
        stranger = number % 4 == 0
        key = "f" * 32 if stranger else world.integration_key
        before = incidents(world)
        for _ in range(50):
            request = sent(chance, key)
            world.clock.advance(seconds=1)
            answer = world.gateway(request)
            statuses[answer["statusCode"]] += 1
            assert answer["statusCode"] < 500, (request, answer)
            if request["requestContext"]["http"]["method"] != "HEAD":
                assert isinstance(json.loads(answer["body"] or "{}"), dict), (request, answer)
            after = incidents(world)
            assert answer["statusCode"] < 300 or after == before, (request, answer)
            assert not stranger or not after, request
            before = after
        check(world)
        world.close()
    say(f"answers by status: {dict(sorted(statuses.items()))}")
    assert min(statuses[status] for status in (202, 400, 401)) > 20


def test_the_samples_know_every_wire() -> None:
    for wire in WIRES:
        assert any(
            path == wire.path or (wire.path.endswith("/") and path.startswith(wire.path))
            for _, path, _ in SAMPLES
        ), wire.path
