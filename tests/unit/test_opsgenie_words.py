"""What Opsgenie's dialect says in ids, bodies and searches, and how it is read."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.integrations.opsgenie import sent
from events.integrations.opsgenie.request_ids import (
    SENTENCES,
    Act,
    Outcome,
    Processed,
    of_tiny,
    processed_by,
    request_id,
    tiny,
)
from events.integrations.opsgenie.search import read_search
from events.integrations.opsgenie.visit import Refused
from opsknight.incident.model import ACTIVE, Actor, ActorKind, Status
from opsknight.integrations.drafts import understood

NOW = datetime(2026, 11, 23, 3, 0, 0, 123000, tzinfo=UTC)
INCIDENTS = st.from_regex(r"inc_[0-9a-f]{28}", fullmatch=True, alphabet="inc_0123456789abcdef")
PROMETHEUS = Actor(kind=ActorKind.INTEGRATION, id="int_1", name="Prometheus")


@given(st.sampled_from(Act), st.sampled_from(Outcome), INCIDENTS)
def test_a_request_id_says_what_became_of_the_request(
    act: Act, outcome: Outcome, incident_id: str
) -> None:
    for named in (incident_id, None):
        processed = Processed(act, outcome, NOW, named)
        if named != "inc_" + "0" * 28:
            assert processed_by(request_id(processed)) == processed


def test_every_outcome_has_a_sentence_and_every_act_opsgenies_word() -> None:
    assert set(SENTENCES) == set(Outcome)
    assert [each.word for each in Act][:6] == [
        "Create",
        "Close",
        "Acknowledge",
        "Unacknowledge",
        "Snooze",
        "AddNote",
    ]


@given(st.text() | st.from_regex(r"[0-9a-f]{28}-[0-9a-f]{4}-[0-9a-f]{12}", fullmatch=True))
def test_an_id_that_somebody_made_up_is_none_or_reads(text: str) -> None:
    found = processed_by(text)
    assert found is None or request_id(found) == text


@given(INCIDENTS)
def test_a_tiny_id_is_digits_and_leads_back(incident_id: str) -> None:
    assert tiny(incident_id).isdigit()
    assert of_tiny(tiny(incident_id)) == incident_id


@pytest.mark.parametrize("text", ["", "a", "-1", "1.5", "9" * 34, "9" * 35, "\u0665"])
def test_what_is_no_tiny_id_is_none(text: str) -> None:
    assert of_tiny(text) is None


@pytest.mark.parametrize(
    ("query", "terms"),
    [
        ("", ()),
        ("status: open", (("status", "open"),)),
        ("status=closed AND priority:P1", (("status", "closed"), ("priority", "P1"))),
        ('alias:"disk full" tag: web', (("alias", "disk full"), ("tag", "web"))),
        ("Status:OPEN && acknowledged:false", (("status", "open"), ("acknowledged", "false"))),
    ],
)
def test_searches_that_are_known(query: str, terms: tuple[tuple[str, str], ...]) -> None:
    assert read_search(query).terms == terms


@pytest.mark.parametrize(
    "query",
    [
        "disk",
        "status: any",
        "NOT status: open",
        "status: open OR status: closed",
        "(status: open)",
        "message: disk*",
        "tag: web*",
        "status: open AND",
        "teams: ops",
        "alias:",
        '"',
    ],
)
def test_a_search_that_is_not_known_is_refused_and_not_read_as_another(query: str) -> None:
    with pytest.raises(Refused):
        read_search(query)


def test_open_and_closed_at_once_is_nothing() -> None:
    assert read_search("").lists == [ACTIVE, {Status.RESOLVED}]
    assert read_search("status: open").lists == [ACTIVE]
    assert read_search("status: open status: closed").lists == []


@given(st.text(max_size=60))
def test_any_search_is_read_or_refused(query: str) -> None:
    try:
        read_search(query)
    except Refused as refused:
        assert refused.status == 422


@pytest.mark.parametrize(
    ("priority", "severity"),
    [
        ("P1", "critical"),
        ("p2", "error"),
        ("P3", "warning"),
        ("P4", "info"),
        ("P5", "info"),
        (None, "warning"),
        ("", "warning"),
        ("P0", "critical"),
        (3, "warning"),
    ],
)
def test_priorities(priority: object, severity: str) -> None:
    drafted = sent.draft({"message": "x", "priority": priority})
    event = understood(drafted, "svc", PROMETHEUS).event
    assert event.severity == severity
    adjusted = json.loads(event.body).get("adjusted", [])
    assert [each["field"] for each in adjusted if each["field"] == "severity"] == (
        ["severity"] if priority == "P0" else []
    )


def test_what_routes_can_test_and_people_read() -> None:
    responders = [{"type": "team", "name": "Web"}]
    drafted = sent.draft(
        {
            "message": "Disk full",
            "alias": "disk",
            "description": "97 %",
            "tags": ["db", "eu"],
            "responders": responders,
            "details": {"host": "db-01"},
            "entity": "db-01",
            "priority": "P2",
        }
    )
    payload = json.loads(understood(drafted, "svc", PROMETHEUS).event.body)["payload"]
    assert payload["tags"] == ["db", "eu"]
    assert payload["responders"] == responders
    assert payload["entity"] == "db-01"
    assert payload["priority"] == "P2"
    assert payload["custom_details"] == {"description": "97 %", "host": "db-01"}


@pytest.mark.parametrize(
    ("user", "name"),
    [
        ("ada", "Prometheus (says: ada)"),
        (" ada\n lovelace ", "Prometheus (says: ada lovelace)"),
        ("", "Prometheus"),
        (None, "Prometheus"),
        (5, "Prometheus"),
        ("\ud800", "Prometheus (says: \N{REPLACEMENT CHARACTER})"),
        ("x" * 500, f"Prometheus (says: {'x' * 100})"),
    ],
)
def test_the_integration_acts_whoever_its_sender_names(user: object, name: str) -> None:
    actor = sent.said_by(PROMETHEUS, user)
    assert (actor.kind, actor.id, actor.name) == (PROMETHEUS.kind, PROMETHEUS.id, name)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-11-23T03:00:00Z", datetime(2026, 11, 23, 3, tzinfo=UTC)),
        ("2026-11-23T03:00:00.000+0100", datetime(2026, 11, 23, 2, tzinfo=UTC)),
        ("2026-11-23T03:00:00", datetime(2026, 11, 23, 3, tzinfo=UTC)),
        ("0001-01-01T00:00:00+23:00", None),
        ("soon", None),
        (None, None),
        (1700000000, None),
    ],
)
def test_moments(text: object, at: datetime | None) -> None:
    assert sent.moment(text) == at
