"""What every channel keeps to, whatever it sends: nothing secret is told, nothing private is shown,
nothing a stranger wrote does anything, and providers' limits hold.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.notices import (
    ACKNOWLEDGED,
    BRIEF,
    BUNDLE,
    NOTICES,
    PAGE,
    SECRETS,
    SHOWN_TO_ALL,
    Stage,
    stage,
)
from harness.receivers import answers, closes, hangs
from notify.channels import discord, google_chat, ntfy, pushover, slack, sms, teams, telegram, voice
from notify.channels.email import headers, subject
from notify.channels.protocol import Outcome, PermanentFailure, Sent, TemporaryFailure
from notify.channels.registry import BUILDERS
from notify.channels.words import words
from notify.outbound import Limits
from opsknight.directory.receivers import Channel
from opsknight.directory.status_pages import StatusPageEvent
from opsknight.notification.message import Message

HTTP = [c for c in Channel if c not in (Channel.EMAIL, Channel.SMS, Channel.VOICE)]
URL_SECRETS = (Channel.SLACK_WEBHOOK, Channel.TEAMS, Channel.DISCORD, Channel.GOOGLE_CHAT)


@pytest.fixture
def sending() -> Iterator[Stage]:
    with stage(Limits(connect=0.5, read=0.3, total=0.5)) as sending:
        yield sending


def everything_sent(sending: Stage) -> str:
    """All that left, however it left."""
    requests = [f"{r.line}\n{r.headers}\n{r.body.decode()}" for r in sending.http.requests]
    return json.dumps([*requests, sending.ses.calls, sending.phone.calls], ensure_ascii=False)


def test_every_channel_has_a_line_in_the_registry(sending: Stage) -> None:
    assert set(BUILDERS) == set(Channel)
    assert list(sending.senders) == list(BUILDERS)
    assert sending.senders[Channel.SLACK] is sending.senders[Channel.SLACK]


@pytest.mark.parametrize("channel", HTTP)
@pytest.mark.parametrize(
    ("act", "expected"),
    [
        (answers(500), TemporaryFailure),
        (answers(429, headers={"Retry-After": "30"}), TemporaryFailure),
        (answers(302, headers={"Location": "https://evil.example/"}), PermanentFailure),
        (answers(400), PermanentFailure),
        (answers(401), PermanentFailure),
        (answers(403), PermanentFailure),
        (answers(410), PermanentFailure),
        (closes, TemporaryFailure),
        (hangs, TemporaryFailure),
    ],
)
def test_failures_are_answers_and_tell_no_secret(
    channel: Channel, act: Any, expected: type[Outcome], sending: Stage
) -> None:
    sending.http.then(act)
    outcome = sending.send(channel, PAGE)
    assert type(outcome) is expected
    for secret in ("sesame", sending.url, "127.0.0.1", "Checkout", *SECRETS.values()):
        assert secret not in repr(outcome)
    if isinstance(outcome, TemporaryFailure) and "429" in outcome.why:
        assert outcome.after == timedelta(seconds=30)


@pytest.mark.parametrize("channel", HTTP)
def test_a_missing_secret_is_refused_by_its_name(channel: Channel, sending: Stage) -> None:
    receiver = sending.receiver(channel).model_copy(update={"secret": "not-there"})
    outcome = sending.senders[channel].send(PAGE, receiver)
    assert isinstance(outcome, PermanentFailure)
    assert "not-there" in outcome.why
    assert sending.http.connections == 0


@pytest.mark.parametrize("channel", Channel)
def test_a_status_page_shows_no_name_no_link_no_key_and_no_source(
    channel: Channel, sending: Stage
) -> None:
    private = replace(
        ACKNOWLEDGED,
        dedup_key="PRIVATE-key",
        source="PRIVATE-source",
        assignee="PRIVATE-assignee",
        by="PRIVATE-by",
        link="https://PRIVATE-link.example/",
        description=None,
    )
    sending.http.then(answers(200, b'{"ok":true,"channel":"C","ts":"1"}'))
    for event in StatusPageEvent:
        message = replace(
            SHOWN_TO_ALL, about=event, incidents=(private,), link="https://PRIVATE.example/"
        )
        assert isinstance(sending.send(channel, message), Sent)
    assert "PRIVATE" not in everything_sent(sending)
    assert "p99 latency" in everything_sent(sending)


@pytest.mark.parametrize("about", StatusPageEvent)
def test_a_status_page_webhook_has_not_even_the_fields(
    about: StatusPageEvent, sending: Stage
) -> None:
    sending.send(Channel.WEBHOOK, replace(SHOWN_TO_ALL, about=about))
    told = json.loads(sending.sent().body)
    assert not told.keys() & {"link", "step"}
    assert not told["incident"].keys() & {
        "dedupKey", "source", "assignee", "by", "link", "description",
    }  # fmt: skip


def test_a_status_page_webhook_shows_details_that_the_page_wants(sending: Stage) -> None:
    sending.send(Channel.WEBHOOK, replace(SHOWN_TO_ALL, incidents=(ACKNOWLEDGED,)))
    assert json.loads(sending.sent().body)["incident"]["description"] == BRIEF.description


@pytest.mark.parametrize("channel", HTTP)
def test_a_public_note_is_shown(channel: Channel, sending: Stage) -> None:
    sending.http.then(answers(200, b'{"ok":true,"channel":"C","ts":"1"}'))
    message = replace(
        SHOWN_TO_ALL, about=StatusPageEvent.UPDATED, note="We are restoring the replica"
    )
    sending.send(channel, message)
    assert "We are restoring the replica" in everything_sent(sending)


@pytest.mark.parametrize("channel", URL_SECRETS)
def test_the_url_may_have_been_replaced(channel: Channel, sending: Stage) -> None:
    sending.http.then(answers(200, b'{"id": "1"}'))
    assert isinstance(sending.send(channel, PAGE), Sent)
    sending.ssm.values[channel] = f"{sending.url}/replaced"
    sending.http.then(answers(404), answers(200))
    assert isinstance(sending.send(channel, PAGE), Sent)
    assert [request.path.partition("?")[0] for request in sending.http.requests] == [
        f"/incoming/{channel}",
        f"/incoming/{channel}",
        "/replaced",
    ]


def strings(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for member in value.values():
                yield from strings(member)
        case list():
            for member in value:
                yield from strings(member)
        case _:
            return


TITLES = st.text(st.characters(exclude_categories=[]), min_size=1, max_size=500) | st.text(
    st.sampled_from("<>&*_[]()`~|@!:/\\'\"\n\r\x00\u202e{}🔥é漢"), min_size=1, max_size=500
)


def titled(title: str) -> Message:
    return replace(PAGE, incidents=(replace(BRIEF, title=title),))


def bundled(title: str) -> Message:
    briefs = (replace(brief, title=title, service_name=title) for brief in BUNDLE.incidents)
    return replace(BUNDLE, incidents=tuple(briefs))


def check_slack(payload: dict[str, Any]) -> None:
    """https://docs.slack.dev/reference/block-kit/blocks."""
    [attachment] = payload["attachments"]
    blocks = payload["blocks"] + attachment["blocks"]
    assert len(blocks) <= 50
    assert 0 < len(payload["text"]) <= 4000
    for block in blocks:
        match block["type"]:
            case "header":
                assert block["text"]["type"] == "plain_text"
                assert 1 <= len(block["text"]["text"]) <= 150
            case "section":
                assert 1 <= len(block.get("text", {"text": "x"})["text"]) <= 3000
                assert len(block.get("fields", [])) <= 10
                assert all(1 <= len(field["text"]) <= 2000 for field in block.get("fields", []))
            case "context":
                assert 1 <= len(block["elements"]) <= 10
            case "actions":
                assert 1 <= len(block["elements"]) <= 25
                for button in block["elements"]:
                    assert len(button["text"]["text"]) <= 75
                    assert len(button.get("value", "")) <= 2000
                    assert len(button.get("url", "")) <= 3000
                names = [button["action_id"] for button in block["elements"]]
                assert len(set(names)) == len(names)
            case unknown:
                pytest.fail(unknown)


