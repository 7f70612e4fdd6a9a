"""Replies by text message: who may, what they do, once; and STOP."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from harness.amazon import Amazon
from harness.desk import Desk
from harness.world import World, deadline, event
from notify.reply_codes import ReplyCodes, TwoWayNumbers
from opsknight.directory.entries import User
from opsknight.directory.receivers import Channel, Receiver
from opsknight.incident.commands import Resolve, Snooze
from opsknight.incident.model import Status
from opsknight.notification.delivery import Delivery
from opsknight.notification.message import Message, PageReason
from opsknight.notification.replies import ALPHABET, code_of
from opsknight.runtime.wakeups import SendDelivery
from opsknight.store import directory_items, items
from opsknight.store.replies import Replies
from opsknight.store.wire import attributes
from tests.integration.steps import do, in_order, incident, incident_in, paged, put

ADA, BEN, OURS = "+4915112345678", "+4915187654321", "+4915700000000"
TOPIC = "arn:aws:sns:eu-central-1:1:inbound"


def two_way(**more: object) -> dict[str, object]:
    known = {
        "PhoneNumberArn": "arn:aws:sms-voice:eu-central-1:1:phone-number/phone-1",
        "PhoneNumberId": "phone-1",
        "PhoneNumber": OURS,
        "Status": "ACTIVE",
        "IsoCountryCode": "DE",
        "MessageType": "TRANSACTIONAL",
        "NumberCapabilities": ["SMS"],
        "NumberType": "LONG_CODE",
        "MonthlyLeasingPrice": "1",
        "TwoWayEnabled": True,
        "TwoWayChannelArn": TOPIC,
        "SelfManagedOptOutsEnabled": False,
        "OptOutListName": "Default",
        "DeletionProtectionEnabled": False,
        "CreatedTimestamp": 0,
    }
    return known | more


@pytest.fixture
def desk(world: World) -> Desk:
    """Ada has two phones' worth of methods; Ben has one."""
    desk = Desk(world)
    methods(desk, "ada", Channel.SMS, Channel.EMAIL, Channel.VOICE)
    methods(desk, "ben", Channel.SMS)
    desk.configured(users=["user_ada", "user_ben"])
    return desk


def methods(desk: Desk, name: str, *channels: Channel) -> User:
    number = {"ada": ADA, "ben": BEN}[name]
    known = desk.world.table.user(f"user_{name}", deadline())
    assert known
    found = tuple(
        Receiver(
            id=f"{name}_{channel}",
            name=str(channel),
            channel=channel,
            to=f"{name}@example.com" if channel is Channel.EMAIL else number,
        )
        for channel in channels
    )
    user = known.model_copy(update={"contact_methods": found, "disabled": False})
    put(desk.world, directory_items.directory_item(user))
    return user


def codes(desk: Desk, *numbers: dict[str, object], origination: str = "") -> ReplyCodes:
    phone = Amazon("pinpoint-sms-voice-v2", [{"PhoneNumbers": list(numbers or (two_way(),))}])
    return ReplyCodes(
        Replies(desk.world.table), desk.keys, TwoWayNumbers(phone.client, TOPIC, origination)
    )


def texted(
    desk: Desk, *incident_ids: str, user: str = "ada", number: str = ADA, page_no: int = 1
) -> list[str]:
    """A text message about the incidents; the codes that work."""
    told = [
        desk.delivery(each, user, channel=Channel.SMS, page_no=page_no) for each in incident_ids
    ]
    now = desk.world.clock()
    message = Message(delivery_id="p1", about=PageReason.PAGED, at=now, incidents=())
    shown = codes(desk).shown(message, told, number, now, deadline())
    assert shown.coded == min(len(incident_ids), 3)
    key = desk.keys.signing(now)
    return [code_of(each, number, key) for each in incident_ids]


def answers(desk: Desk) -> dict[str, str]:
    """What was said, by the method."""
    found: list[Delivery] = []
    for queued in desk.post.queued:
        assert isinstance(queued.message, SendDelivery)
        where = queued.message.incident_id, queued.message.delivery_id
        delivery = desk.world.table.delivery(*where, deadline())
        assert delivery
        assert delivery.about is PageReason.ANSWER
        found.append(delivery)
    return {each.receiver_id: each.note or "" for each in found}


