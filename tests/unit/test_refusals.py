"""How refused events are counted, and when a report of them is due."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from events.rate_limit_reports import Refusals
from opsknight.directory.entries import IntegrationKey
from opsknight.directory.rate_limit import Minute
from opsknight.incident.model import OPSKNIGHT, Action, Event, Severity

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
KEY = IntegrationKey(
    id="key_1", name="Prometheus", created_at=NOW, service_id="svc_1", integration_id="int_1"
)
OTHER_KEY = KEY.model_copy(update={"id": "key_2", "name": "Grafana"})
FIRST = Minute.of(NOW)
SECOND = Minute(FIRST.number + 1)


def event(
    action: Action = Action.TRIGGER, severity: Severity = Severity.INFO, service_id: str = "svc_1"
) -> Event:
    return Event(
        action=action,
        service_id=service_id,
        dedup_key="cpu",
        summary="CPU",
        severity=severity,
        body="{}",
        actor=KEY.actor,
    )


def details(report: Event | None) -> dict[str, Any]:
    assert report is not None
    told: dict[str, Any] = json.loads(report.body)["payload"]["custom_details"]
    return told


def refuse(refusals: Refusals, times: int, minute: Minute = FIRST, **more: Any) -> list[int]:
    """Refuses events one after another, storing each report that is due; what each told of."""
    reports = []
    for _ in range(times):
        report = refusals.note(KEY, event(**more), minute)
        if report is not None:
            reports.append(details(report)["refused_triggers"])
            refusals.reported(KEY, report.service_id)
    return reports


def test_the_first_and_then_each_doubling_is_reported() -> None:
    assert refuse(Refusals(), 127) == [1, 2, 4, 8, 16, 32, 64]


def test_what_is_left_over_goes_with_the_next_minute() -> None:
    refusals = Refusals()
    assert sum(refuse(refusals, 6)) == 3
    assert refuse(refusals, 1, SECOND) == [4]


def test_what_is_left_over_goes_when_the_key_is_within_its_limit_again() -> None:
    refusals = Refusals()
    refuse(refusals, 6)
    assert refusals.left(KEY, "svc_1", FIRST) is None, "the minute is not over"
    assert refusals.left(OTHER_KEY, "svc_1", SECOND) is None
    assert refusals.left(KEY, "svc_2", SECOND) is None
    assert details(refusals.left(KEY, "svc_1", SECOND))["refused_triggers"] == 3
    refusals.reported(KEY, "svc_1")
    assert refusals.left(KEY, "svc_1", SECOND) is None, "told once"


def test_nothing_refused_is_nothing_owed() -> None:
    assert Refusals().left(KEY, "svc_1", FIRST) is None


def test_a_more_urgent_one_is_reported_at_once() -> None:
    refusals = Refusals()
    refuse(refusals, 3)
    assert refusals.note(KEY, event(), FIRST) is None
    worse = refusals.note(KEY, event(severity=Severity.WARNING), FIRST)
    assert worse is not None
    assert worse.severity is Severity.WARNING
    assert details(worse)["refused_triggers"] == 2
    refusals.reported(KEY, "svc_1")
    equal = refusals.note(KEY, event(severity=Severity.ERROR), FIRST)
    assert equal is None, "error is as urgent as warning"
    worst = refusals.note(KEY, event(severity=Severity.CRITICAL), FIRST)
    assert worst is not None
    assert worst.severity is Severity.CRITICAL


def test_a_report_that_was_not_stored_is_repeated_with_the_count() -> None:
    refusals = Refusals()
    assert details(refusals.note(KEY, event(), FIRST))["refused_triggers"] == 1
    assert refusals.note(KEY, event(), FIRST) is None, "not at once: the store may be in trouble"
    assert details(refusals.note(KEY, event(), FIRST))["refused_triggers"] == 3
    assert details(refusals.left(KEY, "svc_1", SECOND))["refused_triggers"] == 3


def test_a_store_in_trouble_is_spared() -> None:
    refusals = Refusals()
    tried = [refusals.note(KEY, event(), FIRST) is not None for _ in range(16)]
    assert [number for number, told in enumerate(tried, 1) if told] == [1, 3, 7, 15]


def test_the_report_of_a_key_with_odd_edges_is_trimmed() -> None:
    odd = KEY.model_copy(update={"name": "Prometheus "})
    report = Refusals().note(odd, event(), FIRST)
    assert report is not None
    assert report.dedup_key == "opsknight:rate-limited:Prometheus"


def test_the_worst_of_what_is_still_owed_is_not_forgotten_with_its_minute() -> None:
    refusals = Refusals()
    refusals.note(KEY, event(severity=Severity.CRITICAL), FIRST)
    # The report was not stored: DynamoDB was away.
    later = refusals.note(KEY, event(severity=Severity.INFO), SECOND)
    assert details(later)["refused_triggers"] == 2
    assert later is not None
    assert later.severity is Severity.CRITICAL


@pytest.mark.parametrize("action", Action, ids=str)
def test_each_action_is_counted(action: Action) -> None:
    told = details(Refusals().note(KEY, event(action), FIRST))
    counted = {each: told[f"refused_{each}s"] for each in Action}
    assert counted == {each: int(each is action) for each in Action}


def test_each_key_and_service_has_a_count_of_its_own() -> None:
    refusals = Refusals()
    refuse(refusals, 3)
    assert details(refusals.note(OTHER_KEY, event(), FIRST))["refused_triggers"] == 1
    assert details(refusals.note(KEY, event(service_id="svc_2"), FIRST))["refused_triggers"] == 1


def test_the_report_is_a_trigger_of_our_own() -> None:
    report = Refusals().note(KEY, event(severity=Severity.ERROR, service_id="svc_9"), FIRST)
    assert report is not None
    assert (report.action, report.service_id) == (Action.TRIGGER, "svc_9")
    assert report.internal
    assert (report.severity, report.actor) == (Severity.ERROR, OPSKNIGHT)
    assert report.dedup_key == "opsknight:rate-limited:Prometheus"
    assert report.summary == "Rate limit exceeded: events sent with 'Prometheus' are refused"
    told = details(report)
    assert (told["key"], told["limit_per_minute"]) == ("Prometheus", 120)
    assert told["minute_until"] == "2026-11-23T03:01:00+00:00"


@pytest.mark.parametrize("length", [150, 200, 5000], ids=str)
def test_a_report_keeps_the_bounds_of_the_body_table(length: int) -> None:
    key = KEY.model_copy(update={"name": "é" * length})
    report = Refusals().note(key, event(), FIRST)
    assert report is not None
    assert len(report.dedup_key) <= 200
    assert len(report.summary) <= 500


def test_a_flood_of_keys_is_borne() -> None:
    refusals = Refusals()
    for number in range(2500):
        key = KEY.model_copy(update={"id": f"key_{number}"})
        report = refusals.note(key, event(), FIRST)
        assert report is not None
        refusals.reported(key, "svc_1")
