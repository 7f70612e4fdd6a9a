"""The deployed template over HTTP: what only the whole of it can show.

Every rule has its own test elsewhere. Here the gateway, the alias, the layer, the environment, the
stream and its filters are the ones of `template.yaml`.
"""

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from secrets import token_hex
from typing import Any

import boto3
import pytest
import requests

from harness import described
from harness.world import event
from local.stack import Running
from opsknight.directory.aws import AwsRule, AwsRules
from opsknight.store.directory_items import directory_item
from opsknight.store.items import dedup_pointer_key, incident_key

pytestmark = pytest.mark.system

# Whom the first step of the demo's policy reaches.
ON_CALL = ("bruno", "elena")


class Monitor:
    """Somebody who posts events, and keeps to a dedup key of their own."""

    def __init__(self, up: Running, authorization: str, **more: Any) -> None:
        self._up = up
        self._authorization = authorization
        self._more = more

    def posts(self, action: str, dedup_key: str) -> requests.Response:
        body = event(action, dedup_key, **self._more)
        return post(self._up, json.dumps(body), Authorization=self._authorization)


def post(up: Running, body: str | bytes, **headers: str) -> requests.Response:
    sent = {"Content-Type": "application/json"} | headers
    return requests.post(f"{up.url}/api/events", data=body, headers=sent, timeout=20)


@pytest.fixture
def dedup_key() -> str:
    return f"system-{token_hex(4)}"


@pytest.fixture
def integration(deployed: Running) -> Monitor:
    return Monitor(deployed, f"Token token={deployed.service.integration_key}")


@pytest.fixture
def person(deployed: Running) -> Monitor:
    service_id = deployed.service.service_id
    return Monitor(deployed, f"Bearer {deployed.service.api_key}", service_id=service_id)


def test_an_incident_is_opened_added_to_acknowledged_and_resolved(
    integration: Monitor, dedup_key: str
) -> None:
    answers = [
        integration.posts(action, dedup_key)
        for action in ("trigger", "trigger", "acknowledge", "resolve", "resolve", "trigger")
    ]
    assert [answer.status_code for answer in answers] == [202] * 6
    bodies = [answer.json() for answer in answers]
    assert [body["status"] for body in bodies] == ["success"] * 6
    results = [body["result"] for body in bodies]
    assert [result["action"] for result in results] == [
        "triggered",
        "deduplicated",
        "acknowledged",
        "resolved",
        "ignored",
        "triggered",
    ]
    incidents = [result["incident"] for result in results[:4]]
    assert len({incident["id"] for incident in incidents}) == 1
    assert [incident["status"] for incident in incidents] == [
        "OPEN",
        "OPEN",
        "ACKNOWLEDGED",
        "RESOLVED",
    ]
    assert incidents[0]["title"] == "CPU above 90% on web-01"
    assert incidents[0]["urgency"] == "HIGH"
    assert results[4]["reason"]
    assert results[5]["incident"]["id"] != incidents[0]["id"]


def test_integration_and_person_work_on_one_incident(
    integration: Monitor, person: Monitor, dedup_key: str
) -> None:
    opened = integration.posts("trigger", dedup_key).json()["result"]
    acknowledged = person.posts("acknowledge", dedup_key).json()["result"]
    resolved = integration.posts("resolve", dedup_key).json()["result"]
    assert opened["incident"]["id"] == acknowledged["incident"]["id"] == resolved["incident"]["id"]
    assert acknowledged["action"] == "acknowledged"
    assert resolved["action"] == "resolved"


def test_accepted_events_say_what_is_left_of_the_minute(
    integration: Monitor, dedup_key: str
) -> None:
    headers = integration.posts("resolve", dedup_key).headers
    assert headers["RateLimit-Limit"] == "120"
    assert 0 <= int(headers["RateLimit-Remaining"]) < 120
    assert 0 < int(headers["RateLimit-Reset"]) <= 60


VALID = json.dumps(event())


@pytest.mark.parametrize(
    ("authorization", "body", "status", "error"),
    [
        ("", VALID, 401, "Unauthorized"),
        ("Bearer nobody", VALID, 401, "Unauthorized"),
        ("Token token=" + "0" * 32, VALID, 403, "Invalid Integration Key"),
        ("integration", "{", 400, "Invalid JSON"),
        ("integration", '{"event_action": "trigger"}', 400, "Invalid request body"),
        ("integration", " " * 600_000, 413, "Payload too large"),
        ("person", VALID, 400, "Invalid request body"),
        ("person", json.dumps(event(service_id="svc_none")), 404, "Service not found"),
    ],
)
def test_a_refused_event_is_told_why(
    deployed: Running, authorization: str, body: str, status: int, error: str
) -> None:
    known = {
        "integration": f"Token token={deployed.service.integration_key}",
        "person": f"Bearer {deployed.service.api_key}",
    }
    answer = post(deployed, body, Authorization=known.get(authorization, authorization))
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["X-Request-Id"]


