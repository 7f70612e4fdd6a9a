"""What an escalation does next: each rule by itself, by hand-made incidents."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from opsknight.escalation.fallback import FallbackState
from opsknight.escalation.pages import Taken
from opsknight.escalation.policy import Policy, Step, Target, TargetKind, implicit
from opsknight.escalation.repair import repaired, resting
from opsknight.escalation.steps import Advanced, Progress, Turn, pages_on, proceed, settled, take
from opsknight.escalation.timers import due, next_due, unannounced
from opsknight.incident.changes import KEEP, Changes
from opsknight.incident.model import Escalation, Incident, RequestedStep, Status, Timer, Urgency

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ADA = Target(kind=TargetKind.USER, id="user_ada")
POLICY = Policy(
    id="pol_1",
    name="Primary",
    version=3,
    steps=(Step(targets=(ADA,)), Step(delay=5 * MINUTE, targets=(ADA,))),
    repeat=1,
)


def incident(**more: Any) -> Incident:
    known: dict[str, Any] = {
        "id": "inc_1",
        "service_id": "svc_1",
        "dedup_key": "cpu",
        "title": "CPU",
        "urgency": Urgency.HIGH,
        "status": Status.OPEN,
        "created_at": NOW,
        "first_alert_id": "al_1",
        "last_alert_at": NOW,
        "timers": {"step": NOW},
        "due_at": NOW,
    }
    return Incident.model_validate(known | more)


def running(**more: Any) -> Incident:
    """After the first step of the first round."""
    known: dict[str, Any] = {
        "policy_id": POLICY.id,
        "policy_version": POLICY.version,
        "escalation": Escalation.ESCALATING,
        "step": 0,
        "next_step": 1,
        "page_no": 1,
        "reached": True,
    }
    return incident(**(known | more))


def turn(seen: Incident, policy: Policy = POLICY) -> Turn:
    found = proceed(seen, policy, NOW, lambda since: Taken(NOW))
    assert isinstance(found, Turn)
    return found


def advanced(seen: Incident, policy: Policy = POLICY) -> Advanced:
    found = proceed(seen, policy, NOW, lambda since: Taken(NOW))
    assert isinstance(found, Advanced)
    return found


def test_it_begins_with_the_first_step_and_remembers_the_version() -> None:
    begins = turn(incident())
    assert (begins.step, begins.why) == (0, "due")
    assert begins.changes.policy_id == "pol_1"
    assert begins.changes.policy_version == 3


def test_the_delay_of_the_first_step_counts_from_the_opening() -> None:
    late = POLICY.model_copy(update={"steps": POLICY.steps[1:]})
    begun = advanced(incident(timers={"step": NOW - MINUTE}), late)
    assert begun.what == "begun"
    assert begun.changes.timers[Timer.STEP] == begun.changes.due_at == NOW + 4 * MINUTE
    assert turn(incident(timers={"step": NOW - 5 * MINUTE}), late).step == 0


@pytest.mark.parametrize(
    ("more", "step", "why"),
    [
        ({}, 1, "due"),
        ({"requested_step": RequestedStep.CURRENT}, 0, "again"),
        ({"requested_step": RequestedStep.CURRENT, "step": None, "next_step": 0}, 0, "again"),
        ({"requested_step": RequestedStep.CURRENT, "step": 1, "next_step": 2}, 1, "again"),
        ({"requested_step": RequestedStep.NEXT}, 1, "asked"),
        ({"requested_step": RequestedStep.NEXT, "step": 1, "next_step": 2}, 0, "asked"),
        ({"requested_step": RequestedStep.NEXT, "next_step": 7}, 0, "asked"),
        ({"escalation": Escalation.COMPLETED, "assignee_id": "user_ben"}, None, "reassigned"),
        (
            {
                "escalation": Escalation.EXHAUSTED,
                "requested_step": RequestedStep.CURRENT,
                "step": 1,
            },
            1,
            "again",
        ),
    ],
)
def test_which_step_comes_next(more: dict[str, Any], step: int | None, why: str) -> None:
    found = turn(running(**more))
    assert (found.step, found.why) == (step, why)


def test_when_its_own_version_is_gone_it_begins_by_what_the_service_has() -> None:
    newer = POLICY.model_copy(update={"version": 4})
    found = turn(running(step=1, next_step=2), newer)
    assert (found.step, found.changes.policy_version) == (0, 4)


def test_a_step_pages_and_sets_the_next() -> None:
    did = take(turn(incident(requested_step=None)), ["user_ada", "user_ben"], NOW)
    assert did.changes.timers[Timer.STEP] == did.changes.due_at == NOW + 5 * MINUTE
    assert (did.changes.step, did.changes.next_step, did.changes.page_no) == (0, 1, 1)
    assert did.changes.assignee_id == "user_ada"
    assert [page.user_id for page in did.pages] == ["user_ada", "user_ben"]
    assert did.taken is not None
    assert did.taken.user_ids == ("user_ada", "user_ben")


def test_pages_beyond_ninety_are_written_later() -> None:
    crowd = [f"user_{number:03}" for number in range(200)]
    did = take(turn(incident()), crowd, NOW)
    assert [page.user_id for page in did.pages] == crowd[:90]
    assert did.changes.paged == 90
    assert did.changes.timers[Timer.PAGES] == did.changes.due_at == NOW
    assert did.taken is not None
    after = running(paged=90, timers={"pages": NOW, "step": NOW - MINUTE}, epoch=4)
    assert due(after, NOW - MINUTE) is Timer.PAGES, "before the next step, whatever the clocks say"
    more = pages_on(after, did.taken)
    assert [page.user_id for page in more.pages] == crowd[90:180]
    assert {page.epoch for page in more.pages} == {4}
    assert more.changes.paged == 180
    assert Timer.PAGES not in more.changes.timers
    last = pages_on(after.model_copy(update={"paged": 180}), did.taken)
    assert [page.user_id for page in last.pages] == crowd[180:]
    assert (last.changes.paged, last.changes.timers[Timer.PAGES]) == (None, None)


def test_ninety_are_paged_at_once() -> None:
    did = take(turn(incident()), [f"user_{number}" for number in range(90)], NOW)
    assert len(did.pages) == 90
    assert did.changes.paged is KEEP
    assert Timer.PAGES not in did.changes.timers


def test_without_the_row_of_the_step_there_is_nothing_more_to_write() -> None:
    over = pages_on(running(paged=90, timers={"pages": NOW}), None)
    assert (over.pages, over.changes.timers[Timer.PAGES]) == ((), None)


def test_who_is_assigned_stays_assigned() -> None:
    did = take(turn(running(assignee_id="user_eve")), ["user_ada"], NOW)
    assert did.changes.assignee_id is KEEP


def test_a_step_that_reaches_nobody_is_followed_at_once() -> None:
    did = take(turn(incident()), [], NOW)
    assert (did.changes.timers[Timer.STEP], did.changes.reached, did.pages) == (NOW, None, ())
    assert did.taken is not None
    assert did.taken.user_ids == ()


def test_a_round_that_reached_nobody_waits_tells_the_fallback_and_does_not_count() -> None:
    over = take(turn(running(reached=None)), [], NOW)
    assert over.changes.timers[Timer.STEP] == NOW + 5 * MINUTE
    assert over.changes.empty_since == over.changes.timers[Timer.FALLBACK] == NOW
    again = turn(running(reached=None, next_step=2, empty_since=NOW - MINUTE, round=1))
    assert (again.step, again.changes.round, again.changes.uncounted) == (0, KEEP, 1)


def test_the_fallback_is_told_once_in_a_gap() -> None:
    over = take(turn(running(reached=None, empty_since=NOW - MINUTE)), [], NOW)
    assert Timer.FALLBACK not in over.changes.timers


def over(**more: Any) -> Incident:
    """After the last step of the first round."""
    return running(step=1, next_step=2, round_over=NOW, round_from=1, **more)


def after_round(seen: Incident, now: datetime, taken: bool) -> Advanced | Turn:
    """Whether a provider took one of its pages, at NOW."""
    policy = POLICY.model_copy(update={"repeat_after": 90 * MINUTE})
    return proceed(seen, policy, now, lambda _: Taken(NOW) if taken else None)


def test_a_round_of_which_a_page_was_taken_waits_out_the_pause() -> None:
    seen = after_round(over(empty_since=NOW, uncounted=2), NOW + 5 * MINUTE, True)
    assert isinstance(seen, Advanced)
    assert seen.changes.timers == {Timer.STEP: NOW + 90 * MINUTE}
    assert seen.changes.empty_since is seen.changes.uncounted is None
    next_round = after_round(over(page_no=7), NOW + 90 * MINUTE, True)
    assert isinstance(next_round, Turn)
    assert (next_round.changes.round, next_round.changes.round_from) == (1, 8)


def test_a_provider_that_works_again_after_a_while_costs_that_while() -> None:
    """The pause begins when somebody was reached, so that each round of the policy is one."""
    seen = over(empty_since=NOW, uncounted=1).model_copy(update={"round_over": NOW - 7 * MINUTE})
    counts = after_round(seen, NOW + 3 * MINUTE, True)
    assert isinstance(counts, Advanced)
    assert counts.changes.timers == {Timer.STEP: NOW + 90 * MINUTE}
    assert counts.changes.round_over == NOW


@pytest.mark.parametrize(
    ("repeats", "minutes"), [(0, 5), (1, 10), (2, 20), (3, 40), (4, 60), (9, 60), (500, 60)]
)
def test_a_round_of_which_no_page_was_taken_comes_again_ever_later(
    repeats: int, minutes: int
) -> None:
    seen = over(uncounted=repeats, empty_since=NOW)
    early = after_round(seen, NOW + minutes * MINUTE - MINUTE, False)
    assert isinstance(early, Advanced)
    assert early.changes.timers == {Timer.STEP: NOW + minutes * MINUTE}
    again = after_round(seen, NOW + minutes * MINUTE, False)
    assert isinstance(again, Turn)
    assert (again.step, again.changes.round, again.changes.uncounted) == (0, KEEP, repeats + 1)


def test_the_fallback_is_told_as_soon_as_a_round_is_known_to_reach_nobody() -> None:
    failed = after_round(over(), NOW + 2 * MINUTE, False)
    assert isinstance(failed, Advanced)
    assert failed.changes.empty_since == NOW
    assert failed.changes.timers == {
        Timer.FALLBACK: NOW + 2 * MINUTE,
        Timer.STEP: NOW + 5 * MINUTE,
    }


def test_a_raise_does_not_put_the_fallback_off() -> None:
    given = {"escalation": Escalation.COMPLETED, "assignee_id": "user_ben"}
    soon = NOW + MINUTE
    seen = running(**given, timers={"step": NOW, "fallback": soon})
    assert take(turn(seen), ["user_ben"], NOW).changes.timers[Timer.FALLBACK] == soon
    reminded = running(**given, timers={"step": NOW, "reminder": soon})
    assert take(turn(reminded), ["user_ben"], NOW).changes.timers == {Timer.STEP: None}


def test_a_gap_of_a_day_counts() -> None:
    day = timedelta(hours=24)
    empty = running(reached=None, next_step=2, round=1, empty_since=NOW - day)
    assert advanced(empty).what == "exhausted"
    shorter = empty.model_copy(update={"empty_since": NOW - day + MINUTE})
    assert isinstance(proceed(shorter, POLICY, NOW, lambda since: Taken(NOW)), Turn)


def test_rounds_are_counted_and_end() -> None:
    first = turn(running(next_step=2))
    assert (first.step, first.changes.round, first.changes.reached) == (0, 1, None)
    over = advanced(running(next_step=2, round=1))
    assert over.changes.escalation is Escalation.EXHAUSTED
    assert over.changes.timers[Timer.STEP] is None
    assert over.changes.timers[Timer.FALLBACK] == over.changes.due_at == NOW
    assert over.taken is not None
    assert over.taken.reason == "exhausted"


def test_the_first_step_of_a_round_waits_too() -> None:
    late = POLICY.model_copy(update={"steps": POLICY.steps[1:]})
    assert advanced(running(next_step=2), late).changes.timers[Timer.STEP] == NOW + 5 * MINUTE


def test_the_implicit_policy_is_the_team_once() -> None:
    policy = implicit("team_web")
    assert [target.id for target in policy.steps[0].targets] == ["team_web"]
    assert (policy.repeat, policy.pause) == (0, 5 * MINUTE)
    assert implicit(None).steps[0].targets == ()


@pytest.mark.parametrize(
    ("more", "pause"),
    [({}, 5), ({"repeat_after": 7 * MINUTE}, 7), ({"steps": (Step(delay=9 * MINUTE),)}, 9)],
)
def test_the_pause_after_a_round(more: dict[str, Any], pause: int) -> None:
    assert POLICY.model_copy(update=more).pause == pause * MINUTE


def test_what_is_due_first() -> None:
    seen = incident(timers={"step": NOW, "fallback": NOW - MINUTE, "announce": NOW - 2 * MINUTE})
    assert due(seen, NOW) is Timer.FALLBACK
    assert next_due(seen) == NOW - MINUTE
    assert due(incident(timers={"step": NOW + MINUTE}), NOW) is None
    assert unannounced(seen, NOW)
    assert not unannounced(incident(timers={"announce": NOW}), NOW)


def test_success_forgives_failures() -> None:
    failed = settled(incident(failures=3), Changes(), Progress.STEP_TAKEN)
    assert failed.changes.failures is None
    assert settled(incident(), Changes(), Progress.STEP_TAKEN).changes.failures is KEEP


@pytest.mark.parametrize(
    ("more", "timer"),
    [
        ({"due_at": None}, None),
        ({"due_at": None, "failures": 2}, None),
        ({"due_at": None, "timers": {}}, Timer.STEP),
        ({"announced": 0, "changes": 1, "timers": {"step": NOW}}, Timer.ANNOUNCE),
        ({"status": Status.SNOOZED, "timers": {}, "announced": 1}, Timer.SNOOZE),
        ({"due_at": NOW + MINUTE}, None),
    ],
)
def test_what_would_wait_for_ever_is_repaired(more: dict[str, Any], timer: Timer | None) -> None:
    repair = repaired(incident(**({"announced": 1} | more)), NOW, lambda: None)
    assert repair is not None
    assert set(repair.changes.timers) == ({timer} if timer else set())
    assert repair.changes.due_at is not None


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"due_at": NOW + MINUTE, "failures": 1},
        {"timers": {}, "due_at": None, "escalation": Escalation.EXHAUSTED},
        {"timers": {}, "due_at": None, "escalation": Escalation.COMPLETED},
        {"status": Status.SUPPRESSED, "timers": {}, "due_at": None},
        {"status": Status.ACKNOWLEDGED, "timers": {}, "due_at": None},
        {"status": Status.RESOLVED, "timers": {}, "due_at": None},
        {"timers": {"reminder": NOW}, "escalation": Escalation.EXHAUSTED},
    ],
)
def test_what_waits_or_rests_is_left_alone(more: dict[str, Any]) -> None:
    assert repaired(incident(**({"announced": 1} | more)), NOW, lambda: None) is None


def test_an_open_incident_at_rest_gets_its_reminder_within_the_hour() -> None:
    rests = {"announced": 1, "timers": {}, "due_at": None, "escalation": Escalation.EXHAUSTED}
    times = []
    for number in range(60):
        repair = repaired(incident(**rests, id=f"inc_{number}"), NOW, lambda: 60 * MINUTE)
        assert repair is not None
        times.append(repair.changes.timers[Timer.REMINDER])
    assert min(at for at in times if at) >= NOW
    assert max(at for at in times if at) < NOW + 60 * MINUTE
    assert len({at and at.minute for at in times}) > 20, "spread"


NEWER = "of a newer version"


def test_a_timer_that_only_a_newer_version_knows_is_left_to_it() -> None:
    seen = incident(timers={NEWER: NOW - MINUTE, "step": NOW + 9 * MINUTE}, due_at=NOW - MINUTE)
    assert due(seen, NOW) is None
    left = resting(seen, NOW)
    assert left is not None
    # Neither forgotten nor looked at by each tick.
    assert left.changes == Changes(due_at=NOW + 5 * MINUTE)


@pytest.mark.parametrize(
    ("timers", "due_at", "right"),
    [
        ({NEWER: -1, "step": 2}, -1, 2),
        ({NEWER: -1, "step": 9}, 4, None),
        ({NEWER: -1, "step": 9}, 9, 5),
        ({NEWER: 3, "step": 9}, 3, None),
        ({NEWER: 3, "step": 9}, 9, 3),
        ({"step": 9}, 9, None),
        ({"step": 9}, 1, 9),
        ({"announce": -1, "step": 9}, -1, None),
    ],
    ids=str,
)
def test_when_nothing_is_due_it_rests_until_the_next_timer(
    timers: dict[str, int], due_at: int, right: int | None
) -> None:
    times = {name: NOW + minutes * MINUTE for name, minutes in timers.items()}
    found = resting(incident(timers=times, due_at=NOW + due_at * MINUTE), NOW)
    assert (found and found.changes.due_at) == (right and NOW + right * MINUTE)


def test_the_auditor_leaves_what_is_left_to_a_newer_version() -> None:
    seen = {"announced": 1, "escalation": Escalation.COMPLETED, "timers": {NEWER: NOW - MINUTE}}
    assert repaired(incident(**seen, due_at=NOW + 3 * MINUTE), NOW, lambda: None) is None
    repair = repaired(incident(**seen, due_at=None), NOW, lambda: None)
    assert repair is not None
    assert repair.changes.due_at == NOW - MINUTE


def test_a_look_a_moment_early_does_not_cost_the_fallback_a_minute() -> None:
    """Ticks come each minute, and the time is counted from a moment after one of them."""
    waiting = FallbackState(asked=True, next_at=NOW + timedelta(seconds=2))
    assert waiting.due_at(NOW) == NOW
    assert waiting.due_at(NOW - timedelta(seconds=30)) == NOW - timedelta(seconds=1)
    assert FallbackState(next_at=NOW).due_at(NOW) is None
