"""Scripted answers, the read API, and the limits of the mailbox."""

import http.client
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from inbox import mailbox as kept
from inbox.mailbox import Mailbox, Message
from inbox.scripts import Scripted
from inbox.server import Inbox
from local.screen import message_line
from opsknight.directory.receivers import Channel
from tests.inbox.conftest import Post
from tests.inbox.samples import WEBHOOK, amazon, email, signed, slack, sms


def add(mailbox: Mailbox, **changes: Any) -> Message:
    message: dict[str, Any] = {
        "channel": Channel.WEBHOOK,
        "to": "/webhook/x",
        "title": "A title",
        "text": "",
        "status": 200,
        "why": "",
        "well_formed": True,
        "thread": "",
        "notes": {},
        "method": "POST",
        "path": "/webhook/x",
        "headers": {},
        "body": b"{}",
    }
    return mailbox.add(**message | changes)


def test_scripted_answers_come_in_their_order_and_then_the_providers_own(
    post: Post, inbox: Inbox
) -> None:
    answers = [{"status": 500}, {"status": 429, "headers": {"Retry-After": "3"}, "body": "slow"}]
    assert post("/_control", json={"path": "/webhook/x", "answers": answers}).status_code == 204
    assert post("/webhook/other", data=b"{}").status_code == 200
    assert post("/webhook/x", data=b"{}").status_code == 500
    second = post("/webhook/x", data=b"{}")
    assert (second.status_code, second.headers["Retry-After"], second.text) == (429, "3", "slow")
    assert post("/webhook/x", data=b"{}").status_code == 200
    at = [each for each in inbox.mailbox.after(0) if each.path == "/webhook/x"]
    assert [each.status for each in at] == [500, 429, 200]
    assert [bool(each.why) for each in at] == [True, True, False]


def test_a_script_may_repeat_and_cover_many_paths(
    post: Post, inbox: Inbox, http: requests.Session
) -> None:
    inbox.script("/webhook/*", Scripted(status=410), repeat=True)
    assert {post(f"/webhook/{name}", data=b"{}").status_code for name in "abc"} == {410}
    assert http.delete(f"{inbox.url}/_control", timeout=5).status_code == 204
    assert post("/webhook/a", data=b"{}").status_code == 200


def test_a_scripted_redirect_is_sent(post: Post, inbox: Inbox) -> None:
    inbox.script("/webhook/x", Scripted(status=302, headers={"Location": "http://10.0.0.1/"}))
    answer = post("/webhook/x", data=b"{}")
    assert (answer.status_code, answer.headers["Location"]) == (302, "http://10.0.0.1/")


def test_the_answers_of_aws_can_be_scripted_too(inbox: Inbox) -> None:
    failing = Scripted(status=500, headers={"x-amzn-errortype": "InternalServerException"})
    inbox.script("/PinpointSMSVoiceV2.SendTextMessage", failing)
    inbox.script("/v2/email/outbound-emails", Scripted(status=429))
    phone, mail = amazon("pinpoint-sms-voice-v2", inbox.url), amazon("sesv2", inbox.url)
    for call, payload in ((phone.send_text_message, sms()), (mail.send_email, email())):
        with pytest.raises(phone.exceptions.ClientError):
            call(**payload)
        assert call(**payload)["MessageId"]


def test_a_closed_connection_and_garbage(post: Post, inbox: Inbox) -> None:
    inbox.script("/webhook/x", Scripted(close=True), Scripted(garbage="SSH-2.0-x\r\n"))
    for _ in range(2):
        with pytest.raises(requests.ConnectionError):
            post("/webhook/x", data=b"{}")
    assert [each.status for each in inbox.mailbox.after(0)] == [None, None]


def test_a_hanging_answer_delays_no_other_request(inbox: Inbox, post: Post) -> None:
    """It does not delay the end of the inbox either: the fixture stops it after this test."""
    inbox.script("/webhook/hangs", Scripted(hang=300), repeat=True)
    host, port = inbox.url.removeprefix("http://").split(":")
    waiting = [http.client.HTTPConnection(host, int(port), timeout=5) for _ in range(50)]
    for each in waiting:
        each.request("POST", "/webhook/hangs", b"{}")
    assert post("/webhook/x", data=b"{}").status_code == 200
    for each in waiting:
        each.close()


def test_after_a_delay_alone_the_provider_answers(post: Post, inbox: Inbox) -> None:
    inbox.script("/webhook/x", Scripted(hang=0.1))
    started = time.monotonic()
    assert post("/webhook/x", data=b"{}").json() == {"ok": True}
    assert time.monotonic() - started >= 0.1


def test_an_answer_can_drip(post: Post, inbox: Inbox) -> None:
    inbox.script("/webhook/x", Scripted(status=200, body="slow", drip=0.02))
    assert post("/webhook/x", data=b"{}").text == "slow"


@pytest.mark.parametrize(
    "control",
    [
        {"path": "webhook"},
        {"path": "/x", "answers": [{"status": 99}]},
        {"path": "/x", "answers": [{"headers": {"A": "b\r\nC: d"}}]},
        {"path": "/x", "replies": []},
    ],
)
def test_an_invalid_control_is_refused(control: dict[str, Any], post: Post) -> None:
    assert post("/_control", json=control).status_code == 400