def test_a_body_that_is_no_text_is_refused_as_one(deployed: Running) -> None:
    key = f"Token token={deployed.service.integration_key}"
    answer = post(
        deployed, b"\xff\xfe\x00", **{"Authorization": key, "Content-Type": "application/zip"}
    )
    assert (answer.status_code, answer.json()["error"]) == (400, "Invalid JSON")


def test_a_large_event_is_accepted(deployed: Running, dedup_key: str) -> None:
    body = event("trigger", dedup_key, payload={"custom_details": {"log": "line\n" * 80_000}})
    key = f"Token token={deployed.service.integration_key}"
    assert post(deployed, json.dumps(body), Authorization=key).status_code == 202


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", "/nothing", 404, None),
        ("POST", "/api/event", 404, None),
        ("GET", "/api/events/x", 404, None),
        ("GET", "/api/events", 405, "POST"),
        ("PUT", "/api/events", 405, "POST"),
        ("POST", "/openapi.json", 405, "GET"),
    ],
)
def test_an_unknown_address_and_a_wrong_method_are_answered_in_json(
    deployed: Running, method: str, path: str, status: int, allow: str | None
) -> None:
    answer = requests.request(method, deployed.url + path, timeout=20)
    assert answer.status_code == status
    assert answer.json()["error"]
    assert answer.headers["X-Request-Id"]
    assert allow is None or allow in answer.headers["Allow"]


@pytest.mark.parametrize("keyed", [False, True], ids=["header", "path"])
def test_a_batch_of_a_tool_reaches_events_and_not_people(
    deployed: Running, dedup_key: str, keyed: bool
) -> None:
    """Its paths lie below /api/, where everything else goes to the function that people use."""
    key = deployed.service.integration_key
    path = f"/k/{key}/alertmanager" if keyed else "/api/integrations/alertmanager?per=group"
    headers = {} if keyed else {"Authorization": f"Bearer {key}"}
    for status, actions in (("firing", ["triggered"]), ("resolved", ["resolved"])):
        alert = {"status": status, "labels": {"alertname": dedup_key}, "fingerprint": dedup_key}
        sent = {"alerts": [alert], "groupKey": dedup_key}
        answer = requests.post(deployed.url + path, json=sent, headers=headers, timeout=20)
        assert answer.status_code == 202, answer.text
        assert [each["action"] for each in answer.json()["results"]] == actions


def test_a_link_opens_the_console_and_its_session_acts(deployed: Running, dedup_key: str) -> None:
    """Whatever API Gateway and the functions do with cookies, files and forms."""
    opened = post(
        deployed,
        json.dumps(event("trigger", dedup_key)),
        Authorization=f"Token token={deployed.service.integration_key}",
    )
    incident_id = opened.json()["result"]["incident"]["id"]
    with requests.Session() as browser:
        browser.headers["Sec-Fetch-Site"] = "same-origin"
        home = browser.get(deployed.url, timeout=20)
        assert home.url == f"{deployed.url}/console/incidents"
        assert '<div id="app">' in home.text
        [script] = re.findall(r'src="(/console/assets/[^"]+\.js)"', home.text)
        sent = browser.get(deployed.url + script, timeout=20)
        assert (sent.status_code, "immutable" in sent.headers["Cache-Control"]) == (200, True)
        assert len(sent.content) > 10_000
        assert browser.get(f"{deployed.url}/api/me", timeout=20).status_code == 401
        assert "Log in as Ada" in browser.get(deployed.console, timeout=20).text
        begun = browser.post(deployed.console, timeout=20, allow_redirects=False)
        assert begun.headers["Location"] == "/console/incidents"
        # The address here is plain http, and a library keeps no secure cookie for that.
        cookie = {"Cookie": begun.headers["Set-Cookie"].partition(";")[0]}
        me = browser.get(f"{deployed.url}/api/me", headers=cookie, timeout=20)
        assert me.json()["me"]["name"].startswith("Ada")
        path = f"{deployed.url}/api/incidents/{incident_id}/resolve"
        assert browser.post(path, headers=cookie, timeout=20).status_code == 403
        own = cookie | {"X-OpsKnight-Console": "1"}
        assert browser.post(path, headers=own, timeout=20).status_code == 200


