"""What the HTTP API answers, and `--json` prints: camelCase, times in UTC, absent where there is no
value.
"""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

from opsknight.directory.entries import MaintenanceWindow, Service
from opsknight.directory.receivers import OwnerKind
from opsknight.escalation.pages import Page, StepTaken
from opsknight.incident.event_request import describe
from opsknight.incident.model import Actor, Alert, Change, Incident, Pointer, Timer
from opsknight.notification.delivery import Delivery, State
from opsknight.oncall.schedules import Override, Schedule, Shift
from opsknight.store.listings import Listed

type Json = dict[str, Any]


def listed(each: Listed) -> Json:
    return _present(
        id=each.id,
        title=each.title,
        status=each.status,
        urgency=each.urgency,
        serviceId=each.service_id,
        createdAt=time(each.created_at),
        assigneeId=each.assignee_id,
    )


def pointer(each: Pointer) -> Json:
    """An incident as the answer to an event tells it."""
    return _present(
        id=each.id,
        title=each.title,
        status=each.status,
        urgency=each.urgency,
        serviceId=each.service_id,
        dedupKey=each.dedup_key,
        createdAt=time(each.created_at),
    )


def incident(each: Incident, first: Alert | None) -> Json:
    escalation = _present(
        status=each.escalation,
        policyId=each.policy_id or None,
        policyVersion=each.policy_version or None,
        # People count from 1.
        step=None if each.step is None else each.step + 1,
        round=(each.round or 0) + 1 if each.step is not None else None,
    )
    return pointer(each) | _present(
        description=None if first is None else describe(first.body),
        alertCount=each.alert_count,
        lastAlertAt=time(each.last_alert_at),
        acknowledgedAt=time(each.acknowledged_at),
        resolvedAt=time(each.resolved_at),
        assigneeId=each.assignee_id,
        snoozedUntil=time(each.timers.get(Timer.SNOOZE)),
        maintenanceWindowId=each.window_id,
        escalation=escalation,
    )


def alert(each: Alert) -> Json:
    payload = json.loads(each.body, parse_int=float).get("payload", {})
    return _present(
        id=each.id,
        at=time(each.at),
        by=actor(each.actor),
        summary=payload.get("summary"),
        source=payload.get("source"),
        severity=payload.get("severity"),
        description=describe(each.body),
    )


def timeline(
    first: Alert | None,
    changes: Iterable[Change],
    taken: Iterable[StepTaken],
    deliveries: Iterable[Delivery],
) -> list[Json]:
    """Changes, steps, and how messages to people ended, in the order of time."""
    rows: list[tuple[datetime, int, Json]] = []
    if first is not None:
        opened = {"what": "opened", "by": actor(first.actor)}
        rows.append((first.at, 0, {"at": time(first.at), **opened}))
    for change in changes:
        detail = dict(change.detail)
        if "step" in detail:
            detail["step"] = str(int(detail["step"]) + 1)
        told = _present(
            at=time(change.at),
            what=change.what,
            by=actor(change.actor),
            status=change.status,
            detail=detail or None,
        )
        rows.append((change.at, change.number, told))
    for step in taken:
        told = _present(
            at=time(step.at),
            what="exhausted" if step.reason == "exhausted" else "paged",
            step=None if step.step is None else step.step + 1,
            round=step.round + 1,
            userIds=list(step.user_ids),
            reason=step.reason,
        )
        rows.append((step.at, 1_000_000 + step.page_no, told))
    for each in deliveries:
        if each.pages and each.ended_at is not None:
            told = _present(
                at=time(each.ended_at),
                what="notified" if each.state is State.SENT else each.state.lower(),
                userId=each.user_id,
                channel=each.channel,
                receiverId=each.receiver_id,
                why=each.why,
            )
            rows.append((each.ended_at, 2_000_000, told))
    return [row for _, _, row in sorted(rows, key=lambda row: row[:2])]


def page(each: Page) -> Json:
    """Who was paged, and what became of it."""
    return _present(
        at=time(each.at),
        userId=each.user_id,
        step=None if each.step is None else each.step + 1,
        reason=each.reason,
        state=each.state,
    )


_OWNER_IDS: Final = {
    OwnerKind.USER: "userId",
    OwnerKind.SERVICE: "serviceId",
    OwnerKind.STATUS_PAGE: "statusPageId",
}


def delivery(each: Delivery) -> Json:
    """Without its address: who may see an incident may not know everybody's number."""
    attempts = [
        _present(at=time(one.at), outcome=one.outcome, why=one.why, ms=one.ms)
        for one in each.attempts
    ]
    return _present(
        id=each.id,
        about=each.about,
        channel=each.channel,
        receiverId=each.receiver_id,
        state=each.state,
        why=each.why,
        notBefore=time(each.not_before),
        reported=each.reported,
        attempts=attempts,
    ) | {_OWNER_IDS[each.owner.kind]: each.owner.id}


def service(each: Service, now: datetime) -> Json:
    in_force = each.window_at(now)
    return _present(
        id=each.id,
        name=each.name,
        teamId=each.team_id,
        disabled=each.disabled,
        policyId=each.policy_id,
        maintenanceUntil=time(in_force.end) if in_force else None,
    )


def window(each: MaintenanceWindow) -> Json:
    return _present(
        id=each.id,
        start=time(each.start),
        end=time(each.end),
        reason=each.reason,
        keepSuppressed=each.keep_suppressed,
    )


def schedule(each: Schedule, on_call: str | None) -> Json:
    layers = [{"id": layer.id, "users": list(layer.users)} for layer in each.layers]
    told = {"id": each.id, "name": each.name, "zone": each.zone, "layers": layers}
    return told | {"onCall": on_call}


def override(each: Override) -> Json:
    return _present(
        id=each.id,
        userId=each.user_id,
        replaces=each.replaces,
        start=time(each.start),
        end=time(each.end),
        createdAt=time(each.created_at),
    )


def shift(each: Shift) -> Json:
    by = "override" if isinstance(each.because, Override) else "layer"
    return {
        "userId": each.user_id,
        "start": time(each.start),
        "end": time(each.end),
        by: each.because.id,
    }


def actor(each: Actor) -> Json:
    return {"kind": each.kind, "id": each.id, "name": each.name}


def time(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _present(**fields: Any) -> Json:
    return {name: value for name, value in fields.items() if value is not None}