ADDRESSES = {each.url for each in BRIEF.references}


@given(TITLES)
def test_slack_obeys_nobody_and_stays_within_its_limits(title: str) -> None:
    for payload in (slack.render(titled(title)), slack.render(bundled(title))):
        check_slack(payload)
        assert '"mrkdwn", "text"' in json.dumps(payload)
        for text in re.findall(r'"mrkdwn", "text": "((?:[^"\\]|\\.)*)"', json.dumps(payload)):
            allowed = re.sub(r"<!date\^\d+\^\{date_short_pretty\} \{time\}\|[^<>]*>", "", text)
            allowed = re.sub(r"<https://[^<>|]+\|[^<>|]+>", "", allowed)
            assert "<" not in allowed
            assert ">" not in allowed
        assert not re.search("<|>|@(?:here|channel|everyone)", str(payload["text"]))


@given(TITLES)
def test_discord_obeys_nobody_and_stays_within_its_limits(title: str) -> None:
    for payload in (discord.render(titled(title)), discord.render(bundled(title))):
        assert payload["allowed_mentions"] == {"parse": []}
        embeds: Any = payload["embeds"]
        [embed] = embeds
        assert len(embed["title"]) <= 256
        assert len(embed["description"]) <= 4096
        assert all(len(field["value"]) <= 1024 for field in embed["fields"])
        assert sum(len(text) for text in strings(embed)) <= 6000
        assert re.fullmatch(r"(?:\\.|[^\\*_`~|\[\]<@])*", embed["title"], re.S)
        # Cut or not, the link is whole.
        assert embed["description"].endswith(")**")


