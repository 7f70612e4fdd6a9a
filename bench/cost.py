"""What a deployment costs in a month in which nothing happens, what a million events add, and what
each choice is worth.

Arithmetic: list prices, counts from `template.yaml`, and units that the other figures and a flight
of the canary measure. Numbers that were never seen on AWS are assumptions with a name.
"""

from dataclasses import dataclass, replace
from functools import partial
from math import ceil
from secrets import token_hex
from typing import Any, Final

from bench import prices
from bench.calls import CallLog, measure_units
from bench.event_costs import (
    ACCESS_BYTES,
    EVENTS,
    LOGGED_BYTES,
    WARM_SECONDS,
    follow_up,
    fresh_table,
    memory_gb,
    of_type,
    sms,
    storage,
    taken_in,
)
from bench.figures import Figure
from bench.sending import READS, measure_sending
from bench.stage import new_world
from bench.steps import measure_steps
from canary.handler import Flight
from escalation.handler import on_message
from escalation.sweep import tick
from harness.dynamodb import template
from harness.pipeline import Pipeline
from opsknight.runtime.lanes import Lane

MINUTES: Final = 30 * 24 * 60
# Metrics that are written in every hour, whatever happens.
STEADY: Final = ("OldestDueSeconds", "CanarySeconds")
# Lambda's own long polls: five for each queue with a MaximumConcurrency, 20 seconds each.
POLLERS: Final = 5
POLLS_A_MINUTE: Final = 3
# A batch call takes ten messages.
MOST_IN_A_SEND: Final = 10
# Each lane has a depth, and so has the queue of AWS's events.
DEPTHS_A_TICK: Final = len(Lane) + 1


# Two requests to the API, and every function behind it once for each record, message or minute.
REQUESTS_A_FLIGHT: Final = 2
INVOCATIONS_A_FLIGHT: Final = 14
PLATFORM_BYTES: Final = 320
"""START, END and REPORT of an invocation: what the JSON log format can leave out."""
RATE_ITEM_KB: Final = 0.15
EMPTY_QUERY: Final = 0.5
# Whoever renders status pages looks each minute whether there are any, and now and then whether the
# bucket has some that no configuration has.
LOOKS_FOR_PAGES: Final = EMPTY_QUERY
LISTS_A_MINUTE: Final = 1 / 5
READS_A_LOOK: Final = 6
LOOK_SECONDS: Final = 0.3
"""An assumption: a tick asks 16 shards whether they hold work, with a seventh of a processor."""
HOLD_READERS: Final = 6
"""Functions that a tick finds or starts, each of which reads the hold once in ten seconds."""
MOST_IDLE: Final = 6.5
MOST_IDLE_FREE: Final = 4.0


@dataclass(frozen=True, slots=True)
class Bill:
    """Quantities of one month."""

    alarms: int = 0
    metrics: int = 0
    invocations: float = 0
    gb_seconds: float = 0
    queue_requests: float = 0
    write_units: float = 0
    read_units: float = 0
    log_gb: float = 0
    requests: float = 0
    topic_requests: float = 0
    bucket_lists: float = 0

    def lines(self, *, free: bool) -> dict[str, float]:
        """Dollars by item; `free`: less what AWS gives every account."""

        def left(quantity: float, allowance: float) -> float:
            return max(quantity - allowance, 0) if free else quantity

        return {
            "alarms": left(self.alarms, prices.FREE_ALARMS) * prices.ALARM_MONTH,
            "metrics": left(self.metrics, prices.FREE_METRICS) * prices.METRIC_MONTH,
            "Lambda": left(self.invocations, prices.FREE_LAMBDA_REQUESTS) * prices.LAMBDA_REQUEST
            + left(self.gb_seconds, prices.FREE_LAMBDA_GB_SECONDS) * prices.LAMBDA_GB_SECOND,
            "SQS": left(self.queue_requests, prices.FREE_QUEUE_REQUESTS) * prices.QUEUE_REQUEST,
            "DynamoDB": self.write_units * prices.WRITE_UNIT + self.read_units * prices.READ_UNIT,
            "API Gateway": self.requests * prices.GATEWAY_REQUEST,
            "SNS": left(self.topic_requests, prices.FREE_TOPIC_REQUESTS) * prices.TOPIC_REQUEST,
            "S3": self.bucket_lists * prices.BUCKET_LIST,
            "logs": left(self.log_gb, prices.FREE_LOG_GB) * prices.LOG_GB
            + self.log_gb * prices.LOG_GB_MONTH,
        }


