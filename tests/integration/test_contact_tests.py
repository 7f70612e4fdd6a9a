"""`opsknight contact test`: through the deployment's own queue and sender, to the receiver."""

import json
from datetime import timedelta
from typing import Any

import pytest

from harness.pipeline import Pipeline
from harness.post import PAGES
from harness.shell import Shell
from harness.world import World, deadline
from notify.channels.protocol import PermanentFailure, TemporaryFailure
from notify.channels.words import words
from opsknight.directory.entries import Role, User
from opsknight.directory.receivers import Channel, Owner, Receiver
from opsknight.notification.delivery import TESTED_FOR, Report, State, reported
from opsknight.notification.message import PageReason
from opsknight.notification.throttle import ReceiverState
from opsknight.runtime.queues import Queue
from opsknight.store import directory_items, items
from opsknight.store.deliveries import Deliveries
from opsknight.store.wire import attributes

ADA = User(
    id="user_ada",
    name="Ada",
    email="ada@example.com",
    role=Role.USER,
    contact_methods=(
        Receiver(id="cm_mail", name="", channel=Channel.EMAIL, to="ada@example.com"),
        Receiver(id="cm_phone", name="", channel=Channel.SMS, to="+4915112345678"),
    ),
)


@pytest.fixture
def night(world: World) -> Pipeline:
    night = Pipeline(world)
    night.put(directory_items.directory_item(ADA))
    return night


@pytest.fixture
def shell(night: Pipeline) -> Shell:
    def sleep(seconds: float) -> None:
        night.wait(seconds=seconds)

    return Shell(night.world, pages=Queue(night.post.sqs(), PAGES), sleep=sleep)


def told(shell: Shell, *more: str, code: int = 0) -> Any:
    said = shell.opsknight("contact", "test", *more, "--json")
    assert said.code == code, said.all
    return json.loads(said.out)


def states(answer: Any) -> list[str]:
    return [each["state"] for each in answer["deliveries"]]


def test_each_method_gets_a_message_that_says_that_it_is_a_test(
    night: Pipeline, shell: Shell
) -> None:
    answer = told(shell, "ada")
    night.hears("cm_mail test", "cm_phone test")
    heard = night.listener.heard[0].message
    assert (heard.about, heard.incidents, heard.link) == (PageReason.TEST, (), None)
    assert words(heard).title == "Test message"
    assert states(answer) == ["SENT", "SENT"]
    assert [each["providerId"] for each in answer["deliveries"]] == ["provider-1", "provider-2"]
    # Nothing comes of it later, and no incident knows of it.
    night.wait(hours=1).hears().ends()
    assert all(each.due_at is None for each in night.deliveries())


def test_only_the_method_that_was_named_is_tried(night: Pipeline, shell: Shell) -> None:
    assert states(told(shell, "ada", "--method", "phone")) == ["SENT"]
    night.hears("cm_phone test")


def test_who_has_no_method_is_tried_by_their_address(night: Pipeline, shell: Shell) -> None:
    assert states(told(shell, "ben", "--method", "email")) == ["SENT"]
    night.hears("email test")


def test_what_fails_says_why_and_one_that_may_work_later_does(
    night: Pipeline, shell: Shell
) -> None:
    night.listener.answer("cm_mail", [TemporaryFailure("status 503")])
    night.listener.answer("cm_phone", [PermanentFailure("the number is not verified")])
    mail, phone = told(shell, "ada", code=1)["deliveries"]
    assert (mail["state"], mail["attempts"][0]["why"]) == ("PENDING", "status 503")
    assert (phone["state"], phone["why"]) == ("FAILED", "the number is not verified")
    night.hears("cm_mail test", "cm_phone test").wait(minutes=1).hears("cm_mail test")


def test_after_ten_minutes_it_is_tried_no_longer(night: Pipeline, shell: Shell) -> None:
    night.listener.answer("cm_mail", [TemporaryFailure("status 503")] * 100)
    began = night.world.clock()
    told(shell, "ada", "--method", "mail", code=1)
    night.wait(hours=1)
    assert len(night.listener.new()) > 5
    assert night.listener.heard[-1].at < began + TESTED_FOR
    [over] = night.deliveries()
    assert (over.state, over.why, over.due_at) == (State.CANCELLED, "the test is over", None)


def test_without_waiting_it_comes_all_the_same(night: Pipeline, shell: Shell) -> None:
    assert states(told(shell, "ada", "--no-wait")) == ["PENDING", "PENDING"]
    night.hears().settle().hears("cm_mail test", "cm_phone test")


def test_one_that_nobody_woke_is_found_by_the_tick(night: Pipeline, shell: Shell) -> None:
    night.post.away = True
    said = shell.opsknight("contact", "test", "ada", "--method", "mail")
    assert (said.code, said.err[:12]) == (1, "AWS answered")
    night.post.away = False
    night.wait(minutes=2).hears("cm_mail test")


def test_a_receiver_given_up_on_is_tried_at_once(night: Pipeline, shell: Shell) -> None:
    """Who has mended it wants to see that, and does not wait for the next probe."""
    now = night.world.clock()
    sick = ReceiverState(
        failing_since=now, failures=9, circuit_open_until=now + timedelta(minutes=5)
    )
    key = items.receiver_state_key(Owner.user("user_ada").destination("cm_mail"))
    night.put(key | {"kind": {"S": "receiver_state"}} | attributes(sick))
    assert states(told(shell, "ada", "--method", "mail")) == ["SENT"]
    night.hears("cm_mail test")
    healed = night.world.table.get(ReceiverState, key, deadline())
    assert healed == ReceiverState()


def test_what_a_provider_reports_later_finds_the_test(night: Pipeline, shell: Shell) -> None:
    answer = told(shell, "ada", "--method", "mail")
    deliveries = Deliveries(night.world.table)
    found = deliveries.by_provider_id(answer["deliveries"][0]["providerId"], deadline())
    assert found is not None
    assert found.incident_id == answer["test"]
    assert deliveries.change(found, reported(found, Report.FAILED, "Permanent"), deadline())
    [bounced] = night.deliveries()
    assert bounced.state is State.BOUNCED
    night.hears("cm_mail test")


def test_a_test_is_no_page(night: Pipeline, shell: Shell) -> None:
    """Neither does it use up the pace of pages, nor does it go out with one."""
    told(shell, "ada")
    night.hears("cm_mail test", "cm_phone test")
    night.trigger()
    new = {each.text for each in night.listener.new()}
    assert {"cm_mail paged", "cm_phone paged"} <= new
