"""How soon a press shows in the list of the console: the processor time that the page takes for it,
and the time by the clock on a processor that Chromium makes slower, as a telephone's is.
"""

import json
from collections.abc import Callable
from typing import Final

from playwright.sync_api import BrowserContext, Page

from bench.figures import Figure
from harness.site import Site

SLOWER: Final = 4
"""Times, of the processor."""
# A list is as long as that: the rest is asked for.
LISTED: Final = 50
MOST_MS: Final = 100.0
# What Chromium's trace calls the work of a page's main thread. What a script makes the page lay out
# is counted twice, rather than not.
_WORK: Final = frozenset({"FunctionCall", "UpdateLayoutTree", "Layout", "PrePaint", "Paint"})
# What an event took from the press of a key or a finger to the next picture, in milliseconds.
_WATCH: Final = """
  window.slowest = 0;
  new PerformanceObserver((list) => {
    for (const each of list.getEntries())
      if (each.interactionId) window.slowest = Math.max(window.slowest, each.duration);
  }).observe({ type: "event", durationThreshold: 16, buffered: true });
"""


def measure_presses(context: BrowserContext, served: Site, quick: bool) -> list[Figure]:
    page = context.new_page()
    page.add_init_script(_WATCH)
    page.goto(f"{served.url}/console/incidents")
    page.locator("[data-id]").first.wait_for(timeout=120_000)
    group = f"Processor time of the page for a press, {LISTED} rows, as it is here"
    acts = {
        "choose an incident": _choose,
        "another view of the list": _view,
        "open an incident": _go_in,
    }
    number = 2 if quick else 7
    worked = [
        Figure(group, name, min(_worked(page, act) for _ in range(number)), "ms", MOST_MS / SLOWER)
        for name, act in acts.items()
    ]
    tool = context.new_cdp_session(page)
    tool.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    rows = page.locator("[data-id]").count()
    if rows != LISTED:
        raise RuntimeError(f"the list has {rows} rows")
    group = f"From a press to its picture, {LISTED} rows, on a processor {SLOWER} times slower"
    found = [
        Figure(group, name, _soonest(page, act, number), "ms", MOST_MS)
        for name, act in acts.items()
    ]
    page.close()
    return worked + found


def _worked(page: Page, act: Callable[[Page], None]) -> float:
    """Milliseconds of the processor that the page's main thread took for an act, by the browser's
    trace: scripts, style, layout and paint. Whatever else runs on the machine adds little to it.
    """
    browser = page.context.browser
    if browser is None:
        raise RuntimeError("the browser is gone")
    browser.start_tracing(page=page, categories=["devtools.timeline"])
    act(page)
    page.wait_for_timeout(300)
    seen = json.loads(browser.stop_tracing())["traceEvents"]
    threads = {
        (each["pid"], each["tid"])
        for each in seen
        if each["name"] == "thread_name" and each["args"]["name"] == "CrRendererMain"
    }
    found = sum(
        each.get("tdur", 0)
        for each in seen
        if each["name"] in _WORK and (each["pid"], each["tid"]) in threads
    )
    _back(page)
    return float(found) / 1000


def _soonest(page: Page, act: Callable[[Page], None], number: int) -> float:
    """The least of so many tries: whatever else runs on the machine only adds to it."""
    return min(_slowest(page, act) for _ in range(number))


def _slowest(page: Page, act: Callable[[Page], None]) -> float:
    page.evaluate("window.slowest = 0")
    act(page)
    # An event is reported once its picture is there.
    page.wait_for_timeout(400)
    found = float(page.evaluate("window.slowest"))
    _back(page)
    # What took less than two pictures is not reported.
    return max(found, 16.0)


def _back(page: Page) -> None:
    if not page.locator("[data-id]").count():
        page.go_back()
        page.locator("[data-id]").first.wait_for(timeout=120_000)
        page.wait_for_timeout(400)


def _choose(page: Page) -> None:
    page.get_by_role("checkbox").first.click()


def _view(page: Page) -> None:
    page.locator(".views button[aria-pressed=false]").first.click()


def _go_in(page: Page) -> None:
    page.locator("[data-id] a.title").first.click()
