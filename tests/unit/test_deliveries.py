"""How a delivery ends, and when it is tried again."""

from datetime import UTC, datetime, timedelta

import pytest

from opsknight.directory.receivers import Channel, IncidentEvent, Owner
from opsknight.escalation.pages import PageState
from opsknight.incident.model import Incident, Status, Urgency
from opsknight.notification.bundle import SentBundle, choose, settled
from opsknight.notification.delivery import (
    ATTEMPTS_KEPT,
    FIRST_PAUSE,
    LONGEST_ASKED,
    LONGEST_PAUSE,
    LONGEST_PAUSE_OF_A_PAGE,
    TESTED_FOR,
    TRIED_FOR,
    URGENT_FOR,
    Attempt,
    AttemptOutcome,
    Delivery,
    Report,
    State,
    attempted,
    delivery_id,
    is_superseded,
    is_wanted,
    reported,
)
from opsknight.notification.message import PageReason
from opsknight.notification.reaching import REACHED_WITHIN, page_state, reach_deadline

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)


def notice(**more: object) -> Delivery:
    return Delivery.model_validate(
        {
            "id": "n1",
            "incident_id": "inc_1",
            "service_id": "svc_1",
            "alert_id": "al_1",
            "owner": Owner.service("svc_1"),
            "receiver_id": "ops",
            "channel": Channel.WEBHOOK,
            "about": IncidentEvent.TRIGGERED,
            "at": NOW,
            "sequence": 1,
            "not_before": NOW,
            "due_at": NOW,
        }
        | more
    )


def page(**more: object) -> Delivery:
    told = {"id": "p1", "owner": Owner.user("user_ada"), "about": PageReason.PAGED, "page_no": 1}
    return notice(**(told | {"sequence": 0} | more))


def incident(status: Status, epoch: int = 0, assignee: str | None = None) -> Incident:
    return Incident(
        id="inc_1",
        service_id="svc_1",
        dedup_key="cpu-high",
        title="CPU",
        urgency=Urgency.HIGH,
        status=status,
        created_at=NOW,
        epoch=epoch,
        first_alert_id="al_1",
        last_alert_at=NOW,
        assignee_id=assignee,
    )


def test_an_outcome_of_a_newer_version_is_kept() -> None:
    newer = Attempt.model_validate({"at": NOW, "outcome": "newer"})
    assert newer.outcome == "newer"
    later = attempted(notice(attempts=[newer]), attempt("sent"), None, 0)
    assert later["attempts"] == (newer, attempt("sent"))
    assert attempt("retry").outcome is AttemptOutcome.RETRY


def attempt(outcome: str, at: datetime = NOW) -> Attempt:
    return Attempt(at=at, outcome=outcome, why=None if outcome == "sent" else "status 500")


@pytest.mark.parametrize("status", Status)
def test_a_page_is_wanted_while_the_incident_is_open_in_the_same_epoch(status: Status) -> None:
    assert is_wanted(page(), incident(status), NOW) is (status is Status.OPEN)
    assert not is_wanted(page(), incident(status, epoch=2), NOW)


@pytest.mark.parametrize("status", Status)
def test_an_assignee_is_notified_while_the_incident_is_acknowledged_and_theirs(
    status: Status,
) -> None:
    told = page(about=PageReason.ASSIGNED, page_no=None)
    wanted = status is Status.ACKNOWLEDGED
    assert is_wanted(told, incident(status, assignee="user_ada"), NOW) is wanted
    assert not is_wanted(told, incident(status, assignee="user_ben"), NOW)


@pytest.mark.parametrize("status", Status)
def test_notices_are_always_wanted(status: Status) -> None:
    assert is_wanted(notice(), incident(status, epoch=9), NOW)


def test_nobody_is_notified_about_an_incident_that_is_gone() -> None:
    assert not is_wanted(page(), None, NOW)
    assert not is_wanted(notice(), None, NOW)


def test_a_test_is_wanted_for_ten_minutes_and_needs_no_incident() -> None:
    tested = page(about=PageReason.TEST, page_no=None)
    assert is_wanted(tested, None, NOW + TESTED_FOR - timedelta(seconds=1))
    assert not is_wanted(tested, None, NOW + TESTED_FOR)