def measure_cost(endpoint: str, quick: bool) -> list[Figure]:
    flight = _flight(endpoint)
    minute = _quiet_minute(endpoint)
    idle = _idle(flight, minute)
    units = measure_units(endpoint, quick)
    followed = [*measure_steps(endpoint, quick), *measure_sending(endpoint, quick)]
    bare = replace(flight, write_units=0, read_units=0, invocations=0, requests=0)
    canary = sum(idle.lines(free=False).values()) - sum(
        _idle(bare, minute).lines(free=False).values()
    )
    return [
        *_figures("An idle month, list price", idle.lines(free=False), MOST_IDLE),
        *_figures(
            "An idle month, with the permanent free tiers", idle.lines(free=True), MOST_IDLE_FREE
        ),
        *_figures("A million events of the usual mix, taken in", taken_in(units)),
        *_figures("What follows from their 50,000 new incidents", follow_up(followed)),
        *_figures("Their storage, a month", storage()),
        Figure("Their messages, in the United States", "50,000 SMS", sms(), "$"),
        *_choices(canary, minute),
        *fresh_table(units, followed),
    ]


def idle_month(endpoint: str) -> Bill:
    """What nothing at all costs, by the template and by units measured at the endpoint."""
    return _idle(_flight(endpoint), _quiet_minute(endpoint))


def _figures(group: str, lines: dict[str, float], most: float | None = None) -> list[Figure]:
    return [
        *(Figure(group, name, dollars, "$") for name, dollars in lines.items()),
        Figure(group, "together", sum(lines.values()), "$", most, "under"),
    ]


@dataclass(frozen=True, slots=True)
class Flights:
    """One flight of the canary."""

    write_units: float
    read_units: float
    invocations: int = INVOCATIONS_A_FLIGHT
    requests: int = REQUESTS_A_FLIGHT


def _flight(endpoint: str) -> Flights:
    """The second flight, which resolves the first one's incident."""
    world = new_world(endpoint)
    night = Pipeline(world)
    log = CallLog(world.table.client, world.counters.client)

    def post(event: dict[str, Any], key: str) -> int:
        return world.send(event, key=key).status

    for _ in range(2):
        log.drain()
        Flight(world.table, post, world.clock, partial(token_hex, 16)).begin()
        night.settle()
        world.clock.advance(minutes=5)
    calls = log.drain()
    # The pipeline lists the table by itself to play the stream.
    mine = [call for call in calls if call.operation != "Scan"]
    read = sum(call.units for call in mine if call.operation in READS)
    return Flights(sum(call.units for call in mine) - read, read)


@dataclass(frozen=True, slots=True)
class Minute:
    """A tick and its sweeps when nothing is due."""

    read_units: float
    write_units: float
    messages: int

    @property
    def sends(self) -> int:
        return ceil(self.messages / MOST_IN_A_SEND)


def _quiet_minute(endpoint: str) -> Minute:
    world = new_world(endpoint)
    night = Pipeline(world)
    log = CallLog(world.table.client)
    messages = 0
    for _ in range(2):
        log.drain()
        world.clock.advance(minutes=1)
        tick(night.engine)
        messages = len(night.post.queued)
        while queued := night.post.take(world.clock()):
            on_message(night.engine, queued.message)
    calls = log.drain()
    # MiniStack counts no units of a query, and each finds nothing here.
    queries = sum(call.operation == "Query" for call in calls)
    read = sum(call.units for call in calls if call.operation in READS - {"Query"})
    written = sum(call.units for call in calls if call.operation not in READS)
    return Minute(read + queries * EMPTY_QUERY + HOLD_READERS, written, messages)


