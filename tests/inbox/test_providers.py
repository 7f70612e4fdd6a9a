"""Chats, push notifications and webhooks: what each accepts and refuses, and in which form."""

from collections.abc import Callable
from typing import Any

import pytest
import requests

from inbox.mailbox import Message
from inbox.server import Inbox
from tests.inbox.conftest import Post
from tests.inbox.samples import (
    SECRET,
    TITLE,
    WEBHOOK,
    discord,
    google_chat,
    ntfy,
    pushover,
    signed,
    slack,
    teams,
    telegram,
)

BOT = {"Authorization": "Bearer xoxb-local"}
TELEGRAM = "/telegram/bot1234567:local-token/sendMessage"


def section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def pressable(**changes: Any) -> dict[str, Any]:
    button = {"type": "button", "text": {"type": "plain_text", "text": "Go"}} | changes
    return {"type": "actions", "elements": [button]}


def test_slack_posts_and_edits(post: Post, inbox: Inbox) -> None:
    posted = post("/slack/api/chat.postMessage", json=slack(), headers=BOT).json()
    assert posted["ok"] is True
    assert posted["channel"] == "C024BE91L"
    other = post("/slack/api/chat.postMessage", json=slack(), headers=BOT).json()
    assert other["ts"] != posted["ts"]
    edit = slack(ts=posted["ts"], text="Resolved &amp; done")
    edited = post("/slack/api/chat.update", json=edit, headers=BOT).json()
    assert (edited["ok"], edited["ts"]) == (True, posted["ts"])
    first, _, last = inbox.mailbox.after(0)
    assert last.title == "Resolved & done"
    assert inbox.mailbox.edits(first.thread) == [first, last]


@pytest.mark.parametrize(
    ("headers", "payload", "error"),
    [
        ({}, slack(), "not_authed"),
        ({"Authorization": "Bearer nonsense"}, slack(), "invalid_auth"),
        (BOT, slack(channel=""), "channel_not_found"),
        (BOT, {"channel": "C1"}, "no_text"),
        (BOT, slack(text="x" * 40_001), "msg_too_long"),
        (BOT, slack(blocks=[section("x" * 3001)]), "invalid_blocks"),
        (BOT, slack(blocks=[section("")]), "invalid_blocks"),
        (BOT, slack(blocks=[{"type": "divider"}] * 51), "invalid_blocks"),
        (BOT, slack(blocks=[{"type": "marquee"}]), "invalid_blocks"),
        (BOT, slack(blocks=[pressable(url="javascript:alert(1)")]), "invalid_blocks"),
        (BOT, slack(blocks=[pressable(value="x" * 2001)]), "invalid_blocks"),
        (BOT, slack(blocks=[pressable(style="green")]), "invalid_blocks"),
        (
            BOT,
            slack(blocks=[pressable(text={"type": "plain_text", "text": "x" * 76})]),
            "invalid_blocks",
        ),
        (
            BOT,
            slack(blocks=[{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}]),
            "invalid_blocks",
        ),
        (BOT, slack(attachments=[{"blocks": [{"type": "context"}]}]), "invalid_blocks"),
        (
            BOT,
            slack(blocks=[{"type": "divider", "block_id": "a"}] * 2),
            "invalid_blocks",
        ),
    ],
)
def test_slack_answers_faults_with_200(
    headers: dict[str, str],
    payload: dict[str, Any],
    error: str,
    post: Post,
    newest: Callable[[], Message],
) -> None:
    answer = post("/slack/api/chat.postMessage", json=payload, headers=headers)
    assert answer.status_code == 200
    assert answer.json()["ok"] is False
    assert answer.json()["error"] == error
    assert newest().why.startswith(error)


