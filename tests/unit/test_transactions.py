"""The transitions as the store writes them: each condition repeats what was decided on."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from opsknight.incident.commands import (
    TRANSITIONS,
    Acknowledge,
    AcknowledgementTimeout,
    Amend,
    AutoResolve,
    Command,
    Escalate,
    Note,
    Prioritize,
    Reassign,
    Resolve,
    Snooze,
    Suppress,
    Unacknowledge,
    Unsnooze,
    Unsuppress,
)
from opsknight.incident.decisions import Merged, NotAllowed, Opened, Transitioned, Unchanged
from opsknight.incident.lifecycle import act
from opsknight.incident.model import ACTIVE, Actor, ActorKind, Alert, Incident, Status, Urgency
from opsknight.incident.urgency import raise_urgency
from opsknight.store.items import incident_key
from opsknight.store.transactions import count, writes
from opsknight.store.wire import plain

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
RETENTION = timedelta(days=400)
ADA = Actor(kind=ActorKind.USER, id="user_ada", name="Ada")
INCIDENT = Incident(
    id="inc_1",
    service_id="svc_1",
    dedup_key="cpu",
    title="CPU",
    urgency=Urgency.HIGH,
    status=Status.OPEN,
    created_at=NOW,
    changes=5,
    first_alert_id="al_1",
    last_alert_at=NOW,
)
ALERT = Alert(id="al_2", incident_id="inc_1", at=NOW, actor=ADA, body="{}")
COMMANDS: list[Command] = [
    Acknowledge(),
    Resolve(),
    Snooze(NOW + timedelta(hours=1)),
    Unsnooze(),
    Suppress(),
    Unsuppress(),
    Escalate(),
    Reassign("user_ben"),
    Prioritize(Urgency.LOW),
    Note("Looking at it."),
    Amend((("message", "It is worse."),)),
    Unacknowledge(),
    AcknowledgementTimeout(),
    AutoResolve(),
]
MOVES = [
    pytest.param(command, before, after, id=f"{type(command).__name__}-{before}")
    for command in COMMANDS
    for before, after in TRANSITIONS[type(command)].items()
]


def written(decision: Opened | Merged | Transitioned) -> list[dict[str, Any]]:
    """The writes: each as how, the key, the condition with values in it, and what is set or put."""
    transaction, _ = writes(decision, "table", RETENTION)
    found = []
    for write in transaction:
        [(how, arguments)] = write.items()
        assert isinstance(arguments, dict)
        assert arguments["TableName"] == "table"
        names = arguments.get("ExpressionAttributeNames", {})
        values = plain(arguments.get("ExpressionAttributeValues", {}))
        condition = arguments.get("ConditionExpression", "")
        for placeholder, name in names.items():
            condition = condition.replace(placeholder, name)
        for placeholder, value in values.items():
            condition = condition.replace(placeholder, str(value))
        key = arguments.get("Key") or {k: arguments["Item"][k] for k in ("pk", "sk")}
        expression = arguments.get("UpdateExpression", "").partition(" REMOVE ")[0]
        sets = {
            ".".join(names[part] for part in target.split(".")): values[value]
            for target, value in (
                pair.split(" = ")
                for pair in expression.removeprefix("SET ").partition(" ADD ")[0].split(", ")
                if pair and "if_not_exists" not in pair and " = " in pair
            )
        }
        found.append({"how": how, "sk": key["sk"]["S"], "condition": condition, "sets": sets})
    return found


@pytest.mark.parametrize(("command", "before", "after"), MOVES)
def test_the_conditions_are_the_transitions(
    command: Command, before: Status, after: Status
) -> None:
    seen = INCIDENT.model_copy(update={"status": before})
    decision = act(seen, command, actor=ADA, now=NOW)
    assert not isinstance(decision, NotAllowed)
    if isinstance(decision, Unchanged):
        assert after is before
        return
    incident, pointer, change = written(decision)
    assert (incident["how"], incident["sk"]) == ("Update", "incident")
    silent = " AND last_alert_at = 2026-11-23T03:00:00.000000Z"
    more = silent if isinstance(command, AutoResolve) else ""
    assert incident["condition"] == f"status = {before}{more}", "what was seen, and no more"
    assert incident["sets"]["status"] == after
    assert pointer["sk"] == "pointer"
    assert pointer["condition"] == "id = inc_1"
    if after is Status.RESOLVED:
        assert pointer["how"] == "Delete", "a pointer is there exactly while it is active"
    else:
        assert pointer["how"] == "Update"
        assert pointer["sets"] == {
            name: incident["sets"][name] for name in ("status", "urgency", "epoch", "changes")
        }
    assert (change["how"], change["sk"]) == ("Put", "change#000006")
    assert change["condition"] == "attribute_not_exists(pk)"


def test_resolved_is_final() -> None:
    assert all(Status.RESOLVED not in moves for moves in TRANSITIONS.values())


@pytest.mark.parametrize("status", list(Status)[:4], ids=str)
def test_an_alert_that_raises_depends_on_the_status_alone(status: Status) -> None:
    before = INCIDENT.model_copy(update={"status": status, "urgency": Urgency.LOW})
    raised = raise_urgency(before, Urgency.HIGH, ADA, NOW)
    incident, alert, pointer, change = written(Merged(before, ALERT, raised))
    assert incident["condition"] == f"status = {status}"
    assert {"last_alert_at", "urgency", "changes"} <= set(incident["sets"])
    assert (alert["how"], alert["condition"]) == ("Put", "")
    assert (pointer["sk"], change["sk"]) == ("pointer", "change#000006")


def test_counting_an_alert_touches_only_what_an_alert_changes() -> None:
    counted = count(ALERT, "table")
    assert counted["Key"] == incident_key("inc_1")
    assert counted["UpdateExpression"] == "SET #last_alert_at = :last_alert_at ADD alert_count :one"
    values: Any = counted["ExpressionAttributeValues"]
    assert set(plain(values).values()) == {*ACTIVE, "2026-11-23T03:00:00.000000Z", 1}
    condition = "#status IN (:active_0, :active_1, :active_2, :active_3)"
    assert counted["ConditionExpression"] == condition


def test_a_merge_that_raises_nothing_is_no_transaction() -> None:
    with pytest.raises(ValueError, match="no transaction"):
        written(Merged(INCIDENT, ALERT))


def test_opening_depends_on_there_being_no_active_incident() -> None:
    incident, pointer, alert = written(Opened(INCIDENT, ALERT))
    assert (incident["sk"], pointer["sk"], alert["sk"]) == ("incident", "pointer", "alert#al_2")
    assert incident["condition"] == pointer["condition"] == "attribute_not_exists(pk)"


def test_only_resolving_starts_the_retention() -> None:
    for command in COMMANDS:
        for before in TRANSITIONS[type(command)]:
            seen = INCIDENT.model_copy(update={"status": before})
            decision = act(seen, command, actor=ADA, now=NOW)
            if isinstance(decision, Transitioned):
                incident = written(decision)[0]
                resolved = decision.after.status is Status.RESOLVED
                assert ("expires_at" in incident["sets"]) is resolved
                assert ("listing" in incident["sets"]) is resolved
