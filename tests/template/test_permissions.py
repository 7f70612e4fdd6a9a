"""Each function may do what it does, and nothing else.

What it does with DynamoDB is watched, not listed: the real entry points run with the template's
environment, and every call is noted. What Lambda does in a function's name (reading the stream,
reporting failures, writing logs) follows from the template itself.
"""

import os
from base64 import b64encode
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import boto3
import pytest

import escalation.handler
import events.handler
import notify.handler
from opsknight import runtime
from tests.harness.streams import record
from tests.harness.world import World, event, http_event
from tests.template.parts import functions, of_type, stream_mappings

Grant = tuple[str, str]
"""An action, and the resource of the template it is done to: `Table`, `Table.StreamArn`."""

IN_TRANSACTION = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}


def call_events(world: World) -> None:
    """Every action, both kinds of keys, and a body that has to be stored in chunks."""

    def post(body: dict[str, Any], authorization: str) -> None:
        request = http_event(body, headers={"authorization": authorization})
        assert events.handler.on_request(request, None)["statusCode"] == 202

    integration = f"Token token={world.integration_key}"
    for action in ("trigger", "trigger", "acknowledge", "resolve"):
        post(event(action), integration)
    large = b64encode(Random(1).randbytes(200_000)).decode()
    post(event(payload={"custom_details": {"dump": large}}), integration)
    post(event("resolve", service_id=world.service.id), f"Bearer {world.user_api_key}")


def call_escalation(world: World) -> None:
    _feed(world, escalation.handler.on_stream)


def call_notify(world: World) -> None:
    _feed(world, notify.handler.on_stream)


def _feed(world: World, on_stream: Callable[..., Any]) -> None:
    """An incident that was opened, acknowledged and resolved."""
    for action in ("trigger", "acknowledge", "resolve"):
        assert world.send(event(action)).status == 202
    kinds = {"incident", "change"} if on_stream is notify.handler.on_stream else {"incident"}
    records = [record(item) for item in world.items() if item.get("kind", {}).get("S") in kinds]
    assert records
    assert on_stream({"Records": records}, None) == {"batchItemFailures": []}


CALLS = {
    "EventsFunction": call_events,
    "EscalationFunction": call_escalation,
    "NotifyFunction": call_notify,
}


@pytest.fixture(autouse=True)
def unmade() -> Iterator[None]:
    """A process that has not answered anything yet, before and after."""
    made = (runtime.table, runtime.counters, events.handler.api)
    for each in made:
        each.cache_clear()
    yield
    for each in made:
        each.cache_clear()


def test_every_function_is_watched() -> None:
    assert set(CALLS) == set(functions())


@pytest.mark.parametrize("function", sorted(CALLS))
def test_a_function_may_do_what_it_does(
    function: str, moto_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = {moto_world.table.name: "Table", moto_world.counters.name: "RatesTable"}
    known = {
        "TABLE_NAME": moto_world.table.name,
        "RATES_TABLE_NAME": moto_world.counters.name,
        "RETENTION_DAYS": "400",
    }
    for name in known:
        monkeypatch.delenv(name, raising=False)
    for name in functions()[function]["Environment"]:
        monkeypatch.setenv(name, known.get(name, os.environ.get(name, "test")))
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("POWERTOOLS_LOG_LEVEL", "INFO")
    session = boto3.Session()
    used: set[Grant] = set()

    def note(params: dict[str, Any], model: Any, **_: object) -> None:
        if model.name == "TransactWriteItems":
            for write in params["TransactItems"]:
                ((kind, arguments),) = write.items()
                used.add((f"dynamodb:{IN_TRANSACTION[kind]}", names[arguments["TableName"]]))
        else:
            assert "IndexName" not in params, "an index has an ARN of its own"
            used.add((f"dynamodb:{model.name}", names[params["TableName"]]))

    session.events.register("provide-client-params.dynamodb", note)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", session)
    CALLS[function](moto_world)

    assert granted(function) == used | in_its_name(function)


def granted(function: str) -> set[Grant]:
    """What the function's role allows, but for tracing."""
    role = of_type("AWS::IAM::Role")[functions()[function]["Role"]["Fn::GetAtt"][0]]
    assert "ManagedPolicyArns" not in role
    grants = set()
    for policy in role["Policies"]:
        for statement in policy["PolicyDocument"]["Statement"]:
            if "Fn::If" in statement:
                continue
            assert statement["Effect"] == "Allow"
            actions = statement["Action"]
            for action in [actions] if isinstance(actions, str) else actions:
                grants.add((action, arn_of(statement["Resource"])))
    return grants


def arn_of(reference: dict[str, list[str]]) -> str:
    resource, attribute = reference["Fn::GetAtt"]
    return resource if attribute == "Arn" else f"{resource}.{attribute}"


def in_its_name(function: str) -> set[Grant]:
    """What Lambda does with the function's role, by what the template asks of it."""
    grants = {
        (f"logs:{action}", functions()[function]["LoggingConfig"]["LogGroup"]["Ref"])
        for action in ("CreateLogStream", "PutLogEvents")
    }
    if mapping := stream_mappings().get(function):
        grants |= {
            (f"dynamodb:{action}", arn_of(mapping["Stream"]))
            for action in ("DescribeStream", "GetRecords", "GetShardIterator", "ListStreams")
        }
        queue = mapping["DestinationConfig"]["OnFailure"]["Destination"]
        grants.add(("sqs:SendMessage", arn_of(queue)))
    return grants


def test_no_two_functions_share_a_role() -> None:
    roles = [arn_of(function["Role"]) for function in functions().values()]
    assert sorted(roles) == sorted(of_type("AWS::IAM::Role"))


def test_traces_are_allowed_only_while_tracing_is_on() -> None:
    for role in of_type("AWS::IAM::Role").values():
        (policy,) = role["Policies"]
        (choice,) = [
            statement["Fn::If"]
            for statement in policy["PolicyDocument"]["Statement"]
            if "Fn::If" in statement
        ]
        condition, statement, otherwise = choice
        assert condition == "Traced"
        assert statement["Action"] == ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]
        assert otherwise == {"Ref": "AWS::NoValue"}


@pytest.mark.parametrize("function", sorted(CALLS))
def test_no_action_is_wild_and_no_resource_is_anything(function: str) -> None:
    for action, resource in granted(function):
        assert "*" not in action
        assert "Scan" not in action
        assert resource != "*"
