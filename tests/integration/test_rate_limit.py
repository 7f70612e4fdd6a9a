"""120 accepted requests a minute for each key, and no more work for those that are refused."""

from datetime import timedelta

import pytest

from events.handler import Api
from harness.world import Response, World, event
from tests.integration.steps import PROMETHEUS_KEY_ID, in_order, use_up, used
from tests.integration.wire import THROTTLES, TIMES_OUT, Fault, Wire, refusing


def ask(world: World, api: Api | None = None) -> Response:
    """The cheapest accepted request: ignored."""
    return world.send(event("resolve", "nothing"), api=api)


def test_120_are_accepted_and_the_next_is_refused(world: World) -> None:
    world.clock.advance(seconds=12.5)
    for number in range(120):
        response = ask(world)
        assert response.status == 202, "ignored ones count, too"
        assert response.headers["RateLimit-Limit"] == "120"
        assert response.headers["RateLimit-Remaining"] == str(119 - number)
        assert response.headers["RateLimit-Reset"] == "48"
    refused = ask(world)
    assert (refused.status, refused.body) == (429, {"error": "Rate limit exceeded."})
    assert {name: value for name, value in refused.headers.items() if "R" in name[:1]} == {
        "RateLimit-Policy": '"minute";q=120;w=60',
        "RateLimit": '"minute";r=0;t=48',
        "RateLimit-Limit": "120",
        "RateLimit-Remaining": "0",
        "RateLimit-Reset": "48",
        "Retry-After": "48",
    }


@pytest.mark.parametrize(
    ("second", "retry_after"), [(0, "60"), (59, "1"), (59.5, "1"), (59.999999, "1"), (58.01, "2")]
)
def test_retry_after_is_at_least_one_whole_second(
    world: World, second: float, retry_after: str
) -> None:
    world.clock.advance(seconds=second)
    use_up(world)
    assert ask(world).headers["Retry-After"] == retry_after


def test_the_next_minute_is_free(world: World) -> None:
    world.clock.advance(seconds=59)
    use_up(world)
    assert ask(world).status == 429
    world.clock.advance(seconds=1)
    response = ask(world)
    assert (response.status, response.headers["RateLimit-Remaining"]) == (202, "119")


@pytest.mark.parametrize("function", ["the same function", "another function"])
def test_a_refused_request_does_not_use_up_the_window(world: World, function: str) -> None:
    use_up(world, requests=119)
    for _ in range(5):
        ask(world, api=None if function == "the same function" else world.api())
    assert used(world) == [120]


def test_each_key_by_itself(world: World) -> None:
    use_up(world)
    assert ask(world).status == 429
    second = event("resolve", "nothing")
    assert world.send(second, key=world.second_integration_key).status == 202
    by_user = event("resolve", "nothing", service_id=world.service.id)
    assert world.send(by_user, key=world.api_key).status == 202


def test_api_keys_alike_whatever_the_service(world: World) -> None:
    use_up(world, "key_api0")
    for service in (world.service, world.other_service):
        wanted = event("resolve", "nothing", service_id=service.id)
        assert world.send(wanted, key=world.api_key).status == 429


@pytest.mark.parametrize("action", ["trigger", "acknowledge", "resolve"])
def test_a_refused_event_does_nothing(world: World, action: str) -> None:
    known = world.send(event()).incident["id"]
    use_up(world, "key_int_grafana")
    before = {item["sk"]["S"] for item in world.items() if known in item["pk"]["S"]}
    sent = event(action)
    assert world.send(sent, key=world.second_integration_key).status == 429
    after = {item["sk"]["S"] for item in world.items() if known in item["pk"]["S"]}
    assert after == before


def test_a_warm_function_refuses_from_memory(world: World) -> None:
    use_up(world)
    assert ask(world).status == 429, "and tells of it"
    main, rates = Wire(world.table.client), Wire(world.counters.client)
    world.clock.advance(seconds=29)
    assert ask(world).status == 429
    assert (main.calls, rates.calls) == ([], []), "without a DynamoDB call"
    assert ask(world, api=world.api()).status == 429
    assert rates.calls == ["UpdateItem"], "another function has to ask"


def test_memory_of_a_full_window_ends_with_it(world: World) -> None:
    use_up(world)
    ask(world)
    rates = Wire(world.counters.client)
    world.clock.advance(minutes=1)
    assert ask(world).status == 202
    assert rates.calls == ["UpdateItem"]


@pytest.mark.parametrize(
    "fault",
    [TIMES_OUT, THROTTLES, refusing("InternalServerError", status=500)],
    ids=["times out", "throttles", "fails"],
)
def test_a_limiter_that_cannot_tell_lets_the_event_pass(world: World, fault: Fault) -> None:
    Wire(world.counters.client).fail("UpdateItem", fault)
    response = world.send(event())
    assert (response.status, response.action) == (202, "triggered")
    assert "RateLimit-Remaining" not in response.headers
    assert response.headers["RateLimit-Limit"] == "120"


def test_a_limiter_that_may_not_count_lets_the_event_pass_and_says_so(
    world: World, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    Wire(world.counters.client).fail("UpdateItem", refusing("AccessDeniedException"))
    assert world.send(event()).status == 202
    assert "requests cannot be counted" in caplog.text
    assert '"Failures":[1.0]' in capsys.readouterr().out, "an alarm hears that nothing is limited"


def test_a_limiter_is_asked_once(world: World) -> None:
    rates = Wire(world.counters.client)
    rates.fail("UpdateItem", TIMES_OUT)
    ask(world)
    assert rates.calls == ["UpdateItem"], "a slow limiter must not hold up an event"


@pytest.mark.parametrize(
    ("fault", "minutes", "status"),
    [(THROTTLES, 1, 429), (THROTTLES, 2, 202), (TIMES_OUT, 1, 202)],
    ids=["throttled a minute later", "throttled long after", "timed out"],
)
def test_throttling_on_a_key_seen_at_its_limit_refuses(
    world: World, fault: Fault, minutes: int, status: int
) -> None:
    use_up(world)
    assert ask(world).status == 429
    world.clock.advance(minutes=minutes)
    Wire(world.counters.client).fail("UpdateItem", fault)
    assert ask(world).status == status
    other = event("resolve", "nothing")
    assert world.send(other, key=world.second_integration_key).status == 202


def test_counters_wake_nobody_and_expire(world: World) -> None:
    before = in_order(world.items())
    ask(world)
    assert in_order(world.items()) == before, "they are not in the table with the stream"
    client, name = world.counters.client, world.counters.name
    [counter] = client.scan(TableName=name)["Items"]
    assert counter["pk"]["S"].startswith(PROMETHEUS_KEY_ID)
    end = world.clock() + timedelta(minutes=1)
    assert end.timestamp() < int(counter["expires_at"]["N"]) < end.timestamp() + 86_400
