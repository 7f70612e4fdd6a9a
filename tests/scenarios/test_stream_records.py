"""What the harness says a stream tells is what a real stream tells."""

from datetime import timedelta
from secrets import token_hex
from typing import Any

import boto3

from harness.people import ADA
from harness.pipeline import Pipeline, step
from harness.streams import record, woken_by
from harness.world import World, deadline, event
from opsknight.incident.commands import Acknowledge, Command, Resolve, Snooze, Unsnooze
from opsknight.incident.decisions import Transitioned
from opsknight.incident.lifecycle import act


def records(client: Any, stream: str) -> list[dict[str, Any]]:
    """All records of the stream, the oldest first."""
    found = []
    for shard in client.describe_stream(StreamArn=stream)["StreamDescription"]["Shards"]:
        place = client.get_shard_iterator(
            StreamArn=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        while place:
            page = client.get_records(ShardIterator=place)
            found += page["Records"]
            place = page.get("NextShardIterator") if page["Records"] else None
    return found


def _key(said: dict[str, Any]) -> str:
    return str(sorted(said["dynamodb"]["Keys"].items()))


def test_records_of_the_harness_are_those_of_the_stream(
    server_world: World, dynamodb_server: str
) -> None:
    night = Pipeline(server_world, ticking=False)
    night.escalates(step("ada"), step("ben", after=5), repeat_after=3600)
    described = server_world.table.client.describe_table(TableName=server_world.table.name)["Table"]
    streams: Any = boto3.client("dynamodbstreams", endpoint_url=dynamodb_server)
    before = len(records(streams, described["LatestStreamArn"]))
    # The harness tells each item in its first form, as long as it is asked after every write.
    ours: list[dict[str, Any]] = []

    def note() -> None:
        ours.extend(record(item) for item in night.new_items())

    def does(command: Command) -> None:
        decision = act(night.incident(incident), command, actor=ADA, now=server_world.clock())
        assert isinstance(decision, Transitioned)
        server_world.table.apply(decision, token_hex(14), deadline())
        note()

    note()
    ours.clear()
    incident = server_world.send(event()).incident["id"]
    note()
    for command in (Acknowledge(), Snooze(server_world.clock() + timedelta(hours=1)), Unsnooze()):
        does(command)
    night.engine.attend(incident, deadline())
    note()
    does(Resolve())
    theirs = [
        each
        for each in records(streams, described["LatestStreamArn"])[before:]
        if each["eventName"] == "INSERT"
    ]
    assert len(ours) == len(theirs) > 6
    for mine, real in zip(sorted(ours, key=_key), sorted(theirs, key=_key), strict=True):
        assert mine["eventName"] == real["eventName"]
        assert mine["eventSource"] == real["eventSource"]
        for part in ("Keys", "NewImage", "StreamViewType"):
            assert mine["dynamodb"][part] == real["dynamodb"][part], part
        assert mine["dynamodb"].keys() <= real["dynamodb"].keys()
        assert woken_by(mine) == woken_by(real)
    assert {name for said in theirs for name in woken_by(said)} == {
        "EscalationFunction",
        "NotifyFunction",
    }
