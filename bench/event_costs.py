"""What a million events of the usual mix cost: taken in, followed up, stored and sent."""

from typing import Any, Final

from bench import prices
from bench.figures import Figure
from harness.dynamodb import template

EVENTS: Final = 1_000_000
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html
FRESH_TABLE: Final = 4_000
INCIDENT_KB: Final = 8
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
# A new incident that pages one user by SMS, acknowledged and resolved, with a webhook that hears of
# all three; each invocation of its functions handles one record.
NOTICES: Final = 3
INVOCATIONS_AN_INCIDENT: Final = 16
ACCESS_BYTES: Final = 420
"""A line of the access log."""


def of_type(kind: str) -> dict[str, Any]:
    resources = template()["Resources"].items()
    return {name: each["Properties"] for name, each in resources if each["Type"] == kind}


def memory_gb(function: str) -> float:
    memory: int = of_type("AWS::Serverless::Function")[function]["MemorySize"]
    return memory / 1024


def taken_in(units: list[Figure]) -> dict[str, float]:
    """Dollars for the intake alone: what follows a new incident depends on its policy."""
    cost = {each.name: each.measured for each in units if each.group.startswith("Write units")}
    events = EVENTS
    written = sum(share * cost[name] for name, share in USUAL_MIX.items())
    return {
        "API Gateway": events * prices.GATEWAY_REQUEST,
        "Lambda": events * prices.LAMBDA_REQUEST
        + events * WARM_SECONDS * memory_gb("EventsFunction") * prices.LAMBDA_GB_SECOND,
        "DynamoDB writes": events * written * prices.WRITE_UNIT,
        "DynamoDB reads": events * prices.READ_UNIT,
        "logs": EVENTS * (2 * LOGGED_BYTES + ACCESS_BYTES) / 1e9 * prices.LOG_GB,
    }


def follow_up(followed: list[Figure]) -> dict[str, float]:
    """Dollars for one step, one page by SMS, and a webhook that hears of opening and acts."""
    units = {each.name: each.measured for each in followed}
    each_once = ("first step", "a page planned by two rules", "a page sent by SMS")
    each_notice = ("a change planned for one receiver", "a notice sent by webhook")

    def units_of(kind: str) -> float:
        once = sum(units[f"{name}, {kind}"] for name in each_once)
        return once + NOTICES * sum(units[f"{name}, {kind}"] for name in each_notice)

    incidents = EVENTS * USUAL_MIX["new trigger"]
    invoked = incidents * INVOCATIONS_AN_INCIDENT
    return {
        "Lambda": invoked * prices.LAMBDA_REQUEST
        + invoked * WARM_SECONDS * memory_gb("NotifyFunction") * prices.LAMBDA_GB_SECOND,
        "SQS": incidents * (NOTICES + 4) * 3 * prices.QUEUE_REQUEST,
        "DynamoDB writes": incidents * units_of("written") * prices.WRITE_UNIT,
        "DynamoDB reads": incidents * units_of("read") * prices.READ_UNIT,
        "logs": invoked * LOGGED_BYTES / 1e9 * prices.LOG_GB,
    }


def fresh_table(units: list[Figure], followed: list[Figure]) -> list[Figure]:
    """What a new table on demand takes before it has grown, from the event to the record of its
    messages.
    """
    intake = {each.name: each.measured for each in units if each.group.startswith("Write units")}
    after = {each.name: each.measured for each in followed}
    opened = intake["new trigger"] + sum(
        after[f"{name}, written"]
        for name in (
            "first step",
            "a page planned by two rules",
            "a page sent by SMS",
            "a change planned for one receiver",
            "a notice sent by webhook",
        )
    )
    acts = 2 * sum(
        after[f"{name}, written"]
        for name in ("a change planned for one receiver", "a notice sent by webhook")
    )
    mixed = sum(share * intake[name] for name, share in USUAL_MIX.items())
    mixed += USUAL_MIX["new trigger"] * (opened - intake["new trigger"] + acts)
    group = "A fresh table, 4,000 write units a second, end to end"
    return [
        Figure(group, "a new incident, one page by SMS and a webhook", opened, "units"),
        Figure(group, "new incidents a second", FRESH_TABLE / opened, ""),
        Figure(group, "an event of the usual mix, all that follows included", mixed, "units"),
        Figure(group, "events of the usual mix a second", FRESH_TABLE / mixed, ""),
    ]


def storage() -> dict[str, float]:
    """Mostly alerts; INCIDENT_KB has changes, step, page and deliveries in it."""
    alerts = EVENTS * (USUAL_MIX["deduplicated"] + USUAL_MIX["new trigger"]) * ALERT_KB / 1e6
    incidents = EVENTS * USUAL_MIX["new trigger"] * INCIDENT_KB / 1e6
    stored = alerts + incidents
    return {
        "table": stored * prices.TABLE_GB_MONTH,
        "its backup to any second": stored * prices.BACKUP_GB_MONTH,
    }


def sms() -> float:
    return EVENTS * USUAL_MIX["new trigger"] * prices.SMS_UNITED_STATES
