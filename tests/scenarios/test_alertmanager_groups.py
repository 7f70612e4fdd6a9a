"""Whatever Alertmanager sends, in whatever order it arrives: an alert that fires has an active
incident, and one that does not has none.
"""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from harness import embedded
from harness.invariants import check
from harness.world import World, build, http_event

ALERTS: Final = tuple("abcdef")
GROUPS: Final = ("one", "two")
BEGAN: Final = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


class Sender(RuleBasedStateMachine):
    """Alertmanager: it knows what fires, and sends all of a group. `active` is what we should know:
    the start of each occurrence that we have heard of and that has not ended, by the group in which
    we heard of it (one for all where each alert has an incident of its own) and its name.
    """

    per_group = False

    def __init__(self) -> None:
        super().__init__()
        self.world: World = build(embedded.endpoint())
        self.minute = 0
        self.group = {name: GROUPS[n % 2] for n, name in enumerate(ALERTS)}
        self.fires: dict[str, int] = {}
        """Since which minute."""
        self.ended: dict[str, tuple[int, int]] = {}
        """Not sent as resolved yet: when it began and ended."""
        self.delayed: list[dict[str, Any]] = []
        self.active: dict[tuple[str, str], int] = {}

    def teardown(self) -> None:
        self.world.close()

    @rule(name=st.sampled_from(ALERTS))
    def begins(self, name: str) -> None:
        self.minute += 1
        self.fires.setdefault(name, self.minute)

    @rule(name=st.sampled_from(ALERTS))
    def ends(self, name: str) -> None:
        if name in self.fires:
            self.minute += 1
            self.ended[name] = (self.fires.pop(name), self.minute)

    @rule(name=st.sampled_from(ALERTS))
    def moves_to_another_group(self, name: str) -> None:
        self.group[name] = next(each for each in GROUPS if each != self.group[name])

    @rule(group=st.sampled_from(GROUPS), most=st.integers(1, 6), late=st.booleans())
    def flushes(self, group: str, most: int, late: bool) -> None:
        """`most`: as `max_alerts` cuts it. `late`: it is on its way for longer than the next."""
        mine = [name for name in ALERTS if self.group[name] == group]
        alerts = [
            (name, began, None) for name in mine if (began := self.fires.get(name)) is not None
        ]
        over = [
            (name, *self.ended[name]) for name in mine if name in self.ended.keys() - self.fires
        ]
        everything = [*alerts, *over][:most]
        if not everything:
            return
        for name, _, end in everything:
            if end is not None:
                del self.ended[name]
        body = {
            "alerts": [as_sent(*each) for each in everything],
            "groupKey": group,
            "status": "firing" if alerts else "resolved",
            "truncatedAlerts": len(alerts) + len(over) - len(everything),
        }
        if late:
            self.delayed.append(body)
        else:
            self.arrives(body)

    @rule(twice=st.booleans())
    def the_oldest_delayed_arrives(self, twice: bool) -> None:
        if self.delayed:
            body = self.delayed.pop(0)
            self.arrives(body)
            if twice:
                self.arrives(body)

    def is_over(self, name: str) -> bool:
        return name in self.ended and name not in self.fires

    def arrives(self, body: dict[str, Any]) -> None:
        self.world.clock.advance(seconds=61)
        path = f"/k/{self.world.integration_key}/alertmanager"
        query = {"per": "group"} if self.per_group else {}
        answer = self.world.request(http_event(json.dumps(body), path=path, query=query))
        assert answer.status == 202, answer.body
        for each in body["alerts"]:
            name, group = each["fingerprint"], body["groupKey"] if self.per_group else ""
            if each["status"] == "firing":
                # One that is already known by another start says when the one going on began.
                self.active[group, name] = minute(each["startsAt"])
                continue
            over = minute(each["endsAt"])
            for (place, known), began in list(self.active.items()):
                if known == name and over > began:
                    del self.active[place, known]

    @invariant()
    def what_fires_is_active(self) -> None:
        found = check(self.world)
        if self.per_group:
            firing = Counter(group for group, _ in self.active)
            assert {each["dedup_key"]: each["firing"] for each in found.active} == firing
        else:
            assert {each["dedup_key"] for each in found.active} == {n for _, n in self.active}


class GroupSender(Sender):
    per_group = True


def as_sent(name: str, began: int, end: int | None) -> dict[str, Any]:
    return {
        "status": "firing" if end is None else "resolved",
        "labels": {"alertname": name, "severity": "critical"},
        "annotations": {},
        "startsAt": (BEGAN + timedelta(minutes=began)).isoformat(),
        "endsAt": "0001-01-01T00:00:00Z"
        if end is None
        else (BEGAN + timedelta(minutes=end)).isoformat(),
        "fingerprint": name,
    }


def minute(written: str) -> int:
    return int((datetime.fromisoformat(written) - BEGAN).total_seconds() // 60)


@pytest.mark.soak
@pytest.mark.parametrize("machine", [Sender, GroupSender])
def test_what_fires_has_an_active_incident(machine: type[Sender], full_size: bool) -> None:
    few = settings(max_examples=300 if full_size else 12, stateful_step_count=25, deadline=None)
    run_state_machine_as_test(machine, settings=few)