def test_a_code_acknowledges_and_is_confirmed_everywhere_but_by_a_call(desk: Desk) -> None:
    incident_id = incident_in(desk.world, Status.OPEN)
    [code] = texted(desk, incident_id)
    desk.text(code.lower(), ADA)
    known = incident(desk.world, incident_id)
    assert (known.status, known.assignee_id) == (Status.ACKNOWLEDGED, "user_ada")
    assert (desk.confirmed("ada", "ada_sms"), desk.confirmed("ada", "ada_email")) == (ADA, "")
    [change] = desk.world.table.changes(incident_id, deadline())
    assert change.via in {
        each.id for each in desk.world.table.deliveries(incident_id, deadline()) if each.pages
    }
    said = 'Acknowledged: you have it: "CPU above 90% on web-01"'
    assert answers(desk) == {
        "ada_sms": said,
        "ada_email": f"By text message from +49…78: {said}",
    }


def test_a_code_with_a_two_resolves(desk: Desk) -> None:
    incident_id = incident_in(desk.world, Status.OPEN)
    [code] = texted(desk, incident_id)
    desk.text(f"{code} 2", ADA)
    assert incident(desk.world, incident_id).status is Status.RESOLVED
    assert answers(desk)["ada_sms"].startswith("Resolved")
    desk.post.queued.clear()
    desk.text(code, ADA)
    assert answers(desk)["ada_sms"].startswith("It is resolved, so nothing was done")


def test_the_same_message_acts_once(desk: Desk) -> None:
    incident_id = incident_in(desk.world, Status.OPEN)
    [code] = texted(desk, incident_id)
    desk.text(code, ADA, message_id="same")
    do(desk.world, incident_id, Snooze(desk.world.clock() + timedelta(hours=1)))
    before = in_order(desk.world.items())
    desk.text(code, ADA, message_id="same")
    assert in_order(desk.world.items()) == before
    assert incident(desk.world, incident_id).status is Status.SNOOZED


@pytest.mark.parametrize("sender", [BEN, "+4915100000000", "+12025550123", ""])
def test_a_code_works_only_from_the_number_that_it_was_shown_to(desk: Desk, sender: str) -> None:
    incident_id = incident_in(desk.world, Status.OPEN)
    [code] = texted(desk, incident_id)
    desk.text(code, sender)
    assert incident(desk.world, incident_id).status is Status.OPEN
    assert answers(desk) == {}


def test_a_reply_to_another_number_of_ours_does_nothing(desk: Desk) -> None:
    incident_id = incident_in(desk.world, Status.OPEN)
    [code] = texted(desk, incident_id)
    desk.text(code, ADA, to="+4915799999999")
    assert incident(desk.world, incident_id).status is Status.OPEN


def test_a_number_that_is_not_theirs_any_more_does_nothing(desk: Desk) -> None:
    incident_id = incident_in(desk.world, Status.OPEN)
    [code] = texted(desk, incident_id)
    methods(desk, "ada", Channel.EMAIL)
    desk.text(code, ADA)
    assert incident(desk.world, incident_id).status is Status.OPEN


def test_a_code_works_for_four_hours(desk: Desk) -> None:
    incident_id = incident_in(desk.world, Status.OPEN)
    [code] = texted(desk, incident_id)
    desk.world.clock.advance(hours=4)
    desk.text(code, ADA)
    assert incident(desk.world, incident_id).status is Status.OPEN
    assert texted(desk, incident_id, page_no=2) == [code]
    desk.world.clock.advance(hours=4, seconds=-1)
    desk.text(code, ADA)
    assert incident(desk.world, incident_id).status is Status.ACKNOWLEDGED


