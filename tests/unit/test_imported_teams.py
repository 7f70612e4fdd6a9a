"""Opsgenie's people, teams and rules, from the export that is told in `tests/exports/opsgenie`."""

from pathlib import Path
from typing import Any

import pytest

from opsknight.config.configuration import Kind, id_of
from opsknight.directory.routing import Routing
from opsknight.incident.model import Urgency
from opsknight.integrations.expressions import Expression
from opsknight.integrations.routes import verdict
from opsknight_cli.importing.expressions import Beyond
from opsknight_cli.importing.opsgenie.conditions import condition
from opsknight_cli.importing.opsgenie.files import read
from opsknight_cli.importing.opsgenie.reading import imported
from opsknight_cli.importing.opsgenie.shapes import Filter
from opsknight_cli.importing.outcome import Harm, Imported
from tests.unit.test_imported_schedules import NOW

EXPORT = Path(__file__).parents[1] / "exports" / "opsgenie"
EVENT: dict[str, Any] = {
    "dedup_key": "db-1",
    "payload": {
        "summary": "Disk full on db-1",
        "source": "prometheus",
        "severity": "info",
        "priority": "P5",
        "entity": "db-1",
        "tags": ["db", "Prod"],
        "responders": [{"type": "team", "name": "Shop"}],
        "custom_details": {"region": "eu", "host name": "db-1", "description": "It is full"},
    },
}


@pytest.fixture(scope="module")
def found() -> Imported:
    return imported(read(str(EXPORT)), NOW)


@pytest.mark.parametrize(
    ("field", "operation", "expected", "holds"),
    [
        ("message", "equals", "disk full on DB-1", True),
        ("message", "contains", "DISK", True),
        ("message", "starts-with", "full", False),
        ("message", "ends-with", "db-1", True),
        ("message", "matches", ".*full.*", True),
        ("message", "matches", "full", False),
        ("message", "is-empty", None, False),
        ("alias", "equals", "db-1", True),
        ("description", "contains", "full", True),
        ("entity", "is-empty", None, False),
        ("nothing of ours", "is-empty", None, None),
        ("tags", "contains", "db", True),
        ("tags", "contains", "web", False),
        ("actions", "is-empty", None, True),
        ("responders", "equals", "Shop", True),
        ("teams", "contains", "Platform", False),
        ("priority", "equals", "P5", True),
        ("priority", "equals", "P4", False),
        ("priority", "less-than", "P3", True),
        ("priority", "greater-than", "P3", False),
        ("priority", "greater-than", "P1", False),
        ("extra-properties", "contains-key", "region", True),
        ("extra-properties", "contains-value", "eu", None),
        ("message", "matches", "db-[0-9]+", None),
    ],
)
def test_a_condition_holds_here_when_it_holds_there(
    field: str, operation: str, expected: str | None, holds: bool | None
) -> None:
    def of(negated: bool) -> Filter:
        one = {"field": field, "operation": operation, "expectedValue": expected, "not": negated}
        return Filter.model_validate({"type": "match-any-condition", "conditions": [one]})

    if holds is None:
        with pytest.raises(Beyond):
            condition(of(negated=False))
        return
    problems: list[str] = []
    for negated in (False, True):
        value = Expression(condition(of(negated))).of(EVENT, problems.append)
        assert (bool(value), problems) == (holds is not negated, [])


def test_details_of_a_key() -> None:
    one = {
        "field": "extra-properties",
        "key": "host name",
        "operation": "equals",
        "expectedValue": "DB-1",
    }
    both = {"type": "match-all-conditions", "conditions": [one, one | {"expectedValue": "db-1"}]}
    assert Expression(condition(Filter.model_validate(both))).of(EVENT, print) is True


def taken(found: Imported, integration: str, **payload: Any) -> tuple[str, str | None, str]:
    """The service of an alert, its severity if a route changes it, and what else becomes of it."""
    wanted = id_of(Kind.INTEGRATION, integration)
    [known] = [it for it in found.configuration.integrations.values() if it.id == wanted]
    came = verdict(known.routing or Routing(), known.service_id, {"payload": payload})
    rest = "suppressed" if came.suppress else ""
    rest = rest or (f"after {came.page_after.time}" if came.page_after else "")
    return came.service_ids[0].removeprefix("svc_"), came.severity, rest


