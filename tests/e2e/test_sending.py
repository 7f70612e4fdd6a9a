"""Sending in the deployed system: through the real streams, queues and functions, by the real
clock, to an inbox and to receivers on this machine.
"""

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import batched
from math import ceil
from secrets import token_hex
from threading import Thread
from typing import Any

import boto3
import pytest
import requests

from harness.world import event
from inbox.mailbox import Message
from local.stack import Running
from opsknight.directory.entries import IntegrationKey, Role, Service, Team, User, key_hash
from opsknight.directory.integrations import Integration
from opsknight.directory.receivers import Channel, IncidentEvent, Receiver, ServiceReceiver
from opsknight.escalation.policy import Policy, Step, Target, TargetKind
from opsknight.notification.delivery import Delivery, State
from opsknight.store.calls import TABLE_CONFIG, Deadline
from opsknight.store.table import Table
from tests.e2e.test_deployed import eventually

pytestmark = pytest.mark.system

PACE = 0.5
"""Seconds between two triggers: two a second, as many as one key may send."""


class Places(ThreadingHTTPServer):
    """Receivers on this machine. `/slow...` answers after ten seconds."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Place)
        self.heard: list[tuple[str, datetime]] = []
        """Path, and when the request was there."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def at(self, path: str) -> list[datetime]:
        return [at for where, at in list(self.heard) if where == path]


