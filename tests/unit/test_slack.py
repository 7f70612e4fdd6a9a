"""Slack with a bot's token: messages that change, threads that tell, errors inside a 200."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from harness.notices import ACKNOWLEDGED, BRIEF, BUNDLE, NOTICES, PAGE, Stage, stage
from harness.receivers import Act, answers
from notify.channels import slack
from notify.channels.protocol import (
    Outcome,
    PermanentFailure,
    Sent,
    TemporaryFailure,
    Updater,
)
from opsknight.directory.receivers import Channel, IncidentEvent
from opsknight.directory.status_pages import StatusPageEvent
from opsknight.incident.model import Status
from opsknight.notification.message import Message, PageReason

PLACE = {"channel": "C0123", "ts": "1790997131.000100"}


def ok(**more: object) -> Act:
    return answers(200, json.dumps({"ok": True, **PLACE, **more}).encode())


def wrong(error: object) -> Act:
    return answers(200, json.dumps({"ok": False, "error": error}).encode())


@pytest.fixture
def sending() -> Iterator[Stage]:
    with stage() as sending:
        sending.http.then(ok())
        yield sending


def later(about: IncidentEvent, **more: Any) -> Message:
    brief = replace(ACKNOWLEDGED, **more)
    return replace(PAGE, about=about, incidents=(brief,), step=None, remembered=PLACE)


def calls(sending: Stage) -> list[tuple[str, dict[str, Any]]]:
    return [(r.path.rpartition("/")[2], json.loads(r.body)) for r in sending.http.requests]


def test_a_message_is_posted_and_its_place_remembered(sending: Stage) -> None:
    assert sending.send(Channel.SLACK, PAGE) == Sent(PLACE["ts"], PLACE)
    [(method, payload)] = calls(sending)
    assert (method, payload["channel"]) == ("chat.postMessage", "C0123")
    assert sending.sent().path == "/slack/api/chat.postMessage"
    assert sending.sent().headers["Authorization"] == "Bearer xoxb-sesame"


def test_a_change_updates_that_message_and_replies_in_its_thread(sending: Stage) -> None:
    assert sending.send(Channel.SLACK, later(IncidentEvent.ACKNOWLEDGED)) == Sent(
        PLACE["ts"], PLACE
    )
    [(first, update), (second, reply)] = calls(sending)
    assert (first, second) == ("chat.update", "chat.postMessage")
    assert update.items() >= PLACE.items()
    assert reply["thread_ts"] == PLACE["ts"]
    assert reply["text"].startswith("Acknowledged by Ada Lovelace")
    assert reply["reply_broadcast"] is False


def updated(sending: Stage) -> Outcome:
    channel = sending.senders[Channel.SLACK]
    assert isinstance(channel, Updater)
    return channel.update(BUNDLE, sending.receiver(Channel.SLACK), PLACE)


def test_a_bundle_goes_on_in_its_own_place(sending: Stage) -> None:
    assert isinstance(updated(sending), Sent)
    [(method, payload)] = calls(sending)
    assert method == "chat.update"
    assert payload.items() >= {**PLACE, **slack.render(BUNDLE, buttons=True)}.items()


def test_a_bundle_that_is_gone_is_not_posted_anew(sending: Stage) -> None:
    sending.http.then(wrong("message_not_found"))
    assert updated(sending) == PermanentFailure("the message is not there any more")
    assert len(calls(sending)) == 1
    sending.http.then(wrong("ratelimited"))
    assert isinstance(updated(sending), TemporaryFailure)


@pytest.mark.parametrize("about", [IncidentEvent.REOPENED, IncidentEvent.EXHAUSTED])
def test_what_calls_for_somebody_is_shown_in_the_channel_too(
    about: IncidentEvent, sending: Stage
) -> None:
    # An update makes no phone ring.
    sending.send(Channel.SLACK, later(about, status=Status.OPEN))
    assert calls(sending)[1][1]["reply_broadcast"] is True


@pytest.mark.parametrize("about", [PageReason.PAGED, PageReason.ASSIGNED, IncidentEvent.TRIGGERED])
def test_a_page_is_a_message_of_its_own(about: PageReason | IncidentEvent, sending: Stage) -> None:
    sending.send(Channel.SLACK, replace(PAGE, about=about, remembered=PLACE))
    assert [method for method, _ in calls(sending)] == ["chat.postMessage"]


@pytest.mark.parametrize(
    "error", ["message_not_found", "cant_update_message", "edit_window_closed"]
)
def test_a_message_that_is_gone_is_posted_anew(error: str, sending: Stage) -> None:
    sending.http.then(wrong(error), ok(ts="9.9"))
    outcome = sending.send(Channel.SLACK, later(IncidentEvent.RESOLVED))
    assert outcome == Sent("9.9", {"channel": "C0123", "ts": "9.9"})


def test_a_reply_that_fails_changes_nothing(sending: Stage) -> None:
    sending.http.then(ok(), answers(500))
    assert sending.send(Channel.SLACK, later(IncidentEvent.RESOLVED)) == Sent(PLACE["ts"], PLACE)


def test_an_update_that_fails_is_tried_again_without_a_reply(sending: Stage) -> None:
    sending.http.then(answers(503))
    assert sending.send(Channel.SLACK, later(IncidentEvent.RESOLVED)) == TemporaryFailure(
        "answered 503"
    )
    assert len(sending.http.requests) == 1


@pytest.mark.parametrize("error", ["ratelimited", "internal_error", "service_unavailable"])
def test_passing_errors_are_tried_again(error: str, sending: Stage) -> None:
    sending.http.then(wrong(error))
    assert sending.send(Channel.SLACK, PAGE) == TemporaryFailure(f"Slack: {error}")


@pytest.mark.parametrize("error", ["channel_not_found", "is_archived", "invalid_auth"])
def test_lasting_errors_are_refused(error: str, sending: Stage) -> None:
    sending.http.then(wrong(error))
    assert sending.send(Channel.SLACK, PAGE) == PermanentFailure(f"Slack: {error}")


def test_an_error_that_is_not_documented_is_named(sending: Stage) -> None:
    sending.http.then(wrong("metadata_too_large"))
    assert sending.send(Channel.SLACK, PAGE) == PermanentFailure("Slack: metadata_too_large")


def test_a_header_of_emoji_is_as_long_as_slack_takes() -> None:
    """It counts in UTF-16, where each is two."""
    fires = replace(PAGE, incidents=(replace(BRIEF, title="\N{FIRE}" * 140),))
    rendered: Any = slack.render(fires)
    text = rendered["blocks"][0]["text"]["text"]
    assert len(text.encode("utf-16-le")) // 2 <= 150
    assert text.count("\N{FIRE}") > 50


@pytest.mark.parametrize("error", ["sesame", "xoxb-1_a", 7, None, "x" * 5000])
def test_words_that_are_not_known_are_not_repeated(error: object, sending: Stage) -> None:
    sending.http.then(wrong(error))
    assert sending.send(Channel.SLACK, PAGE) == PermanentFailure("Slack: unknown error")


@pytest.mark.parametrize("error", ["invalid_auth", "token_revoked"])
def test_a_new_token_is_found_after_the_old_one_was_refused(error: str, sending: Stage) -> None:
    sending.send(Channel.SLACK, PAGE)
    sending.ssm.values["slack"] = "xoxb-new"
    sending.http.then(wrong(error), ok())
    assert isinstance(sending.send(Channel.SLACK, PAGE), Sent)
    assert sending.sent().headers["Authorization"] == "Bearer xoxb-new"


@pytest.mark.parametrize("body", [b"ok", b"", b"[1]", b"{", b"[" * 16_000])
def test_a_200_that_is_not_slacks_is_tried_again(body: bytes, sending: Stage) -> None:
    sending.http.then(answers(200, body))
    assert sending.send(Channel.SLACK, PAGE) == TemporaryFailure(
        "Slack answered something that is not JSON"
    )


ADDRESS = f"https://oncall.example.com/incidents/{BRIEF.id}"


def buttons(message: Message) -> dict[str, Any]:
    attachments: Any = slack.render(message, buttons=True)["attachments"]
    blocks = [block for block in attachments[0]["blocks"] if block["type"] == "actions"]
    return {e["action_id"]: e.get("value", e.get("url")) for b in blocks for e in b["elements"]}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("page-high", {"acknowledge": BRIEF.id, "resolve": BRIEF.id, "open": BRIEF.link}),
        ("triggered-medium", {"acknowledge": BRIEF.id, "resolve": BRIEF.id, "open": ADDRESS}),
        ("acknowledged", {"resolve": BRIEF.id, "open": ADDRESS}),
        ("resolved", {"open": ADDRESS}),
        ("bundle-of-14", {"open": BUNDLE.link}),
        ("test", {}),
    ],
)
def test_buttons_are_those_that_can_be_pressed_now(name: str, expected: dict[str, str]) -> None:
    assert buttons(NOTICES[name]) == expected


def test_without_a_signing_secret_there_is_a_link_and_no_button_that_does_nothing(
    sending: Stage,
) -> None:
    ok = b'{"ok": true, "channel": "C0123", "ts": "1.2"}'
    del sending.ssm.values["/slack-signing"]
    sending.http.then(answers(200, ok))
    sending.send(Channel.SLACK, PAGE)
    told = json.loads(sending.sent().body)
    blocks = told["attachments"][0]["blocks"]
    [elements] = [block["elements"] for block in blocks if block["type"] == "actions"]
    [only] = elements
    assert (only["action_id"], only["url"]) == ("open", BRIEF.link)
    assert only["text"]["text"] == "Acknowledge or resolve"


def test_the_colour_is_that_of_the_urgency_until_somebody_has_it() -> None:
    shown: list[Any] = [slack.render(NOTICES[name])["attachments"] for name in NOTICES]
    colours = [attachments[0]["color"] for attachments in shown]
    assert len(set(colours[:4])) == 4
    assert colours[0] == colours[4]  # The bundle's most urgent is HIGH.


def test_a_status_page_gets_no_buttons() -> None:
    assert buttons(replace(PAGE, about=StatusPageEvent.CREATED)) == {}
