"""Email, SMS and calls, by real clients whose requests are checked against the services' models."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError

from harness.amazon import Amazon, Answer
from harness.notices import BRIEF, BUNDLE, NOTICES, PAGE, Stage, stage
from notify.channels.email import Email
from notify.channels.protocol import Misconfigured, PermanentFailure, Sent, TemporaryFailure
from notify.channels.voice import Voice
from opsknight.directory.receivers import Channel

BY_AWS = (Channel.EMAIL, Channel.SMS, Channel.VOICE)
AWAY = "https://email.us-east-1.amazonaws.com"


@pytest.fixture
def sending() -> Iterator[Stage]:
    with stage() as sending:
        yield sending


def answered(sending: Stage, *answers: Answer, reason: str | None = None) -> None:
    for service in (sending.ses, sending.phone):
        service.answers[:] = answers
        service.reason = reason


def email(sending: Stage) -> Any:
    return sending.ses.calls[-1][1]


def head(sending: Stage) -> dict[str, str]:
    headers = email(sending)["Content"]["Simple"]["Headers"]
    return {header["Name"]: header["Value"] for header in headers}


@pytest.mark.parametrize("channel", BY_AWS)
@pytest.mark.parametrize("name", NOTICES)
def test_aws_would_take_every_message(channel: Channel, name: str, sending: Stage) -> None:
    assert isinstance(sending.send(channel, NOTICES[name]), Sent)


@pytest.mark.parametrize("channel", BY_AWS)
@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (("ThrottlingException", 400), TemporaryFailure("ThrottlingException")),
        (("TooManyRequestsException", 429), TemporaryFailure("TooManyRequestsException")),
        (("LimitExceededException", 400), TemporaryFailure("LimitExceededException")),
        (("ServiceQuotaExceededException", 402), TemporaryFailure("ServiceQuotaExceededException")),
        (("InternalServerException", 500), TemporaryFailure("InternalServerException")),
        (("ServiceUnavailable", 503), TemporaryFailure("ServiceUnavailable")),
        (EndpointConnectionError(endpoint_url=AWAY), TemporaryFailure("no answer from AWS")),
        (ReadTimeoutError(endpoint_url=AWAY), TemporaryFailure("no answer from AWS")),
        (("MessageRejected", 400), PermanentFailure("MessageRejected")),
        (("AccountSuspendedException", 400), PermanentFailure("AccountSuspendedException")),
        (("SendingPausedException", 400), PermanentFailure("SendingPausedException")),
        (("ValidationException", 400), PermanentFailure("ValidationException")),
        (("AccessDeniedException", 400), Misconfigured("AccessDeniedException")),
        (("ResourceNotFoundException", 404), PermanentFailure("ResourceNotFoundException")),
    ],
)
def test_errors_of_aws_have_their_name(
    channel: Channel, answer: Answer, expected: TemporaryFailure | PermanentFailure, sending: Stage
) -> None:
    answered(sending, answer)
    assert sending.send(channel, PAGE) == expected


def test_a_number_that_opted_out_is_named_as_such(sending: Stage) -> None:
    answered(sending, ("ConflictException", 409), reason="DESTINATION_PHONE_NUMBER_OPTED_OUT")
    expected = PermanentFailure("ConflictException: DESTINATION_PHONE_NUMBER_OPTED_OUT")
    assert sending.send(Channel.SMS, PAGE) == expected


def test_delivery_reports_of_an_email_can_be_told_apart(sending: Stage) -> None:
    assert sending.send(Channel.EMAIL, PAGE) == Sent("0100019a")
    tags = {tag["Name"]: tag["Value"] for tag in email(sending)["EmailTags"]}
    assert tags == {"delivery": PAGE.delivery_id, "incident": BRIEF.id}
    assert email(sending)["ConfigurationSetName"] == "opsknight"


def test_emails_of_one_incident_are_one_thread(sending: Stage) -> None:
    seen = []
    for name in ("page-high", "acknowledged", "resolved"):
        sending.send(Channel.EMAIL, NOTICES[name])
        subject = email(sending)["Content"]["Simple"]["Subject"]["Data"]
        seen.append((head(sending)["References"], head(sending)["In-Reply-To"], subject))
    root = f"<{BRIEF.id}@opsknight.example.com>"
    assert {(references, answered) for references, answered, _ in seen} == {(root, root)}
    subjects = [subject for *_, subject in seen]
    assert {subject.removeprefix("Re: ") for subject in subjects} == {f"[HIGH] {BRIEF.title}"}
    assert [subject.startswith("Re: ") for subject in subjects] == [False, True, True]


def test_no_machine_answers_an_email(sending: Stage) -> None:
    sending.send(Channel.EMAIL, PAGE)
    assert head(sending)["Auto-Submitted"] == "auto-generated"
    assert head(sending)["X-Auto-Response-Suppress"] == "All"


def test_a_bundle_belongs_to_no_thread(sending: Stage) -> None:
    sending.send(Channel.EMAIL, BUNDLE)
    assert not head(sending).keys() & {"References", "In-Reply-To"}


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ada",
        "ada@example.com, all@example.com",
        "ada@example.com\r\nBcc: all@example.com",
        "Ada <ada@example.com>",
        "ada@example.com;all@example.com",
        "a da@example.com",
    ],
)
def test_what_is_not_one_address_is_refused(address: str, sending: Stage) -> None:
    receiver = sending.receiver(Channel.EMAIL).model_copy(update={"to": address})
    outcome = sending.senders[Channel.EMAIL].send(PAGE, receiver)
    assert outcome == PermanentFailure("the receiver is not a single email address")
    assert sending.ses.calls == []


def test_what_is_not_set_up_says_so(sending: Stage) -> None:
    ses, phone = sending.ses.client(), sending.phone.client()
    for sender, channel in ((Email(ses, ""), Channel.EMAIL), (Voice(phone, ""), Channel.VOICE)):
        outcome = sender.send(PAGE, sending.receiver(channel))
        assert isinstance(outcome, PermanentFailure)
        assert "not set up" in outcome.why


def test_delivery_reports_of_the_phone_can_be_told_apart(sending: Stage) -> None:
    for channel in (Channel.SMS, Channel.VOICE):
        assert sending.send(channel, PAGE) == Sent("sms-1")
        context = {"delivery": PAGE.delivery_id, "incident": BRIEF.id}
        assert sending.phone.calls[-1][1]["Context"] == context
        sending.send(channel, BUNDLE)
        assert sending.phone.calls[-1][1]["Context"] == {"delivery": PAGE.delivery_id}


def test_an_sms_is_no_advertisement_and_not_late(sending: Stage) -> None:
    sending.send(Channel.SMS, PAGE)
    [(operation, request)] = sending.phone.calls
    assert operation == "SendTextMessage"
    assert (request["MessageType"], request["TimeToLive"]) == ("TRANSACTIONAL", 1800)
    assert request["OriginationIdentity"] == "OPSKNIGHT"


def test_a_call_says_it_twice(sending: Stage) -> None:
    sending.send(Channel.VOICE, PAGE)
    [(operation, request)] = sending.phone.calls
    assert (operation, request["MessageBodyTextType"]) == ("SendVoiceMessage", "SSML")
    assert request["MessageBody"].count("p99 latency above 4 seconds for 10 minutes.") == 2


def test_the_check_of_requests_finds_what_aws_would_refuse() -> None:
    phone = Amazon("pinpoint-sms-voice-v2", [{"MessageId": "1"}])
    with pytest.raises(AssertionError, match="does not match"):
        phone.client().send_text_message(DestinationPhoneNumber="not a number", MessageBody="x")
    with pytest.raises(AssertionError, match="out of bounds"):
        phone.client().send_text_message(DestinationPhoneNumber="+491511", MessageBody="x" * 1601)


def test_strange_ids_become_tags_that_ses_takes(sending: Stage) -> None:
    sending.send(Channel.EMAIL, replace(PAGE, delivery_id="dlv#1/ä b"))
    assert {"Name": "delivery", "Value": "dlv_1___b"} in email(sending)["EmailTags"]
