"""Parameters that several routes take in their queries."""

from enum import StrEnum
from typing import Any, Final

from opsknight.http.routes import Parameter
from opsknight.incident.model import Status, Urgency
from respond.body import MOST_LISTED
from respond.request import DEFAULT_LIMIT
from respond.searching import ORDERS

TIME: Final = {"type": "string", "format": "date-time"}
TEXT: Final = {"type": "string"}


def _several(words: type[StrEnum]) -> dict[str, Any]:
    one = f"({'|'.join(words)})"
    return {"type": "string", "pattern": f"^{one}(,{one})*$"}


STATUS: Final = Parameter(
    "status",
    "One or several, with commas; all active ones by default. RESOLVED stands alone: of one service"
    " by when they were opened, of all by when they were resolved.",
    _several(Status),
    "OPEN,ACKNOWLEDGED",
)
URGENCY: Final = Parameter("urgency", "One or several, with commas.", _several(Urgency), "HIGH")
SERVICE: Final = Parameter("service", "Only this service, by id.", TEXT, "svc_checkout")
TEAM: Final = Parameter("team", "Only the services of this team, by id.", TEXT, "team_web")
ONLY: Final = Parameter(
    "only",
    "`current`: a window that is repeated ends now, and comes again.",
    {"type": "string", "enum": ["current"]},
    "current",
)
BATCH: Final = (
    Parameter(
        "limit",
        f"The most in an answer; {DEFAULT_LIMIT} by default.",
        {"type": "integer", "minimum": 1, "maximum": MOST_LISTED},
        20,
    ),
    Parameter("cursor", "The cursor of the answer before.", TEXT, "YWN0aXZlIA"),
)
DAYS_AHEAD: Final = 7
MOST_DAYS_AHEAD: Final = 31
ON_CALL: Final = (
    Parameter("at", "At this time instead of now.", TIME, "2026-11-24T03:00:00Z"),
    Parameter("schedule", "Only this schedule, by id.", TEXT, "sch_web"),
    Parameter(
        "days",
        f"How far ahead its shifts are shown; {DAYS_AHEAD} by default.",
        {"type": "integer", "minimum": 1, "maximum": MOST_DAYS_AHEAD},
        28,
    ),
)
FILTERS: Final = (
    STATUS,
    URGENCY,
    SERVICE,
    TEAM,
    Parameter("assignee", "Only those that this user has or had, by id.", TEXT, "user_ben"),
    Parameter(
        "dedupKey", "Only those of this key; a batch may have few, and a cursor.", TEXT, "cpu"
    ),
    Parameter("since", "Opened then or later.", TIME, "2026-11-23T00:00:00Z"),
    Parameter("until", "Opened before.", TIME, "2026-11-24T00:00:00Z"),
    Parameter(
        "q",
        "Words that are all in the title, the id or the name of the service, in any case.",
        TEXT,
        "pay checkout",
    ),
    Parameter(
        "sort",
        "Only of RESOLVED, by when they were resolved: `newest` (the default) or `oldest` first.",
        {"type": "string", "enum": list(ORDERS)},
        "oldest",
    ),
    Parameter("resolvedSince", "Resolved then or later.", TIME, "2026-11-23T00:00:00Z"),
    Parameter("resolvedUntil", "Resolved before.", TIME, "2026-11-24T00:00:00Z"),
    *BATCH,
    Parameter(
        "details",
        "With the dedup key, counts and times of each: a second read.",
        {"type": "boolean"},
        True,
    ),
)
