"""What Alertmanager and Grafana write, and what becomes of it."""

import json
from typing import Any

import pytest

from harness.invariants import check
from harness.world import Response, World, deadline
from opsknight.incident.references import references
from tests.integration.steps import of_kind
from tests.integration.test_own_paths import alert, bearer, flush, post

GRAFANA = "/api/integrations/grafana"

# Captured from Alertmanager 0.25, but for the common fields, which nobody reads.
CAPTURED = {
    "receiver": "all",
    "status": "firing",
    "alerts": [
        {
            "status": "firing",
            "labels": {"alertname": "HighCPU", "instance": "web-01", "severity": "critical"},
            "annotations": {"description": "load", "summary": "CPU above 90%"},
            "startsAt": "2026-11-23T02:17:38.06859719Z",
            "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "",
            "fingerprint": "8907c632687e21f5",
        }
    ],
    "groupLabels": {"alertname": "HighCPU"},
    "commonLabels": {},
    "commonAnnotations": {},
    "externalURL": "http://vm:19093",
    "version": "4",
    "groupKey": '{}:{alertname="HighCPU"}',
    "truncatedAlerts": 0,
}


def actions(answer: Response) -> list[str]:
    assert answer.status == 202, answer.body
    return [each["action"] for each in answer.body["results"]]


def bodies(world: World) -> list[dict[str, Any]]:
    found = []
    for item in of_kind(world, "alert"):
        incident_id = item["pk"]["S"].removeprefix("incident#")
        stored = world.table.alert(incident_id, item["sk"]["S"].removeprefix("alert#"), deadline())
        assert stored is not None
        found.append(json.loads(stored.body))
    return found


def test_an_alert_from_firing_to_resolved(world: World) -> None:
    assert actions(post(world, CAPTURED, headers=bearer(world))) == ["triggered"]
    [incident] = check(world).incidents.values()
    assert (incident["title"], incident["urgency"]) == ("CPU above 90%", "HIGH")
    assert incident["dedup_key"] == "8907c632687e21f5"
    [kept] = bodies(world)
    assert kept["payload"]["source"] == "web-01"
    assert kept["payload"]["custom_details"]["labels"] == CAPTURED["alerts"][0]["labels"]  # type: ignore[index]
    assert "adjusted" not in kept
    resolved = json.loads(json.dumps(CAPTURED).replace('"firing"', '"resolved"'))
    assert actions(post(world, resolved, headers=bearer(world))) == ["resolved"]


def test_one_incident_for_each_alert_whatever_its_group(world: World) -> None:
    first = flush(alert("a"), alert("b"), alert("c"))
    assert actions(post(world, first, headers=bearer(world))) == ["triggered"] * 3
    other = flush(alert("b", "resolved"), alert("c"), groupKey='{}:{job="x"}')
    assert actions(post(world, other, headers=bearer(world))) == ["resolved", "deduplicated"]
    active = {each["dedup_key"] for each in check(world).active}
    assert active == {"a", "c"}


def test_an_alert_of_an_alertmanager_that_has_no_fingerprints(world: World) -> None:
    old = alert()
    del old["fingerprint"]
    assert actions(post(world, flush(old), headers=bearer(world))) == ["triggered"]
    assert actions(post(world, flush(old | {"status": "resolved"}), headers=bearer(world))) == [
        "resolved"
    ]


@pytest.mark.parametrize(
    ("annotations", "labels", "title"),
    [
        ({"summary": "s", "description": "d"}, {"alertname": "A"}, "s"),
        ({"summary": " ", "message": "m"}, {"alertname": "A"}, "m"),
        ({"description": "d"}, {"alertname": "A"}, "d"),
        ({}, {"alertname": "A", "job": "node", "instance": "web"}, "A (web node)"),
        ({}, {"alertname": "A"}, "A"),
        (None, {"job": "node"}, "node"),
        ("odd", {"alertname": 5, "x": ["y"]}, '5 (["y"])'),
    ],
)
def test_the_title(world: World, annotations: object, labels: dict[str, Any], title: str) -> None:
    sent = flush(alert(annotations=annotations, labels=labels))
    assert actions(post(world, sent, headers=bearer(world))) == ["triggered"]
    [incident] = check(world).incidents.values()
    assert incident["title"] == title


