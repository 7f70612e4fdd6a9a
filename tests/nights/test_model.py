"""Behaviour of the models that no real server here can show: conflicts, throttling, lag, limits."""

from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from harness.simulation.dynamodb import DynamoDB
from harness.simulation.hub import Future, Hub, Killed, Life
from harness.simulation.night import conflicting
from harness.simulation.template import deployment
from harness.simulation.weather import CALM, Weather

ITEM = {"pk": {"S": "a"}, "sk": {"S": "b"}, "due_shard": {"S": "0"}, "due_at": {"S": "1"}}
KEY = {"pk": ITEM["pk"], "sk": ITEM["sk"]}
PUT = {"TableName": "Table", "Item": ITEM}
TRANSACTION = {"TransactItems": [{"Put": PUT}]}


def model(weather: Weather = CALM) -> DynamoDB:
    return DynamoDB(Hub(1), weather, deployment().tables)


def within(server: DynamoDB, *calls: tuple[float, str, dict[str, Any]]) -> list[str]:
    """Each call arrives at its second, having set out a millisecond before; what it comes to."""
    said: list[str] = []

    def call(at: float, operation: str, asked: dict[str, Any]) -> None:
        server.hub.sleep(at)
        try:
            server.perform(operation, asked, at - 0.001)
        except ClientError as error:
            reasons = error.response.get("CancellationReasons", ())
            said.append(reasons[0]["Code"] if reasons else error.response["Error"]["Code"])
        else:
            said.append("done")

    for each in calls:
        server.hub.spawn(lambda each=each: call(*each))  # type: ignore[misc]
    server.hub.run(60)
    return said


@pytest.mark.parametrize("refuses", [True, False])
def test_a_plain_write_of_what_a_transaction_holds(refuses: bool) -> None:
    server = model(replace(CALM, hold=(0.004, 0.004), refuses_plain_writes=refuses))
    said = within(
        server,
        (1.0, "transact_write_items", TRANSACTION),
        (1.002, "put_item", PUT),
        (1.006, "put_item", PUT),
    )
    assert said == ["done", "TransactionConflictException" if refuses else "done", "done"]


@pytest.mark.parametrize("refuses", [True, False])
def test_a_transaction_that_set_out_before_the_last_write(refuses: bool) -> None:
    server = model(replace(CALM, refuses_old_stamps=refuses))
    said = within(
        server,
        (1.0, "put_item", PUT),
        (1.0005, "transact_write_items", TRANSACTION),
        (1.1, "transact_write_items", TRANSACTION),
    )
    assert said == ["done", "TransactionConflict" if refuses else "done", "done"]


def test_transactions_at_the_same_time() -> None:
    server = model(replace(CALM, hold=(0.004, 0.004)))
    token = {**TRANSACTION, "ClientRequestToken": "one"}
    said = within(
        server,
        (1.0, "transact_write_items", token),
        (1.002, "transact_write_items", TRANSACTION),
        (1.003, "transact_write_items", token),
        (1.1, "transact_write_items", token),
    )
    assert said == ["done", "TransactionConflict", "TransactionInProgressException", "done"]


def test_a_partition_takes_a_thousand_writes_a_second() -> None:
    server = model()
    said = within(server, *((1.0, "put_item", PUT) for _ in range(1200)))
    assert 1000 <= said.count("done") < 1100
    assert set(said) == {"done", "ProvisionedThroughputExceededException"}


LARGE = [
    {"pk": {"S": str(number)}, "sk": {"S": "b"}, "x": {"S": "x" * 390_000}} for number in range(25)
]


@pytest.mark.parametrize(
    ("operation", "asked"),
    [
        ("batch_write_item", {"RequestItems": {"Table": [{"PutRequest": {"Item": ITEM}}] * 2}}),
        (
            "batch_write_item",
            {
                "RequestItems": {
                    "Table": [{"PutRequest": {"Item": ITEM}}, {"DeleteRequest": {"Key": KEY}}]
                }
            },
        ),
        ("batch_get_item", {"RequestItems": {"Table": {"Keys": [KEY, KEY]}}}),
        ("transact_write_items", {"TransactItems": [{"Put": PUT}] * 2}),
        (
            "transact_write_items",
            {"TransactItems": [{"Put": {**PUT, "Item": each}} for each in LARGE]},
        ),
    ],
)
def test_a_request_that_names_an_item_twice_or_is_too_large_is_refused_as_a_whole(
    operation: str, asked: dict[str, Any]
) -> None:
    server = model()
    assert within(server, (1.0, operation, asked)) == ["ValidationException"]
    assert "Item" not in server.perform("get_item", {"TableName": "Table", "Key": KEY}, 2.0)


def test_an_index_is_behind() -> None:
    server = model(replace(CALM, index_lag=(5.0, 5.0)))
    asked = {
        "TableName": "Table",
        "IndexName": "due",
        "KeyConditionExpression": "due_shard = :shard",
        "ExpressionAttributeValues": {":shard": {"S": "0"}},
    }
    server.hub.run(1)
    server.perform("put_item", PUT, 1.0)
    assert not server.perform("query", asked, 1.0)["Items"]
    server.hub.run(7)
    [entry] = server.perform("query", asked, 7.0)["Items"]
    assert entry == ITEM
    with pytest.raises(ClientError, match="Consistent"):
        server.perform("query", {**asked, "ConsistentRead": True}, 7.0)


def test_what_is_dead_does_nothing_more() -> None:
    hub, life, done = Hub(1), Life(), list[str]()

    def work() -> None:
        try:
            hub.sleep(10)
            done.append("worked")
        finally:
            # As an `except` or a `finally` of the product may call once more.
            with pytest.raises(Killed):
                hub.sleep(1)

    future: Future = hub.spawn(work, life)
    hub.later(5, lambda: hub.kill(life))
    hub.run(60)
    assert not done
    assert isinstance(future.exception(), Killed)
    assert not life.tasks


def test_limits_come_from_the_template() -> None:
    shape = deployment()
    send = [each for each in shape.queue_sources if each.queue == "Pages"]
    assert [(each.function, each.batch_size) for each in send] == [("SendFunction", 1)]
    assert shape.queues["Pages"].most_receives == 5
    assert shape.functions["SendFunction"].timeout == 45
    assert {each.every for each in shape.schedules} == {60.0}


def test_of_each_kind_of_conflict_there_are_nights_with_it_and_without() -> None:
    found = [conflicting(CALM, seed) for seed in range(1, 100)]
    kinds = {(each.refuses_plain_writes, each.refuses_old_stamps) for each in found}
    assert len(kinds) == 4
