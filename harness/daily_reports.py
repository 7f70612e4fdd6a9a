"""Daily reports, as samples of messages and as parts of generated files."""

from datetime import date, timedelta
from typing import Any, Final

from hypothesis import strategies as st

from opsknight.health.report import Concern, LastDay, Report
from opsknight.incident.model import Status, Urgency

HOSTILE: Final = "</b><script>alert(1)</script> [click](https://evil.example) <!channel> @here\x00"

REPORT: Final = Report(
    name="Every morning",
    day=date(2026, 10, 3),
    concerns=(
        Concern(
            check="heartbeats",
            text="Nobody is paged for a heartbeat before it has beaten once, and these never have: "
            "nightly-backup of service orders.",
            mend="Let each sender fetch its address (`opsknight heartbeats show` has it).",
        ),
        Concern(
            check="services",
            text="IN SHADOW, paging nobody: billing until Fri 04 Dec 01:00 CET.",
            mend="Let another system page meanwhile. Without `mode` in its configuration it is "
            "live.",
        ),
        Concern(check="receivers", text=HOSTILE),
    ),
    last_day=LastDay(
        opened={Urgency.HIGH: 3, Urgency.MEDIUM: 9, Urgency.LOW: 2},
        resolved=12,
        unpaged=2,
        pages=7,
        acknowledged=9,
        to_acknowledge=timedelta(minutes=4, seconds=10),
        active={Status.OPEN: 1, Status.ACKNOWLEDGED: 1},
    ),
)
QUIET: Final = Report(name="Every morning", day=date(2026, 10, 3), last_day=LastDay())


def reports(
    users: tuple[str, ...], slugs: st.SearchStrategy[str], titles: st.SearchStrategy[str]
) -> st.SearchStrategy[dict[str, Any]]:
    """The section `reports` of a file that has these users."""
    to_people = st.lists(st.sampled_from(users), unique=True, max_size=2) if users else st.just([])
    mail = st.just({"channel": "email", "to": "ops@example.com"})
    report = st.fixed_dictionaries(
        {
            "at": st.sampled_from(["08:00", "23:45"]),
            "zone": st.sampled_from(["UTC", "Europe/Berlin"]),
            "receivers": st.dictionaries(slugs, mail, min_size=1, max_size=2),
        },
        optional={"name": titles, "users": to_people, "quiet_days": st.booleans()},
    )
    return st.dictionaries(slugs, report, max_size=1)
