"""Many incidents page one person while messages to them are under way: each is told exactly once,
and soon.
"""

from collections import Counter
from datetime import datetime, timedelta
from functools import partial

import pytest

from harness.pipeline import Pipeline, step
from harness.rush import Rush
from harness.world import World
from opsknight.directory.entries import Role, Service, User
from opsknight.directory.receivers import Channel, Receiver
from opsknight.notification.delivery import State
from opsknight.store.directory_items import directory_item

SEEDS = range(3)


@pytest.fixture
def night(world: World) -> Pipeline:
    pipeline = Pipeline(world)
    sms = Receiver(id="ada/sms", name="", channel=Channel.SMS, to="+4915112345678")
    known = User(id="user_ada", name="Ada", email="", role=Role.ADMIN, contact_methods=(sms,))
    pipeline.put(directory_item(known))
    pipeline.escalates(step("ada"), repeat_after=360_000)
    return pipeline


def services(night: Pipeline, number: int) -> list[str]:
    """Further services with the same policy."""
    ids = [f"svc_{each}" for each in range(number)]
    for each in ids:
        fields = night.world.service.model_dump() | {"id": each, "name": each}
        night.put(directory_item(Service.model_validate(fields)))
    return ids


def told(night: Pipeline) -> dict[str, list[datetime]]:
    """By the incident's key, when ada was told of it by its first rule."""
    listed = {
        (item["pk"]["S"].removeprefix("bundle#"), item["incident_id"]["S"])
        for item in night.world.items()
        if item["kind"]["S"] == "bundled"
    }
    assert {
        (heard.message.delivery_id, brief.id)
        for heard in night.listener.heard
        for brief in heard.message.incidents
        if len(heard.message.incidents) > 1
    } <= listed
    found: dict[str, list[datetime]] = {}
    for heard in night.listener.heard:
        for brief in heard.message.incidents:
            found.setdefault(brief.dedup_key, []).append(heard.at)
    return found


def judge(night: Pipeline, number: int, rules: int = 1) -> None:
    counts = Counter({key: len(times) for key, times in told(night).items()})
    assert len(counts) == number
    assert set(counts.values()) == {rules}, counts
    assert {each.state for each in night.deliveries()} == {State.SENT}
    # Nothing is held, and nothing is due any more.
    left = [item["sk"]["S"] for item in night.world.items() if "page_token" in item]
    left += [item["sk"]["S"] for item in night.world.items() if item["sk"]["S"][:5] == "held#"]
    assert left == []


@pytest.mark.parametrize("seed", SEEDS)
def test_each_of_thirty_incidents_in_six_seconds_is_told_once(night: Pipeline, seed: int) -> None:
    rush = Rush(night, seed)
    rush.triggers((f"disk-{number}" for number in range(30)), every=0.2)
    rush.hub.run(170)
    # By the first rule; the second one is due three minutes later.
    judge_first(night, 30)
    assert len(night.listener.heard) <= 3
    rush.hub.run(360)
    judge(night, 30, rules=2)


def judge_first(night: Pipeline, number: int) -> None:
    counts = Counter({key: len(times) for key, times in told(night).items()})
    assert (len(counts), set(counts.values())) == (number, {1}), counts


@pytest.mark.parametrize("seed", SEEDS)
def test_first_incidents_of_twelve_services_are_told_once_each_in_few_messages(
    night: Pipeline, seed: int
) -> None:
    rush, ids = Rush(night, seed), services(night, 12)
    for number in range(40):
        service = ids[number % 12] if number % 3 else ids[0]
        rush.hub.spawn(partial(rush.trigger, f"k{number}", service_id=service), 1.5 * number)
    rush.hub.run(178)
    judge_first(night, 40)
    assert 4 <= len(night.listener.heard) <= 10, [each.at for each in night.listener.heard]
    assert {page.state for page in night.all_pages()} == {"REACHED"}


def test_what_waits_goes_with_an_exempt_message(night: Pipeline) -> None:
    """First incidents of other services push the pace on and on: b's second one waited for it until
    its page had failed.
    """
    rush, ids = Rush(night, 1), services(night, 8)
    rush.triggers(["b-0", "b-1"], every=1)
    for number, service in enumerate(ids):
        rush.hub.spawn(partial(rush.trigger, service, service_id=service), 20 + 20 * number)
    rush.hub.run(178)
    [at] = told(night)["b-1"]
    assert at - told(night)["b-0"][0] < timedelta(seconds=30)
    assert {page.state for page in night.all_pages()} == {"REACHED"}
