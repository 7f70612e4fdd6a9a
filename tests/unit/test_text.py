"""Words: cleaned, cut, counted; and what a message says in them."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.notices import ACKNOWLEDGED, BRIEF, BUNDLE, NOTICES, PAGE, THREE
from notify.channels import email_layout, sms
from notify.channels.text import clean, clean_lines, counted, cut, disarmed, isolated, moment, span
from notify.channels.words import NAMED_IN_A_BUNDLE, words
from opsknight.directory.receivers import Channel, IncidentEvent
from opsknight.incident.model import Status
from opsknight.notification.message import PageReason


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\r\nBcc: b\x00\x1b[31m", "a Bcc: b [31m"),
        ("a\u202egnp.exe", "agnp.exe"),
        ("\u2066a\u2069\u200f\u061cb", "ab"),
        ("a\u2028b\u2029c\x85d", "a b c d"),
        ("\ud800 lone", "lone"),
        ("👩🏽‍🚒 stays", "👩🏽‍🚒 stays"),
        ("  many   spaces\t", "many spaces"),
    ],
)
def test_text_of_strangers_is_one_harmless_line(text: str, expected: str) -> None:
    assert clean(text) == expected


def test_details_keep_their_lines() -> None:
    assert clean_lines('{\n  "a": 1,\r\n\t"b\u202e": "\x1b"\n}') == '{\n  "a": 1,\n\t"b": ""\n}'


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("short", 5, "short"),
        ("longer", 5, "long…"),
        ("two words", 5, "two…"),
        ("abc👩🏽‍🚒", 6, "abc…"),
        ("abe\u0301fg", 4, "ab…"),
        ("abcdef", 1, "…"),
        ("abcdef", 0, ""),
    ],
)
def test_what_is_cut_says_so_and_splits_no_letter(text: str, limit: int, expected: str) -> None:
    assert cut(text, limit) == expected


@given(st.text(), st.integers(0, 40))
def test_what_is_cut_is_never_too_long(text: str, limit: int) -> None:
    assert len(cut(text, limit)) <= limit or len(text) <= limit


def test_only_text_from_right_to_left_is_isolated() -> None:
    assert isolated("db-1 ä 漢") == "db-1 ä 漢"
    word = "קפה"
    assert isolated(word) == f"\u2068{word}\u2069"


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (-5, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (3600, "1 h"),
        (4320, "1 h 12 min"),
        (86400, "1 d"),
        (273600, "3 d 4 h"),
    ],
)
def test_spans_are_short(seconds: int, expected: str) -> None:
    assert span(timedelta(seconds=seconds)) == expected


def test_moments_and_counts() -> None:
    assert moment(THREE) == "3 Oct 03:12 UTC"
    assert (counted(1, "service"), counted(1400, "incident")) == ("1 service", "1,400 incidents")


def test_a_bundle_names_the_most_urgent_and_counts_the_rest() -> None:
    said = words(BUNDLE)
    assert said.title == "14 incidents: Checkout: p99 latency above 4 s for 10 minutes"
    assert said.headline(200) == f"HIGH, {said.title}"
    assert said.happened == "You are being paged: 5 HIGH, 8 MEDIUM, 1 LOW, on 3 services"
    assert len(said.listed) == NAMED_IN_A_BUNDLE
    assert all(line.startswith("HIGH: ") for line in said.listed)
    assert (said.more, said.link_label) == ("and 9 more", "See all 14")


def test_a_bundle_of_few_leaves_nobody_out() -> None:
    said = words(replace(BUNDLE, incidents=BUNDLE.incidents[:5]))
    assert (len(said.listed), said.more) == (5, "")


def test_what_is_over_in_a_bundle_says_so() -> None:
    over = replace(BUNDLE.incidents[1], status=Status.RESOLVED)
    said = words(replace(BUNDLE, incidents=(BUNDLE.incidents[0], over)))
    assert said.listed[1].endswith("(Payments, resolved)")


@pytest.mark.parametrize("about", [*IncidentEvent, *PageReason])
@pytest.mark.parametrize("status", Status)
def test_every_message_says_what_where_how_bad_and_since_when(
    about: IncidentEvent | PageReason, status: Status
) -> None:
    said = words(replace(PAGE, about=about, incidents=(replace(ACKNOWLEDGED, status=status),)))
    facts = dict(said.facts)
    assert said.title == BRIEF.title
    assert (facts["Service"], facts["Urgency"], facts["Since"]) == ("Checkout API", "HIGH", THREE)
    assert said.happened


def test_who_was_paged_first_is_not_all_who_are_paged() -> None:
    """Two people of a team were paged, and each read that only one of them was."""
    brief = replace(BRIEF, status=Status.OPEN, assignee="Bruno Meier", taken_on=False)
    brief = replace(brief, paged_first=True)
    mine = words(replace(PAGE, incidents=(brief,)))
    assert dict(mine.facts)["Who has it"] == "nobody yet"
    told = words(replace(PAGE, about=IncidentEvent.TRIGGERED, incidents=(brief,)))
    assert dict(told.facts)["Who has it"] == "nobody yet; Bruno Meier was paged first"


@pytest.mark.parametrize(
    ("status", "taken_on", "said"),
    [
        (Status.OPEN, False, "nobody yet; Bruno Meier was paged first"),
        (Status.OPEN, True, "nobody yet"),
        (Status.ACKNOWLEDGED, True, "Bruno Meier"),
        (Status.SNOOZED, False, "nobody"),
        (Status.SNOOZED, True, "Bruno Meier"),
        (Status.SUPPRESSED, False, "nobody"),
        (Status.RESOLVED, False, None),
        (Status.RESOLVED, True, "Bruno Meier"),
    ],
)
def test_to_be_paged_is_not_to_have_it(status: Status, taken_on: bool, said: str | None) -> None:
    """Of one that was given on, or opened again, the assignee need not be whom it paged first."""
    brief = replace(BRIEF, status=status, assignee="Bruno Meier", taken_on=taken_on)
    brief = replace(brief, paged_first=not taken_on)
    told = dict(words(replace(PAGE, about=IncidentEvent.SNOOZED, incidents=(brief,))).facts)
    assert told.get("Who had it" if status is Status.RESOLVED else "Who has it") == said


def test_whoever_is_given_an_incident_reads_it_first() -> None:
    said = words(replace(PAGE, about=PageReason.ASSIGNED, incidents=(ACKNOWLEDGED,)))
    assert said.headline(80).startswith("Yours now: ")


def test_who_did_it_and_after_how_long() -> None:
    assert words(NOTICES["acknowledged"]).happened == "Acknowledged by Ada Lovelace after 4 min"
    assert words(NOTICES["resolved"]).happened == "Resolved by Prometheus after 1 h 12 min"


def test_an_untitled_incident_can_still_be_spoken_of() -> None:
    assert words(replace(PAGE, incidents=(replace(BRIEF, title="\x00"),))).title == "(no title)"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("abc", (True, 3)),
        ("a€", (True, 3)),
        ("[x]", (True, 5)),
        ("漢", (False, 1)),
        ("漢🔥", (False, 3)),
    ],
)
def test_units_of_an_sms(text: str, expected: tuple[bool, int]) -> None:
    assert sms.units(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\u201cquotes\u201d \u2013 it\u2019s…", '"quotes" - it\'s...'),
        ("🔥 down", "down"),
        ("Łódź is down", "Łódź is down"),
        ("cafés á ñ", "cafés a ñ"),
        ("漢字 🔥 down", "漢字 down"),
        ("🔥", "🔥"),
    ],
)
def test_an_sms_is_made_plainer_where_it_halves_the_price(text: str, expected: str) -> None:
    assert sms.plainer(text) == expected


def test_a_link_that_is_longer_than_all_parts_is_still_whole() -> None:
    link = "https://oncall.example.com/" + "x" * 400
    text = sms.render(replace(PAGE, incidents=(replace(BRIEF, link=link),)))
    assert text.endswith(link)
    assert len(text) < 500


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("log in at https://evil.example/x?y", "log in at https: //evil .example/x?y"),
        ("www.evil.com now", "www.evil .com now"),
        ("ask ada@evil.com", "ask ada@evil .com"),
        ("bücher.example is down", "bücher .example is down"),
        ("tel://112", "tel: //112"),
        ("HTTP://1.2.3.4/x", "HTTP: //1.2.3.4/x"),
        ("CPU on web-01.internal above 90.5%", "CPU on web-01.internal above 90.5%"),
        ("v1.2.3: e.g. app.log, i.e. db.svc", "v1.2.3: e.g. app.log, i.e. db.svc"),
    ],
)
def test_an_address_of_a_stranger_is_no_link(sent: str, shown: str) -> None:
    assert disarmed(sent) == shown


@pytest.mark.parametrize("channel", [Channel.SMS, Channel.EMAIL])
def test_ours_is_the_only_link_in_a_message(channel: Channel) -> None:
    title = "reset at https://evil.example/a or evil.example"
    brief = replace(
        PAGE.incidents[0],
        title=title,
        details="see http://evil.example/b",
        source="evil.example",
        references=(),
    )
    message = replace(PAGE, incidents=(brief,))
    text = sms.render(message) if channel is Channel.SMS else email_layout.render(message)[0]
    assert "evil .example" in text
    assert "evil.example" not in text
    assert re.findall(r"\w+://[^/ ]+", text) == re.findall(r"\w+://[^/ ]+", brief.link or "")