def test_a_notice_is_superseded_by_a_newer_one_to_the_same_receiver() -> None:
    newer = notice(id="n2", sequence=2)
    assert is_superseded(notice(), [notice(), newer])
    assert is_superseded(notice(), [newer.model_copy(update={"state": State.SENT})])
    assert not is_superseded(newer, [notice(), newer])
    assert not is_superseded(notice(), [notice(id="n2", sequence=2, receiver_id="other")])
    assert not is_superseded(notice(), [newer.model_copy(update={"state": State.FAILED})])


def test_sent_and_refused_are_the_end() -> None:
    sent = attempted(notice(), attempt("sent"), None, 0.5)
    assert (sent["state"], sent["due_at"], sent["tries"]) == (State.SENT, None, 1)
    refused = attempted(notice(), attempt("failed"), None, 0.5)
    assert (refused["state"], refused["due_at"]) == (State.FAILED, None)
    assert refused["why"] == "status 500"


@pytest.mark.parametrize("chance", [0, 0.5, 1])
def test_pauses_double_with_jitter_up_to_a_quarter_of_an_hour(chance: float) -> None:
    for tries in range(200):
        sets = attempted(notice(tries=tries), attempt("retry"), None, chance)
        whole = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(tries, 20))
        assert sets["due_at"] == NOW + whole * (0.5 + chance / 2)
        assert "state" not in sets


def test_a_page_is_tried_every_minute_for_an_hour() -> None:
    tried = page(tries=50)
    soon = attempted(tried, attempt("retry"), None, 1)
    assert soon["due_at"] == NOW + LONGEST_PAUSE_OF_A_PAGE
    later = NOW + URGENT_FOR
    assert attempted(tried, attempt("retry", later), None, 1)["due_at"] == later + LONGEST_PAUSE


def test_who_asks_us_to_stay_away_is_obeyed_but_not_for_days() -> None:
    asked = attempted(notice(), attempt("retry"), timedelta(minutes=7), 0)
    assert asked["due_at"] == NOW + timedelta(minutes=7)
    assert attempted(notice(), attempt("retry"), timedelta(0), 1)["due_at"] == NOW + FIRST_PAUSE
    days = attempted(notice(), attempt("retry"), timedelta(days=3), 0)
    assert days["due_at"] == NOW + LONGEST_ASKED


def test_notices_are_given_up_after_two_days_and_pages_never() -> None:
    late = NOW + TRIED_FOR
    just = attempted(notice(), attempt("retry", late - timedelta(seconds=1)), None, 0)
    assert "state" not in just
    given_up = attempted(notice(), attempt("retry", late), None, 0)
    assert (given_up["state"], given_up["due_at"]) == (State.GIVEN_UP, None)
    assert "state" not in attempted(page(), attempt("retry", late), None, 0)


def test_the_newest_attempts_are_kept() -> None:
    tried = notice(attempts=[attempt("retry")] * ATTEMPTS_KEPT, tries=80)
    sets = attempted(tried, attempt("sent"), None, 0)
    kept = sets["attempts"]
    assert isinstance(kept, tuple)
    assert len(kept) == ATTEMPTS_KEPT
    assert kept[-1].outcome == "sent"
    assert sets["tries"] == 81


@pytest.mark.parametrize(
    ("states", "late", "expected"),
    [
        ([State.PENDING, State.SENT], False, PageState.REACHED),
        ([State.FAILED, State.SENT], True, PageState.REACHED),
        ([State.PENDING, State.FAILED], False, None),
        ([State.PENDING, State.FAILED], True, PageState.FAILED),
        ([State.FAILED, State.FAILED], False, PageState.FAILED),
        ([State.BOUNCED], False, PageState.FAILED),
        ([State.BOUNCED, State.SENT], False, PageState.REACHED),
        ([State.CANCELLED, State.FAILED], True, PageState.CANCELLED),
        ([], False, PageState.FAILED),
    ],
)
def test_how_a_page_ends(states: list[State], late: bool, expected: PageState | None) -> None:
    deliveries = [page(id=f"p{n}", state=state) for n, state in enumerate(states)]
    now = NOW + REACHED_WITHIN if late else NOW
    assert page_state(deliveries, NOW + REACHED_WITHIN, now) is expected


