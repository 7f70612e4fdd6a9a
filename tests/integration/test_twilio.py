"""What Twilio posts: signed by its own library, read by ours."""

from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from harness.amazon import Amazon
from harness.desk import Desk, RawResponse
from harness.post import PAGES
from harness.twilio import NUMBER, URL, keep_token, post, set_up
from harness.world import World, deadline, event
from opsknight.directory.receivers import Channel
from opsknight.incident.commands import Acknowledge, Resolve
from opsknight.incident.model import Status
from opsknight.notification.delivery import Delivery, Report
from opsknight.runtime.wakeups import MessageReported
from respond.twilio import form_of, is_signed
from tests.integration.steps import do, incident, incident_in, paged
from tests.integration.test_texts import ADA, answers, methods, texted

SID = f"SM{'a' * 32}"
CALL = f"CA{'b' * 32}"


@pytest.fixture
def desk(world: World) -> Desk:
    desk = Desk(world)
    set_up(desk)
    methods(desk, "ada", Channel.SMS, Channel.EMAIL, Channel.VOICE)
    desk.configured(users=["user_ada"])
    return desk


def call(desk: Desk, incident_id: str, **more: Any) -> Delivery:
    epoch = incident(desk.world, incident_id).epoch
    return desk.delivery(incident_id, channel=Channel.VOICE, epoch=epoch, **more)


def press(desk: Desk, delivery: Delivery, key: str, to: str = ADA) -> str:
    """What is said then."""
    path = f"/twilio/keys/{delivery.id}/{delivery.incident_id}"
    form = {"CallSid": CALL, "From": NUMBER, "To": to, "Digits": key}
    return said(post(desk, path, **form))


def said(answer: RawResponse) -> str:
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/xml; charset=utf-8"
    document = ElementTree.fromstring(answer.text)  # noqa: S314
    assert document.tag == "Response"
    return " ".join(each.text or "" for each in document.iter("Say"))


def test_a_key_acknowledges_in_the_name_of_whoever_was_called(desk: Desk) -> None:
    incident_id = incident_in(desk.world, Status.OPEN)
    delivery = call(desk, incident_id)
    assert press(desk, delivery, "4") == "Acknowledged. You have it. Goodbye."
    assert (desk.confirmed("ada", "ada_voice"), desk.confirmed("ada", "ada_sms")) == (ADA, "")
    known = incident(desk.world, incident_id)
    assert (known.status, known.assignee_id) == (Status.ACKNOWLEDGED, "user_ada")
    assert press(desk, delivery, "4") == "You have it already. Goodbye."


def test_another_key_resolves_and_all_others_do_nothing_but_ask_again(desk: Desk) -> None:
    incident_id = incident_in(desk.world, Status.OPEN)
    delivery = call(desk, incident_id)
    # What call screening, switchboards and a finger on the glass press.
    for key in ("1", "2", "5", "0", "*", "#", "44", ""):
        assert press(desk, delivery, key).startswith("That key does nothing. Press 4")
    assert incident(desk.world, incident_id).status is Status.OPEN
    assert desk.confirmed("ada", "ada_voice") == "", "a mailbox presses nothing"
    assert press(desk, delivery, "6") == "Resolved. Goodbye."
    assert incident(desk.world, incident_id).status is Status.RESOLVED


def test_an_answered_call_and_a_mailbox_acknowledge_nothing(desk: Desk) -> None:
    incident_id = incident_in(desk.world, Status.OPEN)
    call(desk, incident_id)
    for status in ("in-progress", "completed"):
        form = {"CallSid": CALL, "CallStatus": status, "To": ADA, "From": NUMBER}
        assert post(desk, "/twilio/status", **form).status == 200
    assert incident(desk.world, incident_id).status is Status.OPEN


def test_a_key_acknowledges_all_that_the_call_told_and_resolves_none(desk: Desk) -> None:
    ids = [incident_in(desk.world, Status.OPEN, dedup_key=f"k{number}") for number in range(3)]
    other = incident_in(desk.world, Status.OPEN, dedup_key="other")
    path = bundle(desk, ids)
    assert said(post(desk, path, To=ADA, Digits="6")).startswith("That key does nothing.")
    # It was resolved while the call rang.
    do(desk.world, ids[2], Resolve())
    heard = said(post(desk, path, To=ADA, Digits="4"))
    assert heard.startswith("2 acknowledged. 1 had changed")
    states = [incident(desk.world, each).status for each in (*ids, other)]
    taken = Status.ACKNOWLEDGED
    assert states == [taken, taken, Status.RESOLVED, Status.OPEN]


