"""Pictures of every page, on a phone and on a desk, light and dark: for people to look at.

`make screens` puts them into `.local/screens`; with GOLDEN=write also the one in the README.
"""

import os
from typing import Literal

import pytest
from playwright.sync_api import Browser, ViewportSize

from harness.site import Site
from harness.world import http_event
from local.programs import ROOT
from opsknight.directory.receivers import Channel
from opsknight.incident.commands import Acknowledge, Resolve
from opsknight.notification.delivery import State
from tests.browser.conftest import DESK, PHONE
from tests.browser.test_journeys import enter, opened
from tests.browser.test_oncall_pages import scheduled
from tests.browser.test_service_pages import configured
from tests.integration.steps import do

FOLDER = ROOT / ".local" / "screens"
IN_README = ROOT / "docs" / "images" / "console.png"


@pytest.mark.soak
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_every_page_is_looked_at(
    browser: Browser, served: Site, size: ViewportSize, scheme: Literal["light", "dark"]
) -> None:
    world = served.world
    opened(served, "Disk almost full on build-7", "info")
    world.clock.advance(minutes=31)
    do(world, opened(served, "Replica of orders-db is 90 s behind", "error"), Acknowledge())
    world.clock.advance(minutes=9)
    opened(served, "CPU above 90% on web-01", "warning")
    world.clock.advance(minutes=2)
    first = opened(served)
    link = served.desk.link(first, channel=Channel.SMS, receiver_id="sms", state=State.SENT)
    headers = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    served.desk.send(http_event(path=link, method="GET", headers=headers))
    served.desk.delivery(first, step=1)
    for number in range(3):
        done = opened(served, f"Probe {number} of the shop fails", "warning")
        do(world, done, Resolve())
    scheduled(served)
    configured(served)
    served.desk.configured(
        services=["svc_checkout"], users=["user_ada", "user_ben"], schedules=["sch_web"]
    )
    override = {"userId": "user_ada", "replaces": "user_ben"}
    times = {"start": "2026-11-25T18:00:00Z", "end": "2026-11-26T09:00:00Z"}
    served.desk.call("POST", "/api/schedules/sch_web/overrides", override | times)
    world.clock.advance(minutes=4)
    with browser.new_context(viewport=size, color_scheme=scheme, device_scale_factor=2) as context:
        page = context.new_page()
        enter(page, served)
        where = f"{'phone' if size == PHONE else 'desk'}-{scheme}"
        pages = {"incidents": "incidents", "incident": f"incidents/{first}"}
        pages |= {"resolved": "incidents?view=resolved", "calendar": "oncall/sch_web"}
        pages["service"] = "services/svc_checkout?tab=integrations"
        pages["policies"] = "policies"
        pages |= {each: each for each in ("heartbeats", "analytics", "health")}
        pages["maintenance"] = "services/svc_checkout?tab=maintenance"
        for name, at in (pages | {each: each for each in ("oncall", "services", "me")}).items():
            page.goto(f"{served.url}/console/{at}")
            page.wait_for_load_state("networkidle")
            path = (
                FOLDER / f"{name.partition('/inc_')[0]}{'-one' if '/' in name else ''}-{where}.png"
            )
            page.screenshot(path=path, full_page=True)
            assert path.stat().st_size > 10_000
            if name == "incidents" and where == "phone-light" and os.environ.get("GOLDEN"):
                page.screenshot(path=IN_README)
