"""What must hold in the main table at any moment, checked on its items as they are stored.

Uses no model of the product, on purpose: an independent pair of eyes judges what it writes.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

# Each timer with the statuses in which it may be set.
_TIMERS: Final = {
    "announce": {"OPEN", "ACKNOWLEDGED", "SNOOZED", "SUPPRESSED", "RESOLVED"},
    "step": {"OPEN"},
    "pages": {"OPEN"},
    "snooze": {"SNOOZED"},
    "support_hours": {"OPEN", "ACKNOWLEDGED", "SNOOZED", "SUPPRESSED"},
    "window": {"SUPPRESSED"},
    "acknowledgement": {"ACKNOWLEDGED"},
    "auto_resolve": {"OPEN", "ACKNOWLEDGED"},
    "fallback": {"OPEN"},
    "reminder": {"OPEN"},
}
_REPEATED: Final = (
    "id service_id dedup_key title urgency urgency_in_hours status created_at epoch changes".split()  # noqa: SIM905
)
_RESTING: Final = {
    "OPEN": {"NONE", "ESCALATING", "COMPLETED", "EXHAUSTED"},
    "ACKNOWLEDGED": {"COMPLETED"},
    "SNOOZED": {"PAUSED"},
    "SUPPRESSED": {"PAUSED"},
}

type Item = dict[str, Any]


class Holder(Protocol):
    """A world, or a deployed table."""

    def items(self) -> list[dict[str, Any]]:
        """Everything in the main table, in wire form."""


@dataclass
class Stored:
    """The main table by kind of item, in plain values."""

    incidents: dict[str, Item] = field(default_factory=dict)
    pointers: dict[tuple[str, str], Item] = field(default_factory=dict)
    alerts: dict[str, list[Item]] = field(default_factory=lambda: defaultdict(list))
    changes: dict[str, list[Item]] = field(default_factory=lambda: defaultdict(list))
    chunks: Counter[str] = field(default_factory=Counter)
    pages: dict[str, list[Item]] = field(default_factory=lambda: defaultdict(list))
    services: dict[str, Item] = field(default_factory=dict)
    members: dict[str, list[Item]] = field(default_factory=lambda: defaultdict(list))

    @property
    def active(self) -> list[Item]:
        return [each for each in self.incidents.values() if each["status"] != "RESOLVED"]

    def uncounted(self, incident_id: str) -> int:
        """How many alerts an incident has beyond its count; negative for fewer."""
        counted: int = self.incidents[incident_id]["alert_count"]
        return len(self.alerts.get(incident_id, ())) - counted


def stored(world: Holder) -> Stored:
    found = Stored()
    for wire in world.items():
        item = {name: _plain(value) for name, value in wire.items()}
        # What was restored has kinds of its own, which wake nobody.
        match item["kind"].removeprefix("restored_"):
            case "incident":
                found.incidents[item["id"]] = item
            case "pointer":
                found.pointers[_place(item)] = item
            case "alert":
                found.alerts[item["incident_id"]].append(item)
            case "change":
                found.changes[item["incident_id"]].append(item)
            case "member":
                found.members[item["incident_id"]].append(item)
            case "chunk":
                found.chunks[item["pk"].removeprefix("alert#")] += 1
            case "service":
                found.services[item["id"]] = item
            case "page":
                found.pages[item["incident_id"]].append(item)
            case _:
                pass
    return found


def check(world: Holder, unanswered: int = 0) -> Stored:
    """Asserts all invariants; returns the stored items for further questions.

    `unanswered` is the number of requests that died or went unanswered, the sender's and our own to
    DynamoDB: each may have left an alert that is not counted, or counted one that is not there.
    """
    found = stored(world)
    assert found.alerts.keys() <= found.incidents.keys(), "alerts without an incident"
    assert found.changes.keys() <= found.incidents.keys(), "changes without an incident"
    amiss = sum(abs(found.uncounted(name)) for name in found.incidents)
    assert amiss <= unanswered, f"{amiss} alerts are not as counted"
    for item in found.incidents.values():
        _check_incident(item, found)
    for alerts in found.alerts.values():
        for alert in alerts:
            assert found.chunks[alert["id"]] >= alert.get("chunks", 0), "a body lacks chunks"
    active = Counter(_place(each) for each in found.active)
    assert all(number == 1 for number in active.values()), f"active twice: {active}"
    assert found.pointers.keys() == active.keys(), "pointers and active incidents differ"
    for item in found.active:
        pointer = found.pointers[_place(item)]
        repeated = {name: pointer.get(name) for name in _REPEATED}
        assert repeated == {name: item.get(name) for name in _REPEATED}
        space = "internal#" if "internal" in item else ""
        assert pointer["pk"] == f"{space}{item['service_id']}#{item['dedup_key']}"
    return found


def _place(item: Item) -> tuple[str, str]:
    """The service and dedup key. Incidents of our own share none with those of senders."""
    space = "internal#" if "internal" in item else ""
    return item["service_id"], space + item["dedup_key"]


def _check_incident(item: Item, found: Stored) -> None:
    alerts = found.alerts.get(item["id"], [])
    assert item["first_alert_id"] in {each["id"] for each in alerts}
    # Where one is counted that is not there, it may have been the last.
    counted_more = found.uncounted(item["id"]) < 0
    times = {each["at"] for each in alerts}
    # What its sender only repeats is no alert of its own.
    times.add(item.get("seen_at"))
    assert counted_more or item["last_alert_at"] in times
    changes = sorted(found.changes.get(item["id"], []), key=lambda each: int(each["number"]))
    assert [each["number"] for each in changes] == list(range(2, item["changes"] + 1))
    assert [each["sk"] for each in changes] == [f"change#{each['number']:06}" for each in changes]
    if changes:
        last = changes[-1]
        assert (last["status"], last["epoch"]) == (item["status"], item["epoch"])
    _check_members(item, found.members.get(item["id"], []))
    _check_waiting(item)
    _check_restless(item, found)


def _check_members(item: Item, members: list[Item]) -> None:
    """A group counts its members as they are, and is over when none of them fires."""
    members = [each for each in members if not each.get("overflow")]
    assert item.get("members", 0) == len(members), "members are not as counted"
    firing = sum(each["state"] == "firing" for each in members)
    # Resolved by somebody, it does not look at them any more.
    if item["status"] != "RESOLVED":
        assert item.get("firing", 0) == firing, "firing members are not as counted"
        assert firing or not members or item.get("untracked"), "nothing fires any more"


def _check_restless(item: Item, found: Stored) -> None:
    """The law: of an OPEN incident somebody will be told again, at a known time."""
    if (
        item["status"] != "OPEN"
        or {"step", "pages", "fallback", "reminder"} & item["timers"].keys()
    ):
        return
    remind = found.services.get(item["service_id"], {}).get("remind", {})
    assert remind.get(item["urgency"].lower()) == "never", f"at rest: {item}"


def _check_waiting(item: Item) -> None:
    """No timer can be forgotten, and none outlives its status."""
    waiting = item["timers"]
    assert all(item["status"] in _TIMERS[name] for name in waiting), f"outlived: {item}"
    # A change makes it due at once, whatever was due before and is not handled yet.
    due = {min(waiting.values(), default=None), waiting.get("announce")}
    if "failures" not in item:
        assert item.get("due_at") in due, f"due when nothing is: {item}"
    assert ("due_at" in item) == bool(waiting), f"waits for ever: {item}"
    if item["status"] == "OPEN" and "step" not in waiting:
        assert item["escalation"] in {"COMPLETED", "EXHAUSTED"}, f"pages nobody: {item}"
    unannounced = item["announced"] < item["changes"]
    assert unannounced == ("announce" in item["timers"])
    assert ("snooze" in item["timers"]) == (item["status"] == "SNOOZED")
    # No list shows a canary.
    is_listed = not item["id"].startswith("canary_")
    if item["status"] == "RESOLVED":
        assert {"resolved_at", "expires_at"} <= item.keys()
        place = f"resolved#{item['service_id']}#"
        assert item["listing"].startswith(place) if is_listed else "listing" not in item
        assert item["escalation"] == "COMPLETED"
    else:
        assert not {"resolved_at", "expires_at"} & item.keys()
        assert item.get("listing") == ("active" if is_listed else None)
        assert item["escalation"] in _RESTING[item["status"]]


def _plain(value: Any) -> Any:
    [(kind, content)] = value.items()
    match kind:
        case "N":
            return int(content)
        case "M":
            return {name: _plain(each) for name, each in content.items()}
        case "L":
            return [_plain(each) for each in content]
        case _:
            return content