def test_slack_edits_only_messages_that_exist(post: Post) -> None:
    unknown = slack(ts="1.000001")
    answer = post("/slack/api/chat.update", json=unknown, headers=BOT).json()
    assert answer == {"ok": False, "error": "message_not_found"}
    assert post("/slack/api/chat.delete", headers=BOT).json()["error"] == "unknown_method"
    form = post("/slack/api/chat.postMessage", data={"channel": "C1"}, headers=BOT)
    assert form.json()["error"] == "invalid_post_type"


def test_a_slack_webhook_answers_in_plain_text(post: Post) -> None:
    taken = post("/slack/services/T0/B0/x", json={"text": "hello"})
    assert (taken.status_code, taken.text) == (200, "ok")
    for body, word in ((b"{", "invalid_payload"), (b"{}", "no_text")):
        refused = post("/slack/services/T0/B0/x", data=body)
        assert (refused.status_code, refused.text) == (400, word)
    refused = post("/slack/services/T0/B0/x", json={"blocks": [section("")]})
    assert (refused.status_code, refused.text) == (400, "invalid_blocks")


def test_teams_accepts_a_card_and_answers_nothing(
    post: Post, newest: Callable[[], Message]
) -> None:
    answer = post("/teams/workflow", json=teams())
    assert (answer.status_code, answer.content) == (202, b"")
    assert newest().title == TITLE
    assert "shop-api" in newest().text
    assert post("/teams/workflow", json={"text": "plain"}).status_code == 400
    large = teams() | {"summary": "x" * 30_000}
    assert post("/teams/workflow", json=large).status_code == 413


def test_discord_accepts_an_embed(post: Post, newest: Callable[[], Message]) -> None:
    answer = post("/discord/api/webhooks/1/x", json=discord())
    assert (answer.status_code, answer.content) == (204, b"")
    assert newest().title == TITLE
    assert post("/discord/api/webhooks/1/x?wait=true", json=discord()).json()["id"]


@pytest.mark.parametrize(
    ("payload", "field"),
    [
        ({"content": "x" * 2001}, "content"),
        (discord(title="x" * 257), "embeds.0.title"),
        (discord(description="x" * 4097), "embeds.0.description"),
        (discord(fields=[{"name": "a", "value": ""}]), "embeds.0.fields.0.value"),
        (discord(fields=[{"name": "a", "value": "b"}] * 26), "embeds.0.fields"),
        (discord(color=0x1000000), "embeds.0.color"),
        (discord(url="incident"), "embeds.0.url"),
        ({"embeds": discord(description="x" * 4000)["embeds"] * 2}, "embeds"),
        ({"embeds": discord()["embeds"] * 11}, "embeds"),
    ],
)
def test_discord_refuses_messages_over_its_limits(
    payload: dict[str, Any], field: str, post: Post
) -> None:
    answer = post("/discord/api/webhooks/1/x", json=payload)
    assert answer.status_code == 400
    assert answer.json()["code"] == 50035
    assert field in answer.json()["errors"]


def test_discord_refuses_an_empty_message(post: Post) -> None:
    assert post("/discord/api/webhooks/1/x", json={}).json()["code"] == 50006
    assert post("/discord/api/webhooks/1/x", data=b"").json()["code"] == 50109


def test_google_chat_answers_with_the_message(post: Post, newest: Callable[[], Message]) -> None:
    answer = post("/google-chat/v1/spaces/A/messages?key=k", json=google_chat())
    assert answer.json()["name"].startswith("spaces/")
    assert newest().title == f"HIGH {TITLE}"


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        ({}, "cannot be empty"),
        ({"txt": "x"}, 'Unknown name "txt"'),
        ({"text": "x" * 32_001}, "too long"),
        ({"cardsV2": [{"card": {}}]}, "needs a header or sections"),
    ],
)
def test_google_chat_refuses(payload: dict[str, Any], why: str, post: Post) -> None:
    error = post("/google-chat/v1/spaces/A/messages", json=payload).json()["error"]
    assert (error["code"], error["status"]) == (400, "INVALID_ARGUMENT")
    assert why in error["message"]