def bundle(desk: Desk, ids: list[str]) -> str:
    desk.bundle(ids, channel=Channel.VOICE)
    leader = desk.world.table.deliveries(ids[0], deadline())[-1]
    return f"/twilio/keys/{leader.id}/{ids[1]}"


def test_a_key_in_an_old_call_reaches_no_later_epoch(desk: Desk) -> None:
    incident_id = incident_in(desk.world, Status.OPEN)
    delivery = desk.delivery(incident_id, channel=Channel.VOICE, epoch=7)
    assert (
        press(desk, delivery, "4")
        == "It has opened anew since this call, so nothing was done. Goodbye."
    )
    assert incident(desk.world, incident_id).status is Status.OPEN


def test_what_a_monitor_acknowledged_is_nobodys_on_the_phone(desk: Desk) -> None:
    incident_id = paged(desk.world)
    delivery = call(desk, incident_id)
    desk.world.send(event("acknowledge"))
    assert press(desk, delivery, "4").startswith("It is acknowledged by now")


def test_whoever_was_too_late_hears_who_has_it(desk: Desk) -> None:
    incident_id = incident_in(desk.world, Status.OPEN)
    delivery = call(desk, incident_id)
    do(desk.world, incident_id, Acknowledge(by="user_ben"))
    assert press(desk, delivery, "4") == "Ben has it already, so nothing was done. Goodbye."
    do(desk.world, incident_id, Resolve())
    assert press(desk, delivery, "6").startswith("It is resolved by now")


def test_a_key_counts_only_on_the_number_of_whoever_was_called(desk: Desk) -> None:
    incident_id = incident_in(desk.world, Status.OPEN)
    delivery = call(desk, incident_id)
    assert "no contact method any more" in press(desk, delivery, "4", to="+4915100000000")
    by_mail = desk.delivery(incident_id, page_no=2)
    assert "no contact method any more" in press(desk, by_mail, "4")
    assert incident(desk.world, incident_id).status is Status.OPEN


@pytest.mark.parametrize(
    "wrong",
    [
        {"token": "another"},
        {"signature": ""},
        {"signature": "A" * 27 + "="},
        {"url": "https://other.example.com"},
        {"AccountSid": f"AC{'2' * 32}"},
    ],
)
def test_only_what_twilio_signed_for_this_address_and_account_is_heard(
    desk: Desk, wrong: dict[str, str]
) -> None:
    incident_id = incident_in(desk.world, Status.OPEN)
    delivery = call(desk, incident_id)
    path = f"/twilio/keys/{delivery.id}/{incident_id}"
    answer = post(desk, path, **({"To": ADA, "Digits": "4"} | wrong))
    assert answer.status == 403
    assert incident(desk.world, incident_id).status is Status.OPEN


def test_a_signature_of_one_address_is_none_of_another(desk: Desk) -> None:
    form = {"AccountSid": "x", "To": ADA}
    signature = RequestValidator("t").compute_signature(f"{URL}/twilio/status", form)
    assert post(desk, "/twilio/texts", signature=signature, To=ADA).status == 403


def test_only_posts_are_heard_and_nothing_where_twilio_is_not_set_up(
    desk: Desk, world: World
) -> None:
    assert post(desk, "/twilio/texts", method="GET").status == 405
    assert post(desk, "/twilio/nothing").status == 404
    without = Desk(world)
    assert post(without, "/twilio/texts", Body="x").status == 404


def test_a_token_that_was_replaced_is_read_anew_and_both_count_meanwhile(desk: Desk) -> None:
    assert post(desk, "/twilio/status").status == 200
    keep_token(desk.ssm, "second,first")
    desk.world.clock.advance(seconds=11)
    assert post(desk, "/twilio/status", token="second").status == 200
    assert post(desk, "/twilio/status", token="first").status == 200
    assert post(desk, "/twilio/status", token="third").status == 403