def test_an_alert_goes_by_the_routing_rules_and_policies_of_its_team(found: Imported) -> None:
    def of(**payload: Any) -> tuple[str, str | None, str]:
        return taken(found, "shop-api", **{"severity": "warning", **payload})

    assert of(summary="Slow") == ("shop", None, "")
    assert of(summary="The database is slow") == ("shop-databases", None, "")
    assert of(summary="Slow", tags=["db"]) == ("shop-databases", None, "")
    assert of(summary="Slow", tags="db,eu") == ("shop-databases", None, "")
    assert of(summary="Certificate of db", tags=["db"]) == ("shop-databases", "info", "")
    assert of(summary="Slow", tags=["flapping"]) == ("shop", None, "after 0:05:00")
    assert of(summary="Slow", priority="P5", severity="info") == ("shop", None, "suppressed")
    services = found.configuration.services
    assert services["svc_shop"].policy_id == "pol_shop"
    assert services["svc_shop-databases"].policy_id == "pol_dba"
    assert services["svc_shop"].auto_resolve is not None


def test_an_alert_of_no_team_goes_to_the_teams_that_it_names(found: Imported) -> None:
    def of(**payload: Any) -> tuple[str, str | None, str]:
        return taken(found, "company-api", **{"severity": "warning", **payload})

    shop = [{"type": "team", "name": "Shop"}]
    assert of(summary="Slow", responders=shop) == ("shop", None, "")
    assert of(summary="Database", responders=shop) == ("shop-databases", None, "")
    assert of(summary="Slow", teams=[{"name": "Platform"}]) == ("platform", None, "")
    # Whoever is named and not known here: somebody is paged rather than nobody.
    assert of(summary="Slow", responders=[{"type": "user", "username": "x"}])[2] == ""
    assert of(summary="Slow")[2] == "suppressed"


def test_people_are_paged_by_their_own_rules(found: Imported) -> None:
    def rules(name: str, urgency: Urgency) -> list[tuple[str, int]]:
        return [
            (rule.method_id.removeprefix("cm_"), int(rule.delay.total_seconds()) // 60)
            for rule in found.configuration.users[f"user_{name}"].rules
            if rule.urgency is urgency
        ]

    assert rules("ada-lovelace", Urgency.HIGH) == [("sms", 0), ("voice", 5)]
    assert rules("ada-lovelace", Urgency.MEDIUM) == [("sms", 0), ("voice", 5)]
    assert rules("ada-lovelace", Urgency.LOW) == [("email", 0)]
    # A message to the app is a text message here, at the same time.
    assert rules("ben-boole", Urgency.HIGH) == [("sms", 0), ("sms", 10)]
    assert ("user Ben Boole", Harm.PAGED_OTHERWISE) in [
        (each.where, each.harm) for each in found.losses
    ]
    [*members] = found.configuration.teams["team_platform"].members
    assert [each.user_id for each in members if each.pages] == ["user_cem-kaya"]


def test_the_delay_of_a_rule_counts_from_the_step_before(found: Imported) -> None:
    policy = found.configuration.policies["pol_shop"]
    assert [int(step.delay.total_seconds()) // 60 for step in policy.steps] == [0, 10, 20]
    assert policy.repeat == 9
    assert any("9 times, not 12" in each.sentence for each in found.losses)


def test_a_heartbeat_and_the_maintenance_of_a_whole_service(found: Imported) -> None:
    [beat] = [each for each in found.configuration.integrations.values() if each.heartbeat]
    assert (beat.service_id, beat.name) == ("svc_shop", "Nightly backup")
    [source] = [each for each in found.sources if each.kind == "heartbeat"]
    assert source.where == "address {url}/v2/heartbeats/Nightly%20backup/ping, API key"
    [window] = found.windows
    # Shop has integrations that go on, and a window here would silence them.
    assert window.services == ("platform",)


def test_a_forwarding_of_somebody_who_is_notified_as_a_person_is_lost(found: Imported) -> None:
    [loss] = [each for each in found.losses if each.where.startswith("forwarding")]
    assert loss.harm is Harm.NOT_PAGED
    assert "ada@example.com stands in by schedules alone" in loss.sentence
