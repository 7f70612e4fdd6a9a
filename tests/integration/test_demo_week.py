"""The week that `make run` begins with: three of its scenes, played by the real functions."""

from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

import pytest

from harness import embedded
from harness.week.director import played
from harness.week.scenes import SCENES
from harness.week.taking import KINDS, taken
from opsknight.store.wire import plain

END = datetime(2026, 11, 27, 10, 20, tzinfo=UTC)
PAYMENTS, VOUCHERS, SEARCH = (
    next(each for each in SCENES if word in each.title)
    for word in ("card charges", "voucher", "Search answers")
)


@pytest.fixture(scope="module")
def found() -> dict[str, list[dict[str, Any]]]:
    return taken(played(embedded.endpoint(), END, (PAYMENTS, VOUCHERS, SEARCH)).world.items())


@pytest.fixture(scope="module")
def kinds(found: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    by_kind = defaultdict(list)
    for item in map(plain, found["items"]):
        kind = "status_post" if item["sk"].startswith("post#") else item["kind"]
        by_kind[kind].append(item)
    return by_kind


def test_the_week_has_what_is_over_and_what_goes_on(kinds: dict[str, list[dict[str, Any]]]) -> None:
    stands = {each["title"]: each["status"] for each in kinds["incident"]}
    assert stands[PAYMENTS.title] == "RESOLVED"
    assert stands[SEARCH.title] == "OPEN"
    assert VOUCHERS.title in stands
    [night] = [each for each in kinds["incident"] if each["title"] == PAYMENTS.title]
    assert night["created_at"].startswith("2026-11-24T03:12")
    assert night["alert_count"] == PAYMENTS.alerts
    mine = [each for each in kinds["change"] if each["incident_id"] == night["id"]]
    assert [each["what"] for each in mine] == ["acknowledged", *["noted"] * 3, "resolved"]
    # Somebody opened the link in a message and acknowledged by it.
    opened = [each for each in kinds["delivery"] if each.get("opened_at")]
    assert night["id"] in {each["incident_id"] for each in opened}
    assert {each["effects"][0]["service_id"] for each in kinds["status_post"]} == {
        "svc_payments",
        "svc_checkout",
    }


def test_what_is_carried_on_lets_nobody_in_and_configures_nothing(
    found: dict[str, list[dict[str, Any]]], kinds: dict[str, list[dict[str, Any]]]
) -> None:
    assert not kinds.keys() - set(KINDS)
    assert not [each for each in found["items"] if each["pk"]["S"].startswith(("key#", "user#"))]
    assert [set(each) for each in found["windows"]] == [{"pk", "sk", "windows"}] * 2


def test_streams_see_an_incident_after_all_that_it_refers_to(
    found: dict[str, list[dict[str, Any]]],
) -> None:
    order = [each["kind"]["S"] for each in found["items"] if each["sk"]["S"][:5] != "post#"]
    last = max(place for place, kind in enumerate(order) if kind in ("alert", "delivery", "step"))
    assert last < order.index("incident") < order.index("page") < order.index("change")
