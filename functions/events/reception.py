"""What every way in has in common: the key is noted, the event is counted and taken, and the log
and the answer learn of both. How the answer looks is up to the way in.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING

from aws_lambda_powertools.metrics import MetricUnit

from events.call import Call, Sender
from events.hook_secrets import HookSecrets
from events.intake import Intake, IntakeResult, outcome
from events.web import Web
from opsknight.classes import dataclass
from opsknight.directory.entries import Service
from opsknight.directory.rate_limit import LIMIT, Minute
from opsknight.http.directory_cache import DirectoryCache
from opsknight.http.gateway import Failure, HttpError
from opsknight.http.rate_limiter import LimitReached
from opsknight.incident import canary
from opsknight.incident.decisions import NotAllowed
from opsknight.incident.members import GroupDecision
from opsknight.incident.model import Event
from opsknight.runtime.telemetry import measure
from opsknight.store.calls import Unavailable
from opsknight.store.incidents import IncidentRows

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import TransactWriteItemTypeDef as Write

type Take = Callable[[Event, Sender, Call], IntakeResult]
type PassOn = Callable[[IncidentRows, str, list[tuple[Event, IntakeResult]], Call], list[int]]
type Amend = Callable[[IncidentRows, str, list[int], IntakeResult, Call], None]


@dataclass(frozen=True, slots=True)
class Received:
    result: IntakeResult | None
    """None when the key has used up its minute."""
    headers: Mapping[str, str]
    """What the answer says about the key's limit."""


