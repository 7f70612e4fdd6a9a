"""The whole pipeline in one process, with a virtual clock: from events to pages and messages.

    night.escalates(step("ada"), step("ben", after=5))
    night.trigger()
    night.pages("ada")
    night.wait(minutes=5).pages("ben")

Whatever nobody expected fails the test: `pages` names exactly the users paged since the last time.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from secrets import token_hex
from typing import Any, Self

from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord

from escalation.engine import Engine
from escalation.handler import on_message, on_record
from escalation.sweep import tick
from harness.invariants import check
from harness.listener import Listener
from harness.people import ADA
from harness.post import TIMERS, Post
from harness.processes import engine, planning, reports, sending
from harness.streams import record, woken_by
from harness.ticks import next_tick
from harness.world import Response, World, deadline, event
from notify.handler import on_record as on_planned
from notify.handler import plan, send
from notify.planning import Planning
from notify.sending import Sending
from opsknight.directory.entries import Member, Role, Service, Team, User
from opsknight.escalation.pages import Page
from opsknight.escalation.policy import Policy, Rota, Step, Target, TargetKind
from opsknight.incident.commands import Command
from opsknight.incident.decisions import Transitioned
from opsknight.incident.lifecycle import act
from opsknight.incident.model import Incident
from opsknight.notification.delivery import Delivery
from opsknight.runtime.wakeups import (
    MessageReported,
    PlanNotices,
    QueueMessage,
    SendDelivery,
    SendHeld,
    TrackPage,
)
from opsknight.store import directory_items, items
from opsknight.store.wire import Item, plain, wire


def user(name: str) -> Target:
    return Target(kind=TargetKind.USER, id=f"user_{name}")


def step(*targets: str | Target, after: float = 0) -> Step:
    """`after` minutes; a name is that of a user."""
    found = tuple(user(each) if isinstance(each, str) else each for each in targets)
    return Step(delay=timedelta(minutes=after), targets=found)


@dataclass
class Pipeline:
    world: World
    streaming: bool = True
    ticking: bool = True
    down: frozenset[str] = frozenset()
    """Queues whose consumers fail: what they get is lost, until a sweep brings it back."""
    poisoned: bool = False
    """Whether timers may fail."""
    post: Post = field(init=False)
    engine: Engine = field(init=False)
    planning: Planning = field(init=False)
    sending: Sending = field(init=False)
    listener: Listener = field(init=False)
    """Takes the place of all receivers."""
    _delivered: set[tuple[str, str]] = field(default_factory=set)
    _expected: set[tuple[str, int, str]] = field(default_factory=set)
    _published: int = 0

    def __post_init__(self) -> None:
        self.post = Post(self.world.clock)
        self.engine = engine(self.world, self.post)
        self.listener = Listener(self.world.clock)
        self.planning = planning(self.world, self.post)
        self.sending = sending(self.world, self.post, self.listener.senders())
        # The directory was there before: it wakes nobody.
        self._delivered = {(item["pk"]["S"], item["sk"]["S"]) for item in self.world.items()}

    def put(self, item: Item) -> None:
        self.world.table.client.put_item(TableName=self.world.table.name, Item=item)

    def people(self, *names: str, disabled: bool = False) -> None:
        for name in names:
            known = User(
                id=f"user_{name}",
                name=name.title(),
                email=f"{name}@example.com",
                role=Role.USER,
                disabled=disabled,
            )
            self.put(directory_items.directory_item(known))

    def team(self, team_id: str, *members: Member) -> None:
        self.put(directory_items.directory_item(Team(id=team_id, name=team_id, members=members)))

    def rota(self, rota: Rota) -> None:
        self.put(directory_items.directory_item(rota.schedule))
        for override in rota.overrides:
            self.put(directory_items.override_item(rota.schedule.id, override))

    def serves(self, **more: Any) -> None:
        """Changes the service; warm functions forget the old one."""
        service = Service.model_validate(self.world.service.model_dump() | more)
        self.world.service = service
        self.put(directory_items.directory_item(service))
        self.world.apis.clear()

    def escalates(self, *steps: Step, version: int = 1, **more: Any) -> Policy:
        """Gives the service this policy, from now on."""
        policy = Policy(id="pol_1", name="Primary", version=version, steps=steps, **more)
        self.world.table.publish(policy, token_hex(8), deadline())
        if self.world.service.policy_id != policy.id:
            self.serves(policy_id=policy.id)
        return policy

    def delete(self, pk: str, sk: str) -> None:
        key: Item = {"pk": {"S": pk}, "sk": {"S": sk}}
        self.world.table.client.delete_item(TableName=self.world.table.name, Key=key)

    def damage(self, pk: str, sk: str, attribute: str) -> None:
        """Somebody's slip: the attribute gets a value that the code cannot read."""
        self.world.table.client.update_item(
            TableName=self.world.table.name,
            Key={"pk": {"S": pk}, "sk": {"S": sk}},
            UpdateExpression="SET #attribute = :nonsense",
            ExpressionAttributeNames={"#attribute": attribute},
            ExpressionAttributeValues={":nonsense": {"N": "7"}},
        )

    def outdate(self, delivery: Delivery) -> QueueMessage:
        """Makes its receiver free, and it due now, or its receiver if it is held. Returns the
        wakeup.
        """
        client, name, now = self.world.table.client, self.world.table.name, self.world.clock()
        destination = delivery.destination
        state = items.receiver_state_key(destination) | {"kind": {"S": "receiver_state"}}
        if delivery.due_at is None:
            due = {"due_at": wire(now), "due_shard": wire(items.due_shard(destination))}
            client.put_item(TableName=name, Item=state | due)
            return SendHeld(destination, now)
        client.put_item(TableName=name, Item=state)
        client.update_item(
            TableName=name,
            Key=items.delivery_key(delivery.incident_id, delivery.id),
            UpdateExpression="SET due_at = :now",
            ExpressionAttributeValues={":now": wire(now)},
        )
        return SendDelivery(delivery.incident_id, delivery.id, due_at=now)

    def trigger(self, dedup_key: str = "cpu-high", **more: Any) -> str:
        incident: str = self.send("trigger", dedup_key, **more).incident["id"]
        return incident

    def send(self, action: str, dedup_key: str = "cpu-high", **more: Any) -> Response:
        answer = self.world.send(event(action, dedup_key, **more))
        assert answer.status == 202
        self.settle()
        return answer

    def does(self, incident_id: str, command: Command) -> Self:
        """A person carries out a command."""
        service = self.world.service
        decision = act(
            self.incident(incident_id),
            command,
            actor=ADA,
            now=self.world.clock(),
            timeouts=service.timeouts,
        )
        assert isinstance(decision, Transitioned)
        self.world.table.apply(decision, token_hex(14), deadline())
        return self.settle()

    def wait(self, **duration: float) -> Self:
        end = self.world.clock() + timedelta(**duration)
        while self.world.clock.at < end:
            minute = next_tick(self.world) if self.ticking else None
            queued = [each.at for each in self.post.queued]
            now = max(min([end, *filter(None, [minute]), *queued]), self.world.clock.at)
            self.world.clock.at = now
            if now == minute:
                tick(self.engine)
            self.settle()
        return self

    def settle(self) -> Self:
        """Runs streams and queues until nothing is left to do now."""
        while self._stream() or self._deliver():
            while self._deliver():
                pass
        for item in check(self.world).incidents.values():
            assert self.poisoned or "failures" not in item, "a timer failed: see the log"
        return self

    def new_items(self) -> list[dict[str, Any]]:
        """Items that the stream has not delivered yet."""
        found = []
        for item in self.world.items():
            key = item["pk"]["S"], item["sk"]["S"]
            if key not in self._delivered:
                self._delivered.add(key)
                found.append(item)
        return found

    def _stream(self) -> bool:
        new = self.new_items()
        for item in new if self.streaming else []:
            raw = record(item)
            woken = woken_by(raw)
            if "NotifyFunction" in woken:
                on_planned(self.planning, DynamoDBRecord(raw))
            if "EscalationFunction" in woken:
                on_record(self.engine, DynamoDBRecord(raw))
        return bool(new)

    def _deliver(self) -> bool:
        queued = self.post.take(self.world.clock())
        if queued is None:
            return False
        if queued.queue in self.down:
            return True
        if isinstance(queued.message, MessageReported):
            reports(self.sending).settle(queued.message, deadline())
        elif isinstance(queued.message, PlanNotices | TrackPage):
            plan(self.planning, queued.message)
        elif queued.queue == TIMERS:
            on_message(self.engine, queued.message)
        else:
            send(self.sending, queued.message)
        return True

    def incident(self, incident_id: str) -> Incident:
        found = self.world.table.incident(incident_id, deadline())
        assert found is not None
        return found

    def all_pages(self) -> list[Page]:
        """The pages of all incidents, oldest first."""
        found = [item for item in self.world.items() if item["sk"]["S"].startswith("page#")]
        pages = [Page.model_validate(plain(item)) for item in found]
        return sorted(pages, key=lambda page: (page.at, page.incident_id, page.page_no))

    def new_pages(self) -> list[Page]:
        """The pages since the last call."""
        new = []
        for page in self.all_pages():
            key = page.incident_id, page.page_no, page.user_id
            if key not in self._expected:
                self._expected.add(key)
                new.append(page)
        return new

    def pages(self, *names: str) -> Self:
        """Expects that these users, and nobody else, have been paged since the last call."""
        paged = [page.user_id.removeprefix("user_") for page in self.new_pages()]
        assert sorted(paged) == sorted(names), f"paged: {paged}, expected: {names}"
        return self

    def deliveries(self) -> list[Delivery]:
        """The deliveries of all incidents."""
        found = [item for item in self.world.items() if item["kind"]["S"] == "delivery"]
        return [Delivery.model_validate(plain(item)) for item in found]

    def queue_again(self, delivery: Delivery) -> None:
        """SQS delivers at least once."""
        now = self.world.clock()
        self.sending.queues.send_later(delivery, now, now)

    def hears(self, *said: str) -> Self:
        """Expects exactly these messages since the last call, in any order: `<receiver> <about>`,
        as in `ada/sms paged`.
        """
        new = [each.text for each in self.listener.new()]
        assert sorted(new) == sorted(said), f"sent: {new}"
        return self

    def fallback(self, times: int) -> Self:
        """Expects so many messages to the fallback address since the last call."""
        new = len(self.post.published) - self._published
        assert new == times, f"sent {new} times"
        self._published += new
        return self

    def ends(self) -> None:
        """Expects that nobody has been paged, and nothing sent, besides what the test named."""
        self.pages()
        self.fallback(0)