def test_a_reply_acknowledges_once_and_is_answered_by_messages(desk: Desk) -> None:
    incident_id = incident_in(desk.world, Status.OPEN)
    [code] = texted(desk, incident_id)
    form = {"MessageSid": SID, "From": ADA, "To": NUMBER, "Body": f" {code.lower()} "}
    for _ in range(2):
        answer = post(desk, "/twilio/texts", **form)
        assert said(answer) == ""
    known = incident(desk.world, incident_id)
    assert (known.status, known.assignee_id) == (Status.ACKNOWLEDGED, "user_ada")
    assert answers(desk).keys() == {"ada_sms", "ada_email"}
    assert len(desk.post.queued) == 2


def test_stop_is_obeyed(desk: Desk) -> None:
    form = {"MessageSid": SID, "From": ADA, "To": NUMBER, "Body": "STOP"}
    assert post(desk, "/twilio/texts", OptOutType="STOP", **form).status == 200
    assert "have stopped" in answers(desk)["ada_email"]
    assert desk.function.texts.replies.opted_out([ADA], deadline()) == {ADA}


@pytest.mark.parametrize(
    ("form", "report", "why"),
    [
        ({"MessageSid": SID, "MessageStatus": "delivered"}, Report.DELIVERED, "delivered"),
        (
            {"MessageSid": SID, "MessageStatus": "undelivered", "ErrorCode": "30003"},
            Report.FAILED,
            "undelivered: Twilio error 30003",
        ),
        ({"MessageSid": SID, "MessageStatus": "failed"}, Report.FAILED, "failed"),
        ({"CallSid": CALL, "CallStatus": "completed"}, Report.DELIVERED, "completed"),
        ({"CallSid": CALL, "CallStatus": "no-answer"}, Report.FAILED, "no-answer"),
        ({"CallSid": CALL, "CallStatus": "busy"}, Report.FAILED, "busy"),
        ({"CallSid": CALL, "CallStatus": "ringing"}, None, ""),
        ({"MessageSid": SID, "MessageStatus": "sent"}, None, ""),
        ({"MessageSid": "../x", "MessageStatus": "failed"}, None, ""),
    ],
)
def test_what_became_of_a_message_is_passed_on_a_moment_later(
    desk: Desk, form: dict[str, str], report: Report | None, why: str
) -> None:
    assert post(desk, "/twilio/status", **form).status == 200
    if report is None:
        assert desk.post.queued == []
        return
    [queued] = desk.post.queued
    sid = form.get("MessageSid") or form["CallSid"]
    assert queued.message == MessageReported(sid, report, why)
    assert (queued.queue, queued.delay) == (PAGES, 10)


def test_a_report_that_no_queue_takes_is_refused(desk: Desk) -> None:
    desk.post.away = True
    assert post(desk, "/twilio/status", MessageSid=SID, MessageStatus="failed").status == 503


def test_ssm_that_is_away_is_a_503(desk: Desk) -> None:
    desk.ssm = Amazon("ssm", [("ThrottlingException", 400)]).client()
    desk.function = desk.responder()
    assert post(desk, "/twilio/status").status == 503


NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=5)


@given(
    st.dictionaries(NAMES, st.text(st.characters(codec="utf-8"), max_size=8), max_size=6),
    st.sampled_from(["https://a.example", "https://a.example:8443", "http://127.0.0.1:8080"]),
)
def test_our_reading_of_a_signature_is_twilios_own(form: dict[str, str], base: str) -> None:
    url = f"{base}/twilio/texts"
    pairs = list(form.items())
    for token in ("right", "wrong"):
        sent = RequestValidator(token).compute_signature(url, form)
        judged = RequestValidator("right").validate(url, form, sent)
        assert is_signed(sent, url, pairs, ["other", "right"]) is judged is (token == "right")


def test_what_is_no_form_is_none() -> None:
    assert form_of(b"a=1&b=&a=2") == [("a", "1"), ("b", ""), ("a", "2")]
    assert form_of(b"\xff\xfe=1") is None
    assert form_of(b"a" * 70_000) is None