def test_telegram_sends_and_edits(post: Post, inbox: Inbox) -> None:
    made = post(TELEGRAM, json=telegram()).json()["result"]
    edit = telegram(text="Resolved", message_id=made["message_id"])
    path = TELEGRAM.replace("sendMessage", "editMessageText")
    assert post(path, json=edit).json()["result"]["message_id"] == made["message_id"]
    first, last = inbox.mailbox.after(0)
    assert first.text.startswith("🔴 HIGH shop-api\n")
    assert inbox.mailbox.edits(first.thread) == [first, last]
    edit["message_id"] = 10**6
    assert "not found" in post(path, json=edit).json()["description"]


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        (telegram(text=""), "message text is empty"),
        (telegram(text="x" * 4097), "message is too long"),
        (telegram(chat_id=""), "chat_id is empty"),
        (telegram(text="a < b <i>"), "Can't find end tag"),
        (telegram(text="<div>x</div>"), "Unsupported start tag"),
        (telegram(text="<b>x</i>"), "Unexpected end tag"),
        (telegram(parse_mode="MarkdownV2", text="5 % (really!)"), "reserved character"),
        (telegram(reply_markup={"inline_keyboard": [[{"text": "x"}]]}), "inline keyboard button"),
    ],
)
def test_telegram_refuses(payload: dict[str, Any], why: str, post: Post) -> None:
    answer = post(TELEGRAM, json=payload)
    assert answer.status_code == answer.json()["error_code"] == 400
    assert why in answer.json()["description"]


def test_telegram_refuses_an_invalid_bot_token(post: Post) -> None:
    answer = post("/telegram/bot1/sendMessage", json=telegram())
    assert (answer.status_code, answer.json()["description"]) == (401, "Unauthorized")
    assert post(TELEGRAM.replace("send", "burn"), json=telegram()).status_code == 404


def test_ntfy_accepts_both_forms(post: Post, newest: Callable[[], Message]) -> None:
    answer = post("/ntfy/", json=ntfy())
    assert (answer.json()["event"], answer.json()["topic"]) == ("message", "shop-oncall")
    headers = {
        "Title": "=?utf-8?q?Gr=C3=BC=C3=9Fe?=",
        "Priority": "urgent",
        "Tags": "warning,db",
        "Actions": "view, Open, https://example.com, clear=true",
    }
    by_headers = post("/ntfy/shop-oncall", data=b"It is down", headers=headers).json()
    assert (by_headers["priority"], by_headers["tags"]) == (5, ["warning", "db"])
    assert by_headers["actions"][0]["url"] == "https://example.com"
    assert (newest().to, newest().title, newest().text) == ("shop-oncall", "Grüße", "It is down")


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (ntfy(topic=""), 40009),
        (ntfy(topic="a b"), 40009),
        (ntfy(priority=6), 40007),
        (ntfy(message="x" * 4097), 41301),
        (ntfy(actions=[{"action": "view", "label": "x"}]), 40018),
        (ntfy(actions=[{"action": "shout", "label": "x"}]), 40018),
        (ntfy(actions=ntfy()["actions"] * 4), 40018),
    ],
)
def test_ntfy_refuses(payload: dict[str, Any], code: int, post: Post) -> None:
    answer = post("/ntfy", json=payload)
    assert answer.json()["code"] == code
    assert answer.status_code == answer.json()["http"]


def test_pushover_accepts_forms_and_json(post: Post) -> None:
    for sent in ({"data": pushover()}, {"json": pushover()}):
        answer = post("/pushover/1/messages.json", **sent).json()
        assert answer["status"] == 1
        assert answer["receipt"]


def test_pushover_calls_off_what_rings(post: Post) -> None:
    place = "/pushover/1/receipts/cancel_by_tag/p0123456789.json"
    answer = post(place, json={"token": pushover()["token"]}).json()
    assert (answer["status"], answer["canceled"]) == (1, 1)
    assert post(place, json={"token": "x"}).json()["token"] == "invalid"


