"""The page shows each message as its receiver sees it, and strangers cannot inject anything."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest
import requests

from inbox.looks import formats
from inbox.looks.markup import Html, colour, el, link
from inbox.server import Inbox
from tests.inbox.conftest import Post
from tests.inbox.samples import (
    LINK,
    SECRET,
    TITLE,
    WEBHOOK,
    amazon,
    discord,
    email,
    fill,
    google_chat,
    ntfy,
    pushover,
    signed,
    slack,
    sms,
    teams,
    telegram,
    voice,
)

HOSTILE = "</b></script><script>alert(1)</script><img src=x onerror=alert(1)>\"'&"
BOT = {"Authorization": "Bearer xoxb-local"}


class Elements(HTMLParser):
    """Every tag with its attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]


def harmless(html: str) -> bool:
    """Whether it has no element that runs or loads, no handler, no style, and only safe links."""
    found = Elements(html)
    names = {name for name, _ in found.attributes}
    addresses = [value for name, value in found.attributes if name in {"href", "src"}]
    return (
        not found.tags & {"script", "img", "object", "embed", "form", "style", "base", "link"}
        and not any(name.startswith("on") or name in {"style", "srcdoc"} for name in names)
        and all(
            re.match(r"https?://|mailto:|tel:|#i-|/_messages/\d+/mail$", it) for it in addresses
        )
    )


def look(http: requests.Session, inbox: Inbox, number: int) -> str:
    answer = http.get(f"{inbox.url}/_messages/{number}/look", timeout=5)
    assert answer.status_code == 200
    return answer.text


def poisoned(value: Any) -> Any:
    """The same message with an attacker's text in place of every text."""
    keep = {"type", "contentType", "version", "topic", "token", "user", "parse_mode", "action"}
    if isinstance(value, dict):
        return {
            name: it if name in keep else poisoned(it)
            for name, it in value.items()
            if name not in {"color", "style", "timestamp", "channel", "chat_id"}
        }
    if isinstance(value, list):
        return [poisoned(it) for it in value]
    if isinstance(value, str):
        return f"https://x.example/{HOSTILE}" if value.startswith("http") else HOSTILE
    return value


def test_every_kind_of_message_is_shown_with_its_words_and_link(
    inbox: Inbox, http: requests.Session
) -> None:
    fill(inbox.url)
    shown = [look(http, inbox, each.number) for each in inbox.mailbox.after(0)]
    kinds = {each.channel for each in inbox.mailbox.after(0)}
    assert len(kinds) == 12
    assert all(harmless(each) for each in shown)
    of = {each.channel.value: look(http, inbox, each.number) for each in inbox.mailbox.after(0)}
    for name in ("teams", "discord", "google_chat", "telegram", "ntfy", "pushover", "slack"):
        assert TITLE in of[name], name
        assert f'href="{LINK}"' in of[name], name
    assert "pause 500ms" in of["voice"]
    assert "2 SMS" in of["sms"]


@pytest.mark.parametrize(
    ("path", "payload"),
    [
        ("/slack/services/x", slack()),
        ("/teams/x", teams()),
        ("/discord/api/webhooks/1/x", discord()),
        ("/google-chat/x", google_chat()),
        ("/ntfy", ntfy()),
        ("/pushover/1/messages.json", pushover()),
        ("/pushover/1/messages.json", pushover(html=1)),
        ("/webhook/x", {"event": "x", "incident": {"title": "x"}}),
    ],
)
def test_hostile_text_stays_text(
    path: str, payload: dict[str, Any], post: Post, http: requests.Session, inbox: Inbox
) -> None:
    post(path, json=poisoned(payload), headers={"X-OpsKnight-Event": HOSTILE})
    post(path + HOSTILE.replace(" ", "%20"), json=poisoned(payload))
    for message in inbox.mailbox.after(0):
        assert harmless(look(http, inbox, message.number))


def test_hostile_words_in_sms_calls_and_telegram(
    post: Post, http: requests.Session, inbox: Inbox
) -> None:
    phone = amazon("pinpoint-sms-voice-v2", inbox.url)
    phone.send_text_message(**sms(MessageBody=HOSTILE))
    phone.send_voice_message(**voice(MessageBody=HOSTILE))
    phone.send_voice_message(**voice(MessageBody=f'<break time="{HOSTILE}"/>'))
    where = "/telegram/bot1234567:local-token/sendMessage"
    post(where, json=telegram(parse_mode="", text=HOSTILE))
    post(where, json=telegram(text=HOSTILE.replace("<", "&lt;")))
    post(where, json=telegram(text='<a href="javascript:alert(1)">x</a>'))
    for message in inbox.mailbox.after(0):
        assert harmless(look(http, inbox, message.number))


def test_a_mail_is_shown_in_a_frame_that_runs_nothing(http: requests.Session, inbox: Inbox) -> None:
    mail = email()
    evil = f"<html><head></head><body>{HOSTILE}<form action=/_control></form></body></html>"
    mail["Content"]["Simple"]["Body"]["Html"]["Data"] = evil
    mail["Content"]["Simple"]["Subject"]["Data"] = HOSTILE
    amazon("sesv2", inbox.url).send_email(**mail)
    shown = look(http, inbox, 1)
    assert harmless(shown)
    assert ("sandbox", "allow-popups allow-popups-to-escape-sandbox") in Elements(shown).attributes
    frame = http.get(f"{inbox.url}/_messages/1/mail", timeout=5)
    may = frame.headers["Content-Security-Policy"]
    assert may.startswith("sandbox allow-popups allow-popups-to-escape-sandbox;")
    assert "default-src 'none'" in may
    assert "form-action 'none'" in may
    assert "allow-scripts" not in may
    assert '<base target="_blank">' in frame.text


