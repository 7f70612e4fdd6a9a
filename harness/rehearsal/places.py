"""What people and places heard, and what is stored, at the end of a rehearsal."""

import json
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import boto3

from harness.rehearsal.monitors import Posted
from harness.rehearsal.verdict import Heard, Held
from inbox.mailbox import Message

# The hosts of directory.yaml: the inbox gets them as parts of a path.
_PLACES: Final = ("first", "second", "place")


@dataclass
class Places:
    """All receivers of directory.yaml. Every request counts, also one that comes a second time."""

    heard: list[Heard] = field(default_factory=list)

    def takes(self, message: Message) -> None:
        [to] = [each for each in _PLACES if f"{each}.example.com" in message.to]
        payload = json.loads(message.body)
        told = payload.get("incidents") or [payload["incident"]]
        about = payload["event"].removeprefix("incident.")
        self.heard += [
            Heard(each["id"], to, about, payload["deliveryId"], time.monotonic()) for each in told
        ]


@dataclass(frozen=True)
class Stored:
    """A deployed table, as `harness.invariants` looks at it."""

    endpoint: str
    table: str

    def items(self) -> list[dict[str, Any]]:
        client = boto3.client("dynamodb", endpoint_url=self.endpoint)
        pages = client.get_paginator("scan").paginate(TableName=self.table)
        return [dict(item) for page in pages for item in page["Items"]]

    def overdue(self, now: datetime) -> int:
        """How many things should have been done by now."""
        by = now.strftime("%Y-%m-%dT%H:%M:%S")
        return sum(
            item["due_at"]["S"] < by
            for item in self.items()
            if "due_shard" in item and "due_at" in item
        )

    def alerts(self) -> dict[str, list[str]]:
        """The incidents with an alert of each event, by the number in the event's details."""
        found = defaultdict[str, list[str]](list)
        for item in self.items():
            if item.get("kind") == {"S": "alert"}:
                body = json.loads(item["body"]["S"])
                number = body["payload"]["custom_details"]["number"]
                found[number].append(item["incident_id"]["S"])
        return dict(found)


def keep(
    file: Path, posted: Sequence[Posted], heard: Sequence[Heard], held: Held, stored: Stored
) -> None:
    """For whoever looks into what went wrong: the deployment is gone by then."""
    seen = {
        "posted": [asdict(each) for each in posted],
        "heard": [asdict(each) for each in heard],
        "held": asdict(held),
        "stored": stored.items(),
    }
    file.write_text(json.dumps(seen, default=repr, indent=1))


def failed_messages(endpoint: str, outputs: Mapping[str, str]) -> dict[str, str]:
    """The failure queues that are not empty, with their depths."""
    client = boto3.client("sqs", endpoint_url=endpoint)
    name = outputs["MessageFailuresArn"].rpartition(":")[2]
    queues = {
        "MessageFailures": client.get_queue_url(QueueName=name)["QueueUrl"],
        "RecordFailures": outputs["RecordFailuresUrl"],
    }
    found = dict[str, str]()
    for queue, url in queues.items():
        asked = client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        if (depth := asked["ApproximateNumberOfMessages"]) != "0":
            found[queue] = depth
    return found