@pytest.mark.parametrize(
    ("payload", "field"),
    [
        (pushover(token="x"), "token"),
        (pushover(user=""), "user"),
        (pushover(message=" "), "message"),
        (pushover(message="x" * 1025), "message"),
        (pushover(title="x" * 251), "title"),
        (pushover(priority=3), "priority"),
        (pushover(retry=10), "retry"),
        (pushover(expire=20_000), "expire"),
    ],
)
def test_pushover_refuses(payload: dict[str, Any], field: str, post: Post) -> None:
    answer = post("/pushover/1/messages.json", json=payload)
    assert (answer.status_code, answer.json()["status"]) == (400, 0)
    assert answer.json()[field] == "invalid"
    assert answer.json()["errors"]


def test_a_webhook_with_the_right_signature(post: Post, inbox: Inbox) -> None:
    inbox.trust("/webhook/*", "another", SECRET)
    assert post("/webhook/x", data=WEBHOOK, headers=signed()).status_code == 200
    assert inbox.mailbox.after(0)[-1].notes == {"signature": "right"}
    both = signed()
    both["X-OpsKnight-Signature"] = (
        signed(secret="old")["X-OpsKnight-Signature"] + "," + both["X-OpsKnight-Signature"]
    )
    assert post("/webhook/x", data=WEBHOOK, headers=both).status_code == 200


def test_a_webhook_with_a_wrong_signature_or_none(post: Post, inbox: Inbox) -> None:
    inbox.trust("/webhook/x", SECRET)
    later = signed() | {"X-OpsKnight-Timestamp": "1795579921"}
    assert post("/webhook/x", data=WEBHOOK, headers=later).status_code == 401
    assert post("/webhook/x", data=WEBHOOK + b" ", headers=signed()).status_code == 401
    assert post("/webhook/x", json={}).json() == {"error": "signature missing"}
    assert post("/webhook/y", data=WEBHOOK, headers=signed()).status_code == 200
    assert post("/webhook/y", data=b"[]").status_code == 400


STRANGE: list[Any] = [None, 1, True, "x", [], {}, [[]], [1], [{}], {"a": [{"b": 1}]}]


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("/slack/api/chat.postMessage", ("channel", "text", "blocks", "attachments")),
        ("/slack/services/x", ("text", "blocks", "attachments")),
        ("/teams/x", ("type", "attachments", "summary")),
        ("/discord/api/webhooks/x", ("content", "embeds", "components")),
        ("/google-chat/x", ("text", "cardsV2")),
        (TELEGRAM, ("chat_id", "text", "parse_mode", "reply_markup")),
        ("/ntfy/", ("topic", "message", "priority", "tags", "actions", "click")),
        ("/pushover/1/messages.json", ("token", "user", "message", "priority", "title")),
        ("/webhook/x", ("event", "incident", "incidents", "sequence")),
        ("/v2/email/outbound-emails", ("FromEmailAddress", "Destination", "Content")),
    ],
)
def test_any_json_in_any_field_is_answered_and_can_be_shown(
    path: str, names: tuple[str, ...], post: Post, http: requests.Session, inbox: Inbox
) -> None:
    right: dict[str, dict[str, Any]] = {
        "/slack/api/chat.postMessage": slack(),
        "/teams/x": teams(),
        "/discord/api/webhooks/x": discord(),
        "/google-chat/x": google_chat(),
        TELEGRAM: telegram(),
        "/ntfy/": ntfy(),
        "/pushover/1/messages.json": pushover(),
    }
    headers = BOT | ({"Authorization": "AWS4-HMAC-SHA256 x"} if "email" in path else {})
    for name in names:
        for value in STRANGE:
            payload = right.get(path, {"text": "x"}) | {name: value}
            assert post(path, json=payload, headers=headers).status_code < 500
    for message in inbox.mailbox.after(0):
        assert http.get(f"{inbox.url}/_messages/{message.number}/look", timeout=5).ok
