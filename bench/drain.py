"""`python -m bench.drain 200`, beside `OPSKNIGHT_EMPTY=1 make run`: a storm of so many incidents on
the local deployment, then silence. Prints what its queues hold until they are empty, and when a
HIGH incident of another team was told: one in the middle of the storm, others while it drains.
"""

import json
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import boto3

LANES: Final = ("Plans", "PagesHigh", "Pages", "Notices")
EVERY: Final = 10.0
# A key may send this many a minute; the bench uses two keys.
MOST_EVENTS: Final = 110
LONGEST: Final = 1800.0
# The example that `make run` applies gives it to another team than the storm's service.
OTHER_SERVICE: Final = "svc_warehouse"
PROBE_EVERY: Final = 300.0
PROBE_LONGEST: Final = 600.0


def settings() -> dict[str, str]:
    lines = Path(".local/opsknight.env").read_text().splitlines()
    pairs = (line.removeprefix("export ").partition("=") for line in lines if "=" in line)
    return {name: value.strip("'\"") for name, _, value in pairs}


def post(url: str, body: Mapping[str, Any], authorization: str) -> int:
    request = urllib.request.Request(  # noqa: S310
        f"{url}/api/events",
        json.dumps(body).encode(),
        {"Authorization": authorization, "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        status: int = answer.status
    return status


def event(key: str, severity: str, title: str) -> dict[str, Any]:
    payload = {"summary": title, "source": "drain", "severity": severity}
    return {"event_action": "trigger", "dedup_key": key, "payload": payload}


class Probe(threading.Thread):
    """Opens a HIGH incident of another team, waits until somebody is told, and resolves it."""

    def __init__(self, known: Mapping[str, str], number: int) -> None:
        super().__init__(daemon=True)
        self.known, self.number = known, number

    def run(self) -> None:
        url, bearer = self.known["OPSKNIGHT_URL"], f"Bearer {self.known['OPSKNIGHT_API_KEY']}"
        key, service = f"probe-{self.number}", {"service_id": OTHER_SERVICE}
        began, title = time.monotonic(), f"{key} of another team"
        asked = event(key, "critical", title) | service
        seen = self._told(title, 0, wait=0)[1]
        post(url, asked, bearer)
        answered, told = time.monotonic() - began, False
        while not told and time.monotonic() - began < PROBE_LONGEST:
            told, seen = self._told(title, seen, wait=5)
        took = f"told after {time.monotonic() - began:.1f} s" if told else "not told"
        print(f"HIGH of another team: answered after {answered:.1f} s, {took}", flush=True)
        post(url, asked | {"event_action": "resolve"}, bearer)

    def _told(self, title: str, after: int, wait: int) -> tuple[bool, int]:
        """Whether a message with these words came after that number, and the last number."""
        address = f"{self.known['OPSKNIGHT_INBOX_URL']}/_messages?after={after}&wait={wait}"
        with urllib.request.urlopen(address, timeout=60) as answer:  # noqa: S310
            messages = json.load(answer)["messages"]
        told = any(title in f"{each['title']} {each['text']}" for each in messages)
        return told, max((each["number"] for each in messages), default=after)


class Queues:
    def __init__(self, known: Mapping[str, str]) -> None:
        place = {
            "endpoint_url": known["OPSKNIGHT_AWS_ENDPOINT"],
            "region_name": known["OPSKNIGHT_AWS_REGION"],
            "aws_access_key_id": "local",
            "aws_secret_access_key": "local",
        }
        anything: Any = boto3
        self.sqs = anything.client("sqs", **place)
        stack = anything.client("cloudformation", **place)
        found = stack.describe_stack_resources(StackName=known["OPSKNIGHT_AWS_STACK"])
        self.urls = {
            each["LogicalResourceId"]: each["PhysicalResourceId"]
            for each in found["StackResources"]
            if each["LogicalResourceId"] in LANES
        }

    def depths(self) -> dict[str, int]:
        """Those that hold anything, without what is for later."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = {}
        for name, url in self.urls.items():
            answer = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)
            found[name] = sum(int(each) for each in answer["Attributes"].values())
        return {name: each for name, each in found.items() if each}


def main() -> int:
    incidents, known = int(sys.argv[1]), settings()
    url, queues = known["OPSKNIGHT_URL"], Queues(known)
    token = f"Token token={known['OPSKNIGHT_INTEGRATION_KEY']}"
    bearer = f"Bearer {known['OPSKNIGHT_API_KEY']}"
    service = {"service_id": known["OPSKNIGHT_SERVICE_ID"]}
    began, most, emptied = time.monotonic(), Counter[str](), None

    def look(since: float) -> bool:
        held = queues.depths()
        for name, depth in held.items():
            most[name] = max(most[name], depth)
        print(f"{time.monotonic() - since:6.0f} s: {held or 'empty'}", flush=True)
        return not held

    for number in range(incidents):
        title = f"drain {number:05}"
        body = event(f"drain-{number}", "error", title)
        if number % 2:
            post(url, body | service, bearer)
        else:
            post(url, body, token)
        if number == incidents // 2:
            Probe(known, 0).start()
        if number % (2 * MOST_EVENTS) == 2 * MOST_EVENTS - 1:
            look(began)
            time.sleep(60 - time.time() % 60)
    print(f"{incidents} incidents in {time.monotonic() - began:.0f} s", flush=True)
    silent, empty, probes = time.monotonic(), 0, 0
    while time.monotonic() - silent < LONGEST and empty < 3:
        if time.monotonic() - silent > PROBE_EVERY * probes:
            probes += 1
            Probe(known, probes).start()
        empty = empty + 1 if look(silent) else 0
        if empty and emptied is None:
            emptied = time.monotonic() - silent
        time.sleep(EVERY)
    print(f"at most {dict(most)}", "" if emptied is None else f"first empty after {emptied:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
