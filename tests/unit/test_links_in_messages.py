"""The links that a monitor sends along cost no page, however long and odd they are."""

from dataclasses import replace
from typing import Any

import pytest

from harness.notices import BRIEF, PAGE
from notify.channels import google_chat, ntfy, slack
from notify.channels.posting import encoded
from notify.channels.words import words
from opsknight.incident.references import LONGEST_ADDRESS, Reference, is_address
from opsknight.notification.message import Message


def with_links(*references: Reference) -> Message:
    return replace(PAGE, incidents=(replace(BRIEF, references=references),))


def longest(letter: str, number: int) -> Reference:
    url = f"https://x.example/?{number}".ljust(LONGEST_ADDRESS, letter)
    assert is_address(url)
    return Reference("Panel", url)


def sections(message: Message) -> list[dict[str, Any]]:
    found: Any = slack.render(message)
    blocks = found["attachments"][0]["blocks"]
    return [each["text"] for each in blocks if each["type"] == "section" and "text" in each]


@pytest.mark.parametrize("letter", ["a", "&"])
@pytest.mark.parametrize("number", [1, 2, 6, 10])
def test_the_longest_links_fit_into_every_message(letter: str, number: int) -> None:
    message = with_links(*(longest(letter, each) for each in range(number)))
    assert len(encoded(google_chat.render(message))) < 32_000
    assert all(1 <= len(each["text"]) <= 3000 for each in sections(message))


def test_slack_gets_no_empty_section() -> None:
    message = with_links(Reference("Panel", "https://x.example/?" + "&" * 800))
    assert words(message).references, "it fits into other messages"
    assert all(each["text"] for each in sections(message))


def test_a_link_that_is_too_long_costs_only_itself() -> None:
    short = Reference("Runbook", "https://wiki.example/a")
    message = with_links(*(longest("&", each) for each in range(9)), short)
    assert words(message).references == (("Runbook", short.url),)


@pytest.mark.parametrize("label", ["\x00", "\u200f", " "])
def test_no_link_is_without_a_label(label: str) -> None:
    message = with_links(Reference(label, "https://wiki.example/a"))
    found: Any = ntfy.render(message)
    assert all(each["label"] for each in found["actions"])
