"""New processes of the functions, in a world and its queues: each has clients of its own.

What flows between them is in `pipeline`.
"""

from collections.abc import Mapping
from secrets import token_hex
from typing import Any, Final

from escalation.engine import Engine
from escalation.outbox import Outbox
from harness.post import FALLBACK, NOTICES, PAGES, PAGES_HIGH, PLANS, TIMERS, Post, Watch
from harness.world import World, deadline
from notify.channels.protocol import Sender
from notify.coded import with_code
from notify.composing import Composer
from notify.endings import Endings
from notify.members import Members
from notify.mirroring import Mirroring
from notify.outbound import Outbound
from notify.page_tracker import PageTracker
from notify.planning import Planning
from notify.queues import Queues
from notify.reports import Reports
from notify.ringing import Silencing
from notify.secrets import Secrets
from notify.sending import Sending
from notify.throttling import Throttling
from notify.turns import Turns
from opsknight.directory.receivers import Channel
from opsknight.notification.signed_link import token
from opsknight.runtime.addresses import Reach
from opsknight.runtime.hold_memory import HoldMemory
from opsknight.runtime.lanes import Lane, Lanes
from opsknight.runtime.queues import Queue
from opsknight.store.bundles import Bundles
from opsknight.store.deliveries import Deliveries
from opsknight.store.paging import Paging
from opsknight.store.receivers import Receivers
from opsknight.store.table import Table

LINK_KEY: Final = b"k" * 32
PUBLIC_URL: Final = "https://oncall.example.com"
# Of template.yaml.
DRAIN: Final = {Lane.PLANS: 1000, Lane.PAGES_HIGH: 600, Lane.PAGES: 600, Lane.NOTICES: 600}


def engine(
    world: World, post: Post, table: Table | None = None, watch: Watch | None = None
) -> Engine:
    """A new process; `watch` looks at its clients of SQS and SNS."""
    sqs = post.sqs(watch)
    outbox = Outbox(
        timers=Queue(sqs, TIMERS),
        lanes=lanes(sqs),
        sns=post.sns(watch),
        fallback=FALLBACK,
        public_url=PUBLIC_URL,
        drain=DRAIN,
    )
    return Engine(
        table or world.table,
        outbox,
        world.clock,
        HoldMemory(table or world.table, world.clock),
        lambda: token_hex(14),
        lambda seconds: world.clock.advance(seconds=seconds),
        # In the same order every time.
        side_by_side=1,
    )


def planning(
    world: World, post: Post, table: Table | None = None, watch: Watch | None = None
) -> Planning:
    """A new process of the notify function."""
    table, sqs = table or world.table, post.sqs(watch)
    hold = HoldMemory(table, world.clock)
    tracker = PageTracker(Paging(table), world.clock, hold, lambda: token_hex(14))
    return Planning(Paging(table), queues(sqs), tracker, world.clock, hold)


def sending(
    world: World,
    post: Post,
    senders: Mapping[Channel, Sender],
    table: Table | None = None,
    watch: Watch | None = None,
) -> Sending:
    """A new process of the send function."""
    table, sqs = table or world.table, post.sqs(watch)
    deliveries = Deliveries(table)
    hold = HoldMemory(table, world.clock)
    tracker = PageTracker(Paging(table), world.clock, hold, lambda: token_hex(14))
    composer = Composer(
        table,
        lambda incident_id, delivery_id, now: (
            f"https://ops.example.com/r/{token(incident_id, delivery_id, LINK_KEY, now)}"
        ),
        lambda incident_id: f"https://ops.example.com/incidents/{incident_id}",
        "https://ops.example.com/console/health",
        coded=lambda message, delivery, to, _: with_code(
            message, delivery, to, LINK_KEY, "https://ops.example.com"
        ),
    )
    throttling = Throttling(
        deliveries=deliveries,
        receivers=Receivers(table),
        bundles=Bundles(table),
        queues=queues(sqs),
        clock=world.clock,
        chance=lambda: 1.0,
        new_token=lambda: token_hex(8),
    )
    silencing = Silencing(deliveries, queues(sqs), world.clock)
    endings = Endings(table, tracker, silencing, world.clock)
    turns = Turns(
        deliveries=deliveries,
        bundles=throttling.bundles,
        throttling=throttling,
        endings=endings,
        composer=composer,
        page_tracker=tracker,
        hold=hold,
        members=Members(deliveries, tracker, world.clock),
        senders=senders,
        clock=world.clock,
        stopwatch=lambda: 0.0,
        sleep=lambda seconds: world.clock.advance(seconds=seconds),
        chance=lambda: 1.0,
    )
    return Sending(
        deliveries=deliveries,
        throttling=throttling,
        turns=turns,
        endings=endings,
        queues=queues(sqs),
        composer=composer,
        page_tracker=tracker,
        hold=hold,
        senders=senders,
        clock=world.clock,
        stopwatch=lambda: 0.0,
        sleep=lambda seconds: world.clock.advance(seconds=seconds),
        chance=lambda: 1.0,
    )


def mirroring(world: World, post: Post, secrets: Secrets) -> Mirroring:
    """A new process of the send function that passes on events, to this machine as well."""
    http = Outbound(world.clock, Reach.LOCAL)
    return Mirroring(world.table, http, secrets, queues(post.sqs()), world.clock)


def reports(sends: Sending) -> Reports:
    """Of the same process as the sender."""
    pages = sends.queues.lanes.pages
    return Reports(sends.deliveries, sends.page_tracker, pages, sends.clock)


def announce(
    incident_id: str, world: World, table: Table | None = None, patience: float = 10
) -> None:
    """Lets a new process of the notify function plan an incident that a record or a tick names."""
    planner = planning(world, Post(world.clock), table)
    planner.incident(incident_id, deadline(patience))


def queues(sqs: Any) -> Queues:
    return Queues(lanes(sqs))


def lanes(sqs: Any) -> Lanes:
    return Lanes(*(Queue(sqs, each) for each in (PLANS, PAGES_HIGH, PAGES, NOTICES)))
