"""Fills the answers of the HTTP API, which `--json` prints too, from what the store holds. Their
shapes are in `models`.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from opsknight.directory.receivers import OwnerKind
from opsknight.escalation.pages import Page
from opsknight.incident.event_request import describe, describe_details, parsed
from opsknight.incident.model import Actor, Alert, Incident, Pointer, Status, Timer
from opsknight.incident.quiet import SHADOW
from opsknight.incident.references import details, references
from opsknight.incident.rollouts import Rollout
from opsknight.incident.taking import taken_on_by
from opsknight.incident.timeline import Change
from opsknight.notification.delivery import Delivery, State
from opsknight.store.listings import Listed
from opsknight.views import models, sentences
from opsknight.views.incident_records import IncidentRecords
from opsknight.views.names import Names
from opsknight.views.summary import summary
from opsknight.views.wire import time


def listed(each: Listed, names: Names) -> models.ListedIncident:
    return models.ListedIncident(
        id=each.id,
        title=each.title,
        status=each.status,
        urgency=each.urgency,
        service_id=each.service_id,
        service_name=names.service(each.service_id),
        created_at=each.created_at,
        assignee_id=each.assignee_id,
        assignee_name=names.user(each.assignee_id),
        alert_count=each.alert_count,
        acknowledged_at=each.acknowledged_at,
        resolved_at=each.resolved_at,
        members=_members(each),
    )


def detailed(brief: models.ListedIncident, whole: Incident | None) -> models.ListedIncident:
    """With what the index of lists lacks: each alert would be one more write to that."""
    if whole is None:
        return brief
    return replace(
        brief,
        dedup_key=whole.dedup_key,
        alert_count=whole.alert_count,
        last_alert_at=whole.last_alert_at,
        acknowledged_at=whole.acknowledged_at,
        resolved_at=whole.resolved_at,
        assignee_has_it=taken_on_by(whole) is not None,
    )


def done(action: str, incident: Pointer) -> models.Done:
    return models.Done(
        status="success", result=models.ActResult(action=action, incident=summary(incident))
    )


def incident(records: IncidentRecords, names: Names, zone: ZoneInfo) -> models.IncidentDetails:
    """`zone`: of who reads the sentences of the timeline."""
    each, first = records.incident, records.first
    brief = summary(each)
    return models.IncidentDetails(
        id=brief.id,
        title=brief.title,
        status=brief.status,
        urgency=brief.urgency,
        service_id=brief.service_id,
        dedup_key=brief.dedup_key,
        created_at=brief.created_at,
        description=None if first is None else describe(first.body),
        details=None if first is None else details(first.body),
        links=[
            models.LinkAnswer(text=each.label, href=each.url, image=each.image or None)
            for each in (() if first is None else references(first.body))
        ],
        rollouts=[rollout(one) for one in records.rollouts] or None,
        alert_count=each.alert_count,
        members=_members(each),
        last_alert_at=each.last_alert_at,
        acknowledged_at=each.acknowledged_at,
        resolved_at=each.resolved_at,
        assignee_id=each.assignee_id,
        assignee_name=names.user(each.assignee_id),
        assignee_has_it=taken_on_by(each) is not None,
        service_name=names.service(each.service_id),
        urgency_in_hours=each.urgency_in_hours,
        snoozed_until=each.timers.get(Timer.SNOOZE),
        reopens_at=each.timers.get(Timer.ACKNOWLEDGEMENT)
        if each.status is Status.ACKNOWLEDGED
        else None,
        maintenance_window_id=None if each.window_id == SHADOW else each.window_id,
        shadow=each.shadow,
        escalation=models.EscalationAnswer(
            status=each.escalation,
            policy_id=each.policy_id or None,
            policy_name=names.policy(each.policy_id),
            policy_version=each.policy_version or None,
            step=_counted(each.step),
            round=(each.round or 0) + 1 if each.step is not None else None,
            next_at=each.timers.get(Timer.STEP),
        ),
        timeline=timeline(records, names, zone),
        alerts=[alert(one) for one in records.alerts],
        deliveries=[delivery(one, names, records.changes) for one in records.deliveries],
    )


def rollout(each: Rollout) -> models.RolloutAnswer:
    return models.RolloutAnswer(
        id=each.id,
        at=each.at,
        by=actor(each.actor),
        summary=each.summary,
        source=each.source,
        details=each.details,
        links=[models.LinkAnswer(text=one.text, href=one.href) for one in each.links],
    )


def alert(each: Alert) -> models.AlertAnswer:
    document = parsed(each.body)
    payload = document.get("payload", {})
    return models.AlertAnswer(
        id=each.id,
        at=each.at,
        by=actor(each.actor),
        summary=payload.get("summary", ""),
        source=payload.get("source", ""),
        severity=payload.get("severity", ""),
        description=describe_details(payload),
        details=details(each.body),
        adjusted=_adjusted(document.get("adjusted")) or None,
    )


def _members(each: Listed | Incident) -> models.MembersAnswer | None:
    if each.members is None:
        return None
    return models.MembersAnswer(firing=each.firing or 0, total=each.members)


def _adjusted(found: object) -> list[models.AdjustedField]:
    """Ours is a list of three texts each; a sender's own field of that name may be anything."""
    fields = []
    for each in found if isinstance(found, list) else []:
        match each:
            case {"field": str(field), "sent": str(sent), "taken": str(taken)}:
                fields.append(models.AdjustedField(field=field, sent=sent, taken=taken))
            case _:
                pass
    return fields


