"""How exactly the deployed system meets a time: through the real queue, by the real clock."""

import json
import time
from datetime import timedelta
from math import ceil
from secrets import token_hex

import boto3
import pytest
import requests

from harness.world import event
from local.stack import Running
from opsknight.directory.entries import Service
from opsknight.escalation.policy import Policy, Step, Target, TargetKind
from opsknight.store.calls import TABLE_CONFIG, Deadline
from opsknight.store.table import Table

PACE = 0.25
TAKE_PAGES = 2
"""Members of the demo's team who do."""

pytestmark = [pytest.mark.system, pytest.mark.soak]


def test_a_step_is_taken_within_two_seconds_of_its_time(deployed: Running, full_size: bool) -> None:
    timers, longest = (100, 90) if full_size else (30, 20)
    client = boto3.client("dynamodb", endpoint_url=deployed.endpoint, config=TABLE_CONFIG)
    table = Table(client, deployed.outputs["TableName"], timedelta(days=1))
    deadline = Deadline.after(longest + 120)
    team = table.service(deployed.service.service_id, deadline)
    assert team is not None
    delays = range(5, longest + 1, 5)
    for seconds in delays:
        name = f"timer-{seconds}-{token_hex(4)}"
        web = Target(kind=TargetKind.TEAM, id=team.team_id)
        steps = (Step(delay=timedelta(seconds=seconds), targets=(web,)),)
        table.publish(Policy(id=name, name=name, version=1, steps=steps), token_hex(8), deadline)
        service = Service(id=f"svc_{seconds}", name=name, team_id=team.team_id, policy_id=name)
        table.create([service], {}, token_hex(8), deadline)
    opened = []
    for number in range(timers):
        seconds = delays[number % len(delays)]
        body = json.dumps(event("trigger", f"timer-{number}", service_id=f"svc_{seconds}"))
        answer = requests.post(
            f"{deployed.url}/api/events",
            data=body,
            headers={"Authorization": f"Bearer {deployed.service.api_key}"},
            timeout=20,
        )
        assert answer.status_code == 202
        opened.append((answer.json()["result"]["incident"]["id"], seconds))
        # MiniStack reads all queues and streams in one thread, and calls a stream's function in it:
        # while a burst of new incidents lasts it looks at no queue, which on AWS is another poller.
        time.sleep(PACE)
    time.sleep(longest + 5)
    late = []
    for incident_id, seconds in opened:
        incident = table.incident(incident_id, deadline)
        pages = table.pages(incident_id, deadline)
        assert incident is not None
        assert len(pages) == TAKE_PAGES, f"{incident_id} after {seconds} s"
        late.append((pages[0].at - incident.created_at).total_seconds() - seconds)
    late.sort()
    p99 = late[ceil(0.99 * len(late)) - 1]
    told = f"{timers} timers: median {late[len(late) // 2]:.2f} s, p99 {p99:.2f} s late"
    told += f"; the latest: {', '.join(f'{each:.2f}' for each in late[-5:])}"
    assert late[0] >= 0, told
    assert late[len(late) // 2] < 2, told
    # Of 30 that is the slowest one, and a machine that is busy with other tests proves nothing.
    assert p99 < (2 if full_size else 60), told
    print(told)  # noqa: T201