def _idle(flight: Flights, minute: Minute) -> Bill:
    polled = sum(
        source["Type"] == "SQS"
        for function in of_type("AWS::Serverless::Function").values()
        for source in function.get("Events", {}).values()
    )
    empty = polled * POLLERS * POLLS_A_MINUTE
    # Each message of a tick is sent in a batch, received and deleted, at worst by itself.
    handled = minute.sends + 2 * minute.messages
    invocations = _invocations(minute)
    seconds = LOOK_SECONDS * memory_gb("TickFunction") + WARM_SECONDS * (
        memory_gb("TickFunction")
        + minute.messages * memory_gb("TimerFunction")
        + memory_gb("PublishFunction")
    )
    flights = MINUTES / int(template()["Parameters"]["CanaryMinutes"]["Default"])
    flown = flights * flight.invocations
    return Bill(
        alarms=len(of_type("AWS::CloudWatch::Alarm")),
        # The others exist in the hours in which they are emitted.
        metrics=len(STEADY),
        invocations=MINUTES * invocations + flown,
        gb_seconds=MINUTES * seconds + flown * WARM_SECONDS * memory_gb("NotifyFunction"),
        # A page to plan, one to send and two reminders: each is sent, received and deleted.
        queue_requests=MINUTES * (empty + handled + DEPTHS_A_TICK) + flights * 12,
        read_units=MINUTES * (minute.read_units + LOOKS_FOR_PAGES) + flights * flight.read_units,
        write_units=MINUTES * minute.write_units + flights * flight.write_units,
        log_gb=(MINUTES * invocations + flown) * LOGGED_BYTES / 1e9,
        requests=flights * flight.requests,
        # The tick asks for the fallback's subscriptions.
        topic_requests=MINUTES,
        bucket_lists=MINUTES * LISTS_A_MINUTE,
    )


def _invocations(minute: Minute) -> int:
    """How often the tick, the timer function (once a message) and the renderer of pages run."""
    return 1 + minute.messages + 1


def _choices(canary: float, minute: Minute) -> list[Figure]:
    """What each would save, or costs, in a month."""
    group = "What a choice is worth, a month"
    a_queue = POLLERS * POLLS_A_MINUTE * MINUTES * prices.QUEUE_REQUEST
    idle_lines = MINUTES * _invocations(minute)
    # Each minute a look at bucket, table and incidents; each five the two files with the time.
    a_look = (
        prices.TOPIC_REQUEST
        + prices.LAMBDA_REQUEST
        + WARM_SECONDS * memory_gb("PublishFunction") * prices.LAMBDA_GB_SECOND
        + prices.BUCKET_LIST
        + prices.BUCKET_GET
        + READS_A_LOOK * prices.READ_UNIT
        + prices.WRITE_UNIT
        + LOGGED_BYTES / 1e9 * prices.LOG_GB
    )
    a_page = MINUTES * (a_look + 2 * prices.BUCKET_LIST / 5)
    # Kept for minutes: as many items as keys that send at once.
    rates_gb = 1000 * RATE_ITEM_KB / 1e6
    return [
        Figure(group, "the canary", canary, "$"),
        Figure(group, "a public status page that nobody reads", a_page, "$"),
        Figure(group, "an alarm", prices.ALARM_MONTH, "$"),
        Figure(group, "a steady metric", prices.METRIC_MONTH, "$"),
        Figure(group, "the empty receives of one queue", a_queue, "$"),
        Figure(
            group,
            "platform lines of an idle month (JSON log format)",
            idle_lines * PLATFORM_BYTES / 1e9 * prices.LOG_GB,
            "$",
        ),
        Figure(
            group,
            "platform lines of a million events",
            EVENTS * PLATFORM_BYTES / 1e9 * prices.LOG_GB,
            "$",
        ),
        Figure(
            group,
            "access log of a million events",
            EVENTS * ACCESS_BYTES / 1e9 * prices.LOG_GB,
            "$",
        ),
        Figure(
            group,
            "backup of the rates table, 1,000 keys",
            rates_gb * prices.BACKUP_GB_MONTH,
            "$",
        ),
    ]
