"""What is particular to Telegram, ntfy, Pushover, Discord and Google Chat."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from harness.notices import BRIEF, BUNDLE, NOTICES, PAGE, TEST, Stage, stage
from harness.receivers import answers
from notify.attempts import attempt
from notify.channels import discord, ntfy, pushover, telegram
from notify.channels.protocol import (
    Outcome,
    PermanentFailure,
    Sent,
    Silencer,
    TemporaryFailure,
    Updater,
)
from opsknight.directory.receivers import Channel, IncidentEvent, Receiver
from opsknight.incident.model import Urgency
from opsknight.notification.message import Message, PageReason
from opsknight.notification.throttle import Moved, moved_on, where_it_is


@pytest.fixture
def sending() -> Iterator[Stage]:
    with stage() as sending:
        yield sending


def told(sending: Stage) -> Any:
    return json.loads(sending.sent().body)


def urgent(urgency: Urgency) -> Message:
    return replace(PAGE, incidents=(replace(BRIEF, urgency=urgency),))


def test_telegram_calls_the_bot_and_remembers_the_first_message(sending: Stage) -> None:
    sending.http.then(answers(200, b'{"ok": true, "result": {"message_id": 42}}'))
    chat = sending.receiver(Channel.TELEGRAM).to
    there = {"message_id": "42", "chat": chat}
    assert sending.send(Channel.TELEGRAM, PAGE) == Sent("42", there)
    assert sending.sent().path == "/telegram/bot123:sesame/sendMessage"
    sending.http.then(answers(200, b'{"ok": true, "result": {"message_id": 43}}'))
    later = replace(NOTICES["resolved"], remembered=there)
    assert sending.send(Channel.TELEGRAM, later) == Sent("43", there)
    assert told(sending)["reply_parameters"]["message_id"] == 42
    # A version before this did not say in which chat: in another one 42 is another message.
    sending.http.then(answers(200, b'{"ok": true, "result": {"message_id": 44}}'))
    before = replace(later, remembered={"message_id": "42"})
    assert sending.send(Channel.TELEGRAM, before) == Sent("44", there | {"message_id": "44"})
    assert "reply_parameters" not in told(sending)


NOW = datetime(2026, 11, 23, 3, tzinfo=UTC)
UPGRADED = b'{"ok": false, "parameters": {"migrate_to_chat_id": -100987}}'


def test_telegrams_group_that_moved_gets_its_message_at_once(sending: Stage) -> None:
    group = sending.receiver(Channel.TELEGRAM).model_copy(update={"to": "-123"})
    telegrams = sending.senders[Channel.TELEGRAM]
    known = replace(PAGE, remembered={"message_id": "42", "chat": "-123"})
    taken = b'{"ok": true, "result": {"message_id": 1}}'
    sending.http.then(answers(400, UPGRADED), answers(200, taken))
    there = {"message_id": "1", "chat": "-100987"}
    moved = Moved(was="-123", to="-100987")
    assert telegrams.send(known, group) == Sent("1", there, moved)
    assert told(sending)["chat_id"] == "-100987"
    # There is no such message in the new one.
    assert "reply_parameters" not in told(sending)
    sending.http.then(answers(200, b'{"ok": true, "result": {"message_id": 2}}'))
    from_then_on = group.model_copy(update={"to": "-100987"})
    assert telegrams.send(known, from_then_on) == Sent("2", there | {"message_id": "2"})
    assert "reply_parameters" not in told(sending)
    assert isinstance(telegrams, Updater)
    left = {"message_id": "42", "chat": "-123"}
    # A version before this did not say in which chat.
    for place in (left, {"message_id": "42"}):
        assert isinstance(telegrams.update(BUNDLE, from_then_on, place), PermanentFailure)


def test_a_message_to_a_topic_of_a_group_that_moved_stays_in_its_topic(sending: Stage) -> None:
    """Later ones went into the group itself, and `doctor` named an address without the topic."""
    group = sending.receiver(Channel.TELEGRAM).model_copy(update={"to": "-123:42"})
    sender = sending.senders[Channel.TELEGRAM]
    taken = b'{"ok": true, "result": {"message_id": 1}}'
    sending.http.then(answers(400, UPGRADED), answers(200, taken))
    outcome, _ = attempt(sender, PAGE, group, None, NOW, lambda: 0.0)
    moved = Moved(was="-123:42", to="-100987:42")
    assert outcome == Sent("1", {"message_id": "1", "chat": "-100987"}, moved)
    assert (told(sending)["chat_id"], told(sending)["message_thread_id"]) == ("-100987", 42)
    sending.http.then(answers(200, taken))
    assert isinstance(attempt(sender, PAGE, group, moved, NOW, lambda: 0.0)[0], Sent)
    assert (told(sending)["chat_id"], told(sending)["message_thread_id"]) == ("-100987", 42)


@pytest.mark.parametrize("parameters", ["{}", '{"migrate_to_chat_id": "x y"}', "7"])
def test_a_refusal_of_telegrams_that_moves_nothing_stays_one(
    parameters: str, sending: Stage
) -> None:
    sending.http.then(answers(400, f'{{"ok": false, "parameters": {parameters}}}'.encode()))
    assert isinstance(sending.send(Channel.TELEGRAM, PAGE), PermanentFailure)


def test_a_receiver_that_moves_twice_is_known_by_what_the_configuration_says() -> None:
    written = Receiver(id="r", name="", channel=Channel.TELEGRAM, to="-1")
    twice = moved_on(written, Moved(was="-2", to="-3"))
    assert twice == Moved(was="-1", to="-3")
    assert where_it_is(written, twice).to == "-3"
    changed = written.model_copy(update={"to": "-9"})
    assert where_it_is(changed, twice) == changed
    assert moved_on(changed, Moved(was="-9", to="-10")) == Moved(was="-9", to="-10")


@pytest.mark.parametrize(
    ("written", "known"),
    [
        ("-1", None),
        ("-1", Moved(was="-1", to="-2")),
        # The operator has done what `doctor` says.
        ("-2", Moved(was="-1", to="-2")),
        ("-2", Moved(was="-2", to="-1")),
    ],
)
def test_a_group_that_moves_is_followed_from_what_the_configuration_says(
    written: str, known: Moved | None, sending: Stage
) -> None:
    """One whose new address had been written down moved again, and was found anew each time."""
    group = sending.receiver(Channel.TELEGRAM).model_copy(update={"to": written})
    sending.http.then(
        answers(400, UPGRADED), answers(200, b'{"ok": true, "result": {"message_id": 1}}')
    )
    sender = sending.senders[Channel.TELEGRAM]
    outcome, _ = attempt(sender, PAGE, group, known, NOW, lambda: 0.0)
    assert isinstance(outcome, Sent)
    assert outcome.moved == Moved(was=written, to="-100987")
    assert where_it_is(group, outcome.moved).to == "-100987"


def edited(sending: Stage, number: str = "41") -> Outcome:
    channel = sending.senders[Channel.TELEGRAM]
    assert isinstance(channel, Updater)
    receiver = sending.receiver(Channel.TELEGRAM).model_copy(update={"to": "-100123:42"})
    return channel.update(BUNDLE, receiver, {"message_id": number, "chat": "-100123"})


def test_telegram_edits_a_bundle_where_it_is(sending: Stage) -> None:
    sending.http.then(answers(200, b'{"ok": true, "result": {"message_id": 41}}'))
    assert isinstance(edited(sending), Sent)
    assert sending.sent().path == "/telegram/bot123:sesame/editMessageText"
    payload = told(sending)
    assert (payload["chat_id"], payload["message_id"]) == ("-100123", 41)
    assert payload["text"] == telegram.render(BUNDLE)["text"]
    assert not payload.keys() & {"message_thread_id", "disable_notification"}


@pytest.mark.parametrize("number", ["", "x", "-1", "4 1", "٤"])
def test_a_message_that_telegram_gave_a_strange_number_is_not_edited(
    sending: Stage, number: str
) -> None:
    assert isinstance(edited(sending, number), PermanentFailure)
    assert not sending.http.requests


def test_telegram_finds_what_it_shows_already_unchanged(sending: Stage) -> None:
    said = b'{"ok": false, "description": "Bad Request: message is not modified: ..."}'
    sending.http.then(answers(400, said))
    assert isinstance(edited(sending), Sent)
    gone = b'{"ok": false, "description": "Bad Request: message to edit not found"}'
    sending.http.then(answers(400, gone))
    assert isinstance(edited(sending), PermanentFailure)


@pytest.mark.parametrize(
    ("to", "chat", "topic"),
    [("-100123:42", "-100123", 42), ("@ops:7", "@ops", 7), ("9", "9", None)],
)
def test_a_message_goes_to_its_topic(to: str, chat: str, topic: int | None, sending: Stage) -> None:
    sending.http.then(answers(200, b'{"ok": true, "result": {"message_id": 42}}'))
    receiver = sending.receiver(Channel.TELEGRAM).model_copy(update={"to": to})
    assert isinstance(sending.senders[Channel.TELEGRAM].send(PAGE, receiver), Sent)
    assert (told(sending)["chat_id"], told(sending).get("message_thread_id")) == (chat, topic)


def test_telegrams_pause_is_in_the_body(sending: Stage) -> None:
    sending.http.then(answers(429, b'{"ok": false, "parameters": {"retry_after": 17}}'))
    expected = TemporaryFailure("answered 429", timedelta(seconds=17))
    assert sending.send(Channel.TELEGRAM, PAGE) == expected


@pytest.mark.parametrize(
    ("channel", "body", "said"),
    [
        (
            Channel.TELEGRAM,
            b'{"ok": false, "description": "Bad Request: chat not found"}',
            "Bad Request: chat not found",
        ),
        (
            Channel.DISCORD,
            b'{"message": "Invalid Form Body", "code": 50035}',
            "Invalid Form Body",
        ),
        (
            Channel.GOOGLE_CHAT,
            b'{"error": {"code": 400, "message": "Invalid JSON payload"}}',
            "Invalid JSON payload",
        ),
        (Channel.PUSHOVER, b'{"errors": ["message is blank", 7]}', "message is blank"),
        (Channel.SLACK_WEBHOOK, b"invalid_payload", "invalid_payload"),
        # Clean, without an address to tap, and cut.
        (Channel.TELEGRAM, b'{"description": "see\\n evil.example\\u202e"}', "see evil .example"),
        (Channel.DISCORD, b'{"message": "' + b"x" * 500 + b'"}', "x" * 119 + "\u2026"),
    ],
)
def test_a_refusal_is_in_the_providers_own_words(
    channel: Channel, body: bytes, said: str, sending: Stage
) -> None:
    sending.http.then(answers(400, body))
    assert sending.send(channel, PAGE) == PermanentFailure(f"answered 400: {said}")


@pytest.mark.parametrize(
    "body", [b"", b"<html>no</html>", b'{"description": 7}', b'{"description": "sesame is wrong"}']
)
def test_what_is_no_reason_or_has_a_part_of_the_secret_is_not_repeated(
    body: bytes, sending: Stage
) -> None:
    sending.http.then(answers(400, body))
    assert sending.send(Channel.TELEGRAM, PAGE) == PermanentFailure("answered 400")


@pytest.mark.parametrize(
    "said",
    [
        # Across the place where the words are cut.
        "y" * 115 + " {}",
        "y" * (119 - len("answered ")) + " {}",
        "y" * 900 + " {}",
        # As the provider cut it.
        "no such token: {:.12}",
        # As an address has it.
        "POST /bot{}%2FsendMessage",
        "no such key: AAHdqTcvCH1vGWJxfSeofSAs0K5%2DPALDsaw9",
        "no such key: AAHdqTcvCH1vGWJxfSeofSAs0K5%252DPALDsaw9",
    ],
)
def test_no_part_of_a_secret_gets_into_the_timeline(said: str, sending: Stage) -> None:
    """They were cut before they were compared, so that the beginning of a token got through."""
    token = "AAHdqTcvCH1vGWJxfSeofSAs0K5-PALDsaw9"
    sending.ssm.values["telegram"] = f"123456789:{token}"
    body = json.dumps({"ok": False, "description": said.format(token)}).encode()
    sending.http.then(answers(400, body))
    assert sending.send(Channel.TELEGRAM, PAGE) == PermanentFailure("answered 400")


def test_no_part_of_an_escaped_secret_gets_into_the_timeline(sending: Stage) -> None:
    sending.ssm.values["discord"] += "/first%2Dpart%5Fof-it"
    sending.http.then(answers(400, b'{"message": "no such webhook: first-part_of-it"}'))
    assert sending.send(Channel.DISCORD, PAGE) == PermanentFailure("answered 400")


def test_whoever_runs_a_webhook_writes_nothing_into_the_timeline(sending: Stage) -> None:
    sending.http.then(answers(400, b'{"message": "call this number"}'))
    assert sending.send(Channel.WEBHOOK, PAGE) == PermanentFailure("answered 400")


def test_a_thread_in_the_url_of_discords_webhook_gets_the_message(sending: Stage) -> None:
    sending.ssm.values["discord"] += "?thread_id=1042"
    assert isinstance(sending.send(Channel.DISCORD, PAGE), Sent)
    assert sending.sent().path.endswith("?thread_id=1042&wait=true")


@pytest.mark.parametrize("token", ["1:a/../../evil", "1:a b", "1:a?x=", "1:ä", "1:a\r\nX: y"])
def test_no_token_leaves_its_place_in_the_path(token: str, sending: Stage) -> None:
    sending.ssm.values["telegram"] = token
    assert isinstance(sending.send(Channel.TELEGRAM, PAGE), PermanentFailure)
    assert sending.http.connections == 0


@pytest.mark.parametrize("channel", [Channel.SLACK, Channel.NTFY])
@pytest.mark.parametrize("token", ["a\r\nX: y", "ä", "a\x00"])
def test_no_token_adds_a_header(channel: Channel, token: str, sending: Stage) -> None:
    sending.ssm.values[channel] = token
    assert isinstance(sending.send(channel, PAGE), PermanentFailure)
    assert sending.http.connections == 0


def test_ntfy_publishes_json_at_the_root_with_the_token(sending: Stage) -> None:
    sending.http.then(answers(200, b'{"id": "aB3"}'))
    receiver = sending.receiver(Channel.NTFY)
    deeper = receiver.model_copy(update={"to": f"{sending.url}/push/oncall-ada/"})
    assert sending.senders[Channel.NTFY].send(PAGE, deeper) == Sent("aB3")
    assert (sending.sent().path, told(sending)["topic"]) == ("/push/", "oncall-ada")
    assert sending.sent().headers["Authorization"] == "Bearer tk_sesame"


def test_ntfy_needs_no_token_and_does_need_a_topic(sending: Stage) -> None:
    receiver = sending.receiver(Channel.NTFY).model_copy(update={"secret": None})
    assert isinstance(sending.senders[Channel.NTFY].send(PAGE, receiver), Sent)
    assert "Authorization" not in sending.sent().headers
    bare = receiver.model_copy(update={"to": sending.url + "/"})
    assert sending.senders[Channel.NTFY].send(PAGE, bare) == PermanentFailure(
        "the URL has no topic"
    )


@pytest.mark.parametrize(
    ("message", "expected_ntfy", "expected_pushover"),
    [
        (urgent(Urgency.HIGH), 5, 2),
        (urgent(Urgency.MEDIUM), 4, 1),
        (urgent(Urgency.LOW), 2, -1),
        (BUNDLE, 5, 2),
        (replace(PAGE, about=IncidentEvent.EXHAUSTED), 5, 2),
        (replace(PAGE, about=IncidentEvent.TRIGGERED), 3, 0),
        (NOTICES["acknowledged"], 3, -1),
        (NOTICES["resolved"], 3, -1),
        (TEST, 3, 0),
    ],
)
def test_only_what_calls_for_somebody_breaks_the_silence(
    message: Message, expected_ntfy: int, expected_pushover: int
) -> None:
    assert ntfy.render(message)["priority"] == expected_ntfy
    assert pushover.render(message)["priority"] == expected_pushover


def test_an_emergency_says_how_long_it_rings() -> None:
    told = pushover.render(PAGE)
    assert (told["retry"], told["expire"], told["tags"]) == (60, 600, PAGE.delivery_id)
    assert not pushover.render(TEST).keys() & {"retry", "expire"}


def test_pushover_gets_the_token_in_the_body(sending: Stage) -> None:
    sending.http.then(answers(200, b'{"status": 1, "request": "r1", "receipt": "c1"}'))
    assert sending.send(Channel.PUSHOVER, PAGE) == Sent("c1")
    assert sending.sent().path == "/pushover/1/messages.json"
    assert told(sending)["token"] == "sesame30"


def test_pushover_says_what_is_wrong(sending: Stage) -> None:
    sending.http.then(answers(400, b'{"status": 0, "user": "invalid"}'))
    assert sending.send(Channel.PUSHOVER, PAGE) == PermanentFailure(
        "Pushover does not know the user's key"
    )
    sending.ssm.values["pushover"] = "new"
    sending.http.then(answers(400, b'{"status": 0, "token": "invalid"}'), answers(200))
    assert isinstance(sending.send(Channel.PUSHOVER, PAGE), Sent)


def silence(sending: Stage) -> Outcome:
    channel = sending.senders[Channel.PUSHOVER]
    assert isinstance(channel, Silencer)
    return channel.silence(PAGE.delivery_id, sending.receiver(Channel.PUSHOVER))


def test_pushover_is_told_to_stop_by_the_name_that_the_message_had(sending: Stage) -> None:
    sending.http.then(answers(200, b'{"status": 1, "canceled": 1, "request": "r1"}'))
    assert isinstance(silence(sending), Sent)
    tag = pushover.render(PAGE)["tags"]
    assert sending.sent().path == f"/pushover/1/receipts/cancel_by_tag/{tag}.json"
    assert told(sending) == {"token": "sesame30"}


def test_a_token_of_pushover_that_was_replaced_is_read_again(sending: Stage) -> None:
    assert isinstance(silence(sending), Sent)
    sending.ssm.values["pushover"] = "new"
    sending.http.then(answers(400, b'{"status": 0, "token": "invalid"}'), answers(200))
    assert isinstance(silence(sending), Sent)
    assert told(sending) == {"token": "new"}


def test_a_link_that_pushover_would_refuse_is_left_out() -> None:
    brief = replace(BRIEF, link="https://oncall.example.com/" + "x" * 600)
    assert "url" not in pushover.render(replace(PAGE, incidents=(brief,)))


def test_queries_are_added_to_those_of_the_url(sending: Stage) -> None:
    sending.http.then(answers(200, b'{"name": "spaces/A/messages/B"}'))
    assert sending.send(Channel.GOOGLE_CHAT, PAGE) == Sent("spaces/A/messages/B")
    query = "?key=sesame&messageReplyOption=REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD"
    assert sending.sent().path.endswith(query)
    assert told(sending)["thread"] == {"threadKey": BRIEF.id}
    sending.send(Channel.DISCORD, PAGE)
    assert sending.sent().path.endswith("?key=sesame&wait=true")


def test_a_bundle_belongs_to_no_thread(sending: Stage) -> None:
    sending.send(Channel.GOOGLE_CHAT, BUNDLE)
    assert "thread" not in told(sending)


@pytest.mark.parametrize("about", [PageReason.PAGED, IncidentEvent.RESOLVED])
def test_discord_mentions_nobody(about: PageReason | IncidentEvent) -> None:
    told = discord.render(replace(NOTICES["hostile"], about=about))
    assert told["allowed_mentions"] == {"parse": []}
