"""Whatever comes in the dialects of Opsgenie and PagerDuty: no 5xx, JSON always, the right shape of
an error, and no incident from garbage.
"""

import json
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from harness.invariants import check
from harness.world import World, build, http_event

ALERTS = "/v2/alerts"
WORDS: tuple[Any, ...] = (
    *(None, True, 5, -1.5, 10**400, "", " ", "disk", "P1", "p9", "2026-11-23T04:00:00Z"),
    *("9999-12-31T23:59:59+23:59", "\ud800", "\x00\x1b[31m", "x" * 3000, "%2F%25", "a,b", "ä/ß?"),
    *([], {}, ["a", 5, None], {"a": {"b": ["c"]}}, {"": 1}, [[[]]], [{"id": []}]),
)
FIELDS = (
    *("message", "alias", "description", "responders", "visibleTo", "actions", "tags", "details"),
    *("entity", "source", "priority", "user", "note", "endTime", "payload", "links", "routing_key"),
)
ACTS = (
    *((("POST", ""),) * 6),
    *((("POST", f"/ID/{each}")) for each in ("close", "acknowledge", "unacknowledge", "snooze")),
    *((("POST", f"/ID/{each}")) for each in ("notes", "tags", "details")),
    *((("PUT", f"/ID/{each}")) for each in ("message", "description", "priority")),
    *((("DELETE", f"/ID/{each}")) for each in ("tags", "details")),
    *(("GET", each) for each in ("", "/ID", "/requests/ID")),
)
QUERY = ("query", "limit", "offset", "order", "sort", "tags", "keys", "flat")


def request(world: World, chance: Random) -> dict[str, Any]:
    """Nearly right, mostly."""
    body: dict[str, Any] = {
        name: chance.choice(WORDS) for name in chance.sample(FIELDS, chance.randrange(6))
    }
    if chance.random() < 0.5:
        body |= {"message": "Disk full", "alias": chance.choice(["disk", "cpu", "a/b c"])}
    text = json.dumps(body)
    if chance.random() < 0.1:
        at = chance.randrange(len(text) + 1)
        text = text[:at] + chance.choice(["", "{", "\x00", "]", '"', "NaN"]) + text[at + 1 :]
    method, action = chance.choice(ACTS)
    named = chance.choices(["disk", "inc_" + "0" * 28, "%", "ä b", "1" * 34, "a/b"], [9] + [1] * 5)
    path = f"{ALERTS}{action.replace('ID', named[0])}"
    if chance.random() < 0.1:
        method, path = chance.choice(["GET", "PUT", "DELETE", "HEAD", "PATCH"]), path + "/more"
    if chance.random() < 0.1:
        path = chance.choice(["/v2/change/enqueue", "/v2/schedules/x/on-calls", "/jsm/x", "//"])
    path = chance.choice(["", "/jsm/ops/integration"]) + path if "alerts" in path else path
    if "change" in path:
        payload = chance.choice([{"summary": "v2", "timestamp": chance.choice(WORDS)}, *WORDS])
        text = json.dumps({"routing_key": world.integration_key, "payload": payload, **body})
    scheme = chance.choices(["GenieKey ", "Token token=", ""], [18, 1, 1])[0]
    query = {"identifierType": chance.choice(["id", "alias", "alias", "tiny", "x"])}
    if chance.random() < 0.5:
        query |= {name: str(chance.choice(WORDS)) for name in chance.sample(QUERY, 2)}
    return http_event(
        text,
        method=method,
        path=path,
        headers={"Authorization": scheme + world.integration_key},
        query=query,
    )


@pytest.mark.soak
def test_no_request_breaks_it(dynamodb: str, full_size: bool, say: Callable[[str], None]) -> None:
    chance, statuses = Random(29), Counter[int]()
    for _ in range(50 if full_size else 2):
        world = build(dynamodb)
        api = world.api()
        for _ in range(120):
            sent = request(world, chance)
            world.clock.advance(seconds=1)
            answer = world.gateway(sent, api)
            statuses[answer["statusCode"]] += 1
            told = json.loads(answer["body"], parse_constant=pytest.fail)
            assert answer["statusCode"] < 500, (sent, told)
            assert world.integration_key not in answer["body"]
            if answer["statusCode"] >= 400 and "took" in told:
                assert told["message"]
                assert told["requestId"]
        for each in check(world).incidents.values():
            assert each["title"].strip(), "from garbage"
        world.close()
    say(f"answers by status: {dict(sorted(statuses.items()))}")
    assert statuses[202] > statuses.total() // 10
    assert statuses[200] > 0
