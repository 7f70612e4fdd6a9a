"""One Chromium for all journeys, and a context for each; the console is in this process."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Page,
    ViewportSize,
    expect,
    sync_playwright,
)

from harness.site import Site, site
from harness.world import World

PHONE: ViewportSize = {"width": 390, "height": 844}
DESK: ViewportSize = {"width": 1280, "height": 900}
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    # Assertions wait for what a busy machine has yet to draw.
    expect.set_options(timeout=20_000)
    found = shutil.which("chromium")
    if found is None:
        pytest.skip("Chromium is not installed")
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=found, args=FLAGS) as browser,
    ):
        yield browser


@pytest.fixture
def served(world: World) -> Iterator[Site]:
    with site(world) as served:
        yield served


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    with browser.new_context(viewport=PHONE, locale="en-GB") as context:
        yield context


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """Fails the test for anything that the console of the browser complains about."""
    page = context.new_page()
    complaints: list[str] = []

    def note(text: str) -> None:
        # A request that was refused or cut off is what a journey is about.
        if "Failed to load resource" not in text:
            complaints.append(text)

    page.on("console", lambda said: note(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: note(str(error)))
    yield page
    assert complaints == []