def test_a_page_has_two_minutes_after_its_first_message_was_due() -> None:
    late = page(not_before=NOW + timedelta(minutes=5))
    assert reach_deadline([late], NOW) == NOW + timedelta(minutes=5) + REACHED_WITHIN
    assert reach_deadline([late, page()], NOW) == NOW + REACHED_WITHIN
    planned_late = NOW + timedelta(minutes=10)
    assert reach_deadline([page()], planned_late) == planned_late + REACHED_WITHIN
    assert reach_deadline([], NOW) is None


@pytest.mark.parametrize(
    ("tried", "claim", "seconds"),
    [
        (None, None, 300),
        (0, None, 120),
        (90, None, 210),
        (250, None, 300),
        (0, "claimed", 300),
    ],
    ids=["untried", "at once", "late", "very late", "while somebody is sending"],
)
def test_a_page_is_judged_two_minutes_after_its_first_attempt(
    tried: int | None, claim: str | None, seconds: int
) -> None:
    made = Attempt(at=NOW + timedelta(seconds=tried or 0), outcome=AttemptOutcome.RETRY)
    pending = page(attempts=() if tried is None else (made,), claim=claim)
    until, end = NOW + REACHED_WITHIN, NOW + timedelta(seconds=seconds)
    assert page_state([pending], until, end - timedelta(seconds=1)) is None
    assert page_state([pending], until, end) is PageState.FAILED


def test_a_bounce_fails_what_was_sent_and_a_complaint_does_not() -> None:
    sent = page(state=State.SENT)
    failed = reported(sent, Report.FAILED, "no such mailbox")
    assert failed["state"] is State.BOUNCED
    assert failed["why"] == "no such mailbox"
    for report in (Report.DELIVERED, Report.DELAYED, Report.COMPLAINT):
        assert reported(sent, report, "") == {"reported": report}
    over = page(state=State.CANCELLED)
    assert reported(over, Report.FAILED, "") == {"reported": Report.FAILED}


def test_ids_are_the_same_for_the_same_and_different_for_others() -> None:
    ids = {delivery_id("p", "inc_1", 1, "ada", "sms", n) for n in (0, 1, 2)}
    ids |= {delivery_id("n", "inc_1", 1, "ada", "sms", 0), delivery_id("p", "inc_1", 11, "ada")}
    assert len(ids) == 5
    assert delivery_id("p", "inc_1", 1) == delivery_id("p", "inc_1", 1)
    assert {len(each) for each in ids} == {21}


def test_a_sent_bundle_settles_only_what_was_claimed_for_its_message() -> None:
    """What an earlier try had claimed may have been left out of the one that was sent."""
    sent = SentBundle(token="second", attempt=attempt("sent"))
    carried = page(claim="second", bundle="p9")
    assert sent.settles(carried)
    assert not sent.settles(page(claim="first", bundle="p9"))
    assert not sent.settles(page(claim="second", bundle="p9", state=State.CANCELLED))
    changes = settled(carried, sent)
    assert (changes["state"], changes["bundle"], changes["due_at"]) == (State.SENT, "p9", None)
    leader = page(id="p9", claim="second", bundle="p9")
    assert settled(leader, sent)["bundle"] is None


def test_a_bundle_is_led_by_the_most_urgent_or_by_whoever_led_it_before() -> None:
    first, second, third = (page(id=name) for name in ("p1", "p2", "p3"))
    assert choose([first, second, third]) == (first, [first, second, third])
    # A sender died with p2's message: what came since goes with it, and its id stays.
    led, carried = (each.model_copy(update={"bundle": "p2"}) for each in (second, third))
    assert choose([first, led, carried]) == (led, [led, first, carried])
    # Two such messages are told one after the other, each under its id.
    other = page(id="p4", bundle="p4")
    assert choose([led, carried, other]) == (led, [led, carried])
    # A leader that is over leads no more.
    assert choose([first, carried]) == (first, [first, carried])
