"""Woken by the queue that EventBridge and topics of the account send to. Nobody has a key here:
what a rule of the configuration names goes where it says; all else pages nobody, and is counted.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import cache, partial
from typing import Any, Final

from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from events.call import Call, Sender
from events.cloud.taking import Became, take_in_order
from events.intake import IntakeResult
from events.mirrored import pass_on
from events.routed import Dropped, Found, Way, carry_out
from opsknight.classes import dataclass
from opsknight.directory.aws import AwsRules
from opsknight.directory.entries import IntegrationKey, Service
from opsknight.directory.integrations import Integration
from opsknight.directory.secret_names import stack_of
from opsknight.http.directory_cache import DirectoryCache
from opsknight.http.gateway import Request
from opsknight.incident.model import Event
from opsknight.integrations.aws import Told, is_own, is_scaling
from opsknight.integrations.aws_rules import Taken, taken
from opsknight.integrations.aws_shapes import Foreign, of_queue
from opsknight.integrations.routes import Verdict
from opsknight.runtime import clients, clock
from opsknight.runtime.settings import EventsSettings, read_settings
from opsknight.runtime.telemetry import count, logger, signal
from opsknight.store.calls import Deadline, Unavailable
from opsknight.store.execute import Settling
from opsknight.store.incidents import IncidentRows
from opsknight.store.places import Place
from opsknight.store.routing import Seen
from opsknight.store.unmatched import UnmatchedRows, aws_rules

MESSAGES: Final = BatchProcessor(event_type=EventType.SQS)
# For a whole batch: what is not done by then is brought again.
PATIENCE_SECONDS: Final = 10
# No service has these ids, as all begin otherwise. Where an event is at home that has no key.
HOME: Final = "aws"
NOBODY: Final = "nobody"
_KEY: Final = IntegrationKey(
    id="aws",
    name="AWS",
    created_at=datetime(2026, 1, 1, tzinfo=UTC),
    service_id=HOME,
    integration_id="aws",
)
_AT_HOME: Final = Service(id=HOME, name="AWS", team_id=HOME)
# It is remembered which incident an event belongs to, whatever the rules say by then.
_INTEGRATION: Final = Integration(id="aws", service_id=HOME, name="AWS", remembers=True)


@dataclass(frozen=True, slots=True)
class Arrivals:
    """One warm function."""

    table: IncidentRows
    directory: DirectoryCache
    new_id: Callable[[str, datetime], str]
    background: ThreadPoolExecutor
    clock: Callable[[], datetime]
    stack: str
    """The deployment's own name: its alarms page nobody."""

    def take(self, body: str, queue_arn: str, message_id: str, deadline: Deadline) -> list[Became]:
        """What became of one message. Raises Unavailable."""
        now = self.clock()
        told = of_queue(body, message_id, now)
        if isinstance(told, Foreign):
            logger.warning("a topic brought an event of another account", why=told.why)
            count("TopicRefused")
            return []
        if not isinstance(told, Told):
            logger.info("no event of AWS that pages", why=told.why)
            return []
        region, account = ["", *queue_arn.split(":"), "", "", "", ""][4:6]
        if is_scaling(told) or is_own(told, self.stack, account, region):
            return []
        request = Request(message_id, "", "", {}, b"")
        call = Call(request, now, deadline, {})
        act = partial(self._take_one, self._rules(now, deadline))
        return [*take_in_order(told, HOME, _KEY.actor, HOME, self.table, act, call)]

    def _rules(self, now: datetime, deadline: Deadline) -> AwsRules:
        """As they were half a minute ago at most."""

        def find() -> AwsRules:
            return aws_rules(self.table, deadline)

        return self.directory.remembered("aws rules", now, find) or AwsRules()

    def _take_one(
        self, rules: AwsRules, told: Told, event: Event, call: Call
    ) -> IntakeResult | None:
        found = taken(rules, told) if told.opens else None
        if found is None and told.opens and rules.unread:
            # Perhaps one of those pages somebody: the message waits until it can be read.
            raise ValueError("a rule for events of AWS is that of a newer version")
        way = self._way(found, event, call)
        passed: set[str] = set()

        def place(seen: Seen) -> Found:
            # What is active is followed, whatever the rules say by now.
            nobodys = way.target.id == HOME and told.opens and not way.active(seen)
            where = Dropped(NOBODY) if nobodys else way.place(seen)
            if isinstance(where, Place) and where.service.mirror and where.service.id not in passed:
                # First, as what knows the event again is written with what it does.
                asked = [(event, IntakeResult("asked", None))]
                pass_on(self.table, where.service.id, asked, call)
                passed.add(where.service.id)
            return where

        settling = Settling(self.table, self.new_id, self.background)
        result = carry_out(way, way.seen(), place, settling, call)
        if result.dropped_by != NOBODY:
            return result
        if found is None or found.service_ids:
            UnmatchedRows(self.table).note(told, call.now, call.deadline)
        return None

    def _way(self, found: Taken | None, event: Event, call: Call) -> Way:
        named = found.service_ids if found else ()
        services = (self._service(each, call) for each in named)
        target = next((each for each in services if each and not each.disabled), _AT_HOME)
        verdict = None
        if found is not None:
            severity = found.rule.severity if found.rule else None
            verdict = Verdict(f"aws {found.name}", named, severity=severity)
        sender = Sender("", _KEY, _AT_HOME, _INTEGRATION, lambda each: self._service(each, call))
        return Way(self.table, event, sender, _INTEGRATION, call, verdict, target)

    def _service(self, service_id: str, call: Call) -> Service | None:
        return self.directory.any_service(service_id, call.now, call.deadline)


@cache
def arrivals() -> Arrivals:
    """Made by the first message: nothing is connected at import."""
    table = clients.table(IncidentRows)
    background = ThreadPoolExecutor(max_workers=2, thread_name_prefix="background")
    stack = stack_of(read_settings(EventsSettings).secrets_prefix)
    directory = DirectoryCache(table, background)
    return Arrivals(table, directory, clock.new_id, background, clock.now, stack)


def on_messages(
    event: Mapping[str, Any], context: Any, make: Callable[[], Arrivals] = arrivals
) -> Any:
    deadline = Deadline.after(PATIENCE_SECONDS)
    return process_partial_response(
        dict(event), lambda record: handle(make(), record, deadline), MESSAGES, context
    )


def handle(arrivals: Arrivals, record: SQSRecord, deadline: Deadline) -> None:
    """Raises what the queue has to bring again; after an hour of that, `MessageFailures` has it."""
    try:
        became = arrivals.take(record.body, record.event_source_arn, record.message_id, deadline)
    except Unavailable:
        signal("StoreUnavailable")
        logger.exception("left to be brought again", message_id=record.message_id)
        raise
    except Exception:
        signal("Failures")
        logger.exception("an event of AWS could not be taken", message_id=record.message_id)
        raise
    for each in became:
        count(each.action.title())
        incident = each.result.incident if each.result else None
        logger.info(
            "event of AWS",
            action=each.action,
            source=each.told.source.value,
            thing=each.told.name,
            account=each.told.account,
            region=each.told.region,
            incident_id=incident.id if incident else None,
            why=each.stale,
        )