def timeline(
    records: IncidentRecords, names: Names, zone: ZoneInfo, *, opening: bool | None = None
) -> list[models.TimelineEntry]:
    """Changes, steps, and how messages to people ended, oldest first. `opening`: whether it begins
    with the opening; by itself where all changes are there.
    """

    def name(user_id: str) -> str:
        return names.user(user_id) or user_id

    def clock(at: datetime) -> str:
        return f"{at.astimezone(zone):%-d %b %H:%M %Z}"

    # At the same instant a change comes before its steps, and these before their messages.
    rows: list[tuple[int, models.TimelineEntry]] = []
    first = records.opening if opening is None else records.first if opening else None
    if first is not None:
        opened = models.TimelineEntry(
            at=first.at, what="opened", text=sentences.opened(first), by=actor(first.actor)
        )
        rows.append((0, opened))
    for change in records.changes:
        detail = dict(change.detail)
        if "step" in detail:
            detail["step"] = str(int(detail["step"]) + 1)
        if "until" in detail:
            detail["until"] = time(datetime.fromisoformat(detail["until"]))
        entry = models.TimelineEntry(
            at=change.at,
            what=change.what,
            text=sentences.said(change, name, clock),
            by=actor(change.actor),
            status=change.status,
            detail=detail or None,
        )
        rows.append((change.number, entry))
    for step in records.steps:
        entry = models.TimelineEntry(
            at=step.at,
            what="exhausted" if step.reason == "exhausted" else "paged",
            text=sentences.taken(step, name),
            step=_counted(step.step),
            round=step.round + 1,
            user_ids=step.user_ids,
            user_names=[name(one) for one in step.user_ids],
            reason=step.reason,
        )
        rows.append((1_000_000 + step.page_no, entry))
    for each in records.deliveries:
        if each.pages and each.ended_at is not None:
            entry = models.TimelineEntry(
                at=each.ended_at,
                what="notified" if each.state is State.SENT else each.state.lower(),
                text=sentences.ended(each, name),
                user_id=each.user_id,
                user_name=names.user(each.user_id),
                channel=each.channel,
                receiver_id=each.receiver_id,
                why=each.why,
            )
            rows.append((2_000_000, entry))
    return [entry for _, entry in sorted(rows, key=lambda row: (row[1].at, row[0]))]


def page(each: Page) -> models.PageAnswer:
    return models.PageAnswer(
        at=each.at,
        user_id=each.user_id,
        step=_counted(each.step),
        reason=each.reason,
        state=each.state,
    )


def delivery(each: Delivery, names: Names, changes: Iterable[Change] = ()) -> models.DeliveryAnswer:
    """Without its address: a reader of an incident may not know all numbers and addresses.
    `changes` are those of its incident, the newest first.
    """
    acts = [
        models.ActByDelivery(at=one.at, what=one.what, by=actor(one.actor))
        for one in changes
        if one.via == each.id
    ]
    kind, owner = each.owner.kind, each.owner.id
    return models.DeliveryAnswer(
        id=each.id,
        about=each.about,
        channel=each.channel,
        receiver_id=each.receiver_id,
        state=each.state,
        why=each.why,
        not_before=each.not_before,
        reported=each.reported,
        opened_at=each.opened_at,
        fetched_at=each.fetched_at,
        acts=acts[::-1] or None,
        attempts=[
            models.AttemptAnswer(at=one.at, outcome=one.outcome, why=one.why, ms=one.ms)
            for one in each.attempts
        ],
        user_id=owner if kind is OwnerKind.USER else None,
        service_id=owner if kind is OwnerKind.SERVICE else None,
        status_page_id=owner if kind is OwnerKind.STATUS_PAGE else None,
        owner_name=names.owner(each),
    )


def actor(each: Actor) -> models.ActorAnswer:
    return models.ActorAnswer(kind=each.kind, id=each.id, name=each.name)


def _counted(step: int | None) -> int | None:
    """People count from 1."""
    return None if step is None else step + 1
