"""What a sender does with alerts in Opsgenie's dialect: each is an event or a command of ours, by
the rules of everybody else's. What the rules refuse is answered 202, as there, and the request's
status says so.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from events.integrations.opsgenie import request_ids, sent, shown
from events.integrations.opsgenie.request_ids import Act, Outcome
from events.integrations.opsgenie.visit import Refused, Visit
from opsknight.http.gateway import Answer
from opsknight.http.rate_limiter import LimitReached
from opsknight.incident.commands import (
    LONGEST_SNOOZE,
    Acknowledge,
    Amend,
    Command,
    Note,
    Prioritize,
    Resolve,
    Snooze,
    Unacknowledge,
)
from opsknight.incident.decisions import NotAllowed, Transitioned
from opsknight.incident.model import URGENCY, Action, Actor, Event, Incident, Severity
from opsknight.integrations.drafts import understood
from opsknight.store.execute import perform

_OUTCOMES: Final = {
    "triggered": Outcome.OPENED,
    "deduplicated": Outcome.COUNTED,
    "joined": Outcome.COUNTED,
    "dropped": Outcome.DROPPED,
    "ignored": Outcome.NO_ALERT,
}

type Acting = Callable[[Visit], Answer]


def create(visit: Visit) -> Answer:
    body = visit.body()
    if not sent.text_of(body.get("message")):
        raise Refused(422, "The request cannot be taken", message="is missing or blank")
    service_id = visit.sender.service.id
    wanted = understood(sent.draft(body), service_id, visit.actor(body))
    visit.call.log(event_action=wanted.event.action)
    return _received(Act.CREATE, wanted.event, visit)


def close(visit: Visit) -> Answer:
    body = visit.body()
    return _act(Act.CLOSE, Resolve(), body, visit, Action.RESOLVE)


def acknowledge(visit: Visit) -> Answer:
    body = visit.body()
    return _act(Act.ACKNOWLEDGE, Acknowledge(), body, visit, Action.ACKNOWLEDGE)


def unacknowledge(visit: Visit) -> Answer:
    return _act(Act.UNACKNOWLEDGE, Unacknowledge(), visit.body(), visit)


def snooze(visit: Visit) -> Answer:
    body = visit.body()
    until, latest = sent.moment(body.get("endTime")), visit.call.now + LONGEST_SNOOZE
    if until is None or until <= visit.call.now:
        raise Refused(422, "The request cannot be taken", endTime="must be a time that is to come")
    detail = "" if until <= latest else f"Snoozed until {latest.isoformat()}: 7 days are the most"
    return _act(Act.SNOOZE, Snooze(min(until, latest)), body, visit, detail=detail)


def add_note(visit: Visit) -> Answer:
    body = visit.body()
    text = sent.note(body.pop("note", None))
    if not text:
        raise Refused(422, "The request cannot be taken", note="is missing or blank")
    return _act(Act.ADD_NOTE, Note(text), body, visit)


def update_message(visit: Visit) -> Answer:
    body = visit.body()
    text = sent.message(body.get("message"))
    if not text:
        raise Refused(422, "The request cannot be taken", message="is missing or blank")
    return _amend(Act.UPDATE_MESSAGE, body, visit, lambda it: _new(shown.MESSAGE, text, it.message))


def update_description(visit: Visit) -> Answer:
    body = visit.body()
    text = sent.note(body.get("description"))

    def said(now: shown.Described) -> dict[str, str]:
        return _new(shown.DESCRIPTION, text, sent.note(now.description))

    return _amend(Act.UPDATE_DESCRIPTION, body, visit, said)


def update_priority(visit: Visit) -> Answer:
    body = visit.body()
    priority = sent.text_of(body.get("priority")).upper()
    if priority not in sent.PRIORITIES:
        raise Refused(422, "The request cannot be taken", priority="must be one of P1 to P5")
    urgency = URGENCY[sent.PRIORITIES[priority]]

    def said(now: shown.Described) -> dict[str, str]:
        return _new(shown.PRIORITY, priority, now.priority)

    return _amend(Act.UPDATE_PRIORITY, body, visit, said, Prioritize(urgency))


def add_tags(visit: Visit) -> Answer:
    body = visit.body()
    tags = _some(sent.tags(body.get("tags")), "tags")

    def said(now: shown.Described) -> dict[str, str]:
        return _listed(shown.TAGGED, [each for each in tags if each not in now.tags])

    return _amend(Act.ADD_TAGS, body, visit, said)


def remove_tags(visit: Visit) -> Answer:
    tags = _some(sent.tags(visit.query.get("tags")), "tags")

    def said(now: shown.Described) -> dict[str, str]:
        return _listed(shown.UNTAGGED, [each for each in tags if each in now.tags])

    return _amend(Act.REMOVE_TAGS, dict(visit.query), visit, said)


def add_details(visit: Visit) -> Answer:
    body = visit.body()
    found = sent.properties(body.get("details"))
    _some(list(found), "details")

    def said(now: shown.Described) -> dict[str, str]:
        news = {name: text for name, text in found.items() if now.details.get(name) != text}
        return {shown.of_property(name): text for name, text in news.items()}

    return _amend(Act.ADD_DETAILS, body, visit, said)


def remove_details(visit: Visit) -> Answer:
    names = _some(sent.names(visit.query.get("keys")), "keys")

    def said(now: shown.Described) -> dict[str, str]:
        return _listed(shown.REMOVED, [each for each in names if each in now.details])

    return _amend(Act.REMOVE_DETAILS, dict(visit.query), visit, said)


def _some(found: list[str], name: str) -> list[str]:
    """Raises Refused where there are none, or more than a line of the timeline holds."""
    if not 0 < len(found) <= sent.MOST_AT_ONCE:
        few = {name: f"must name 1 to {sent.MOST_AT_ONCE}"}
        raise Refused(422, "The request cannot be taken", **few)
    return found


def _new(name: str, text: str, before: str) -> dict[str, str]:
    return {} if text == before else {name: text}


def _listed(name: str, each: list[str]) -> dict[str, str]:
    return {name: ", ".join(each)} if each else {}


def _amend(
    act: Act,
    body: dict[str, Any],
    visit: Visit,
    said: Callable[[shown.Described], dict[str, str]],
    command: Command | None = None,
) -> Answer:
    """Writes what is new to the alert, and nothing where nothing is. `command` comes first."""
    headers = visit.reception.admit(visit.sender, visit.call)
    incident = visit.incident()
    found = visit.seen(incident) if incident else None
    if incident is None or found is None:
        return visit.accepted(act, Outcome.NO_ALERT, None, headers)
    actor = visit.actor(body)
    outcomes = [_perform(incident, command, actor, visit)] if command else []
    if news := said(found.described):
        outcomes.append(_perform(incident, Amend(tuple(news.items())), actor, visit))
    outcomes += _noted(incident, body, actor, visit)
    outcome = min(outcomes, key=_RANK.index, default=Outcome.UNCHANGED)
    return visit.accepted(act, outcome, incident.id, headers)


# Where there are several outcomes, the answer gives the first of these.
_RANK: Final = (Outcome.REFUSED, Outcome.NO_ALERT, Outcome.DONE, Outcome.UNCHANGED)


def _act(
    act: Act,
    command: Command,
    body: dict[str, Any],
    visit: Visit,
    action: Action | None = None,
    *,
    detail: str = "",
) -> Answer:
    """`action` is the event that does the same. By an alias it is one, in as few round trips."""
    actor = visit.actor(body)
    event = _event(action, visit.dedup_key, actor, visit) if action else None
    if event is not None and visit.by == "alias" and not sent.note(body.get("note")):
        return _received(act, event, visit)
    headers = visit.reception.admit(visit.sender, visit.call, event)
    incident = visit.incident()
    if incident is None:
        return visit.accepted(act, Outcome.NO_ALERT, None, headers)
    # A note about a closed alert would be refused: it comes before.
    _noted(incident, body, actor, visit)
    if event is not None and (key := visit.alone(incident)) is not None:
        return _received(act, replace(event, dedup_key=key), visit)
    outcome = _perform(incident, command, actor, visit)
    return visit.accepted(act, outcome, incident.id, headers, detail)


def _event(action: Action, dedup_key: str, actor: Actor, visit: Visit) -> Event:
    return Event(
        action=action,
        service_id=visit.sender.service.id,
        dedup_key=dedup_key,
        summary="-",
        severity=Severity.INFO,
        body="{}",
        actor=actor,
    )


def _received(act: Act, event: Event, visit: Visit) -> Answer:
    received = visit.reception.receive(event, visit.sender, visit.call)
    if received.result is None:
        raise LimitReached
    incident = received.result.incident
    outcome = _OUTCOMES.get(received.result.counted_as, Outcome.DONE)
    if incident is None:
        return visit.accepted(act, outcome, None, received.headers)
    is_one = incident.dedup_key != event.dedup_key
    one = request_ids.digest(event.dedup_key) if is_one else None
    return visit.accepted(act, outcome, incident.id, received.headers, one=one)


def _noted(incident: Incident, body: dict[str, Any], actor: Actor, visit: Visit) -> list[Outcome]:
    """Every request may bring a note along."""
    text = sent.note(body.get("note"))
    return [_perform(incident, Note(text), actor, visit)] if text else []


def _perform(incident: Incident, command: Command, actor: Actor, visit: Visit) -> Outcome:
    call = visit.call
    decision = perform(
        visit.table,
        incident.id,
        command,
        actor=actor,
        now=call.now,
        token=visit.reception.intake.new_id("act", call.now),
        deadline=call.deadline,
        timeouts=visit.service_of(incident).timeouts,
    )
    if decision is None:
        return Outcome.NO_ALERT
    if isinstance(decision, NotAllowed):
        return Outcome.REFUSED
    if isinstance(decision, Transitioned):
        call.log(incident_id=incident.id, result=str(decision.change.what))
        return Outcome.DONE
    return Outcome.UNCHANGED
