"""Whom OpsKnight would have paged, beside whom another system did."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from opsknight.directory.entries import Role, Service, User
from opsknight.directory.passing_on import Heard, HeardKind
from opsknight.escalation.pages import Page, Why
from opsknight.escalation.policy import Policy, Step, Target, TargetKind
from opsknight.incident.model import Incident, Status, Urgency
from opsknight.simulation import Roster
from opsknight.views.night.play import Stage
from opsknight_cli.switching.comparing import compared

NOW: Final = datetime(2026, 11, 28, 3, tzinfo=UTC)
MINUTE: Final = timedelta(minutes=1)
USERS: Final = {
    f"user_{name}": User(
        id=f"user_{name}", name=name.title(), email=f"{name}@example.com", role=Role.USER
    )
    for name in ("ada", "ben")
}
SERVICE: Final = Service(
    id="svc_shop", name="Shop", team_id="team_a", policy_id="pol_a", shadow_until=NOW + 60 * MINUTE
)


def user(name: str) -> Target:
    return Target(kind=TargetKind.USER, id=f"user_{name}")


POLICY: Final = Policy(
    id="pol_a",
    name="Shop",
    version=1,
    steps=(
        Step(delay=timedelta(0), targets=(user("ada"),)),
        Step(delay=10 * MINUTE, targets=(user("ben"),)),
    ),
)
STAGE: Final = Stage(
    "here",
    SERVICE,
    Roster(services={SERVICE.id: SERVICE}, policies={"pol_a": POLICY}, known_users=USERS),
)


def incident(**more: Any) -> Incident:
    known = {
        "id": "inc_1",
        "service_id": SERVICE.id,
        "dedup_key": "cpu",
        "title": "CPU",
        "urgency": Urgency.HIGH,
        "status": Status.SUPPRESSED,
        "created_at": NOW - 60 * MINUTE,
        "first_alert_id": "al_1",
        "last_alert_at": NOW - 60 * MINUTE,
    }
    return Incident.model_validate(known | more)


def paged(*who: str, after: float = 0, key: str = "cpu") -> Heard:
    at = NOW - 60 * MINUTE + after * MINUTE
    return Heard(id=f"{who}", at=at, what=HeardKind.PAGED, key=key, who=who)


def differences(*heard: Heard, **more: Any) -> list[str]:
    [row] = compared([(incident(**more), "cpu", ())], heard, STAGE, USERS, NOW)
    return list(row.differences)


def test_the_same_people_at_the_same_times_are_no_difference() -> None:
    assert differences(paged("Ada"), paged("ben@example.com", after=10)) == []


def test_until_somebody_took_it() -> None:
    taken = NOW - 55 * MINUTE
    assert differences(paged("ADA"), acknowledged_at=taken) == []
    assert differences(paged("Ada"), paged("Ben", after=3), acknowledged_at=taken) == [
        "Only the old system paged Ben."
    ]


def test_another_order_and_other_times() -> None:
    assert differences(paged("Ben"), paged("Ada", after=10)) == [
        "OpsKnight would have paged Ada first, the old system Ben.",
        "Ada: at once here, after 10 min there.",
        "Ben: after 10 min here, at once there.",
    ]


def test_somebody_we_do_not_know() -> None:
    assert differences(paged("Cy"), resolved_at=NOW - 59 * MINUTE) == [
        "Only the old system paged Cy.",
        "Only OpsKnight would have paged Ada.",
    ]


def test_what_was_paged_is_not_played() -> None:
    page = Page(
        incident_id="inc_1", page_no=1, user_id="user_ben", step=0, epoch=0,
        at=NOW - 60 * MINUTE, reason=Why.DUE,
    )  # fmt: skip
    [row] = compared([(incident(), "cpu", [page])], [paged("Ben")], STAGE, USERS, NOW)
    assert (row.played, row.differences) == (False, ())


def test_each_incident_has_its_own() -> None:
    """Of several of one key, the last that was open."""
    first = incident(created_at=NOW - 90 * MINUTE, resolved_at=NOW - 89 * MINUTE)
    second = incident(id="inc_2")
    early = paged("Ada", after=-30)
    rows = compared(
        [(first, "cpu", ()), (second, "cpu", ())],
        [early, paged("Ada"), paged("Ben", after=10), paged("Ada", key="disk")],
        STAGE,
        USERS,
        NOW,
    )
    assert [(each.key, bool(each.differences)) for each in rows] == [
        ("cpu", False),
        ("cpu", False),
        ("disk", True),
    ]
    assert rows[2].incident is None
