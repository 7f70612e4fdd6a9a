"""One incident behind a link: what its page shows, and what its forms do."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from opsknight.http.gateway import Answer
from opsknight.incident.commands import (
    LONGEST_NOTE,
    Acknowledge,
    AlsoPage,
    Command,
    Escalate,
    Note,
    Reassign,
    Resolve,
    Snooze,
)
from opsknight.incident.decisions import NotAllowed, Transitioned
from opsknight.incident.model import Status
from opsknight.incident.references import references
from opsknight.incident.text import without_lone_surrogates
from opsknight.notification.signed_link import BadLink, whole
from opsknight.store.called import called, just_called
from opsknight.store.rollouts import Rollouts
from opsknight.views.sentences import rolled_out
from respond.more_page import MoreView, more_page
from respond.pages import LATEST, PageView, incident_page, sentence_page
from respond.people import choices, colleagues, target_of
from respond.visit import UNKNOWN, Visit

NAPS: Final = {
    "30m": timedelta(minutes=30),
    "1h": timedelta(hours=1),
    "4h": timedelta(hours=4),
}
MORNING: Final = time(9)


def act(visit: Visit) -> Answer:
    form = visit.form()
    if form.get("action") == ["also-page"]:
        return _also_page(visit, form.get("whom", []))
    command = _wanted(visit, form)
    if command is None:
        return sentence_page(400, *UNKNOWN)
    return _done(visit, command)


def _done(visit: Visit, command: Command) -> Answer:
    decision = visit.perform(visit.link.incident_id, visit.delivery.service_id, command)
    if decision is None:
        raise BadLink
    if isinstance(decision, Transitioned):
        visit.log_fields["result"] = decision.change.what
    if isinstance(decision, NotAllowed):
        visit.log_fields["refused"] = str(decision.status)
    return visit.back()


def _also_page(visit: Visit, values: Sequence[str]) -> Answer:
    target = target_of(values[0]) if len(values) == 1 else None
    now, deadline = visit.now, visit.deadline
    found = None if target is None else called(visit.table, target, now, deadline)
    if found is None:
        return sentence_page(400, *UNKNOWN)
    user_ids = tuple(each for each in found.user_ids if each != visit.reader.id)
    if not user_ids:
        said = f"{found.name} reaches nobody but you just now. Choose somebody else."
        return sentence_page(409, "Nobody was paged", said)
    if just_called(visit.table, visit.link.incident_id, user_ids, now, deadline):
        return visit.back()
    return _done(visit, AlsoPage(found.name, user_ids))


def show(visit: Visit) -> Answer:
    now, deadline, table, directory = visit.now, visit.deadline, visit.table, visit.directory
    incident = table.incident(visit.link.incident_id, deadline)
    if incident is None:
        raise BadLink
    if visit.request.query.get("do") == "more" and incident.status is not Status.RESOLVED:
        return more_page(
            MoreView(
                incident=incident,
                token=visit.token,
                people=colleagues(visit, incident),
                choices=choices(visit),
                reader=visit.reader.name,
                zone=visit.zone,
                ends_at=visit.link.ends_at,
            )
        )
    service = directory.any_service(incident.service_id, now, deadline)
    alert = table.alert(incident.id, incident.first_alert_id, deadline)
    before = Rollouts(table).before(incident.service_id, incident.created_at, deadline)
    view = PageView(
        incident=incident,
        service=service.name if service else incident.service_id,
        reader_id=visit.reader.id,
        reader=visit.reader.name,
        alert=alert,
        references=references(
            alert.body if alert else "{}",
            service.runbook if service else None,
            service.dashboard if service else None,
        ),
        latest=table.latest_changes(incident.id, LATEST, deadline),
        steps=table.latest_steps(incident.id, LATEST, deadline),
        zone=visit.zone,
        names=lambda user_id: directory.user_name(user_id, now, deadline),
        ends_at=visit.link.ends_at,
        token=visit.token,
        message=_message(visit),
        hold=visit.hold,
        rolled_out=rolled_out(before, incident.created_at),
    )
    return incident_page(view, now)


def _message(visit: Visit) -> str | None:
    """The token of the list, if the message told other incidents, too."""
    leader = visit.delivery.bundle or visit.link.delivery_id
    told = visit.table.bundle(leader, visit.deadline)
    others = [each for each in told if each.incident_id != visit.link.incident_id]
    if not others:
        return None
    mine = next((each for each in told if each.delivery_id == leader), None)
    first = mine.incident_id if mine else visit.link.incident_id
    return visit.link_to(first, whole(leader))


def _wanted(visit: Visit, form: Mapping[str, Sequence[str]]) -> Command | None:
    match form:
        case {"snooze": [length]}:
            until = _snoozed_until(length, visit.now, visit.zone)
            return None if until is None else Snooze(until)
        case {"action": ["acknowledge"]}:
            return Acknowledge(by=visit.reader.id)
        case {"action": ["resolve"]}:
            return Resolve()
        case {"action": ["escalate"]}:
            return Escalate()
        case {"action": ["hand-on"], "to": [user_id]}:
            known = visit.directory.user(user_id[:100], visit.now, visit.deadline)
            return None if known is None else Reassign(known.id)
        case {"action": ["note"], "text": [text]}:
            kept = without_lone_surrogates(text).strip()
            return Note(kept) if 0 < len(kept) <= LONGEST_NOTE else None
        case _:
            return None


def _snoozed_until(length: str, now: datetime, zone: ZoneInfo) -> datetime | None:
    if length in NAPS:
        return now + NAPS[length]
    if length != "morning":
        return None
    local = now.astimezone(zone)
    day = local.date() + timedelta(days=local.time() >= MORNING)
    return datetime.combine(day, MORNING, zone).astimezone(UTC)
