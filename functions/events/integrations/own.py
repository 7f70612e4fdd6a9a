"""Paths of our own for tools that post what they like: `/api/integrations/NAME`, and `/k/KEY/NAME`
for those that can be given nothing but a URL.

An integration is a module with `read(sent: Sent) -> Batch`, pure, or a preset; all else is done
here. One request is one of the 120 of its key, whatever it holds. Nothing but "it can never be
taken" is a 4xx: most tools never send again what was refused so. Over the limit they hear 503 for
that reason.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from importlib import import_module
from typing import Annotated, Final

from pydantic import Field

from events.call import Call, Sender
from events.intake import IntakeResult
from events.integrations.batch import MOST_PARTS, Batch, Left, Meaningless, Sent, TooMany
from events.integrations.keys import Identified, identify, scrubbed, without_key
from events.integrations.signatures import is_signed
from events.reception import Reception
from events.unpacking import LARGEST_BATCH
from opsknight.classes import dataclass
from opsknight.directory.presets import Preset, Scheme, Signature
from opsknight.http.body import InvalidJson, decoded
from opsknight.http.gateway import Answer, Failure, HttpError, Issue
from opsknight.incident.occurrences import Occurrence
from opsknight.integrations import builtin
from opsknight.integrations.drafts import Draft, Understood, understood, words
from opsknight.runtime.telemetry import count
from opsknight.store import presets
from opsknight.store.calls import Unavailable
from opsknight.views.wire import Absent, Shape

PREFIX: Final = "/api/integrations/"
KEYED: Final = "/k/"
# Names in paths, and their modules.
INTEGRATIONS: Final[Mapping[str, str]] = {
    "alertmanager": "alertmanager",
    "prometheus": "alertmanager",
    "grafana": "grafana",
}

# Paging systems that tell of their incidents: passed on to them, one would never end.
ECHOES: Final = frozenset({"pagerduty"})
_NAME: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
# Grafana can sign so; Alertmanager signs nothing.
SIGNATURES: Final = (Signature(scheme=Scheme.HMAC_SHA256, header="x-grafana-alerting-signature"),)

# A protocol of its own: signed by a certificate, and confirmed.
SNS: Final = "sns"

type AnswerSns = Callable[[Call, Reception, Identified], Answer]
type Read = Callable[[Sent], Batch]
type AnswerOldSystem = Callable[[Sent, Sender, Reception, Call], Answer]
type ReadByPreset = Callable[[Preset, Sent], Batch]


class Taken(Shape):
    """What became of one event."""

    action: str
    dedup_key: str
    incident_id: str | Absent = None


class Passed(Shape):
    """A part of the body that became no event."""

    place: str
    why: str


class Answered(Shape):
    status: str
    results: Sequence[Taken]
    beats: Annotated[
        Sequence[str] | Absent, Field(description="Signs of life. They open no incident.")
    ] = None
    left: Annotated[Sequence[Passed] | Absent, Field(description="Parts that are no events.")] = (
        None
    )
    not_taken: Annotated[
        Sequence[Passed] | Absent, Field(description="Parts that can never be taken.")
    ] = None


@dataclass(frozen=True, slots=True)
class _Address:
    name: str
    key: str | None


def answer(call: Call, reception: Reception) -> Answer:
    """Raises HttpError, Unavailable."""
    address = _address(call.request.path)
    found = identify(call, reception.directory, address.key)
    sender = found.sender
    call.log(key_id=sender.key.id, service_id=sender.service.id, integration=address.name)
    if len(call.request.body) > LARGEST_BATCH:
        raise _too_large(sender, reception, call)
    if address.name == SNS:
        sns: AnswerSns = import_module("events.integrations.sns").answer
        return sns(call, reception, found)
    if (mirror := sender.service.mirror) is not None and mirror.is_heard_at(address.name):
        _check_signature(builtin.find(address.name), sender, reception, call)
        told: AnswerOldSystem = import_module("events.integrations.old_system").answer
        return told(_sent(address, found, call), sender, reception, call)
    preset = _preset(address.name, reception, call)
    _check_signature(preset, sender, reception, call)
    try:
        batch = _read(preset, _sent(address, found, call))
    except TooMany:
        raise _too_large(sender, reception, call) from None
    drafts = _named(batch.drafts, sender, address.name, call)
    wanted = [understood(each, sender.service.id, sender.key.actor) for each in drafts]
    if address.name in ECHOES:
        wanted = [replace(each, event=replace(each.event, echo=True)) for each in wanted]
    if batch.not_taken:
        call.log(not_taken=[f"{each.place}: {each.why}" for each in batch.not_taken[:10]])
        if not wanted and not batch.left and not batch.beats:
            raise _meaningless(
                *(Issue(path=each.place, message=each.why) for each in batch.not_taken)
            )
    batch, beat = _beaten(batch, sender, reception, call)
    answer = _received(batch, wanted, sender, reception, call)
    if beat is not None and answer.status < 300:
        raise beat
    if preset is not None and answer.status == 202:
        return replace(answer, status=preset.answers)
    return answer


def _address(path: str) -> _Address:
    """Raises HttpError for an integration that there is not."""
    key = None
    rest = path.removesuffix("/")
    if rest.startswith(KEYED):
        key, _, name = rest.removeprefix(KEYED).partition("/")
    else:
        name = rest.removeprefix(PREFIX)
    if not _NAME.fullmatch(name):
        raise _not_found()
    return _Address(name, key)


def _not_found() -> HttpError:
    known = f"Known are {', '.join(sorted([*INTEGRATIONS, *builtin.names(), SNS]))}."
    return HttpError(404, Failure(error="Integration not found", message=known))


def _preset(name: str, reception: Reception, call: Call) -> Preset | None:
    """None for an integration that is code. Raises HttpError for one that there is not."""
    if name in INTEGRATIONS:
        return None
    directory = reception.directory

    def own() -> Preset | None:
        return presets.find(directory.table, name, call.deadline)

    found = builtin.find(name) or directory.remembered(f"preset {name}", call.now, own)
    if found is None:
        raise _not_found()
    return found


def _check_signature(
    preset: Preset | None, sender: Sender, reception: Reception, call: Call
) -> None:
    """Once the integration has a secret, its key alone is not enough. Raises HttpError."""
    when = call.now, call.deadline
    integration = reception.directory.settings_of(sender.key, sender.service, *when)
    if integration is None or integration.secret is None:
        return
    known = SIGNATURES if preset is None else preset.signatures
    request = call.request
    secrets = reception.secrets.of(integration, call.now)
    if not is_signed(known, secrets, request.body, request.headers, call.now):
        why = "The integration has a secret, and the request is not signed with it."
        raise HttpError(401, Failure(error="Unauthorized", message=why))


def _sent(address: _Address, found: Identified, call: Call) -> Sent:
    """Raises HttpError for what is not JSON."""
    request = call.request
    body = scrubbed(request.body, found.secret)
    try:
        document = decoded(body)
    except InvalidJson as error:
        raise HttpError(400, Failure(error="Invalid JSON", message=str(error))) from None
    document = without_key(document, found)
    return Sent(address.name, document, body, request.headers, dict(request.query))


def _read(preset: Preset | None, sent: Sent) -> Batch:
    """Raises TooMany, and HttpError for what means nothing."""
    if preset is not None:
        by_preset: ReadByPreset = import_module("events.integrations.preset").batch
        return by_preset(preset, sent)
    read: Read = import_module(f"events.integrations.{INTEGRATIONS[sent.name]}").read
    try:
        return read(sent)
    except Meaningless as error:
        raise _meaningless(Issue(path="", message=str(error))) from None


def _beaten(
    batch: Batch, sender: Sender, reception: Reception, call: Call
) -> tuple[Batch, Unavailable | HttpError | None]:
    """Notes the signs of life, whatever becomes of the events, and returns why they could not be.
    The batch without those for which there is no heartbeat.
    """
    if not batch.beats:
        return batch, None
    call.log(beat=batch.beats[0].name)
    when = call.now, call.deadline
    mine = reception.directory.settings_of(sender.key, sender.service, *when)
    if mine is None or not mine.beats:
        count("Beat")
        left = [Left(each.place, f"{each.name} has no heartbeat here") for each in batch.beats]
        return replace(batch, left=[*batch.left, *left], beats=()), None
    note: Callable[..., None] = import_module("events.integrations.heartbeat").note
    try:
        note("", mine, call, reception)
    except (Unavailable, HttpError) as error:
        return batch, error
    return batch, None


def _named(drafts: Sequence[Draft], sender: Sender, name: str, call: Call) -> Sequence[Draft]:
    """An event of several that has no dedup key gets one by what the request is and by its place in
    it: sent again after a 503, it is one that is stored already.
    """
    if len(drafts) < 2 or all(words(each.dedup_key) for each in drafts):
        return drafts
    sent = sha256(f"{sender.key.actor.id}\n".encode() + call.request.body).hexdigest()[:24]

    def named(place: int, draft: Draft) -> Draft:
        if words(draft.dedup_key):
            return draft
        key = f"{name}:{sent}:{place}"
        return replace(draft, dedup_key=key, occurrence=Occurrence(key))

    return [named(place, draft) for place, draft in enumerate(drafts)]


def _too_large(sender: Sender, reception: Reception, call: Call) -> HttpError:
    """Counts and reports the request. Raises Unavailable."""
    reception.refuse_large(LARGEST_BATCH, sender, call)
    why = f"A request may have {LARGEST_BATCH} bytes, and {MOST_PARTS} events."
    return HttpError(
        413, Failure(error="Payload too large", message=why, maximum_bytes=LARGEST_BATCH)
    )


def _meaningless(*issues: Issue) -> HttpError:
    return HttpError(400, Failure(error="Invalid request body", issues=issues[:20]))


def _received(
    batch: Batch, wanted: Sequence[Understood], sender: Sender, reception: Reception, call: Call
) -> Answer:
    received = reception.receive_all([each.event for each in wanted], sender, call)
    if received.results is None:
        failure = Failure(error="Rate limit exceeded.", message="Nothing is stored. Send it again.")
        return Answer(503, failure, received.headers, throttled=True)
    stored = [_taken(one, got) for one, got in zip(wanted, received.results, strict=True) if got]
    if missing := len(wanted) - len(stored):
        # What is stored is found again: nothing happens twice.
        why = f"{missing} of {len(wanted)} events are not stored. Send it again."
        headers = {**received.headers, "Retry-After": "5"}
        return Answer(503, Failure(error="Service unavailable", message=why), headers)
    if batch.note is not None and (first := _first_new(received.results)):
        reception.note(first, batch.note, sender, call)
    body = Answered(
        status="success",
        results=stored,
        beats=[each.name for each in batch.beats] or None,
        left=[Passed(place=each.place, why=each.why) for each in batch.left] or None,
        not_taken=[Passed(place=each.place, why=each.why) for each in batch.not_taken] or None,
    )
    return Answer(202, body, received.headers)


def _taken(wanted: Understood, got: IntakeResult) -> Taken:
    return Taken(
        action=got.action,
        dedup_key=wanted.dedup_key,
        incident_id=got.incident.id if got.incident else None,
    )


def _first_new(results: Sequence[IntakeResult | None]) -> str | None:
    """Only of what is new: a repeat would repeat the note."""
    found = (each.incident for each in results if each and each.action in ("triggered", "joined"))
    return next((each.id for each in found if each), None)