def test_watchdog_and_inhibitor_of_kube_prometheus_open_nothing(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    quiet = [
        alert(name, labels={"alertname": name, "severity": "none"})
        for name in ("Watchdog", "InfoInhibitor")
    ]
    answer = post(world, flush(*quiet), headers=bearer(world))
    assert (answer.status, answer.body["results"]) == (202, [])
    # Without a heartbeat there is nothing to beat.
    assert "beats" not in answer.body
    assert [each["place"] for each in answer.body["left"]] == ["alerts[1]", "alerts[0]"]
    assert check(world).incidents == {}
    assert '"Beat":[1.0]' in capsys.readouterr().out
    # That it ends is no beat.
    over = post(world, flush(quiet[0] | {"status": "resolved"}), headers=bearer(world))
    assert "beats" not in over.body
    # A rule of one's own is not muted for its name.
    assert actions(post(world, flush(alert("Watchdog")), headers=bearer(world))) == ["triggered"]
    named_alike = alert("x", labels={"alertname": "WatchdogDown", "severity": "none"})
    assert actions(post(world, flush(named_alike), headers=bearer(world))) == ["triggered"]


def test_links_of_a_grafana_alert_are_shown(world: World) -> None:
    sent = alert(
        dashboardURL="https://g.example/d",
        panelURL="https://g.example/p",
        silenceURL="https://g.example/s",
        imageURL="https://g.example/i.png",
        generatorURL="https://g.example/r",
        annotations={"summary": "s", "runbook_url": "https://r.example/cpu"},
        values={"A": 95.5},
    )
    post(world, flush(sent, externalURL="https://g.example/"), GRAFANA, headers=bearer(world))
    [kept] = bodies(world)
    assert kept["payload"]["custom_details"]["values"] == {"A": 95.5}
    shown = {each.label: each.url for each in references(json.dumps(kept))}
    assert shown == {
        "Runbook": "https://r.example/cpu",
        "Dashboard": "https://g.example/d",
        "Panel": "https://g.example/p",
        "Picture": "https://g.example/i.png",
        "Source": "https://g.example/r",
        "Silence": "https://g.example/s",
        "All alerts": "https://g.example/",
    }


def test_grafana_has_no_data_and_gets_it_back(world: World) -> None:
    labels = {"alertname": "DatasourceNoData", "rulename": "CPU", "datasource_uid": "x"}
    no_data = alert("f00d", labels=labels, annotations={})
    sent = flush(no_data, version="1", orgId=1, state="alerting", title="[FIRING:1]")
    assert actions(post(world, sent, GRAFANA, headers=bearer(world))) == ["triggered"]
    back = flush(no_data | {"status": "resolved"}, version="1", state="ok")
    assert actions(post(world, back, GRAFANA, headers=bearer(world))) == ["resolved"]


def legacy(state: str, **more: Any) -> dict[str, Any]:
    """As the documentation of Grafana 8 shows it."""
    return {
        "dashboardId": 1,
        "evalMatches": [{"value": 1, "metric": "Count", "tags": {}}],
        "imageUrl": "https://g.example/i.png",
        "message": "Notification Message",
        "orgId": 1,
        "panelId": 2,
        "ruleId": 7,
        "ruleName": "Panel Title alert",
        "ruleUrl": "https://g.example/d/x",
        "state": state,
        "tags": {},
        "title": "[Alerting] Panel Title alert",
    } | more


def test_the_older_alerting_of_grafana(world: World) -> None:
    for state, wanted in (
        ("pending", []),
        ("alerting", ["triggered"]),
        ("no_data", ["deduplicated"]),
        ("paused", []),
        ("ok", ["resolved"]),
        ("ok", ["ignored"]),
        ("no_data", ["triggered"]),
    ):
        assert actions(post(world, legacy(state), GRAFANA, headers=bearer(world))) == wanted, state
    titles = [(each["title"], each["urgency"]) for each in check(world).incidents.values()]
    assert sorted(titles) == [
        ("No data: Panel Title alert", "MEDIUM"),
        ("[Alerting] Panel Title alert", "HIGH"),
    ]
    assert actions(post(world, legacy("alerting", ruleId=8), GRAFANA, headers=bearer(world)))
    assert len(check(world).active) == 2


@pytest.mark.parametrize("change", [{"state": "odd"}, {"state": None}, {"ruleId": None}])
def test_an_odd_state_is_400(world: World, change: dict[str, Any]) -> None:
    assert post(world, legacy("ok") | change, GRAFANA, headers=bearer(world)).status == 400
