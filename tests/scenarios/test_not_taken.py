"""A message about several that its receiver does not take: each of its pages is judged like one."""

from collections.abc import Iterator
from itertools import chain, repeat
from typing import Any

import pytest

from harness.pipeline import Pipeline, step
from harness.world import World
from notify.channels.protocol import Outcome, PermanentFailure, Sent, TemporaryFailure
from opsknight.directory.entries import Role, User
from opsknight.directory.receivers import Channel, Receiver
from opsknight.notification.delivery import State
from opsknight.store.directory_items import directory_item

AWAY = TemporaryFailure("answered 503")
UNKNOWN = PermanentFailure("no such user")
HELD = 6


@pytest.fixture
def night(world: World) -> Iterator[Pipeline]:
    night = Pipeline(world)
    method = Receiver(id="push", name="", channel=Channel.NTFY, to="https://ntfy.example/ada")
    ada = User(id="user_ada", name="Ada", email="", role=Role.USER, contact_methods=(method,))
    night.put(directory_item(ada))
    night.people("ben")
    night.escalates(step("ada", after=0), step("ben", after=60))
    yield night


def told_then(night: Pipeline, *outcomes: Outcome) -> None:
    """Ada is told of one incident. Of those that are held then the last outcome repeats."""
    night.listener.answer("push", chain([Sent(), *outcomes], repeat(outcomes[-1])))
    night.trigger("first", severity="error")
    for number in range(HELD):
        night.trigger(f"disk-{number}", severity="error")


def bens(night: Pipeline) -> list[float]:
    """When ben was paged, in seconds after the first incident."""
    began = min(each.at for each in night.all_pages())
    mine = [each.at for each in night.all_pages() if each.user_id == "user_ben"]
    return sorted((at - began).total_seconds() for at in mine)


def test_each_page_has_failed_two_minutes_after_the_message_was_first_tried(
    night: Pipeline,
) -> None:
    told_then(night, AWAY)
    # The pace allowed the first try after a quarter of a minute. Pages are looked at now and then.
    night.wait(minutes=4)
    assert len(bens(night)) == HELD
    assert 135 <= bens(night)[0] == bens(night)[-1] <= 180


def test_it_is_not_said_that_nobody_has_tried(
    night: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    told_then(night, AWAY)
    night.wait(minutes=6)
    said = capsys.readouterr().out
    assert "DeliveryRetried" in said
    assert "PageUntried" not in said


def test_what_can_never_work_is_tried_a_few_times_however_many_wait(night: Pipeline) -> None:
    told_then(night, UNKNOWN)
    night.wait(minutes=1)
    assert len(bens(night)) == HELD
    assert bens(night)[-1] == 15
    # The first, each leader of two, and what ben had.
    assert len([each for each in night.listener.heard if each.receiver.id == "push"]) == 3


def test_one_refusal_while_a_provider_is_away_costs_nobody_else_a_page(night: Pipeline) -> None:
    told_then(night, AWAY, UNKNOWN, Sent())
    night.wait(minutes=2)
    states = [each.state for each in night.deliveries() if each.user_id == "user_ada"]
    assert sorted(states) == [State.FAILED, *[State.SENT] * HELD]


def test_those_that_are_refused_together_are_over_before_the_next_message(night: Pipeline) -> None:
    """Its sender would claim them meanwhile, and ask the provider once more."""
    told_then(night, UNKNOWN)
    client: Any = night.world.table.client
    released = list[int]()

    def release(params: dict[str, Any], **_: object) -> None:
        if b"page_token" in params["body"] and b"#refused" in params["body"]:
            mine = [each for each in night.deliveries() if each.user_id == "user_ada"]
            released.append(sum(each.state is State.FAILED for each in mine))

    client.meta.events.register("before-call.dynamodb.UpdateItem", release)
    night.wait(minutes=1)
    assert released == [1, HELD]
