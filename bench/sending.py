"""The cost of planning and sending a message in DynamoDB, for docs/capacity.md."""

from bench.calls import CallLog, round_trips
from bench.figures import Figure
from bench.stage import new_world
from harness.pipeline import Pipeline, step
from harness.world import deadline
from notify.handler import plan, send
from opsknight.directory.entries import Role, User
from opsknight.directory.receivers import Channel, Receiver, ServiceReceiver
from opsknight.runtime.wakeups import PlanNotices, SendDelivery, TrackPage
from opsknight.store.directory_items import directory_item

READS = frozenset({"GetItem", "BatchGetItem", "Query"})


def measure_sending(endpoint: str, _quick: bool) -> list[Figure]:
    world = new_world(endpoint)
    night = Pipeline(world)
    sms = Receiver(id="sms", name="", channel=Channel.SMS, to="+4915112345678")
    user = User(id="user_ada", name="Ada", email="", role=Role.USER, contact_methods=(sms,))
    hook = ServiceReceiver(
        id="hook",
        name="",
        channel=Channel.WEBHOOK,
        to="https://hook.example.com",
        service_id=world.service.id,
    )
    night.put(directory_item(user))
    night.put(directory_item(hook))
    night.escalates(step("ada"), repeat_after=600)
    # Only the measured calls run.
    night.streaming = False
    log = CallLog(world.table.client)
    incident = night.trigger()
    night.engine.attend(incident, deadline())
    figures = []

    def measure(name: str) -> None:
        calls = log.drain()
        read = sum(call.units for call in calls if call.operation in READS)
        written = sum(call.units for call in calls) - read
        group = "A message"
        figures.extend(
            [
                Figure(group, f"{name}, written", written, "units", 16),
                Figure(group, f"{name}, read", read, "units", 12),
                Figure(group, f"{name}, calls", round_trips(calls), "", 14),
            ]
        )

    log.drain()
    plan(night.planning, PlanNotices(incident))
    measure("a change planned for one receiver")
    plan(night.planning, TrackPage(incident, 1, user.id))
    measure("a page planned by two rules")
    for name, chosen in (("a page sent by SMS", True), ("a notice sent by webhook", False)):
        first = min(
            (each for each in night.deliveries() if each.pages is chosen),
            key=lambda each: each.not_before,
        )
        log.drain()
        send(night.sending, SendDelivery(incident, first.id))
        measure(name)
    assert len(night.listener.heard) == 2
    return figures
