"""Three journeys through the console of the deployed stack, in a browser, with a real clock."""

import json
import re
import time
from pathlib import Path
from secrets import token_hex
from typing import Final

import pytest
import requests
from playwright.sync_api import Page, expect

from harness.world import event
from local.stack import Running
from tests.e2e.commands import opsknight

pytestmark = [pytest.mark.system, pytest.mark.screens, pytest.mark.timeout(900)]

# A function that nobody has called yet is started, and lists are asked for every 15 seconds.
PATIENCE: Final = 90_000


def enter(page: Page, here: Path) -> str:
    """By a one-time link, as whoever has AWS credentials makes it."""
    link = str(json.loads(opsknight(here, "login", "--user", "ada", "--json").stdout)["url"])
    page.goto(link, timeout=PATIENCE)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_text("live,")).to_be_visible(timeout=PATIENCE)
    return link


@pytest.fixture(scope="module", autouse=True)
def started(deployed: Running) -> None:
    """Functions that nobody has called yet are started: on a busy machine that takes a while."""
    for path in ("/auth/login", "/api/keeping/me/keys", "/console/incidents"):
        until = time.monotonic() + 180
        while requests.get(deployed.url + path, timeout=60).status_code >= 500:
            assert time.monotonic() < until, path


def send(deployed: Running, key: str, title: str) -> str:
    """The id of the incident that an event opens."""
    payload = {"summary": title, "source": "shop", "severity": "critical"}
    body = event(dedup_key=f"console-{token_hex(4)}", payload=payload)
    headers = {"Authorization": f"Token token={key}"}
    answer = requests.post(f"{deployed.url}/api/events", json=body, headers=headers, timeout=40)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["result"]["incident"]["id"])


def test_a_one_time_link_logs_in_once(page: Page, deployed: Running, here: Path) -> None:
    link = enter(page, here)
    expect(page.get_by_role("link", name="Ada Lovelace")).to_be_visible(timeout=PATIENCE)
    page.context.clear_cookies()
    page.goto(link, timeout=PATIENCE)
    expect(page.get_by_role("button", name="Log in")).to_be_hidden()
    page.goto(f"{deployed.url}/console/incidents", timeout=PATIENCE)
    expect(page).to_have_url(re.compile("/auth/login"), timeout=PATIENCE)


def test_an_incident_is_acknowledged(page: Page, deployed: Running, here: Path) -> None:
    enter(page, here)
    known = send(deployed, deployed.service.integration_key, "Customers cannot pay")
    row = page.locator(f'[data-id="{known}"]')
    fresh = page.get_by_role("button", name="show")
    expect(row.or_(fresh).first).to_be_visible(timeout=PATIENCE)
    if fresh.is_visible():
        fresh.click()
    row.get_by_role("button", name="Acknowledge").click()
    expect(row).to_contain_text("ACKNOWLEDGED", timeout=PATIENCE)
    headers = {"Authorization": f"Bearer {deployed.service.api_key}"}
    url = f"{deployed.url}/api/incidents/{known}"
    found = requests.get(url, headers=headers, timeout=40).json()["incident"]
    assert found["status"] == "ACKNOWLEDGED"


def test_a_key_is_copied_and_the_first_event_arrives(
    page: Page, deployed: Running, here: Path
) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    enter(page, here)
    page.goto(f"{deployed.url}/console/services/{deployed.service.service_id}?tab=integrations")
    page.get_by_role("button", name="Add Integration").click(timeout=PATIENCE)
    page.get_by_label("Name").fill(f"Probe {token_hex(3)}")
    page.get_by_role("button", name="Add", exact=True).click()
    fresh = page.get_by_role("region", name="The new key")
    expect(fresh).to_contain_text("Waiting for the first event", timeout=PATIENCE)
    fresh.get_by_role("button", name="Copy key").click()
    expect(fresh).to_contain_text("The key is copied.")
    send(deployed, page.evaluate("navigator.clipboard.readText()"), "The first of its integration")
    expect(fresh).to_contain_text("The first event has arrived.", timeout=PATIENCE)
