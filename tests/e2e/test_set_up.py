"""The set-up of a deployment that nobody has configured, as `OPSKNIGHT_NEW=1 make run` leaves it:
in a browser, with real functions and queues, to a page that was acknowledged by the link in its
message.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Page, expect

from local.stack import Running, running
from tests.e2e.conftest import ANY

pytestmark = [pytest.mark.system, pytest.mark.screens, pytest.mark.timeout(900)]

# Functions that nobody has called yet are started.
PATIENCE = 120_000


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Running]:
    with running(tmp_path, aws=ANY, front=ANY, inbox=ANY, configured=False) as up:
        yield up


def stands(page: Page, title: str) -> None:
    heading = page.get_by_role("heading", level=2, name=title, exact=True)
    expect(heading).to_be_visible(timeout=PATIENCE)


def onwards(page: Page, press: str, title: str) -> None:
    page.get_by_role("button", name=press).click()
    stands(page, title)


def test_from_nothing_to_a_page_that_is_acknowledged(page: Page, empty: Running) -> None:
    page.goto(empty.console, timeout=PATIENCE)
    onwards(page, "Log in", "You")
    page.get_by_label("Your name").fill("Ada Lovelace")
    page.get_by_label("Time zone").fill("Europe/Berlin")
    onwards(page, "Continue", "Your team")
    page.get_by_label("Name of the team").fill("Payments")
    onwards(page, "Continue", "Who is paged")
    onwards(page, "Continue", "Your first service")
    page.get_by_label("Name of the service").fill("Checkout")
    page.get_by_label("What sends its events").fill("Prometheus")
    onwards(page, "Create", "The integration key")
    page.get_by_role("button", name="Make the key").click()
    expect(page.get_by_role("region", name="The new key")).to_be_visible(timeout=PATIENCE)
    onwards(page, "Continue", "Does it reach you?")
    page.get_by_role("button", name="Send a test event").click()
    way = page.get_by_role("list", name="The way of the test")
    expect(way).to_contain_text("A message was sent", timeout=PATIENCE)
    [mail] = requests.get(f"{empty.inbox.url}/_messages?after=0", timeout=40).json()["messages"]
    assert mail["to"] == "ada@example.com"
    phone = page.context.new_page()
    phone.goto(f"{empty.inbox.url}/_messages/{mail['number']}/mail")
    phone.goto(str(phone.get_by_role("link").first.get_attribute("href")), timeout=PATIENCE)
    phone.get_by_role("button", name="Acknowledge").click()
    expect(phone.get_by_text("You have it")).to_be_visible(timeout=PATIENCE)
    expect(way).to_contain_text("Acknowledged by Ada Lovelace", timeout=PATIENCE)
    onwards(page, "Finish", "It works")
