"""What a reply by text message asks for, and the codes that messages show."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.notices import BRIEF, BUNDLE, PAGE
from notify.channels import sms
from opsknight.notification import replies
from opsknight.notification.message import PageReason
from opsknight.notification.replies import (
    ALPHABET,
    Acknowledges,
    AcknowledgesAll,
    AsksForCodes,
    Resolves,
    Starts,
    Stops,
    Unknown,
    calling_code,
    code_of,
    same_sender,
)

KEY = b"k" * 32


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("7KX", Acknowledges("7KX")),
        (" 7kx ", Acknowledges("7KX")),
        ("7kx.", Acknowledges("7KX")),
        ("7KX 2", Resolves("7KX")),
        ("7kx\n2", Resolves("7KX")),
        ("7KX all", AcknowledgesAll("7KX")),
        ("7KX  ALL!", AcknowledgesAll("7KX")),
        ("2", AsksForCodes()),
        ("1", AsksForCodes()),
        ("STOP", Stops()),
        ("stop.", Stops()),
        ("Start", Starts()),
        ("unstop", Starts()),
        ("", Unknown()),
        ("ok", Unknown()),
        ("7KX 1", Unknown()),
        ("7KX 22", Unknown()),
        ("7K", Unknown()),
        ("7KXX", Unknown()),
        ("please stop calling me", Unknown()),
        ("\u0662", AsksForCodes()),
    ],
)
def test_a_reply_asks_for_this(text: str, wanted: object) -> None:
    assert replies.read(text) == wanted


@given(st.text())
def test_no_reply_breaks_the_reader(text: str) -> None:
    replies.read(text)


@given(st.text(max_size=40), st.text(max_size=20), st.integers(0, 9))
def test_a_code_is_short_and_stays_the_same(incident: str, number: str, attempt: int) -> None:
    code = code_of(incident, number, KEY, attempt)
    assert len(code) == 3
    assert set(code) <= set(ALPHABET)
    assert code == code_of(incident, number, KEY, attempt)
    assert replies.read(code) == Acknowledges(code)


def test_codes_are_of_the_number_the_incident_and_the_secret() -> None:
    made = {
        code_of(incident, number, key, attempt)
        for incident in ("inc_1", "inc_2")
        for number in ("+491", "+492")
        for key in (KEY, b"o" * 32)
        for attempt in (0, 1)
    }
    assert len(made) == 16


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("+4915112345678", "49"),
        ("+12025550123", "1"),
        ("+79161234567", "7"),
        ("+358401234567", "358"),
        ("+41791234567", "41"),
        ("+971501234567", "971"),
        ("+6591234567", "65"),
        ("+85212345678", "852"),
        ("015112345678", ""),
        ("+", ""),
        ("+49x", ""),
    ],
)
def test_a_number_tells_its_country(number: str, code: str) -> None:
    assert calling_code(number) == code


@pytest.mark.parametrize(
    ("sent_from", "replied_to", "same"),
    [
        ("+491", "+491", True),
        ("+491", "+492", False),
        ("", "+492", True),
        ("pool-1", "+492", True),
    ],
)
def test_a_reply_goes_to_where_the_message_came_from(
    sent_from: str, replied_to: str, same: Any
) -> None:
    assert same_sender(sent_from, replied_to) is same


def test_a_text_message_says_how_to_answer_in_two_parts_with_the_link_last() -> None:
    lines = sms.render(replace(PAGE, reply_code="7KX", coded=1)).splitlines()
    assert lines[0] == "HIGH: Checkout: p99 latency above 4 s for 10 minutes"
    assert lines[-2] == "Reply 7KX to acknowledge, 7KX 2 to resolve."
    assert lines[-1].endswith(str(BRIEF.link))
    bundle = sms.render(replace(BUNDLE, reply_code="7KX", coded=3))
    assert "Reply 7KX for the first, 7KX all for these 3." in bundle
    assert bundle.splitlines()[-1].endswith(str(BUNDLE.link))


@given(st.text(max_size=500))
def test_whatever_the_title_the_code_and_the_link_stay_whole(title: str) -> None:
    brief = replace(BRIEF, title=title)
    text = sms.render(replace(PAGE, incidents=(brief,), reply_code="7KX", coded=1))
    assert "Reply 7KX to acknowledge, 7KX 2 to resolve." in text
    assert text.endswith(str(BRIEF.link))
    assert sms.fits(text)


def test_an_answer_is_one_sentence() -> None:
    said = replace(PAGE, about=PageReason.ANSWER, incidents=(), note="2 acknowledged.")
    assert sms.render(said) == "OpsKnight: 2 acknowledged."
