"""What another paging system's webhook tells: whatever its body is, it raises nothing."""

from datetime import UTC, datetime
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsknight.directory.mirror import System
from opsknight.directory.passing_on import HeardKind
from opsknight.integrations.elsewhere import read

NOW: Final = datetime(2026, 11, 28, 3, tzinfo=UTC)
NAMES: Final = st.sampled_from(
    [
        *("event", "event_type", "data", "incident_key", "assignees", "summary", "occurred_at"),
        *("agent", "action", "alert", "alias", "updatedAt", "recipients", "escalationNotify"),
        *("name", "id"),
    ]
)
WORDS: Final = st.sampled_from(["incident.triggered", "Acknowledge", "Create", "2026-11-28", "cpu"])
JSON: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=6),
    max_leaves=12,
)


@given(st.sampled_from(System), JSON)
def test_it_raises_nothing(system: System, document: Any) -> None:
    found = read(system, document, NOW)
    assert found is None or (found.key and found.at <= NOW)


@pytest.mark.parametrize("what", ["escalated", "reassigned", "delegated", "triggered"])
def test_pagerduty_pages_whoever_is_assigned(what: str) -> None:
    people = [{"type": "user_reference", "summary": "Ada"}, {"summary": "  "}, "Ben", 5]
    data = {"incident_key": "cpu", "assignees": people}
    event = {"id": "1", "event_type": f"incident.{what}", "data": data}
    found = read(System.PAGERDUTY, {"event": event}, NOW)
    assert found
    assert (found.what, found.who) == (HeardKind.PAGED, ("Ada", "Ben"))


def test_opsgenie_pages_whom_it_names() -> None:
    alert = {"alias": "cpu", "recipients": ["ada@example.com"], "updatedAt": 1764298800000}
    told = {"name": "Ben", "type": "user"}
    sent = {"action": "Escalate", "alert": alert, "escalationNotify": told}
    found = read(System.OPSGENIE, sent, NOW)
    assert found
    assert found.who == ("ada@example.com", "Ben")
    assert found.at == datetime.fromtimestamp(1764298800, UTC)
    # Sent again, it is the same.
    again = read(System.OPSGENIE, sent, NOW)
    assert again and again.id == found.id
    nanos = {**alert, "updatedAt": 1764298800000 * 10**6}
    seen = read(System.OPSGENIE, {**sent, "alert": nanos}, NOW)
    assert seen and seen.at == found.at


def test_a_webhook_of_its_own_tells_nothing() -> None:
    assert read(System.WEBHOOK, {"action": "Close", "alert": {"alias": "cpu"}}, NOW) is None
