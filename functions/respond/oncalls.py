"""`GET /oncalls` in the shape of PagerDuty's REST API, so that chat bots that ask who is on call
survive the switch: an entry for each policy, step and user.

Read-only, by an API key with `schedules:read`, which may stand where a bot has PagerDuty's:
`Authorization: Token token=KEY`. What bots see is what `GET /api/oncall` shows.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo

from opsknight.classes import dataclass
from opsknight.directory.entries import SCHEDULES_READ, User
from opsknight.escalation.policy import Policy, Rota, Target, TargetKind
from opsknight.http.gateway import Answer, HttpError, Request, unavailable
from opsknight.http.rate_limiter import LimitReached
from opsknight.oncall.schedules import Shift, shifts
from opsknight.oncall.wall_clock import FIRST, LAST
from opsknight.store.called import Targets
from opsknight.store.calls import Deadline, Unavailable
from opsknight.store.configurations import Configurations
from opsknight.store.table import Table
from respond.callers import Callers
from respond.request import over_the_limit

LONGEST: Final = timedelta(days=90)
# How far a shift is followed beyond what was asked for; further on, its bound is not said.
AROUND: Final = timedelta(days=31)
DEFAULT_LIMIT: Final = 25
MOST: Final = 100
_TOKEN: Final = re.compile(r"""token\s+token=["']?(opsk_[0-9A-Za-z_-]{43})["']?""", re.IGNORECASE)


class _Invalid(Exception):
    """The query means nothing. The text says why."""


@dataclass(frozen=True, slots=True)
class _Asked:
    since: datetime
    until: datetime
    """The same for one instant."""
    zone: tzinfo
    users: frozenset[str]
    schedules: frozenset[str]
    policies: frozenset[str]
    """Ids or names; empty for all."""
    earliest: bool
    whole_users: bool
    limit: int
    offset: int


@dataclass(frozen=True, slots=True)
class _OnCall:
    policy: Policy
    level: int
    user: User
    rota: Rota | None = None
    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class OnCalls:
    table: Table
    callers: Callers

    def answer(
        self, request: Request, log_fields: dict[str, Any], now: datetime, deadline: Deadline
    ) -> Answer:
        if request.method not in ("GET", "HEAD"):
            return _failed(405, "Method Not Allowed", Allow="GET, HEAD")
        try:
            caller = self.callers.of(_with_bearer(request), SCHEDULES_READ, now, deadline)
            log_fields |= {
                "key_id": caller.id,
                "user_id": caller.user.id,
                "route": request.path,
            }
            headers = self.callers.count(caller, now, writes=False)
            asked = _asked(request.query, now)
            found = list(self._on_calls(asked, deadline))
        except _Invalid as invalid:
            return _failed(400, "Invalid Input Provided", str(invalid))
        except HttpError as error:
            return _failed(error.answer.status, getattr(error.answer.body, "error", ""))
        except LimitReached:
            return _failed(429, "Rate Limit Exceeded", **over_the_limit(now).headers)
        except Unavailable as cause:
            headers = dict(unavailable(log_fields, cause).headers)
            return _failed(503, "The store does not answer: send it again.", **headers)
        batch = found[asked.offset : asked.offset + asked.limit]
        body = {
            "oncalls": [_shown(each, asked) for each in batch],
            "limit": asked.limit,
            "offset": asked.offset,
            "more": len(found) > asked.offset + asked.limit,
            "total": None,
        }
        return Answer(200, body, headers)

    def _on_calls(self, asked: _Asked, deadline: Deadline) -> Iterator[_OnCall]:
        policies = [
            each
            for each in Configurations(self.table).policies(deadline)
            if _named(asked.policies, each.id, each.name)
        ]
        wanted = {one for each in policies for step in each.steps for one in step.targets}
        targets = Targets.read(self.table, wanted, deadline)
        for policy in policies:
            for level, step in enumerate(policy.steps, 1):
                seen: set[tuple[str | None, str]] = set()
                for target in step.targets:
                    for each in _of_target(policy, level, target, targets, asked):
                        place = each.rota.schedule.id if each.rota else None, each.user.id
                        if not _named(asked.users, each.user.id, each.user.name):
                            continue
                        if asked.earliest and place in seen:
                            continue
                        seen.add(place)
                        yield each


def _of_target(
    policy: Policy, level: int, target: Target, targets: Targets, asked: _Asked
) -> Iterator[_OnCall]:
    if target.kind is not TargetKind.SCHEDULE:
        if not asked.schedules:
            for user_id in targets.reached(target, asked.since):
                yield _OnCall(policy, level, targets.users[user_id])
        return
    rota = targets.rotas.get(target.id)
    if rota is None or not _named(asked.schedules, rota.schedule.id, rota.schedule.name):
        return
    known = targets.users
    absent = {each for each in rota.user_ids if each not in known or known[each].disabled}
    first, last = max(asked.since - AROUND, FIRST), min(asked.until + AROUND, LAST)
    for shift in shifts(rota.schedule, rota.overrides, first, last, disabled=absent):
        if _overlaps(shift, asked):
            start = None if shift.start == first else shift.start
            end = None if shift.end == last else shift.end
            yield _OnCall(policy, level, known[shift.user_id], rota, start, end)


def _overlaps(shift: Shift, asked: _Asked) -> bool:
    if asked.since == asked.until:
        return shift.start <= asked.since < shift.end
    return shift.start < asked.until and asked.since < shift.end


def _named(wanted: frozenset[str], *names: str) -> bool:
    return not wanted or not wanted.isdisjoint(names)


def _shown(each: _OnCall, asked: _Asked) -> dict[str, Any]:
    user = each.user
    shown: dict[str, Any] = {"id": user.id, "type": "user_reference", "summary": user.name}
    if asked.whole_users:
        own = {"name": user.name, "email": user.email, "time_zone": user.zone or "UTC"}
        shown |= {"type": "user", **own}
    policy, schedule = each.policy, each.rota.schedule if each.rota else None
    return {
        "escalation_policy": _reference("escalation_policy", policy.id, policy.name),
        "escalation_level": each.level,
        "schedule": schedule and _reference("schedule", schedule.id, schedule.name),
        "user": shown | _NOWHERE,
        "start": _clock(each.start, asked.zone),
        "end": _clock(each.end, asked.zone),
    }


_NOWHERE: Final = {"self": None, "html_url": None}


def _reference(kind: str, name: str, summary: str) -> dict[str, Any]:
    return {"id": name, "type": f"{kind}_reference", "summary": summary, **_NOWHERE}


def _clock(at: datetime | None, zone: tzinfo) -> str | None:
    return None if at is None else at.astimezone(zone).isoformat().replace("+00:00", "Z")


def _with_bearer(request: Request) -> Request:
    found = _TOKEN.fullmatch(request.headers.get("authorization", "").strip())
    if found is None:
        return request
    return replace(request, headers={**request.headers, "authorization": f"Bearer {found[1]}"})


def _asked(query: Mapping[str, str], now: datetime) -> _Asked:
    """Raises _Invalid."""
    zone = _zone(query.get("time_zone", ""))
    since = _time("since", query, zone) or now
    until = _time("until", query, zone) or since
    if not since <= until <= since + LONGEST:
        raise _Invalid(f"until must not be before since, nor over {LONGEST.days} days after it")
    return _Asked(
        since=since,
        until=until,
        zone=zone,
        users=_several("user_ids", query),
        schedules=_several("schedule_ids", query),
        policies=_several("escalation_policy_ids", query),
        earliest=query.get("earliest", "").lower() == "true",
        whole_users="users" in _several("include", query),
        limit=_number("limit", DEFAULT_LIMIT, 1, MOST, query),
        offset=_number("offset", 0, 0, 10_000, query),
    )


def _several(name: str, query: Mapping[str, str]) -> frozenset[str]:
    """With and without brackets. Several are joined by commas on their way."""
    given = ",".join(query.get(each, "") for each in (f"{name}[]", name))
    return frozenset(each.strip() for each in given.split(",") if each.strip())


def _time(name: str, query: Mapping[str, str], zone: tzinfo) -> datetime | None:
    text = query.get(name, "").strip()
    if not text:
        return None
    try:
        # A plus in a query is a space.
        found = datetime.fromisoformat(text.replace(" ", "+"))
        found = (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise _Invalid(f"{name} must be a time in ISO 8601") from None
    if not FIRST <= found < LAST:
        raise _Invalid(f"{name} must be between {FIRST.year} and {LAST.year}")
    return found


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name.strip() or "UTC")
    except (LookupError, OSError, ValueError):
        raise _Invalid("time_zone must be a zone of the tz database") from None


def _number(name: str, default: int, least: int, most: int, query: Mapping[str, str]) -> int:
    text = query.get(name, "").strip() or str(default)
    if text.isascii() and text.isdigit() and len(text) < 7 and least <= int(text) <= most:
        return int(text)
    raise _Invalid(f"{name} must be a number from {least} to {most}")


def _failed(status: int, message: str, *errors: str, **headers: str) -> Answer:
    """As PagerDuty's clients read it."""
    error: dict[str, Any] = {"message": message, "code": status}
    more = {"errors": list(errors)} if errors else {}
    return Answer(status, {"error": error | more}, headers)
