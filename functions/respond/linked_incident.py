"""One incident behind a link: what its page shows, and what its forms do."""

from datetime import datetime, timedelta
from typing import Final

from opsknight.directory.entries import User
from opsknight.http.gateway import Answer
from opsknight.incident.commands import Acknowledge, Command, Resolve, Snooze
from opsknight.incident.decisions import NotAllowed, Transitioned
from opsknight.incident.references import references
from opsknight.notification.signed_link import BadLink, whole
from respond.pages import LATEST, PageView, incident_page, sentence_page
from respond.visit import UNKNOWN, Visit

NAP: Final = timedelta(hours=1)


def act(visit: Visit) -> Answer:
    command = _wanted(visit, visit.reader, visit.now)
    if command is None:
        return sentence_page(400, *UNKNOWN)
    decision = visit.perform(visit.link.incident_id, visit.delivery.service_id, command)
    if decision is None:
        raise BadLink
    if isinstance(decision, Transitioned):
        visit.log_fields["result"] = decision.change.what
    if isinstance(decision, NotAllowed):
        visit.log_fields["refused"] = str(decision.status)
    return visit.back()


def show(visit: Visit) -> Answer:
    now, deadline, table, directory = visit.now, visit.deadline, visit.table, visit.directory
    incident = table.incident(visit.link.incident_id, deadline)
    if incident is None:
        raise BadLink
    service = directory.any_service(incident.service_id, now, deadline)
    alert = table.alert(incident.id, incident.first_alert_id, deadline)
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
        message=_message(visit),
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


def _wanted(visit: Visit, reader: User, now: datetime) -> Command | None:
    match visit.form().get("action"):
        case ["acknowledge"]:
            return Acknowledge(by=reader.id)
        case ["resolve"]:
            return Resolve()
        case ["snooze"]:
            return Snooze(now + NAP)
        case _:
            return None
