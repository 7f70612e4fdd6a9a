"""Figures of days: they add up in any order, stay of a size, and say what happened."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsknight.analytics.days import (
    MOST_KEYS,
    MOST_PEOPLE,
    OTHERS,
    bounded,
    merged,
    one,
    rounded,
)
from opsknight.analytics.facts import Facts, Paged, facts
from opsknight.analytics.figures import By, Took, rows, took, total
from opsknight.escalation.pages import Page, StepTaken, Why
from opsknight.incident.model import (
    OPSKNIGHT,
    Actor,
    ActorKind,
    Escalation,
    Incident,
    Status,
    Urgency,
)
from opsknight.incident.timeline import Change, ChangeKind

DAY = date(2026, 11, 23)
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
NAMES = st.sampled_from(["user_ada", "user_ben", "user_cleo"])


@st.composite
def some_facts(draw: st.DrawFn) -> Facts:
    paged = draw(st.lists(st.builds(Paged, NAMES, st.integers(0, 23)), max_size=3))
    seconds = draw(st.none() | st.integers(0, 10_000))
    answered = (paged[0].user_id, seconds) if paged and seconds is not None else None
    return Facts(
        service_id=draw(st.sampled_from(["svc_a", "svc_b"])),
        dedup_key=draw(st.sampled_from(["cpu", "disk"])),
        title=draw(st.sampled_from(["CPU high", "Disk full"])),
        urgency=Urgency.HIGH,
        alerts=draw(st.integers(1, 5)),
        acknowledged_after=draw(st.none() | st.integers(0, 10_000)),
        resolved_after=draw(st.integers(0, 10**7)),
        paged=tuple(paged),
        in_time=draw(st.sampled_from([True, False])) if paged else None,
        answered=answered,
    )


@given(found=st.lists(some_facts(), max_size=8), cuts=st.lists(st.integers(0, 8), max_size=3))
def test_slices_in_any_order_are_the_whole_day(found: list[Facts], cuts: list[int]) -> None:
    whole = merged(one(each, DAY) for each in found)
    ends = sorted({*cuts, len(found)})
    parts = [
        merged(one(each, DAY) for each in found[first:last]).values()
        for first, last in zip([0, *ends], ends, strict=False)
    ]
    assert merged(day for part in reversed(parts) for day in part) == whole


@given(seconds=st.integers(0, 10**8))
def test_a_kept_length_is_near_the_real_one(seconds: int) -> None:
    assert abs(rounded(seconds) - seconds) <= max(0.0, seconds * 0.025)
    assert rounded(rounded(seconds)) == rounded(seconds)


@given(values=st.lists(st.integers(0, 5_000), min_size=1, max_size=40))
def test_medians_are_those_of_the_rounded_times(values: list[int]) -> None:
    counts = {
        each: [rounded(value) for value in values].count(each) for each in map(rounded, values)
    }
    ordered = sorted(values)
    # By the nearest rank, worked out the long way.
    median = next(v for n, v in enumerate(ordered, 1) if n >= len(ordered) / 2)
    p90 = next(v for n, v in enumerate(ordered, 1) if n * 10 >= len(ordered) * 9)
    assert took(counts) == Took(rounded(median), rounded(p90))


def test_a_day_keeps_its_size_however_much_happens() -> None:
    def each(number: int) -> Facts:
        paged = (Paged(f"user_{number}", number % 24),) * (2 if number == 7 else 1)
        return Facts(
            service_id="svc_a",
            dedup_key=f"key {number}",
            title="t",
            urgency=Urgency.HIGH,
            alerts=3 if number == 5 else 1,
            acknowledged_after=number,
            resolved_after=number,
            paged=paged,
            in_time=True,
            answered=None,
        )

    [day] = merged(one(each(number), DAY) for number in range(3_000)).values()
    kept = bounded(day)
    assert len(kept.keys) == MOST_KEYS
    assert next(iter(kept.keys)) == "key 5"
    assert len(kept.people) == MOST_PEOPLE + 1
    assert next(iter(kept.people)) == "user_7"
    # Nobody's pages are lost.
    assert sum(sum(it.pages.values()) for it in kept.people.values()) == 3_001
    assert sum(kept.people[OTHERS].pages.values()) == 3_000 - MOST_PEOPLE
    assert len(kept.resolved) < 1_000
    assert len(kept.model_dump_json()) < 40_000


def incident(**more: Any) -> Incident:
    known: dict[str, Any] = {
        "id": "inc_1",
        "service_id": "svc_a",
        "dedup_key": "cpu",
        "title": "CPU high",
        "urgency": Urgency.HIGH,
        "status": Status.RESOLVED,
        "created_at": NOON,
        "epoch": 3,
        "changes": 3,
        "escalation": Escalation.NONE,
        "alert_count": 2,
        "first_alert_id": "al_1",
        "last_alert_at": NOON,
        "resolved_at": NOON + 30 * MINUTE,
    }
    return Incident(**(known | more))


def change(what: ChangeKind, after: float, actor: Actor = OPSKNIGHT) -> Change:
    status = Status.ACKNOWLEDGED if what is ChangeKind.ACKNOWLEDGED else Status.OPEN
    return Change(
        incident_id="inc_1",
        number=2,
        at=NOON + after * MINUTE,
        what=what,
        actor=actor,
        status=status,
        epoch=2,
    )


def step(page_no: int, after: float, *users: str, reason: Why = Why.DUE) -> StepTaken:
    return StepTaken(
        incident_id="inc_1",
        page_no=page_no,
        at=NOON + after * MINUTE,
        step=page_no - 1,
        round=1,
        user_ids=users,
        reason=reason,
    )


def page(user: str, after: float, page_no: int = 1) -> Page:
    return Page(
        incident_id="inc_1",
        page_no=page_no,
        user_id=user,
        epoch=1,
        at=NOON + after * MINUTE,
        reason=Why.DUE,
    )


BEN = Actor(kind=ActorKind.USER, id="user_ben", name="Ben")
ZONES = {"user_ben": "Asia/Kolkata", "user_ada": "America/New_York"}


def read(changes: Sequence[Change], steps: Sequence[StepTaken], pages: Sequence[Page]) -> Facts:
    return facts(incident(), changes, steps, pages, lambda user: ZoneInfo(ZONES[user]))


def test_who_answered_counts_from_their_own_page() -> None:
    found = read(
        [change(ChangeKind.ACKNOWLEDGED, 14, BEN), change(ChangeKind.ACKNOWLEDGED, 20, BEN)],
        [step(1, 0, "user_ada"), step(2, 10, "user_ben")],
        [page("user_ben", 10, 2), page("user_ada", 0)],
    )
    assert found.acknowledged_after == 14 * 60
    assert found.answered == ("user_ben", 4 * 60)
    assert found.resolved_after == 30 * 60
    # 12:00 UTC is 7:00 in New York, and 12:10 is 17:40 in Kolkata.
    assert found.paged == (Paged("user_ada", 7), Paged("user_ben", 17))
    assert found.in_time is False


@pytest.mark.parametrize(
    ("changes", "steps", "in_time"),
    [
        ([change(ChangeKind.ACKNOWLEDGED, 9, BEN)], [step(1, 0, "user_ada")], True),
        # What comes after the acknowledgement says nothing about it.
        (
            [change(ChangeKind.ACKNOWLEDGED, 9, BEN)],
            [step(1, 0, "user_ada"), step(2, 12, "user_ben")],
            True,
        ),
        # Nobody acknowledged, and it was over before anybody else was paged.
        ([], [step(1, 0, "user_ada")], True),
        ([], [step(1, 0, "user_ada"), step(2, 10, "user_ben")], False),
        # Somebody asked for help.
        ([], [step(1, 0, "user_ada"), step(2, 10, "user_ben", reason=Why.ASKED)], True),
        # The first step reached nobody: the second is the first that anybody heard.
        ([], [step(1, 0), step(2, 0, "user_ben")], True),
    ],
)
def test_in_time_is_before_the_escalation_goes_on(
    changes: list[Change], steps: list[StepTaken], in_time: bool
) -> None:
    assert read(changes, steps, [page("user_ada", 0)]).in_time is in_time


def test_an_incident_that_paged_nobody_is_neither_late_nor_in_time() -> None:
    found = read([], [], [])
    assert found.in_time is None
    [day] = merged([one(found, DAY)]).values()
    assert (day.incidents, day.paging, day.in_time) == (1, 0, 0)


def test_rows_are_by_what_is_asked_for() -> None:
    first = one(read([change(ChangeKind.ACKNOWLEDGED, 2, BEN)], [], [page("user_ben", 0)] * 2), DAY)
    later = first.model_copy(update={"day": DAY + timedelta(days=1), "service_id": "svc_b"})
    days = [first, later]
    [person] = rows(By.PERSON, days, lambda _: None)
    assert (person.id, person.pages, person.acknowledged) == ("user_ben", 4, 2)
    assert person.to_acknowledge == Took(120, 120)
    # 17:30 in Kolkata is no night.
    assert person.night_pages == 0
    assert [row.id for row in rows(By.DAY, days, lambda _: None)] == ["2026-11-24", "2026-11-23"]
    assert [row.incidents for row in rows(By.TEAM, days, lambda _: "team_web")] == [2]
    assert {row.id for row in rows(By.KEY, days, lambda _: None)} == {"svc_a/cpu", "svc_b/cpu"}
    assert total(days).incidents == 2
    assert total([]).to_resolve is None
