"""The handler of the HTTP API for the audit log: who changed what, when, and from where."""

import re
from typing import Final

from opsknight.directory.audit_log import AuditKind
from opsknight.http.gateway import Answer, HttpError
from opsknight.store.audit_log import AuditLog, LogPlace, Sought
from opsknight.views import audit_answers as answers
from opsknight.views.audit_models import AuditLogAnswer
from respond.request import ApiCall, Query, opaque

_PLACE: Final = re.compile(r"audit (\d{4}-(?:0[1-9]|1[0-2])) ([0-9TZ:.a-z_#-]{0,100})")


def list_entries(call: ApiCall) -> Answer:
    """It names people, services and addresses of all teams."""
    if not call.caller.sees_all:
        raise HttpError(403, "Audit log access denied")
    query = Query(call.request.query)
    sought = Sought(
        since=query.time("from"),
        until=query.time("until"),
        kinds=_kinds(query),
        actor_id=query.text("actor"),
        thing_id=query.text("entity"),
    )
    if sought.since is not None and sought.until is not None and sought.since >= sought.until:
        query.wrong("from", "must be before `until`")
    limit, place = query.limit(), query.position(_PLACE)
    query.check()
    found, following = AuditLog(call.table).newest(
        sought,
        None if place is None else LogPlace(place[1], place[2]),
        limit,
        call.now,
        call.deadline,
    )
    cursor = None if following is None else opaque(f"audit {following.month} {following.spot}")
    return Answer(200, AuditLogAnswer(entries=[*map(answers.answer, found)], cursor=cursor))


def _kinds(query: Query) -> frozenset[str]:
    words = {each.strip().lower() for each in (query.text("kind") or "").split(",")} - {""}
    if words - set(AuditKind):
        query.wrong("kind", f"must be one or several of {', '.join(AuditKind)}")
    return frozenset(words)
