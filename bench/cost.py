"""What a deployment costs in a month in which nothing happens, and what a million events add.

Arithmetic: list prices, counts from `template.yaml`, and units that the other figures measure. Two
kinds of numbers were never seen on AWS and are assumptions with a name: how long an invocation
takes, and how many bytes it logs.
"""

from dataclasses import dataclass
from typing import Any, Final

from bench import prices
from bench.calls import measure_units
from bench.figures import Figure
from harness.dynamodb import template

MINUTES: Final = 30 * 24 * 60
# Lambda's own long polls: five for each queue with a MaximumConcurrency, 20 seconds each.
POLLERS: Final = 5
POLLS_A_MINUTE: Final = 3
# One message for each shard, and one for the auditor.
MESSAGES_A_TICK: Final = 17
# A batch call takes ten messages.
SENDS_A_TICK: Final = 2

# Assumptions, never measured on AWS.
WARM_SECONDS: Final = 0.03
LOGGED_BYTES: Final = 650
"""The platform's lines and a metric, for each invocation."""

# 85 of 100 events repeat what is known; five open, five acknowledge, five resolve.
USUAL_MIX: Final = {
    "deduplicated": 0.85,
    "new trigger": 0.05,
    "acknowledge": 0.05,
    "resolve after acknowledge": 0.05,
}
ALERT_KB: Final = 0.7


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
            "logs": left(self.log_gb, prices.FREE_LOG_GB) * prices.LOG_GB
            + self.log_gb * prices.LOG_GB_MONTH,
        }


def measure_cost(endpoint: str, quick: bool) -> list[Figure]:
    idle = _idle()
    million = _million(measure_units(endpoint, quick))
    return [
        *_figures("An idle month, list price", idle.lines(free=False)),
        *_figures("An idle month, with the permanent free tiers", idle.lines(free=True)),
        *_figures("A million events of the usual mix, taken in", million),
    ]


def _figures(group: str, lines: dict[str, float]) -> list[Figure]:
    return [
        *(Figure(group, name, dollars, "$") for name, dollars in lines.items()),
        Figure(group, "together", sum(lines.values()), "$"),
    ]


def _of_type(kind: str) -> dict[str, Any]:
    resources = template()["Resources"].items()
    return {name: each["Properties"] for name, each in resources if each["Type"] == kind}


def _memory_gb(function: str) -> float:
    memory: int = _of_type("AWS::Serverless::Function")[function]["MemorySize"]
    return memory / 1024


def _idle() -> Bill:
    polled = sum(
        source["Type"] == "SQS"
        for function in _of_type("AWS::Serverless::Function").values()
        for source in function.get("Events", {}).values()
    )
    empty = polled * POLLERS * POLLS_A_MINUTE
    # Each message of a tick is sent in a batch, received and deleted, at worst by itself.
    handled = SENDS_A_TICK + 2 * MESSAGES_A_TICK
    invocations = 1 + MESSAGES_A_TICK
    seconds = WARM_SECONDS * (
        _memory_gb("TickFunction") + MESSAGES_A_TICK * _memory_gb("TimerFunction")
    )
    return Bill(
        alarms=len(_of_type("AWS::CloudWatch::Alarm")),
        # OldestDueSeconds; the others exist in the hours in which they are emitted.
        metrics=1,
        invocations=MINUTES * invocations,
        gb_seconds=MINUTES * seconds,
        queue_requests=MINUTES * (empty + handled),
        # A query of each shard, and the auditor's two reads and its place.
        read_units=MINUTES * (16 * 0.5 + 2),
        write_units=MINUTES,
        log_gb=MINUTES * invocations * LOGGED_BYTES / 1e9,
    )


def _million(units: list[Figure]) -> dict[str, float]:
    """Dollars for the intake alone: what follows a new incident depends on its policy."""
    cost = {each.name: each.measured for each in units if each.group.startswith("Write units")}
    events = 1_000_000
    written = sum(share * cost[name] for name, share in USUAL_MIX.items())
    alerts = USUAL_MIX["deduplicated"] + USUAL_MIX["new trigger"]
    stored_gb = events * alerts * ALERT_KB / 1e6
    return {
        "API Gateway": events * prices.GATEWAY_REQUEST,
        "Lambda": events * prices.LAMBDA_REQUEST
        + events * WARM_SECONDS * _memory_gb("EventsFunction") * prices.LAMBDA_GB_SECOND,
        "DynamoDB writes": events * written * prices.WRITE_UNIT,
        "DynamoDB reads": events * prices.READ_UNIT,
        "logs": events * 2 * LOGGED_BYTES / 1e9 * prices.LOG_GB,
        "storage and its backup, a month": stored_gb
        * (prices.TABLE_GB_MONTH + prices.BACKUP_GB_MONTH),
    }
