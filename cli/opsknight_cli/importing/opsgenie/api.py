"""Opsgenie's REST API: everything that an import reads, as its files would have it."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

from opsknight_cli.importing.exports import Objects
from opsknight_cli.importing.fetching import Api, Query, in_path
from opsknight_cli.terminal.times import stamp

URL: Final = "https://api.opsgenie.com"
VARIABLE: Final = "OPSGENIE_API_KEY"
_PAGE: Final = [("limit", "100")]


def headers(token: str) -> dict[str, str]:
    return {"Authorization": f"GenieKey {token}"}


def fetched(api: Api, now: datetime) -> Objects:
    """All objects by kind. Raises CommandError."""
    teams = [_team(api, each) for each in _all(api, "/v2/teams")]
    beats = _data(api, "/v2/heartbeats") or {}
    return {
        "users": [_user(api, each) for each in _all(api, "/v2/users", _PAGE)],
        "teams": teams,
        "schedules": [
            _schedule(api, each, now)
            for each in _all(api, "/v2/schedules", [("expand", "rotation")])
        ],
        "escalations": [*_all(api, "/v2/escalations")],
        "integrations": [*_all(api, "/v2/integrations")],
        "heartbeats": [*beats.get("heartbeats", [])],
        "maintenance": [
            _data(api, f"/v1/maintenance/{in_path(each['id'])}") or each
            for each in _all(api, "/v1/maintenance", [("type", "non-expired")])
        ],
        "policies": [*_policies(api, None)]
        + [each for team in teams for each in _policies(api, team["id"])],
        "forwardings": [*_all(api, "/v2/forwarding-rules")],
    }


def _user(api: Api, user: Any) -> Any:
    path = f"/v2/users/{in_path(user['id'])}"
    whole = _data(api, path, [("expand", "contact")]) or user
    rules = [
        _data(api, f"{path}/notification-rules/{in_path(each['id'])}") or each
        for each in _all(api, f"{path}/notification-rules")
        if each.get("actionType") == "create-alert"
    ]
    return whole | {"notificationRuleList": rules}


def _team(api: Api, team: Any) -> Any:
    path = f"/v2/teams/{in_path(team['id'])}"
    whole = _data(api, path) or team
    return whole | {"teamRoutingRules": [*_all(api, f"{path}/routing-rules")]}


def _schedule(api: Api, schedule: Any, now: datetime) -> Any:
    path = f"/v2/schedules/{in_path(schedule['id'])}"
    weeks = [("interval", "4"), ("intervalUnit", "weeks"), ("date", stamp(now))]
    return schedule | {
        "scheduleOverrideList": [*_all(api, f"{path}/overrides")],
        "timeline": _data(api, f"{path}/timeline", weeks),
    }


def _policies(api: Api, team_id: str | None) -> Iterator[Any]:
    """In the order in which they apply: alert policies come first."""
    query = [("teamId", team_id)] if team_id else []
    for kind in ("alert", "notification") if team_id else ("alert",):
        for each in _all(api, f"/v2/policies/{kind}", query):
            whole = _data(api, f"/v2/policies/{in_path(each['id'])}", query) or {}
            yield each | whole | {"teamId": team_id, "type": kind}


def _data(api: Api, path: str, query: Query = ()) -> Any:
    return (api.get(path, query) or {}).get("data")


def _all(api: Api, path: str, query: Query = ()) -> Iterator[Any]:
    """Page by page: each answer says where the next one is."""
    answer = api.get(path, query)
    seen = set()
    while answer is not None:
        yield from answer.get("data") or ()
        following = (answer.get("paging") or {}).get("next")
        if not following or following in seen:
            return
        seen.add(following)
        # Its path alone: the token goes to no other host.
        parts = urlsplit(following)
        answer = api.get(f"{parts.path}?{parts.query}")