def test_only_mails_have_a_frame(post: Post, http: requests.Session, inbox: Inbox) -> None:
    post("/webhook/x", json={"html": HOSTILE})
    assert "alert" not in http.get(f"{inbox.url}/_messages/1/mail", timeout=5).text


def test_the_page_may_load_nothing_from_elsewhere(http: requests.Session, inbox: Inbox) -> None:
    for path in ("/", "/_page/inbox.css", "/_page/inbox.js"):
        answer = http.get(inbox.url + path, timeout=5)
        assert answer.status_code == 200
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "'unsafe" not in answer.headers["Content-Security-Policy"]
        elsewhere = re.findall(r"(?:https?:)?//[a-z0-9.]+\.[a-z]+", answer.text)
        assert set(elsewhere) <= {"http://www.w3.org"}
    assert http.get(f"{inbox.url}/_page/../server.py", timeout=5).status_code == 404


def test_an_edited_message_is_shown_with_its_earlier_versions(
    post: Post, http: requests.Session, inbox: Inbox
) -> None:
    posted = post("/slack/api/chat.postMessage", json=slack(text="It is down"), headers=BOT).json()
    post("/slack/api/chat.update", json=slack(text="It is up", ts=posted["ts"]), headers=BOT)
    shown = look(http, inbox, 1)
    assert shown.index("It is up") < shown.index("Earlier versions")
    assert shown.index("Earlier versions") < shown.index("It is down")
    assert "edited 1" in shown


def test_the_page_says_why_a_message_was_refused_and_that_its_body_was_cut(
    post: Post, http: requests.Session, inbox: Inbox
) -> None:
    post("/slack/api/chat.postMessage", json=slack())
    assert "not_authed" in look(http, inbox, 1)
    post("/webhook/x", data=b'{"a":"' + b"x" * 300_000 + b'"}')
    assert "the rest was not kept." in look(http, inbox, 2)


def test_the_verdict_on_a_signature_is_shown(
    post: Post, http: requests.Session, inbox: Inbox
) -> None:
    inbox.trust("/webhook/x", SECRET)
    post("/webhook/x", data=WEBHOOK, headers=signed())
    assert '<td class="good">right</td>' in look(http, inbox, 1)
    post("/webhook/x", data=WEBHOOK, headers=signed(secret="other"))
    assert "signature wrong" in look(http, inbox, 2)


def test_elements_escape_what_was_not_made_here() -> None:
    assert el("p", "<b>", el("i", "&"), class_='"') == '<p class="&quot;">&lt;b&gt;<i>&amp;</i></p>'
    assert "<a" not in link("javascript:alert(1)", "x")
    assert isinstance(link("https://example.com"), Html)
    assert colour("red;background:url(x)") is None
    assert (colour("#D92D20"), colour(0xFF), colour("good")) == ("#d92d20", "#0000ff", "#2eb67d")


@pytest.mark.parametrize(
    ("drawn", "expected"),
    [
        (
            formats.slack("*bold* _it_ ~no~ `a*b*`"),
            "<b>bold</b> <i>it</i> <s>no</s> <code>a*b*</code>",
        ),
        (formats.slack("a &lt;b&gt; &amp;amp; c"), "a &lt;b&gt; &amp;amp; c"),
        (formats.slack("<https://x.example/a|there>"), ">there</a>"),
        (formats.slack("snake_case_name 2*3*4"), "snake_case_name 2*3*4"),
        (formats.slack("<!here> <@U1|ada>"), '@here</span> <span class="mention">@ada'),
        (formats.slack("<!date^0^{date}|then>"), '<time datetime="1970-01-01T00:00:00+00:00"'),
        (formats.markdown(r"\*not\* **but** this"), "</span> <b>but</b> this"),
        (formats.markdown("[a](https://x.example)"), ">a</a>"),
        (formats.markdown("- one\n- two"), '<span class="item line">two</span>'),
        (formats.adaptive("{{DATE(2026-10-03T03:12:09Z,SHORT)}}"), 'class="day"'),
        (formats.telegram(r"*5\.1* _x_"), "<b>5<span>.</span>1</b> <i>x</i>"),
        (formats.html("<b>a<i>b</b>c"), "<b>a<i>b</i></b>c"),
        (formats.html("<table onclick=x>a</table>"), "a"),
        (formats.plain("see https://x.example/a?b=1."), "</a>."),
    ],
)
def test_marks_are_drawn_as_the_provider_draws_them(drawn: str, expected: str) -> None:
    assert expected in drawn


def test_an_escaped_letter_of_markdown_is_drawn_as_itself() -> None:
    assert formats.markdown("inc\\_01a2 \\*\\*not bold\\*\\*").count("\\") == 0
    assert "<b>" not in formats.markdown("inc\\_01a2 \\*\\*not bold\\*\\*")
