"""The console: what a first visit loads, how soon the list is there on a bad connection, and what
its polls cost; and, by `presses`, how soon an act shows on a slow telephone.

Chromium emulates the network. Read units of a query are counted by AWS's rule
from the bytes that it read, as MiniStack counts 0.5 for any.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import batched
from math import ceil
from typing import Any, Final

from playwright.sync_api import APIResponse, BrowserContext, sync_playwright

from bench import prices
from bench.calls import CallLog
from bench.event_costs import ACCESS_BYTES, LOGGED_BYTES, memory_gb
from bench.figures import Figure
from bench.presses import LISTED, measure_presses
from bench.stage import new_world
from harness.site import Site, site
from harness.world import event
from local.front_end import MOST_KILOBYTES
from opsknight.runtime import clock

# 1.6 Mbit/s down, half of that up, and 150 ms for each way there and back.
NETWORK: Final = {
    "offline": False,
    "latency": 150,
    "downloadThroughput": 1_600_000 / 8,
    "uploadThroughput": 800_000 / 8,
}
ACTIVE: Final = (10, 10_000)
MOST_REQUESTS: Final = 2
MOST_UNITS: Final = 30.0
MOST_SECONDS: Final = 3.0
# Fifty people with the console open through their working days.
CONSOLES: Final = 50
HOURS_A_MONTH: Final = 8 * 22
# Half of that time in front, of which a fifth with something open and somebody at it.
VISIBLE: Final = 0.5
BUSY: Final = 0.2
# Seconds between polls, as in console/src/api/pulse.ts.
BUSY_EVERY, VISIBLE_EVERY, HIDDEN_EVERY = 5, 15, 60
# An assumption, never measured on AWS.
POLL_SECONDS: Final = 0.02
FLAGS: Final = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")


def measure_console(endpoint: str, quick: bool) -> list[Figure]:
    world = new_world(endpoint)
    # A browser's clock is the machine's.
    world.clock.at = clock.now()
    log = CallLog(world.table.client, world.counters.client)
    read: list[int] = []
    world.table.client.meta.events.register(
        "after-call.dynamodb.Query", lambda parsed, **_: read.append(_bytes(parsed))
    )
    with site(world) as served, _browser(served) as context:
        for number in range(ACTIVE[0]):
            _open(served, f"number {number}")
        _log_in(context, served)
        figures = _first_visit(context, served)
        figures += _pulse(context, served, ACTIVE[0], log, read)
        _fill(served, LISTED)
        figures += measure_presses(context, served, quick)
        for number in ACTIVE[1 : 1 if quick else None]:
            _fill(served, number)
            figures += _pulse(context, served, number, log, read)
    units = max(each.measured for each in figures if each.unit == "units")
    return [*figures, *_month(units)]


@contextmanager
def _browser(served: Site) -> Iterator[BrowserContext]:
    found = shutil.which("chromium")
    if found is None:
        raise RuntimeError("Chromium is not installed: scripts/programs installs it")
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=found, args=FLAGS) as browser,
        browser.new_context(viewport={"width": 390, "height": 844}) as context,
    ):
        yield context


def _log_in(context: BrowserContext, served: Site) -> None:
    page = context.new_page()
    page.goto(served.login())
    page.get_by_role("button", name="Log in").click()
    page.locator("[data-id]").first.wait_for(timeout=120_000)
    page.close()


def _open(served: Site, dedup_key: str) -> str:
    answer = served.world.send(event("trigger", dedup_key))
    if answer.status != 202:
        raise RuntimeError(f"the handler answered {answer}")
    return str(answer.incident["id"])


def _first_visit(context: BrowserContext, served: Site) -> list[Figure]:
    """With an empty cache: the document, its script and its style, and what they ask for."""
    page = context.new_page()
    tool = context.new_cdp_session(page)
    tool.send("Network.enable")
    tool.send("Network.clearBrowserCache")
    tool.send("Network.emulateNetworkConditions", NETWORK)
    sizes = list[float]()
    tool.on("Network.loadingFinished", lambda seen: sizes.append(seen["encodedDataLength"]))
    page.goto(f"{served.url}/console/incidents", wait_until="commit")
    page.locator("[data-id]").first.wait_for(timeout=120_000)
    seconds = page.evaluate("performance.now()") / 1000
    page.wait_for_load_state("networkidle")
    group = "A first visit to the console, with an empty cache"
    found = [
        Figure(group, "loads", sum(sizes) / 1000, "kB", MOST_KILOBYTES),
        Figure(group, "requests", len(sizes), ""),
        Figure(group, "to the list, at 1.6 Mbit/s and 150 ms", seconds, "s", MOST_SECONDS),
    ]
    page.close()
    return found


def _fill(served: Site, wanted: int) -> None:
    """Copies of an incident, until so many are active: to open each would take minutes."""
    table = served.world.table
    items = [each for each in served.world.items() if each["kind"]["S"] == "incident"]

    def copy(number: int) -> Any:
        found = f"{items[0]['id']['S'][:-8]}{number:08x}"
        changed = {"id": {"S": found}, "pk": {"S": f"incident#{found}"}}
        return {"PutRequest": {"Item": items[0] | changed}}

    for some in batched(range(wanted - len(items)), 25, strict=False):
        table.client.batch_write_item(RequestItems={table.name: [*map(copy, some)]})


def _pulse(
    context: BrowserContext, served: Site, number: int, log: CallLog, read: list[int]
) -> list[Figure]:
    """A poll after the first, which looks up names and the session."""
    answers: list[APIResponse] = []
    while len(answers) < 2:
        log.drain()
        read.clear()
        answer = context.request.get(f"{served.url}/api/pulse", timeout=120_000)
        # A store on a busy machine may take longer than a function waits.
        if answer.status != 503:
            answers.append(answer)
    if not all(each.ok for each in answers):
        raise RuntimeError(f"a poll was answered {answers[-1].status}")
    calls = log.drain()
    other = sum(each.units for each in calls if each.operation != "Query")
    units = other + sum(max(ceil(each / 4096), 1) / 2 for each in read)
    group = f"GET /api/pulse beside {number:,} active incidents"
    return [
        Figure(group, "requests", len(calls), "", MOST_REQUESTS),
        Figure(group, "read", sum(each.scanned for each in calls), "items"),
        Figure(group, "read units", units, "units", MOST_UNITS),
        Figure(group, "answer", len(answer.body()) / 1000, "kB"),
    ]


def _bytes(parsed: Any) -> int:
    """What AWS counts of the items of an answer: names and values."""
    return sum(
        len(name) + sum(len(str(content)) for content in value.values())
        for item in parsed.get("Items", ())
        for name, value in item.items()
    )


def _month(units: float) -> list[Figure]:
    """Dollars; each poll at the units of the largest deployment."""
    seconds = CONSOLES * HOURS_A_MONTH * 3600
    visible, hidden = seconds * VISIBLE, seconds * (1 - VISIBLE)
    polls = hidden / HIDDEN_EVERY
    polls += visible * BUSY / BUSY_EVERY + visible * (1 - BUSY) / VISIBLE_EVERY
    always = CONSOLES * 30 * 24 * 3600 / BUSY_EVERY
    group = f"{CONSOLES} consoles, a month at list price"
    return [
        Figure(group, "polls", polls / 1e6, "million"),
        Figure(group, "eight hours a working day", _dollars(polls, units), "$", 10.0),
        Figure(
            group, "somebody at each day and night, something open", _dollars(always, units), "$"
        ),
    ]


def _dollars(polls: float, units: float) -> float:
    # Logs of the platform, and a line of the access log.
    logged = polls * (LOGGED_BYTES + ACCESS_BYTES) / 1e9
    return (
        polls * (prices.GATEWAY_REQUEST + prices.LAMBDA_REQUEST)
        + polls * POLL_SECONDS * memory_gb("RespondFunction") * prices.LAMBDA_GB_SECOND
        + polls * units * prices.READ_UNIT
        + logged * prices.LOG_GB
    )