def test_health_and_description_need_no_key(deployed: Running) -> None:
    health = requests.get(f"{deployed.url}/health", timeout=20)
    assert (health.status_code, health.json()) == (200, {"status": "ok"})
    description = requests.get(f"{deployed.url}/openapi.json", timeout=20)
    assert description.status_code == 200
    assert description.json() == described.DESCRIBED


def test_a_program_sees_and_acts_by_the_http_api(
    deployed: Running, integration: Monitor, dedup_key: str
) -> None:
    def ask(method: str, path: str, body: object = None) -> requests.Response:
        answer = requests.request(
            method,
            f"{deployed.url}{path}",
            data=None if body is None else json.dumps(body),
            headers={"Authorization": f"Bearer {deployed.service.api_key}"},
            timeout=20,
        )
        operation = described.operation(method, path.partition("?")[0])
        assert operation, path
        described.check(operation, answer.status_code, answer.headers, answer.json())
        return answer

    incident = integration.posts("trigger", dedup_key).json()["result"]["incident"]
    path = f"/api/incidents/{incident['id']}"
    of_service = f"/api/incidents?service={incident['serviceId']}&status=OPEN,ACKNOWLEDGED&limit=5"

    def listed() -> list[str]:
        page = ask("GET", of_service).json()["incidents"]
        return [each["id"] for each in page if each["id"] == incident["id"]]

    assert eventually(listed) == [incident["id"]]
    assert ask("POST", f"{path}/acknowledge").json()["result"]["action"] == "acknowledged"
    refused = ask("POST", f"{path}/unsnooze")
    assert (refused.status_code, refused.json()["status"]) == (409, "ACKNOWLEDGED")
    assert ask("PATCH", path, {"urgency": "LOW"}).status_code == 200
    assert ask("POST", f"{path}/resolve").status_code == 200
    rows = ask("GET", path).json()["incident"]["timeline"]
    mine = [row["what"] for row in rows if row.get("by", {}).get("kind") == "api_key"]
    assert mine == ["acknowledged", "lowered", "resolved"]
    for path in ("/api/services", "/api/schedules", "/api/oncall"):
        assert ask("GET", path).status_code == 200
    assert ask("GET", "/api/services/nowhere/maintenance").status_code == 404


def test_the_stream_reaches_both_functions_and_the_incident_is_planned(
    deployed: Running, integration: Monitor, dedup_key: str
) -> None:
    incident = integration.posts("trigger", dedup_key).json()["result"]["incident"]["id"]

    def lines(function: str) -> list[dict[str, Any]]:
        return [line for line in log(deployed, function) if line.get("incident_id") == incident]

    (stepped,) = eventually(lambda: lines("escalation"))
    assert (stepped["message"], stepped["step"], stepped["paged"]) == (
        "step taken",
        0,
        len(ON_CALL),
    )
    assert stepped["service"] == "escalation"
    (planned,) = eventually(
        lambda: [line for line in lines("notify") if line["message"] == "changes planned"]
    )
    assert planned["service"] == "notify"
    table = boto3.client("dynamodb", endpoint_url=deployed.endpoint)
    kept = table.get_item(TableName=deployed.outputs["TableName"], Key=incident_key(incident))
    assert kept["Item"]["status"] == {"S": "OPEN"}
    assert kept["Item"]["timers"] == {"M": {"step": kept["Item"]["due_at"]}}, (
        "it is told, and the policy goes on"
    )


def test_a_tick_and_the_queue_of_timers_do_what_the_stream_lost(
    deployed: Running, integration: Monitor, dedup_key: str
) -> None:
    incident = integration.posts("trigger", dedup_key).json()["result"]["incident"]["id"]
    table = boto3.client("dynamodb", endpoint_url=deployed.endpoint)
    name, key = deployed.outputs["TableName"], incident_key(incident)

    def pages() -> list[dict[str, Any]]:
        found = table.query(
            TableName=name,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :page)",
            ExpressionAttributeValues={":pk": key["pk"], ":page": {"S": "page#"}},
        )
        return [dict(item) for item in found["Items"]]

    assert len(eventually(pages)) == len(ON_CALL)
    # As if nobody had been paged, and everything that would remind of it was lost.
    past = {"S": "2026-01-01T00:00:00.000000Z"}
    table.update_item(
        TableName=name,
        Key=key,
        UpdateExpression="SET timers.step = :past, due_at = :past, next_step = :zero",
        ExpressionAttributeValues={":past": past, ":zero": {"N": "0"}},
    )
    lambdas = boto3.client("lambda", endpoint_url=deployed.endpoint)
    (tick,) = (
        each["FunctionName"]
        for each in lambdas.list_functions()["Functions"]
        if "TickFunction" in each["FunctionName"]
    )
    lambdas.invoke(FunctionName=tick)
    assert eventually(lambda: pages()[len(ON_CALL) :])