def test_a_foreign_page_can_neither_read_nor_steer(
    post: Post, http: requests.Session, inbox: Inbox
) -> None:
    assert post("/_control", data='{"path": "/x"}').status_code == 415
    for path in ("/", "/_messages"):
        foreign = http.get(inbox.url + path, headers={"Host": "evil.example"}, timeout=5)
        assert foreign.status_code == 403


def test_messages_are_read_by_number_and_deleted(
    post: Post, http: requests.Session, inbox: Inbox
) -> None:
    for name in "abc":
        post(f"/webhook/{name}", data=WEBHOOK, headers=signed())
    heard = http.get(f"{inbox.url}/_messages?after=1", timeout=5).json()
    assert [each["to"] for each in heard["messages"]] == ["/webhook/b", "/webhook/c"]
    message = heard["messages"][-1]
    assert message["headers"]["x-opsknight-event"] == "incident.created"
    assert message["body"].encode() == WEBHOOK
    assert message["accepted"] is True
    assert http.get(f"{inbox.url}/_messages/3", timeout=5).json() == message
    assert http.get(f"{inbox.url}/_messages?after=x", timeout=5).status_code == 400
    assert http.delete(f"{inbox.url}/_messages", timeout=5).status_code == 204
    emptied = http.get(f"{inbox.url}/_messages", timeout=5).json()
    assert emptied["messages"] == []
    assert emptied["box"] != heard["box"]
    assert http.get(f"{inbox.url}/_messages/3", timeout=5).status_code == 404


def test_a_reader_waits_for_the_next_message(
    post: Post, http: requests.Session, inbox: Inbox
) -> None:
    with ThreadPoolExecutor(1) as other:
        url = f"{inbox.url}/_messages?after=0&wait=20"
        reader = other.submit(lambda: requests.get(url, timeout=30).json())
        post("/webhook/x", data=WEBHOOK)
        assert len(reader.result()["messages"]) == 1
    assert http.get(f"{inbox.url}/_messages?after=1&wait=0.05", timeout=5).json()["messages"] == []


def test_a_reader_of_an_emptied_box_starts_again() -> None:
    mailbox = Mailbox()
    add(mailbox)
    add(mailbox)
    name = mailbox.name
    mailbox.clear()
    later = add(mailbox)
    assert mailbox.after(2, name=name, wait=60) == [later]
    assert mailbox.after(3, name=mailbox.name) == []


def test_only_the_newest_are_kept() -> None:
    mailbox = Mailbox()
    for _ in range(kept.MOST + 5):
        add(mailbox)
    numbers = [each.number for each in mailbox.after(0)]
    assert numbers == list(range(6, kept.MOST + 6))


def test_bodies_are_cut_and_all_of_them_stay_within_bounds() -> None:
    mailbox = Mailbox()
    long = add(mailbox, body=b"x" * (kept.LONGEST_BODY + 1), text="y" * 10**6, title="z" * 10**4)
    assert (len(long.body), long.cut, long.well_formed) == (kept.LONGEST_BODY, True, False)
    assert len(long.text) == kept.LONGEST_BODY
    for _ in range(300):
        add(mailbox, body=b"x" * kept.LONGEST_BODY)
    messages = mailbox.after(0)
    assert sum(each.size for each in messages) <= kept.MOST_BYTES
    assert messages[-1].number == 301


def test_a_body_without_length_or_end_is_refused(post: Post, inbox: Inbox) -> None:
    assert post("/webhook/x", data=iter([b"{}"])).status_code == 411
    host, port = inbox.url.removeprefix("http://").split(":")
    with closing(http.client.HTTPConnection(host, int(port), timeout=5)) as connection:
        connection.putrequest("POST", "/webhook/x")
        connection.putheader("Content-Length", str(10**9))
        connection.endheaders()
        assert connection.getresponse().status == 413


def test_a_path_of_no_provider_is_a_404(post: Post, inbox: Inbox) -> None:
    assert post("/pagerduty/v2/enqueue", json={}).status_code == 404
    assert inbox.mailbox.after(0) == []


def test_watch_gets_each_message(post: Post, watched: list[Message]) -> None:
    post("/slack/api/chat.postMessage", json=slack(), headers={"Authorization": "Bearer xoxb-1"})
    post("/slack/api/chat.postMessage", json=slack())
    first, second = (message_line(each, "12:00:00").plain for each in watched)
    assert first.startswith("12:00:00 slack         200 C024BE91L HIGH: Checkout")
    assert second == "12:00:00 slack         200 not_authed"


def test_a_long_or_hostile_title_stays_one_printable_line() -> None:
    mailbox = Mailbox(now=lambda: datetime(2026, 11, 25, tzinfo=UTC))
    evil = add(
        mailbox, title="\x1b[2J" + "x" * 500, status=None, why="the script closed the connection"
    )
    line = message_line(evil, "12:00:00").plain
    assert line.isprintable()
    assert len(line) < 200
    assert line.startswith("12:00:00 webhook       --- the script closed the connection")


def test_the_port_is_free_again_afterwards() -> None:
    with Inbox(socket.create_server(("127.0.0.1", 0))) as up:
        address = ("127.0.0.1", int(up.url.rpartition(":")[2]))
    with closing(socket.socket()) as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(address)
