"""PagerDuty's REST API v2: everything that an import reads, as its files would have it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from opsknight.config.coverage import AHEAD
from opsknight_cli.importing.exports import Objects
from opsknight_cli.importing.fetching import Api, Query, in_path

URL: Final = "https://api.pagerduty.com"
VARIABLE: Final = "PAGERDUTY_TOKEN"
PAGE: Final = 100
# Whoever plans overrides longer ahead than this has them in the report of the next import.
OVERRIDES_AHEAD: Final = timedelta(days=180)


def headers(token: str) -> dict[str, str]:
    return {
        "Authorization": f"Token token={token}",
        "Accept": "application/vnd.pagerduty+json;version=2",
    }


def fetched(api: Api, now: datetime) -> Objects:
    """All objects by kind. Raises CommandError."""
    included = [("include[]", each) for each in ("contact_methods", "notification_rules", "teams")]
    found: Objects = {
        "users": [*_all(api, "/users", "users", included)],
        "teams": [*_all(api, "/teams", "teams")],
        "escalation_policies": [*_all(api, "/escalation_policies", "escalation_policies")],
        "services": [*_all(api, "/services", "services", [("include[]", "integrations")])],
        "event_orchestrations": [*_all(api, "/event_orchestrations", "orchestrations")],
    }
    found["team_memberships"] = [
        {"team": {"id": team["id"]}, **each}
        for team in found["teams"]
        for each in _all(api, f"/teams/{in_path(team['id'])}/members", "members")
    ]
    found["schedules"] = [
        _schedule(api, each["id"], now) or each for each in _all(api, "/schedules", "schedules")
    ]
    found["maintenance_windows"] = [
        window
        for state in ("ongoing", "future")
        for window in _all(api, "/maintenance_windows", "maintenance_windows", [("filter", state)])
    ]
    places = [
        place
        for each in found["services"]
        if _is_active(api, place := f"services/{in_path(each['id'])}")
    ]
    for each in found["event_orchestrations"]:
        place = in_path(each["id"])
        each |= (api.get(f"/event_orchestrations/{place}") or {}).get("orchestration", {})
        places += [f"{place}/router", f"{place}/global"]
    answers = (api.get(f"/event_orchestrations/{place}", optional=True) for place in places)
    found["orchestration_paths"] = [
        each["orchestration_path"] for each in answers if each and "orchestration_path" in each
    ]
    return found


def _is_active(api: Api, place: str) -> bool:
    """Whether the service goes by its orchestration: it may have one that is switched off."""
    answer = api.get(f"/event_orchestrations/{place}/active", optional=True)
    return answer is not None and answer.get("active") is not False


def _schedule(api: Api, schedule_id: str, now: datetime) -> Any:
    """With its layers, who will be on call, and the overrides to come."""
    path = f"/schedules/{in_path(schedule_id)}"
    until = [("since", _moment(now)), ("until", _moment(now + AHEAD))]
    answer = api.get(path, until)
    schedule = (answer or {}).get("schedule")
    if schedule is None:
        return None
    until = [("since", _moment(now)), ("until", _moment(now + OVERRIDES_AHEAD))]
    later = api.get(f"{path}/overrides", until, optional=True)
    if later is not None and "overrides" in later:
        schedule["overrides_subschedule"] = {"rendered_schedule_entries": later["overrides"]}
    return schedule


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _all(api: Api, path: str, name: str, query: Query = ()) -> Iterator[Any]:
    offset = 0
    while True:
        answer = api.get(path, [*query, ("limit", str(PAGE)), ("offset", str(offset))])
        objects = answer.get(name, []) if answer else []
        yield from objects
        # A page without anything would be asked for without end.
        if answer is None or not objects or not answer.get("more"):
            return
        offset += len(objects)