class _Place(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        places = self.server
        assert isinstance(places, Places)
        places.heard.append((self.path, datetime.now(UTC)))
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.path.startswith("/slow"):
            time.sleep(10)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def places() -> Iterator[Places]:
    with Places() as server:
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@dataclass
class Town:
    """A service of its own in the deployed system, with somebody who is paged by a webhook."""

    up: Running
    places: Places
    name: str = field(default_factory=lambda: f"town-{token_hex(3)}")
    keys: dict[str, str] = field(default_factory=dict[str, str])
    """Of each service one of its own: what a key may send in a minute is limited."""

    def __post_init__(self) -> None:
        self.table = _table(self.up)

    def service(self, name: str, *paths: str, pages: str | None = None) -> str:
        """`paths` are receivers of the service; `pages` is that of the one who is paged."""
        service_id, user_id = f"svc_{self.name}-{name}", f"user_{self.name}-{name}"
        method = Receiver(
            id="hook", name="", channel=Channel.WEBHOOK, to=f"{self.places.url}{pages}"
        )
        team = Team(id=f"team_{self.name}-{name}", name=name)
        steps: tuple[Step, ...] = ()
        if pages is not None:
            steps = (Step(targets=(Target(kind=TargetKind.USER, id=user_id),)),)
        way_in = Integration(id=f"int_{self.name}-{name}", service_id=service_id, name=name)
        secret = self.keys[service_id] = token_hex(16)
        key = IntegrationKey(
            id=f"key_{way_in.id}",
            name=name,
            created_at=datetime.now(UTC),
            service_id=service_id,
            integration_id=way_in.id,
        )
        self.table.create([way_in], {key_hash(secret): key}, token_hex(8), Deadline.after(10))
        known: list[Team | User | Service | ServiceReceiver] = [
            team,
            User(
                id=user_id,
                name=name,
                email=f"{name}@example.com",
                role=Role.USER,
                contact_methods=(method,),
            ),
            Service(id=service_id, name=name, team_id=team.id, policy_id=service_id),
        ]
        known += [
            ServiceReceiver(
                id=f"{number:03}",
                name=path,
                channel=Channel.WEBHOOK,
                to=f"{self.places.url}{path}",
                service_id=service_id,
                events=(IncidentEvent.TRIGGERED,),
            )
            for number, path in enumerate(paths)
        ]
        policy = Policy(id=service_id, name=name, version=1, steps=steps or _nobody())
        self.table.publish(policy, token_hex(8), Deadline.after(10))
        for some in batched(known, 50, strict=False):
            self.table.create(list(some), {}, token_hex(8), Deadline.after(30))
        return service_id

    def trigger(self, service_id: str, number: int) -> str:
        body = event("trigger", f"{self.name}-{number}")
        answer = requests.post(
            f"{self.up.url}/api/events",
            data=json.dumps(body),
            headers={"Authorization": f"Token token={self.keys[service_id]}"},
            timeout=20,
        )
        assert answer.status_code == 202, answer.text
        incident: str = answer.json()["result"]["incident"]["id"]
        return incident

    def deliveries(self, incident: str) -> list[Delivery]:
        return self.table.deliveries(incident, Deadline.after(10))

    def opened_at(self, incident: str) -> datetime:
        found = self.table.incident(incident, Deadline.after(10))
        assert found is not None
        return found.created_at


def _table(up: Running) -> Table:
    client = boto3.client("dynamodb", endpoint_url=up.endpoint, config=TABLE_CONFIG)
    return Table(client, up.outputs["TableName"], timedelta(days=1))


def _nobody() -> tuple[Step, ...]:
    return (Step(delay=timedelta(hours=1), targets=(Target(kind=TargetKind.USER, id="none"),)),)


@pytest.fixture
def town(deployed: Running, places: Places) -> Town:
    return Town(deployed, places)


def test_a_page_arrives_and_its_link_acknowledges(deployed: Running) -> None:
    key = f"inbox-{token_hex(4)}"
    service = _of_one(deployed, key)
    body = event("trigger", key, payload={"summary": f"Disk of {key} is full"}, service_id=service)
    headers = {"Authorization": f"Bearer {deployed.service.api_key}"}
    answer = requests.post(f"{deployed.url}/api/events", json=body, headers=headers, timeout=20)
    incident = answer.json()["result"]["incident"]["id"]

    def arrived(channel: Channel) -> Callable[[], list[Message]]:
        return lambda: [
            each
            for each in deployed.inbox.mailbox.after(0)
            if each.channel is channel and key in each.title + each.text
        ]

    (mail, *_) = eventually(arrived(Channel.EMAIL))
    assert (mail.to, mail.why) == (f"{key}@example.com", "")
    assert eventually(arrived(Channel.SMS))
    (told, *_) = eventually(arrived(Channel.SLACK))
    assert (told.to, told.why) == ("C0INBOX001", "")
    link = re.search(r"http://127\.0\.0\.1:\d+/r/[\w.~-]+", mail.text)
    assert link, mail.text
    page = requests.get(link[0], timeout=20)
    assert page.status_code == 200
    assert key in page.text
    # A scanner of mails has followed it now, and nothing has happened.
    table = _table(deployed)
    found = table.incident(incident, Deadline.after(10))
    assert found is not None
    assert found.status == "OPEN"
    pressed = requests.post(link[0], data={"action": "acknowledge"}, timeout=20)
    assert pressed.status_code == 200, pressed.text
    found = table.incident(incident, Deadline.after(10))
    assert found is not None
    assert (found.status, found.assignee_id is not None) == ("ACKNOWLEDGED", True)
    # The message in Slack is changed in its place.
    assert eventually(lambda: [each for each in arrived(Channel.SLACK)() if each.thread][1:])


def _of_one(up: Running, name: str) -> str:
    """A service with a channel in Slack, and somebody of its own to page: others are paced."""
    service_id, user_id = f"svc_{name}", f"user_{name}"
    methods = (
        Receiver(id="mail", name="", channel=Channel.EMAIL, to=f"{name}@example.com"),
        Receiver(id="phone", name="", channel=Channel.SMS, to="+4915100000099"),
    )
    user = User(
        id=user_id,
        name=name,
        email=f"{name}@example.com",
        role=Role.USER,
        contact_methods=methods,
    )
    chat = ServiceReceiver(
        id="chat",
        name="",
        channel=Channel.SLACK,
        to="C0INBOX001",
        secret="slack-token",
        service_id=service_id,
    )
    target = Target(kind=TargetKind.USER, id=user_id)
    one = Policy(id=service_id, name=name, version=1, steps=(Step(targets=(target,)),))
    table = _table(up)
    table.publish(one, token_hex(8), Deadline.after(10))
    team = Team(id=f"team_{name}", name=name)
    service = Service(id=service_id, name=name, team_id=team.id, policy_id=one.id)
    table.create([team, user, service, chat], {}, token_hex(8), Deadline.after(10))
    return service_id


@pytest.fixture
def warm(town: Town, full_size: bool) -> None:
    """A burst and a tick have been: all functions are started, as many of each as there will be.

    Here each is a process, and a dozen that start at once hold up two cores for ten seconds. What
    a start costs is a figure of its own (`python -m bench cold-start`).
    """
    if not full_size:
        return
    service = town.service("warm", *["/warm"] * 4, pages="/warm")
    for number in range(16):
        town.trigger(service, 5000 + number)
    time.sleep(60 - time.time() % 60 + 25)


@pytest.mark.soak
@pytest.mark.usefixtures("warm")
def test_a_page_leaves_soon_after_its_event(
    town: Town, full_size: bool, say: Callable[[str], None]
) -> None:
    triggers = 100 if full_size else 12
    service = town.service("quick", pages="/quick")
    opened = []
    for number in range(triggers):
        began = time.monotonic()
        opened.append(town.trigger(service, number))
        time.sleep(max(PACE - (time.monotonic() - began), 0))
    eventually(lambda: [1] if len(town.places.at("/quick")) >= triggers else [])
    late = []
    for incident in opened:
        first = min(
            (each for each in town.deliveries(incident) if each.attempts),
            key=lambda each: each.attempts[0].at,
        )
        late.append((first.attempts[0].at - town.opened_at(incident)).total_seconds())
    assert len(late) == triggers
    told = f"{triggers} triggers, from accepted to the first attempt: {_spread(late)}"
    say(told)
    late.sort()
    assert late[len(late) // 2] < (1 if full_size else 10), told
    assert _p99(late) < (3 if full_size else 30), told


@pytest.mark.soak
@pytest.mark.usefixtures("warm")
def test_a_receiver_that_hangs_holds_up_no_page(
    town: Town, full_size: bool, say: Callable[[str], None]
) -> None:
    waiting, pages = (200, 40) if full_size else (20, 6)
    slow = town.service("slow", *["/slow"] * 10)
    quick = town.service("quick", pages="/quick")
    for number in range(waiting // 10):
        town.trigger(slow, number)
    eventually(lambda: [1] if len(town.places.at("/slow")) >= 2 else [])
    opened = []
    for number in range(pages):
        opened.append(town.trigger(quick, 1000 + number))
        time.sleep(PACE)
    eventually(lambda: [1] if len(town.places.at("/quick")) >= pages else [])
    assert len(town.places.at("/slow")) < waiting, "it hangs no more"
    late = []
    for incident in opened:
        page = min(town.table.pages(incident, Deadline.after(10)), key=lambda each: each.at)
        sent = min(
            each.attempts[0].at
            for each in town.deliveries(incident)
            if each.attempts and each.page_no == page.page_no
        )
        late.append((sent - page.at).total_seconds())
    told = f"{waiting} deliveries wait for one that hangs, {pages} pages: {_spread(late)}"
    say(told)
    assert _p99(late) < (2 if full_size else 30), told


@pytest.mark.soak
def test_what_is_pending_drains(town: Town, full_size: bool, say: Callable[[str], None]) -> None:
    receivers, incidents = (40, 50) if full_size else (10, 5)
    service = town.service("many", *(f"/many/{number}" for number in range(receivers)))
    pending = receivers * incidents
    with _not_reading(town.up, "Notices"):
        opened = [town.trigger(service, number) for number in range(incidents)]
        eventually(lambda: [1] if _planned(town, opened) == pending else [])
        assert _planned(town, opened) == pending
    began = time.monotonic()
    deadline = began + 600
    while len(town.places.heard) < pending and time.monotonic() < deadline:
        time.sleep(0.2)
    took = time.monotonic() - began
    pace = f"{took:.0f} s, {pending / took:.0f} a second"
    say(f"{pending} deliveries to {receivers} receivers: {pace}")
    assert len(town.places.heard) == pending
    # What was sent is recorded a moment later.
    eventually(lambda: [1] if _sent(town, opened) == pending else [])
    assert _sent(town, opened) == pending


def _planned(town: Town, opened: list[str]) -> int:
    return sum(len(town.deliveries(each)) for each in opened)


def _sent(town: Town, opened: list[str]) -> int:
    return sum(each.state is State.SENT for it in opened for each in town.deliveries(it))


@contextmanager
def _not_reading(up: Running, queue: str) -> Iterator[None]:
    """Nobody reads the queue meanwhile."""
    lambdas: Any = boto3.client("lambda", endpoint_url=up.endpoint)
    mappings = [
        each
        for each in lambdas.list_event_source_mappings()["EventSourceMappings"]
        if f"-{queue}-" in each["EventSourceArn"]
    ]
    assert len(mappings) == 1, mappings
    lambdas.update_event_source_mapping(UUID=mappings[0]["UUID"], Enabled=False)
    try:
        yield
    finally:
        lambdas.update_event_source_mapping(UUID=mappings[0]["UUID"], Enabled=True)


def _p99(late: list[float]) -> float:
    return sorted(late)[ceil(0.99 * len(late)) - 1]


def _spread(late: list[float]) -> str:
    found = sorted(late)
    return f"median {found[len(found) // 2]:.2f} s, p99 {_p99(found):.2f} s, most {found[-1]:.2f} s"
