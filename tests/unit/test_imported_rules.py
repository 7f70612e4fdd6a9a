"""PagerDuty's conditions and urgency rules: what they take there, a route takes here."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsknight.directory.routing import Routing
from opsknight.directory.support_hours import SupportHours
from opsknight.incident.model import URGENCY, Severity, Urgency
from opsknight.integrations.expressions import Expression
from opsknight.integrations.routes import verdict
from opsknight_cli.importing.draft import Draft
from opsknight_cli.importing.expressions import Beyond
from opsknight_cli.importing.outcome import Harm, Imported
from opsknight_cli.importing.pagerduty.conditions import condition
from opsknight_cli.importing.pagerduty.reading import imported
from opsknight_cli.importing.pagerduty.shapes import Export, Service
from opsknight_cli.importing.pagerduty.urgency import hours_and_changes
from tests.unit.test_imported_schedules import NOW, user

EVENT: dict[str, Any] = {
    "dedup_key": "db-1/disk",
    "links": [{"href": "https://graphs.example.com"}],
    "payload": {
        "summary": "[PROD] Disk space low",
        "source": "db-1.example.com",
        "severity": "critical",
        "class": "Disk",
        "custom_details": {"load": 7.5, "host name": "it's db-1", "env": "prod", "n": 3},
    },
}


@pytest.mark.parametrize(
    ("expression", "holds"),
    [
        ("event.summary matches '[prod] disk space LOW'", True),
        ("event.summary matches exactly '[prod] disk space low'", False),
        ("event.summary matches part 'disk'", True),
        ("event.summary matches part exactly 'disk'", False),
        ("event.summary matches regex 'cpu|disk'", True),
        ("event.summary matches regex 'network'", False),
        ("event.nothing matches part 'x'", False),
        ("event.nothing matches part 'x' or event.class matches 'disk'", True),
        ("not event.nothing matches part 'x'", True),
        ("event.custom_details['host name'] matches 'it\\'s DB-1'", True),
        ("event.custom_details.load > 7 and event.custom_details.load <= 7.5", True),
        ("event.custom_details.n matches '3'", True),
        ("event.custom_details.n == 3", True),
        ("event.custom_details.env == 'PROD'", False),
        ("event.custom_details.env exists and not event.custom_details.other exists", True),
        (
            "event.source exists or event.source exists and event.x == 1",
            True,
        ),
        (
            "(event.source exists or event.source exists) and event.x == 1",
            False,
        ),
        ("raw_event.links[0].href matches part 'graphs'", True),
        ("raw_event.payload.severity matches 'critical'", True),
        ("event.dedup_key matches part '/disk'", True),
    ],
)
def test_a_condition_holds_here_when_it_holds_there(expression: str, holds: bool) -> None:
    problems: list[str] = []
    found = Expression(condition(expression)).of(EVENT, problems.append)
    assert (bool(found), problems) == (holds, [])


@pytest.mark.parametrize(
    "expression",
    [
        "event.source matches regex 'db[0-9]+'",
        "now in Mon,Fri 09:00:00 to 17:00:00 America/New_York",
        "trigger_count over 10 minutes > 5",
        "variables.host matches 'a'",
        "event.summary matches",
        "(event.summary exists",
        "event.summary matches part 'a' event.source exists",
        "event.summary ~ 'a'",
        "",
    ],
)
def test_what_a_route_cannot_say_is_beyond_it(expression: str) -> None:
    with pytest.raises(Beyond):
        condition(expression)


SIDES = st.sampled_from(["high", "low", "severity_based"])
HIGH = {
    "high": set(Severity),
    "low": set[Severity](),
    "severity_based": {Severity.CRITICAL, Severity.ERROR},
}


@given(SIDES, SIDES, st.sampled_from(list(Severity)))
def test_an_urgency_is_high_here_when_it_is_high_there(
    during: str, outside: str, severity: Severity
) -> None:
    service = Service.model_validate(
        {
            "id": "S",
            "incident_urgency_rule": {
                "type": "use_support_hours",
                "during_support_hours": {"type": "constant", "urgency": during},
                "outside_support_hours": {"type": "constant", "urgency": outside},
            },
            "support_hours": {
                "time_zone": "UTC",
                "days_of_week": [1, 2, 3, 4, 5],
                "start_time": "09:00:00",
                "end_time": "17:00:00",
            },
        }
    )
    draft = Draft("PagerDuty")
    hours, changed = hours_and_changes(service, "service S", draft)
    urgency = URGENCY[changed.get(severity, severity)]
    assert _wakes(urgency) or severity not in HIGH[during]
    if severity in HIGH[outside]:
        # What is high outside alone is high at any hour, and that is said.
        assert _wakes(_outside(hours, urgency))
        assert severity in HIGH[during] or any(
            each.harm is Harm.PAGED_MORE for each in draft.losses
        )
    elif severity not in HIGH[during]:
        assert not _wakes(urgency)
    else:
        assert not _wakes(_outside(hours, urgency))


def _outside(hours: SupportHours | None, urgency: Urgency) -> Urgency:
    return hours.outside.get(urgency, urgency) if hours else urgency


def _wakes(urgency: Urgency) -> bool:
    """HIGH and MEDIUM page by the rules of high urgency."""
    return urgency is not Urgency.LOW


def test_a_service_without_an_action_at_the_beginning_of_its_hours_pages_more() -> None:
    sides = {
        "during_support_hours": {"type": "constant", "urgency": "high"},
        "outside_support_hours": {"type": "constant", "urgency": "low"},
    }
    sent = {
        "id": "S",
        "incident_urgency_rule": {"type": "use_support_hours", **sides},
        "support_hours": {
            "days_of_week": [1],
            "start_time": "09:00:00",
            "end_time": "17:00:00",
        },
    }
    for actions, said in (([], True), ([{"type": "urgency_change"}], False)):
        draft = Draft("PagerDuty")
        service = Service.model_validate(sent | {"scheduled_actions": actions})
        hours, _ = hours_and_changes(service, "service S", draft)
        assert hours is not None
        assert any("pages anew when they begin" in each.sentence for each in draft.losses) is said


def rule(label: str, expression: str | None, **actions: Any) -> dict[str, Any]:
    conditions = [{"expression": expression}] if expression else []
    return {"label": label, "conditions": conditions, "actions": actions}


def orchestrated(extra: Sequence[Any] = (), **paths: list[dict[str, Any]]) -> Imported:
    """Services `quiet`, of low urgency, and `loud`; an orchestration `O` with these rules."""
    everybody = {"targets": [{"id": "ada", "type": "user_reference"}]}
    return imported(
        Export.model_validate(
            {
                "users": [user("ada")],
                "escalation_policies": [{"id": "P", "name": "P", "escalation_rules": [everybody]}],
                "services": [
                    {
                        "id": name,
                        "name": name,
                        "escalation_policy": {"id": "P"},
                        "incident_urgency_rule": {"type": "constant", "urgency": urgency},
                    }
                    for name, urgency in (("loud", "high"), ("quiet", "low"))
                ],
                "event_orchestrations": [
                    {"id": "O", "name": "O", "integrations": [{"id": "i", "label": "all"}]}
                ],
                "orchestration_paths": [
                    *extra,
                    *(
                        {
                            "type": "service" if kind in ("loud", "quiet") else kind,
                            "parent": {"id": kind if kind in ("loud", "quiet") else "O"},
                            "sets": [{"id": "start", "rules": rules}],
                        }
                        for kind, rules in paths.items()
                    ),
                ],
            }
        ),
        NOW,
    )


def taken(found: Imported, **payload: Any) -> tuple[str, str | None, str]:
    """The service of an event, its severity if a route changes it, and what else becomes of it."""
    [integration] = found.configuration.integrations.values()
    routing = integration.routing or Routing()
    came = verdict(routing, integration.service_id, {"payload": payload})
    rest = "dropped" if came.drop else "suppressed" if came.suppress else ""
    rest = rest or (f"after {came.page_after.time}" if came.page_after else "")
    return came.service_ids[0].removeprefix("svc_"), came.severity, rest


ROUTER = [
    rule("Loud", "event.source matches part 'web'", route_to="loud"),
    rule("Quiet", "event.source matches part 'cron'", route_to="quiet"),
]


def test_an_event_goes_through_all_rules_and_the_urgency_of_its_service() -> None:
    found = orchestrated(
        **{
            "global": [
                rule("Noise", "event.class matches 'noise'", drop_event=True),
                rule("Staging", "event.group matches 'staging'", severity="info"),
            ]
        },
        router=ROUTER,
        loud=[rule("Probe", "event.class matches 'probe'", suspend=300)],
    )
    assert taken(found, source="web-1", severity="critical") == ("loud", None, "")
    # All that is high there is not LOW here.
    assert taken(found, source="web-1", severity="info")[1] == "warning"
    assert taken(found, source="web-1", severity="critical", group="staging")[1] == "warning"
    assert taken(found, source="web-1", severity="info", **{"class": "probe"}) == (
        "loud",
        "warning",
        "after 0:05:00",
    )
    assert taken(found, source="cron-1", severity="critical") == ("quiet", "info", "")
    assert taken(found, source="cron-1", severity="error", **{"class": "noise"})[2] == "dropped"
    assert taken(found, source="other", severity="critical")[2] == "suppressed"


def test_a_severity_that_a_rule_changes_is_not_the_one_that_the_router_sees() -> None:
    by_severity = rule("Loud", "event.severity matches 'critical'", route_to="loud")
    lowers = {"global": [rule("Staging", "event.group matches 'staging'", severity="info")]}
    for router, said in (([by_severity], True), (ROUTER, False)):
        found = orchestrated(router=router, **lowers)
        assert any("that an event was sent" in each.sentence for each in found.losses) is said


def test_a_rule_that_a_route_cannot_say_is_lost_by_its_harm() -> None:
    found = orchestrated(
        **{"global": [rule("Night", "now in Sat 09:00:00 to 17:00:00 UTC", suppress=True)]},
        router=[rule("Numbered", "event.source matches regex 'db[0-9]'", route_to="loud"), *ROUTER],
    )
    harms = {each.sentence.split(" is not")[0]: each.harm for each in found.losses}
    assert harms["Rule Numbered"] is Harm.NOT_PAGED
    assert harms["Rule Night"] is Harm.PAGED_MORE


def test_a_router_to_a_service_that_is_not_in_the_file() -> None:
    found = orchestrated(router=[rule("Gone", None, route_to="gone"), *ROUTER])
    assert [each.harm for each in found.losses if "routes to gone" in each.sentence] == [
        Harm.NOT_PAGED
    ]
    assert taken(found, source="web-1", severity="critical")[0] == "loud"


def test_rules_go_on_in_the_set_that_they_name() -> None:
    rules = {
        "type": "global",
        "parent": {"id": "O"},
        "sets": [
            {"id": "start", "rules": [rule("A", "event.group matches 'a'", route_to="two")]},
            {"id": "two", "rules": [rule("B", "event.class matches 'b'", suppress=True)]},
        ],
    }
    found = orchestrated(router=ROUTER)
    with_sets = orchestrated([rules], router=ROUTER)
    assert taken(found, source="web", group="a", **{"class": "b"})[2] == ""
    assert taken(with_sets, source="web", group="a", **{"class": "b"})[2] == "suppressed"
    assert taken(with_sets, source="web", group="a", **{"class": "c"})[2] == ""
