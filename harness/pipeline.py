"""The whole pipeline in process by a virtual clock: events, streams, timers and ticks to pages.

    night.escalates(step("ada"), step("ben", after=5))
    night.trigger()
    night.pages("ada")
    night.wait(minutes=5).pages("ben")

What nobody expected fails the test: `pages` names exactly those who were paged since the last time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from secrets import token_hex
from typing import Any, Self

from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord

from escalation.engine import Engine
from escalation.handler import on_message, on_record
from escalation.outbox import Outbox
from escalation.sweep import AHEAD, tick
from harness.invariants import check
from harness.listener import Listener
from harness.people import ADA
from harness.post import FALLBACK, NOTICES, PAGES, PLANS, TIMERS, Post
from harness.streams import record, woken_by
from harness.world import Response, World, deadline, event
from notify.channels.protocol import Sender
from notify.composing import Composer
from notify.handler import on_record as on_planned
from notify.handler import plan, send
from notify.page_tracker import PageTracker
from notify.planning import Planning
from notify.queues import Queues
from notify.sending import Sending
from notify.throttling import Throttling
from opsknight.directory.entries import Member, Role, Service, Team, User
from opsknight.directory.receivers import Channel
from opsknight.escalation.policy import Policy, Rota, Step, Target, TargetKind
from opsknight.escalation.steps import Page
from opsknight.incident.commands import Command
from opsknight.incident.lifecycle import Transitioned, act
from opsknight.incident.model import Incident
from opsknight.notification.delivery import Delivery
from opsknight.notification.signed_link import token
from opsknight.runtime.queues import Queue
from opsknight.store import items
from opsknight.store.bundles import Bundles
from opsknight.store.deliveries import Deliveries
from opsknight.store.paging import Paging
from opsknight.store.receivers import Receivers
from opsknight.store.table import Table


def user(name: str) -> Target:
    return Target(kind=TargetKind.USER, id=f"user_{name}")


def step(*targets: str | Target, after: float = 0) -> Step:
    """`after` minutes; a name is that of a user."""
    found = tuple(user(each) if isinstance(each, str) else each for each in targets)
    return Step(delay=timedelta(minutes=after), targets=found)


def engine(world: World, post: Post, table: Table | None = None, watch: Any = None) -> Engine:
    """A new process; `watch` looks at its clients of SQS and SNS."""
    watched = watch or (lambda client: client)
    sqs = watched(post.sqs())
    outbox = Outbox(
        timers=Queue(sqs, TIMERS),
        plans=Queue(sqs, PLANS),
        pages=Queue(sqs, PAGES),
        notices=Queue(sqs, NOTICES),
        sns=watched(post.sns()),
        fallback=FALLBACK,
    )
    return Engine(
        table or world.table,
        outbox,
        world.clock,
        lambda: token_hex(14),
        lambda seconds: world.clock.advance(seconds=seconds),
    )


LINK_KEY = b"k" * 32


def planning(world: World, post: Post, table: Table | None = None, watch: Any = None) -> Planning:
    """A new process of the notify function."""
    table, sqs = table or world.table, (watch or (lambda client: client))(post.sqs())
    tracker = PageTracker(Paging(table), world.clock, lambda: token_hex(14))
    return Planning(Paging(table), _queues(sqs), tracker, world.clock)


def sending(
    world: World,
    post: Post,
    senders: Mapping[Channel, Sender],
    table: Table | None = None,
    watch: Any = None,
) -> Sending:
    """A new process of the send function."""
    table, sqs = table or world.table, (watch or (lambda client: client))(post.sqs())
    deliveries, bundles = Deliveries(table), Bundles(table)
    return Sending(
        deliveries=deliveries,
        bundles=bundles,
        throttling=Throttling(
            deliveries=deliveries,
            receivers=Receivers(table),
            bundles=bundles,
            queues=_queues(sqs),
            clock=world.clock,
            chance=lambda: 1.0,
            new_claim=lambda: token_hex(8),
        ),
        queues=_queues(sqs),
        composer=Composer(
            table,
            lambda incident_id, delivery_id, now: (
                f"https://ops.example.com/r/{token(incident_id, delivery_id, LINK_KEY, now)}"
            ),
        ),
        page_tracker=PageTracker(Paging(table), world.clock, lambda: token_hex(14)),
        senders=senders,
        clock=world.clock,
        stopwatch=lambda: 0.0,
        sleep=lambda seconds: world.clock.advance(seconds=seconds),
        chance=lambda: 1.0,
    )


def announce(
    incident_id: str, world: World, table: Table | None = None, patience: float = 10
) -> None:
    """What the notify function does with an incident that a record, or a tick, names."""
    planner = planning(world, Post(world.clock), table)
    planner.incident(incident_id, deadline(patience))


def _queues(sqs: Any) -> Queues:
    return Queues(Queue(sqs, PLANS), Queue(sqs, PAGES), Queue(sqs, NOTICES))


@dataclass
class Pipeline:
    world: World
    streaming: bool = True
    ticking: bool = True
    poisoned: bool = False
    """Whether timers may fail."""
    post: Post = field(init=False)
    engine: Engine = field(init=False)
    planning: Planning = field(init=False)
    sending: Sending = field(init=False)
    listener: Listener = field(init=False)
    """Stands where all receivers are."""
    _told: set[tuple[str, str]] = field(default_factory=set)
    _expected: set[tuple[str, int, str]] = field(default_factory=set)
    _published: int = 0

    def __post_init__(self) -> None:
        self.post = Post(self.world.clock)
        self.engine = engine(self.world, self.post)
        self.listener = Listener(self.world.clock)
        self.planning = planning(self.world, self.post)
        self.sending = sending(self.world, self.post, self.listener.senders())
        # The directory as it is made woke nobody.
        self._told = {(item["pk"]["S"], item["sk"]["S"]) for item in self.world.items()}

    # What there is.

    def put(self, item: items.Item) -> None:
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
            self.put(items.directory_item(known))

    def team(self, team_id: str, *members: Member) -> None:
        self.put(items.directory_item(Team(id=team_id, name=team_id, members=members)))

    def rota(self, rota: Rota) -> None:
        self.put(items.directory_item(rota.schedule))
        for override in rota.overrides:
            self.put(items.override_item(rota.schedule.id, override))

    def serves(self, **more: Any) -> None:
        """The service changes; warm functions forget the old one."""
        service = Service.model_validate(self.world.service.model_dump() | more)
        self.world.service = service
        self.put(items.directory_item(service))
        self.world.apis.clear()

    def escalates(self, *steps: Step, version: int = 1, **more: Any) -> Policy:
        """The service has this policy from now on."""
        policy = Policy(id="pol_1", name="Primary", version=version, steps=steps, **more)
        self.world.table.publish(policy, token_hex(8), deadline())
        if self.world.service.policy_id != policy.id:
            self.serves(policy_id=policy.id)
        return policy

    def delete(self, pk: str, sk: str) -> None:
        key: items.Item = {"pk": {"S": pk}, "sk": {"S": sk}}
        self.world.table.client.delete_item(TableName=self.world.table.name, Key=key)

    def damage(self, pk: str, sk: str, attribute: str) -> None:
        """Somebody's slip: what stands there is not what the code reads."""
        self.world.table.client.update_item(
            TableName=self.world.table.name,
            Key={"pk": {"S": pk}, "sk": {"S": sk}},
            UpdateExpression="SET #attribute = :nonsense",
            ExpressionAttributeNames={"#attribute": attribute},
            ExpressionAttributeValues={":nonsense": {"N": "7"}},
        )

    def outdate(self, delivery: Delivery) -> None:
        """As if it had waited long enough, and so had its receiver."""
        client, name = self.world.table.client, self.world.table.name
        client.delete_item(TableName=name, Key=items.receiver_state_key(delivery.destination))
        client.update_item(
            TableName=name,
            Key=items.delivery_key(delivery.incident_id, delivery.id),
            UpdateExpression="SET due_at = :now",
            ExpressionAttributeValues={":now": items.wire(self.world.clock())},
        )

    # What happens.

    def trigger(self, dedup_key: str = "cpu-high", **more: Any) -> str:
        incident: str = self.send("trigger", dedup_key, **more).incident["id"]
        return incident

    def send(self, action: str, dedup_key: str = "cpu-high", **more: Any) -> Response:
        answer = self.world.send(event(action, dedup_key, **more))
        assert answer.status == 202
        self.settle()
        return answer

    def does(self, incident_id: str, command: Command) -> Self:
        """A person acts."""
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
            minute = self._next_tick()
            queued = [each.at for each in self.post.queued]
            now = max(min([end, *filter(None, [minute]), *queued]), self.world.clock.at)
            self.world.clock.at = now
            if now == minute:
                tick(self.engine)
            self.settle()
        return self

    def _next_tick(self) -> datetime | None:
        """Those that would find nothing are left out: so a day passes in seconds."""
        due = [item["due_at"]["S"] for item in self.world.items() if "due_at" in item]
        if not due or not self.ticking:
            return None
        minute = timedelta(minutes=1)
        next_minute = self.world.clock.at.replace(second=0, microsecond=0) + minute
        first = datetime.fromisoformat(min(due)) - AHEAD
        return max(next_minute, first.replace(second=0, microsecond=0))

    def settle(self) -> Self:
        """Streams and queues, until nothing is left to be told now."""
        while self._stream() or self._deliver():
            while self._deliver():
                pass
        for item in check(self.world).incidents.values():
            assert self.poisoned or "failures" not in item, "a timer failed: see the log"
        return self

    def new_items(self) -> list[dict[str, Any]]:
        """What the stream has not told yet."""
        found = []
        for item in self.world.items():
            key = item["pk"]["S"], item["sk"]["S"]
            if key not in self._told:
                self._told.add(key)
                found.append(item)
        return found

    def _stream(self) -> bool:
        new = self.new_items()
        for item in new if self.streaming else []:
            told = record(item)
            woken = woken_by(told)
            if "NotifyFunction" in woken:
                on_planned(self.planning, DynamoDBRecord(told))
            if "EscalationFunction" in woken:
                on_record(self.engine, DynamoDBRecord(told))
        return bool(new)

    def _deliver(self) -> bool:
        queued = self.post.take(self.world.clock())
        if queued is None:
            return False
        if queued.queue == PLANS:
            plan(self.planning, queued.message)
        elif queued.queue == TIMERS:
            on_message(self.engine, queued.message)
        else:
            send(self.sending, queued.message)
        return True

    # What came of it.

    def incident(self, incident_id: str) -> Incident:
        found = self.world.table.incident(incident_id, deadline())
        assert found is not None
        return found

    def all_pages(self) -> list[Page]:
        """Of all incidents, the oldest first."""
        found = [item for item in self.world.items() if item["kind"]["S"] == "page"]
        pages = [Page.model_validate(items.plain(item)) for item in found]
        return sorted(pages, key=lambda page: (page.at, page.incident_id, page.page_no))

    def new_pages(self) -> list[Page]:
        """Since the last time that somebody asked."""
        new = []
        for page in self.all_pages():
            key = page.incident_id, page.page_no, page.user_id
            if key not in self._expected:
                self._expected.add(key)
                new.append(page)
        return new

    def pages(self, *names: str) -> Self:
        """These are paged since the last time, and nobody else."""
        paged = [page.user_id.removeprefix("user_") for page in self.new_pages()]
        assert sorted(paged) == sorted(names), f"paged: {paged}, expected: {names}"
        return self

    def deliveries(self) -> list[Delivery]:
        """Of all incidents."""
        found = [item for item in self.world.items() if item["kind"]["S"] == "delivery"]
        return [Delivery.model_validate(items.plain(item)) for item in found]

    def queue_again(self, delivery: Delivery) -> None:
        """SQS delivers at least once."""
        now = self.world.clock()
        self.sending.queues.send_later(delivery, now, now)

    def hears(self, *said: str) -> Self:
        """These messages have been sent since the last time, in any order, and no other:
        `<receiver> <about>`, as in `ada/sms paged`.
        """
        new = [each.text for each in self.listener.new()]
        assert sorted(new) == sorted(said), f"sent: {new}"
        return self

    def fallback(self, times: int) -> Self:
        """The fallback address was told so often since the last time."""
        new = len(self.post.published) - self._published
        assert new == times, f"told {new} times"
        self._published += new
        return self

    def ends(self) -> None:
        """Nobody was paged or told whom no test expected."""
        self.pages()
        self.fallback(0)
