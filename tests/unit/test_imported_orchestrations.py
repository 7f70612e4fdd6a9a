"""Orchestrations of any shape: what becomes of an event there becomes of it here.

What becomes of it there is worked out set by set, as PagerDuty says that it goes through them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from opsknight.directory.routing import Routing
from opsknight.incident.model import URGENCY, Severity, Urgency
from opsknight.integrations.routes import verdict
from opsknight_cli.importing.outcome import Imported
from opsknight_cli.importing.pagerduty.reading import imported
from opsknight_cli.importing.pagerduty.shapes import Export
from tests.unit.test_imported_schedules import NOW, user

FIELDS = ["class", "group"]
VALUES = ["x", "y"]
CONDITIONS = st.lists(
    st.tuples(st.sampled_from(FIELDS), st.sampled_from(VALUES)), max_size=2, unique=True
)
URGENCIES = {"loud": "high", "quiet": "low", "sorted": "severity_based"}
ACTIONS: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.sampled_from([{"drop_event": True}, {"suppress": True}, {}]),
    *(
        st.just({"severity": severity.value, "suspend": seconds})
        for severity, seconds in zip(Severity, (None, 60, 300, None), strict=True)
    ),
)


def rules(actions: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[list[dict[str, Any]]]:
    return st.lists(
        st.fixed_dictionaries({"any": CONDITIONS, "actions": actions, "disabled": st.booleans()}),
        max_size=3,
    )


ROUTER = rules(st.sampled_from([*URGENCIES]).map(lambda name: {"route_to": name}))
EVENTS = st.fixed_dictionaries(
    {name: st.sampled_from(VALUES) for name in FIELDS}
    | {"severity": st.sampled_from([each.value for each in Severity])}
)


@dataclass(frozen=True)
class Outcome:
    silent: bool
    service: str = ""
    is_high: bool = False
    waits: timedelta | None = None


def there(
    own: Sequence[Any], router: Sequence[Any], services: Mapping[str, Sequence[Any]], event: Any
) -> Outcome:
    first = taken(own, event)
    service = taken(router, event).get("route_to")
    if service is None:
        return Outcome(silent=True)
    second = taken(services.get(service, ()), event)
    if any(each.get(name) for each in (first, second) for name in ("drop_event", "suppress")):
        return Outcome(silent=True)
    severity = second.get("severity") or first.get("severity") or event["severity"]
    high = {"high": True, "low": False}.get(
        URGENCIES[service], severity in (Severity.CRITICAL, Severity.ERROR)
    )
    seconds = second.get("suspend") or first.get("suspend")
    return Outcome(False, service, high, timedelta(seconds=seconds) if seconds else None)


def taken(several: Sequence[Any], event: Any) -> dict[str, Any]:
    """The actions of the first rule that matches."""
    for each in several:
        if not each["disabled"] and (
            not each["any"] or any(event[name] == value for name, value in each["any"])
        ):
            actions: dict[str, Any] = each["actions"]
            return actions
    return {}


def here(found: Imported, event: dict[str, Any]) -> Outcome:
    [integration] = [
        it for it in found.configuration.integrations.values() if it.name.endswith("all")
    ]
    routing = integration.routing or Routing()
    came = verdict(routing, integration.service_id, {"payload": event})
    assert not came.problems
    if came.drop or came.suppress:
        return Outcome(silent=True)
    urgency = URGENCY[came.severity or Severity(event["severity"])]
    return Outcome(
        False,
        came.service_ids[0].removeprefix("svc_"),
        urgency is not Urgency.LOW,
        came.page_after.time if came.page_after else None,
    )


def path(kind: str, parent: str, several: Sequence[Any]) -> dict[str, Any]:
    written = [
        {
            "label": f"rule {number}",
            "disabled": each["disabled"],
            "actions": each["actions"],
            "conditions": [
                {"expression": f"event.{name} matches '{value}'"} for name, value in each["any"]
            ],
        }
        for number, each in enumerate(several)
    ]
    return {"type": kind, "parent": {"id": parent}, "sets": [{"id": "start", "rules": written}]}


def always(**actions: Any) -> dict[str, Any]:
    return {"any": [], "actions": actions, "disabled": False}


ERROR = {"class": "x", "group": "x", "severity": "error"}


# Where both say something, the later one counts.
@pytest.mark.soak
@example(
    [always(severity="critical", suspend=60)],
    [always(route_to="sorted")],
    {"sorted": [always(severity="info", suspend=300)]},
    [ERROR],
)
@example(
    [always(severity="info", suspend=60)],
    [always(route_to="sorted")],
    {"sorted": [always(suppress=False)]},
    [ERROR],
)
@given(
    rules(ACTIONS),
    ROUTER,
    st.fixed_dictionaries({name: rules(ACTIONS) for name in URGENCIES}),
    st.lists(EVENTS, min_size=20, max_size=20),
)
def test_what_becomes_of_an_event_there_becomes_of_it_here(
    own: list[Any], router: list[Any], services: dict[str, list[Any]], events: list[dict[str, Any]]
) -> None:
    export = Export.model_validate(
        {
            "users": [user("ada")],
            "escalation_policies": [
                {
                    "id": "P",
                    "name": "P",
                    "escalation_rules": [{"targets": [{"id": "ada", "type": "user_reference"}]}],
                }
            ],
            "services": [
                {
                    "id": name,
                    "name": name,
                    "escalation_policy": {"id": "P"},
                    "incident_urgency_rule": {"type": "constant", "urgency": urgency},
                }
                for name, urgency in URGENCIES.items()
            ],
            "event_orchestrations": [
                {"id": "O", "name": "O", "integrations": [{"id": "i", "label": "all"}]}
            ],
            "orchestration_paths": [
                path("global", "O", own),
                path("router", "O", router),
                *(path("service", name, several) for name, several in services.items()),
            ],
        }
    )
    found = imported(export, NOW)
    if not any(each.name.endswith("all") for each in found.configuration.integrations.values()):
        assert all(each["disabled"] for each in router)
        return
    for event in events:
        assert here(found, event) == there(own, router, services, event), event