def test_the_senders_own_request_id_is_in_answer_and_log(deployed: Running) -> None:
    mine = f"sender-{token_hex(4)}"
    answer = post(deployed, VALID, **{"X-Request-Id": mine})
    assert answer.headers["X-Request-Id"] == mine
    (line,) = eventually(
        lambda: [line for line in log(deployed, "events") if line.get("request_id") == mine]
    )
    assert line["message"] == "request answered"
    assert line["level"] == "INFO"
    assert line["service"] == "events"
    assert line["status"] == 401
    assert line["error"] == "Unauthorized"


def log(up: Running, function: str) -> Iterator[dict[str, Any]]:
    """The lines that a function wrote itself, without those of Lambda."""
    client = boto3.client("logs", endpoint_url=up.endpoint)
    name = f"/aws/lambda/opsknight-local-{function}"
    for page in client.get_paginator("filter_log_events").paginate(logGroupName=name):
        for each in page["events"]:
            if each["message"].startswith("{"):
                yield json.loads(each["message"])


def eventually[T](look: Callable[[], list[T]]) -> list[T]:
    """What `look` finds as soon as it finds something; nothing after a minute and a half, in which
    a busy machine has started all functions.
    """
    deadline = time.monotonic() + 90
    while not (found := look()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


def test_an_alarm_of_a_topic_opens_an_incident_of_the_service_that_a_rule_names(
    deployed: Running,
) -> None:
    """The queue and its reader are the template's. Events of AWS's own nobody can send but AWS."""
    name = f"checkout-{token_hex(4)}"
    arn = f"arn:aws:cloudwatch:us-east-1:000000000000:alarm:{name}"
    rules = AwsRules(rules=(AwsRule(name="checkout-*", service_id=deployed.service.service_id),))
    table = boto3.client("dynamodb", endpoint_url=deployed.endpoint)
    table.put_item(TableName=deployed.outputs["TableName"], Item=directory_item(rules))
    sns = boto3.client("sns", endpoint_url=deployed.endpoint)
    topic = sns.create_topic(Name=name)["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=deployed.outputs["ArrivalsArn"])
    alarm = {"AlarmName": name, "AlarmArn": arn, "NewStateValue": "ALARM"}
    sns.publish(TopicArn=topic, Message=json.dumps(alarm), Subject=f"ALARM: {name}")
    key = dedup_pointer_key(deployed.service.service_id, arn)
    name_of_table = deployed.outputs["TableName"]
    [found] = eventually(
        lambda: [
            each
            for each in [table.get_item(TableName=name_of_table, Key=key).get("Item")]
            if each is not None
        ]
    )
    assert found["title"] == {"S": name}


def test_a_post_is_on_the_public_page_and_a_flood_of_readers_holds_up_no_event(
    deployed: Running, integration: Monitor, dedup_key: str
) -> None:
    api, key = f"{deployed.url}/api/status-pages", deployed.service.api_key
    headers = {"Authorization": f"Bearer {key}"}
    said = {
        "title": f"Payments fail ({dedup_key})",
        "text": "We look.",
        "services": {deployed.service.service_id: "partial"},
    }
    posted = requests.post(f"{api}/page_public/posts", json=said, headers=headers, timeout=20)
    assert posted.status_code == 201, posted.text
    page = f"{deployed.url}/status/public"

    def shown() -> list[str]:
        return re.findall(re.escape(dedup_key), requests.get(page, timeout=20).text)

    assert eventually(shown)
    assert requests.get(f"{page}/api/v2/summary.json", timeout=20).json()["incidents"]
    assert requests.get(f"{deployed.url}/status/nothing", timeout=20).status_code == 404
    stop = threading.Event()

    def read() -> int:
        taken = 0
        while not stop.is_set():
            # The machine itself refuses some, or does not come to them, as API Gateway would.
            with suppress(requests.Timeout):
                taken += requests.get(page, timeout=20).status_code == 200
        return taken

    with ThreadPoolExecutor(4) as readers:
        reading = [readers.submit(read) for _ in range(4)]
        try:
            sent = [integration.posts("trigger", f"{dedup_key}-{n}") for n in range(5)]
        finally:
            stop.set()
    assert [each.status_code for each in sent] == [202] * 5
    assert {each.json()["result"]["action"] for each in sent} == {"triggered"}
    # A flood holds up none of them: by itself, one takes a tenth of a second here.
    assert max(each.elapsed.total_seconds() for each in sent) < 10
    assert sum(each.result() for each in reading) >= len(reading)