@given(TITLES)
def test_telegram_html_is_balanced_and_short_enough(title: str) -> None:
    for payload in (telegram.render(titled(title)), telegram.render(bundled(title))):
        text = str(payload["text"])
        root = ElementTree.fromstring(f"<x>{text}</x>")  # noqa: S314
        assert {element.tag for element in root} <= {"b", "i", "a"}
        assert {each.get("href") for each in root.iter("a")} <= ADDRESSES
        assert len("".join(root.itertext())) <= 4096


@given(TITLES)
def test_google_chat_cards_are_balanced_and_small_enough(title: str) -> None:
    for payload in (google_chat.render(titled(title)), google_chat.render(bundled(title))):
        assert len(json.dumps(payload)) < 32_000
        assert "<" not in str(payload["fallbackText"])
        cards = json.dumps(payload["cardsV2"])
        paragraphs = re.findall(r'"textParagraph": \{"text": ("(?:[^"\\]|\\.)*")', cards)
        assert paragraphs
        for text in map(json.loads, paragraphs):
            text = text.replace("<br>", "<br/>")
            root = ElementTree.fromstring(f"<x>{text}</x>")  # noqa: S314
            assert {element.tag for element in root.iter()} <= {"x", "b", "i", "br", "a"}
            assert {each.get("href") for each in root.iter("a")} <= ADDRESSES


@given(TITLES)
def test_teams_shows_text_of_strangers_as_text_runs(title: str) -> None:
    for payload in (teams.render(titled(title)), teams.render(bundled(title))):
        assert len(json.dumps(payload)) < 28_000
        assert '"TextBlock"' not in json.dumps(payload)


@given(TITLES)
def test_push_messages_stay_within_their_limits(title: str) -> None:
    for message in (titled(title), bundled(title)):
        assert len(str(ntfy.render(message)["message"]).encode()) < 4096
        told = pushover.render(message)
        assert len(str(told["title"])) <= 250
        assert 0 < len(str(told["message"])) <= 1024


@given(TITLES)
def test_a_call_reads_markup_and_obeys_none(title: str) -> None:
    for message in (titled(title), bundled(title)):
        text = voice.render(message)
        root = ElementTree.fromstring(text)  # noqa: S314
        assert {element.tag for element in root.iter()} == {"speak", "prosody", "break"}
        assert text.count("I repeat.") >= 1
        assert len(text) <= 6000


@given(TITLES)
def test_an_sms_has_few_parts_and_its_whole_link(title: str) -> None:
    for message in (titled(title), bundled(title)):
        text = sms.render(message)
        assert text.endswith(message.link or BRIEF.link or "")
        gsm, size = sms.units(text)
        assert size <= (306 if gsm else 201)


@given(st.text(st.characters(exclude_characters="^{}\\[~]|€", exclude_categories=["Cs"])))
def test_an_sms_says_as_much_of_the_title_as_fits(title: str) -> None:
    said = words(titled(title * 9))
    tried = range(max(min(len(said.title), 306), 20), 19, -1)
    texts = (sms.laid_out(said, limit, []) for limit in tried)
    longest = next((text for text in texts if sms.fits(text)), None)
    assert sms.longest_that_fits(said, tried[0], []) == longest


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.links: set[str | None] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add(tag)
        self.links |= {value for name, value in attrs if name in ("href", "src")}


@pytest.mark.parametrize("name", NOTICES)
def test_an_email_loads_nothing_and_links_to_us_only(name: str, sending: Stage) -> None:
    sending.send(Channel.EMAIL, NOTICES[name])
    [(_, request)] = sending.ses.calls
    tags = Tags()
    tags.feed(request["Content"]["Simple"]["Body"]["Html"]["Data"])
    assert not tags.found & {"script", "img", "iframe", "form", "link", "object"}
    brief = next(iter(NOTICES[name].incidents), None)
    known = {each.url for each in brief.references} if brief else set()
    ours = (str(each) for each in tags.links if each not in known)
    assert all(link.startswith("https://oncall.example.com/") for link in ours)
    told = json.dumps(request, ensure_ascii=False)
    assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e]", told)


@given(TITLES)
def test_no_title_breaks_out_of_a_subject(title: str) -> None:
    for message in (titled(title), bundled(title)):
        assert not re.search("[\r\n\x00-\x1f]", subject(message))
        assert len(subject(message)) <= 160
        for head in headers(message, "example.com"):
            assert head["Value"].isascii()
            assert head["Value"].isprintable()