def test_a_digit_alone_is_answered_with_the_codes_that_are_open(desk: Desk) -> None:
    ids = [incident_in(desk.world, Status.OPEN, dedup_key=key) for key in "abc"]
    shown = texted(desk, *ids)
    do(desk.world, ids[2], Resolve())
    desk.text("1", ADA)
    assert {incident(desk.world, each).status for each in ids[:2]} == {Status.OPEN}
    said = answers(desk)
    assert set(said) == {"ada_sms"}
    assert shown[0] in said["ada_sms"]
    assert shown[1] in said["ada_sms"]
    assert shown[2] not in said["ada_sms"]


def test_digits_in_somebodys_name_cost_one_message_a_minute(desk: Desk) -> None:
    texted(desk, incident_in(desk.world, Status.OPEN))
    for _ in range(5):
        desk.text("1", ADA)
    assert len({each.message for each in desk.post.queued}) == 1
    desk.world.clock.advance(minutes=1)
    desk.text("1", ADA)
    assert len({each.message for each in desk.post.queued}) == 2


def test_all_are_those_that_the_phone_has_shown_in_the_last_hour(desk: Desk) -> None:
    ids = [incident_in(desk.world, Status.OPEN, dedup_key=key) for key in "abcdef"]
    texted(desk, ids[0])
    desk.world.clock.advance(hours=1, seconds=1)
    shown = texted(desk, *ids[1:4])
    do(desk.world, ids[2], Snooze(desk.world.clock() + timedelta(hours=1)))
    texted(desk, ids[4], user="ben", number=BEN)
    desk.text(f"{shown[0]} all", ADA)
    statuses = [incident(desk.world, each).status for each in ids]
    assert statuses == [
        Status.OPEN,
        Status.ACKNOWLEDGED,
        Status.SNOOZED,
        Status.ACKNOWLEDGED,
        Status.OPEN,
        Status.OPEN,
    ]
    assert answers(desk)["ada_sms"] == "2 acknowledged."


def test_a_code_works_however_many_a_storm_has_shown(desk: Desk) -> None:
    incident_id = incident_in(desk.world, Status.OPEN)
    [code] = texted(desk, incident_id)
    [shown] = Replies(desk.world.table).open(ADA, desk.world.clock(), deadline())
    # They stand before and behind it: codes are in no order of time.
    others = [f"{first}{x}{y}" for first in "2Z" for x in ALPHABET for y in ALPHABET[:12]]
    desk.world.table.put_all(
        [
            items.reply_code_key(ADA, each) | attributes(shown.model_copy(update={"code": each}))
            for each in others
            if each != code
        ],
        deadline(60),
    )
    desk.text(code, ADA)
    assert incident(desk.world, incident_id).status is Status.ACKNOWLEDGED


def test_after_five_wrong_codes_there_is_silence_for_the_hour(desk: Desk) -> None:
    incident_id = incident_in(desk.world, Status.OPEN)
    [code] = texted(desk, incident_id)
    for _ in range(5):
        desk.text("222", ADA)
    assert answers(desk) == {}
    desk.text(code, ADA)
    assert incident(desk.world, incident_id).status is Status.OPEN
    desk.world.clock.advance(hours=1)
    desk.text(code, ADA)
    assert incident(desk.world, incident_id).status is Status.ACKNOWLEDGED


def test_chatter_is_not_answered(desk: Desk) -> None:
    texted(desk, incident_in(desk.world, Status.OPEN))
    for text in ("ok", "I am driving", "", "Auto-reply: back on Monday", "x" * 5000):
        desk.text(text, ADA)
    assert answers(desk) == {}


def test_who_was_faster_is_said(desk: Desk) -> None:
    incident_id = incident_in(desk.world, Status.OPEN)
    [mine], [other] = texted(desk, incident_id), texted(desk, incident_id, user="ben", number=BEN)
    desk.text(other, BEN)
    desk.text(mine, ADA)
    assert incident(desk.world, incident_id).assignee_id == "user_ben"
    assert answers(desk)["ada_sms"].startswith("Ben has it already")


def test_what_a_monitor_acknowledged_is_said_to_be_nobodys(desk: Desk) -> None:
    incident_id = paged(desk.world)
    [mine] = texted(desk, incident_id)
    desk.world.send(event("acknowledge"))
    desk.text(mine, ADA)
    assert answers(desk)["ada_sms"].startswith("It is acknowledged already")


