"""Opsgenie's own client, unchanged but for the address."""

import warnings
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from harness.invariants import check
from harness.web_front import serving
from harness.world import World

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import opsgenie_sdk  # type: ignore[import-untyped]


@pytest.fixture(params=["", "/jsm/ops/integration"])
def client(world: World, request: pytest.FixtureRequest) -> Iterator[Any]:
    with serving(world) as address:
        configuration = opsgenie_sdk.Configuration()
        configuration.host = address + request.param
        configuration.retry_enabled = False
        configuration.api_key["Authorization"] = world.integration_key
        api = opsgenie_sdk.ApiClient(configuration=configuration)
        try:
            yield opsgenie_sdk.AlertApi(api_client=api)
        finally:
            # It keeps connections open.
            api.rest_client.pool_manager.clear()


def test_from_create_to_close(world: World, client: Any) -> None:
    wanted = opsgenie_sdk.CreateAlertPayload(
        message="Disk full",
        alias="disk/var",
        description="97 %",
        tags=["db"],
        details={"host": "db-01"},
        priority="P1",
        responders=[{"type": "team", "name": "Web"}],
    )
    made = client.create_alert(create_alert_payload=wanted)
    status = client.get_request_status(made.request_id).data
    assert (status.is_success, status.status) == (True, "Created alert")
    by = {"identifier": status.alert_id, "identifier_type": "id"}
    user = {"user": "ada", "source": "script"}
    client.acknowledge_alert(
        **by, acknowledge_alert_payload=opsgenie_sdk.AcknowledgeAlertPayload(**user)
    )
    client.un_acknowledge_alert(
        **by, un_acknowledge_alert_payload=opsgenie_sdk.UnAcknowledgeAlertPayload(**user)
    )
    client.add_note(**by, add_note_to_alert_payload={"note": "Looking.", **user})
    client.update_alert_priority(**by, update_alert_priority_payload={"priority": "P2"})
    client.update_alert_message(**by, update_alert_message_payload={"message": "Disk fuller"})
    client.add_tags(**by, add_tags_to_alert_payload={"tags": ["eu"]})
    client.remove_tags(**by, tags=["db"])
    client.add_details(**by, add_details_to_alert_payload={"details": {"zone": "a"}})
    client.remove_details(**by, keys=["host"])
    until = world.clock() + timedelta(hours=1)
    client.snooze_alert(**by, snooze_alert_payload=opsgenie_sdk.SnoozeAlertPayload(end_time=until))
    seen = client.get_alert("disk/var", identifier_type="alias").data
    assert (seen.message, seen.priority, seen.tags) == ("Disk fuller", "P2", ["eu"])
    assert seen.details == {"zone": "a"}
    assert (seen.description, seen.snoozed) == ("97 %", True)
    assert [each.id for each in client.list_alerts(query="status: open").data] == [seen.id]
    client.close_alert(**by, close_alert_payload={"note": "Fixed.", **user})
    assert [each.status for each in client.list_alerts().data] == ["closed"]
    [incident] = check(world).incidents.values()
    assert incident["status"] == "RESOLVED"


def test_what_is_not_there_is_an_error_at_once(client: Any) -> None:
    with pytest.raises(opsgenie_sdk.ApiException) as raised:
        client.get_alert("nothing", identifier_type="alias")
    assert raised.value.status == 404