@dataclass(frozen=True, slots=True)
class ReceivedAll:
    results: Sequence[IntakeResult | None] | None
    """In the order of the events, None for one that was not stored for our sake; None as a whole
    when the key has used up its minute.
    """
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Reception:
    directory: DirectoryCache
    intake: Intake
    secrets: HookSecrets
    web: Web

    def with_settings(self, sender: Sender, call: Call) -> Sender:
        """Integrations without any cost no read."""
        when = call.now, call.deadline
        found = self.directory.settings_of(sender.key, sender.service, *when)
        if found is None:
            return sender
        services = partial(self._service, call)
        return replace(sender, integration=found, services=services)

    def _service(self, call: Call, service_id: str) -> Service | None:
        return self.directory.any_service(service_id, call.now, call.deadline)

    def receive(self, event: Event, sender: Sender, call: Call) -> Received:
        """Raises HttpError for a key that is not enough, and Unavailable when DynamoDB is."""
        sender = self.with_settings(sender, call)
        _need_no_signature(sender)
        self.directory.note_use(sender.hashed, sender.key, call.now, call.deadline)
        try:
            result = self._passing_on(self.intake.take, event, sender, call)
        except LimitReached:
            return Received(None, at_limit(call))
        if sender.service.id == canary.SERVICE_ID:
            self._hear(call)
        call.log(result=result.counted_as)
        if result.incident is not None:
            call.log(incident_id=result.incident.id)
        return Received(result, _limits(call, result.remaining))

    def receive_further(self, event: Event, sender: Sender, call: Call) -> IntakeResult:
        """One of several that a request which is admitted already brings. Raises Unavailable."""
        return self._passing_on(self.intake.take_further, event, sender, call)

    def _passing_on(self, take: Take, event: Event, sender: Sender, call: Call) -> IntakeResult:
        # What answers an Idempotency-Key, or knows an event of AWS again, is written with the
        # event: what fails after it would never come again. Of which service a routed event is
        # shows only when it is decided.
        beside, noted = call.beside, dict[str, list[int]]()

        def note(asked: IntakeResult) -> None:
            if (where := _where(asked, sender)) not in noted:
                noted[where] = self._mirrored([event], [asked], sender, call)

        if beside is not None and _is_routed(sender):

            def noting(decision: GroupDecision | NotAllowed) -> "Sequence[Write]":
                writes = beside(decision)
                if writes and not isinstance(decision, NotAllowed):
                    _, incident = outcome(decision)
                    note(IntakeResult("asked", incident))
                return writes

            call = replace(call, beside=noting)
        elif beside is not None:
            note(IntakeResult("asked", None))
        result = take(event, sender, call)
        where = _where(result, sender)
        if where not in noted:
            self._mirrored([event], [result], sender, call)
        elif numbers := noted[where]:
            amend: Amend = import_module("events.mirrored").amend
            amend(self.intake.table, where, numbers, result, call)
        return result

    def _hear(self, call: Call) -> None:
        """The canary shows what heartbeats show: that something arrives."""
        heard: Callable[[Call, Reception], None] = import_module(
            "events.integrations.heartbeat"
        ).heard
        with suppress(Unavailable):
            heard(call, self)

    def receive_all(self, events: Sequence[Event], sender: Sender, call: Call) -> ReceivedAll:
        """All events of one request, which is signed if it has to be. Raises Unavailable when
        nothing could be read.
        """
        sender = self.with_settings(sender, call)
        self.directory.note_use(sender.hashed, sender.key, call.now, call.deadline)
        try:
            results, remaining = self.intake.take_all(events, sender, call)
        except LimitReached:
            return ReceivedAll(None, at_limit(call))
        self._mirrored(events, results, sender, call)
        counted = Counter(each.counted_as if each else "not stored" for each in results)
        call.log(results=dict(counted))
        for action, number in counted.items():
            if action != "not stored":
                measure(action.title(), number, MetricUnit.Count)
        return ReceivedAll(results, _limits(call, remaining))

    def _mirrored(
        self,
        events: Sequence[Event],
        results: Sequence[IntakeResult | None],
        sender: Sender,
        call: Call,
    ) -> list[int]:
        """Notes what another system is to hear of. Last: unanswered, all of it comes again. Returns
        the numbers of what waits now.
        """
        found: dict[str, list[tuple[Event, IntakeResult]]] = {}
        for event, result in zip(events, results, strict=True):
            service: Service | None = sender.service
            if result is None:
                continue
            if (where := _where(result, sender)) != sender.service.id:
                service = sender.service_of(where, disabled=True)
            if service is not None and service.mirror is not None:
                found.setdefault(service.id, []).append((event, result))
        numbers: list[int] = []
        for service_id, each in found.items():
            pass_on: PassOn = import_module("events.mirrored").pass_on
            numbers += pass_on(self.intake.table, service_id, each, call)
        return numbers

    def admit(
        self, sender: Sender, call: Call, event: Event | None = None, *, reads: bool = False
    ) -> Mapping[str, str]:
        """Counts a request that is no event, and returns what its answer says about the limit.

        `event` is what is lost when it is refused. `reads` have a limit of their own: a script that
        looks keeps no event out. Raises LimitReached, and HttpError for a key that is not enough.
        """
        _need_no_signature(self.with_settings(sender, call))
        self.directory.note_use(sender.hashed, sender.key, call.now, call.deadline)
        return _limits(call, self.intake.admit(event, sender, call, reads=reads))

    def admit_signed(self, sender: Sender, call: Call) -> Mapping[str, str]:
        """The same of a request whose signature has been seen to. Raises LimitReached."""
        self.directory.note_use(sender.hashed, sender.key, call.now, call.deadline)
        return _limits(call, self.intake.admit(None, sender, call))

    def note(self, incident_id: str, text: str, sender: Sender, call: Call) -> None:
        """On the timeline of an incident. Raises Unavailable."""
        self.intake.note(incident_id, text, sender, call)

    def refuse_large(self, most: int, sender: Sender, call: Call) -> None:
        """Counts and reports a request that is too large to be read."""
        self.directory.note_use(sender.hashed, sender.key, call.now, call.deadline)
        with suppress(LimitReached):
            self.intake.refuse_large(len(call.request.body), most, sender, call)


def _where(result: IntakeResult, sender: Sender) -> str:
    """The service that an event went to, or its last one if nothing of it is active."""
    known = result.incident.service_id if result.incident else result.routed_to
    return known or sender.service.id


def _is_routed(sender: Sender) -> bool:
    """Whether its events may belong to other services."""
    found = sender.integration
    return found is not None and bool(found.routing or found.remembers)


def _need_no_signature(sender: Sender) -> None:
    """Once its integration has a secret, a key alone is not enough anywhere, and only the paths of
    our own know signatures. Raises HttpError.
    """
    if sender.integration is not None and sender.integration.secret is not None:
        why = "The integration has a secret: it takes signed requests at /api/integrations/ alone."
        raise HttpError(401, Failure(error="Unauthorized", message=why))


def _limits(call: Call, remaining: int | None) -> dict[str, str]:
    reset = str(Minute.of(call.now).seconds_left(call.now))
    limits = {"RateLimit-Limit": str(LIMIT), "RateLimit-Reset": reset}
    return limits if remaining is None else limits | {"RateLimit-Remaining": str(remaining)}


def at_limit(call: Call) -> dict[str, str]:
    """What the answer says about the limit when the key has used up its minute."""
    limits = _limits(call, 0)
    return limits | {"Retry-After": limits["RateLimit-Reset"]}