def test_stop_is_obeyed_told_elsewhere_and_undone_by_start(desk: Desk) -> None:
    replies = Replies(desk.world.table)
    desk.text("STOP", ADA)
    assert replies.opted_out([ADA, BEN], deadline()) == {ADA}
    said = answers(desk)
    assert set(said) == {"ada_email"}, "nothing goes to the number"
    assert "replied STOP" in said["ada_email"]
    desk.post.queued.clear()
    desk.text("START", ADA)
    assert replies.opted_out([ADA, BEN], deadline()) == frozenset()
    assert set(answers(desk)) == {"ada_sms", "ada_email"}


def test_stop_and_start_in_somebodys_name_are_told_once(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.text("START", ADA)
    assert answers(desk) == {}, "nothing had stopped"
    capsys.readouterr()
    desk.text("STOP", ADA)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"_aws"' in line]
    assert [each["service"] for each in lines if "ReceiverUnhealthy" in each] == ["deployment"], (
        "the metric that the alarm listens to"
    )
    for text in ("STOP", "stop", "END"):
        desk.text(text, ADA)
    assert len(desk.post.queued) == 1
    for _ in range(3):
        desk.text("START", ADA)
    assert len(desk.post.queued) == 3


def test_a_stop_that_was_not_done_is_told_when_it_is_brought_again(desk: Desk) -> None:
    Replies(desk.world.table).opt_out(ADA, "same", desk.world.clock(), deadline())
    desk.text("STOP", ADA, message_id="same")
    assert set(answers(desk)) == {"ada_email"}


@pytest.mark.parametrize(
    ("number", "numbers", "origination", "offered"),
    [
        (ADA, [two_way()], "", True),
        (ADA, [two_way()], OURS, True),
        (ADA, [two_way()], "phone-1", True),
        (ADA, [two_way(PoolId="pool-1")], "pool-1", True),
        (ADA, [two_way()], "OPSKNIGHT", False),
        (ADA, [two_way(TwoWayEnabled=False)], "", False),
        (ADA, [two_way(TwoWayChannelArn="arn:aws:sns:eu-central-1:1:other")], "", False),
        (ADA, [two_way(PhoneNumber="+12025550199")], "", False),
        ("+12025550123", [two_way()], "", False),
        ("+12025550123", [two_way(), two_way(PhoneNumber="+12025550199")], "", True),
    ],
)
def test_replies_are_offered_only_where_they_arrive(
    desk: Desk, number: str, numbers: list[dict[str, object]], origination: str, offered: bool
) -> None:
    delivery = desk.delivery(incident_in(desk.world, Status.OPEN))
    message = Message(delivery_id="p1", about=PageReason.PAGED, at=desk.world.clock(), incidents=())
    made = codes(desk, *numbers, origination=origination)
    shown = made.shown(message, [delivery], number, desk.world.clock(), deadline())
    assert bool(shown.reply_code) is offered


def test_a_message_without_a_code_goes_out_when_aws_does_not_say(desk: Desk) -> None:
    phone = Amazon("pinpoint-sms-voice-v2", [("AccessDeniedException", 400)])
    numbers = TwoWayNumbers(phone.client, TOPIC, "")
    assert numbers.reply_to(ADA, desk.world.clock()) is None
    assert numbers.reply_to(ADA, desk.world.clock()) is None
    assert len(phone.calls) == 1, "asked again after a while, not for each message"


def test_a_message_without_a_code_goes_out_when_its_code_cannot_be_stored(desk: Desk) -> None:
    delivery = desk.delivery(incident_in(desk.world, Status.OPEN), channel=Channel.SMS)
    message = Message(delivery_id="p1", about=PageReason.PAGED, at=desk.world.clock(), incidents=())
    forbidden = Amazon("dynamodb", [("AccessDeniedException", 400)]).client()
    table = replace(desk.world.table, client=forbidden)
    made = replace(codes(desk), replies=Replies(table))
    assert made.shown(message, [delivery], ADA, desk.world.clock(), deadline()) == message
