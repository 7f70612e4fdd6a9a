"""Posts of status pages and what a page shows of them: rules, by example."""

from datetime import UTC, date, datetime, timedelta

from opsknight.directory.status_pages import PublicPage, StatusPage
from opsknight.incident.model import OPSKNIGHT, Incident, Status, Urgency
from opsknight.publishing.automatic import decide, troubles
from opsknight.publishing.board import Board, Day, board
from opsknight.publishing.posts import (
    Effect,
    Phase,
    Post,
    PostKind,
    State,
    Update,
    opened,
    updated,
    withdrawn,
)

NOW = datetime(2026, 11, 23, 3, 7, tzinfo=UTC)
PAGE = StatusPage(
    id="page_example",
    name="Example",
    service_ids=("svc_checkout", "svc_search"),
    public=PublicPage(names={"svc_checkout": "Payments"}),
)
NAMES = {"svc_checkout": "Checkout", "svc_search": "Search"}


def post(start: datetime = NOW, state: State = State.DOWN, **more: object) -> Post:
    known: dict[str, object] = {
        "id": f"post_{int(start.timestamp() * 1000):012x}",
        "page_id": PAGE.id,
        "title": "Payments fail",
        "phase": Phase.INVESTIGATING,
        "starts_at": start,
        "by": OPSKNIGHT,
        "changed_at": start,
    }
    return opened(Post.model_validate(known | more), {"svc_checkout": state})


def shown(*posts: Post, now: datetime = NOW) -> Board:
    return board(PAGE, NAMES, posts, now)


def days(found: Board) -> dict[date, Day]:
    return {each.day: each for each in found.services[0].days if each.state is not State.NONE}


def test_a_service_is_as_bad_as_its_worst_post_and_others_are_fine() -> None:
    found = shown(post(state=State.DEGRADED), post(state=State.DOWN))
    assert [(each.name, each.state) for each in found.services] == [
        ("Payments", State.DOWN),
        ("Search", State.NONE),
    ]
    assert found.state is State.DOWN


def test_trouble_is_counted_by_day_and_what_overlaps_once() -> None:
    start = datetime(2026, 11, 21, 23, 30, tzinfo=UTC)
    longer = updated(
        post(start), Update(at=start + timedelta(hours=1), text="", phase=Phase.RESOLVED)
    )
    within = start + timedelta(minutes=10)
    other = updated(
        post(within, State.DEGRADED),
        Update(at=within + timedelta(minutes=10), text="", phase=Phase.RESOLVED),
    )
    assert days(shown(longer, other)) == {
        date(2026, 11, 21): Day(date(2026, 11, 21), State.DOWN, 30),
        date(2026, 11, 22): Day(date(2026, 11, 22), State.DOWN, 30),
    }
    assert len(shown().services[0].days) == 90


def test_a_change_of_state_begins_a_stretch_of_its_own_and_resolving_ends_all() -> None:
    at = NOW + timedelta(minutes=10)
    better = updated(post(), Update(at=at, text="Most work."), {"svc_checkout": State.DEGRADED})
    assert [(each.state, each.start, each.end) for each in better.effects] == [
        (State.DOWN, NOW, at),
        (State.DEGRADED, at, None),
    ]
    end = at + timedelta(minutes=5)
    over = updated(better, Update(at=end, text="Done.", phase=Phase.RESOLVED))
    assert over.effects[-1] == Effect(
        service_id="svc_checkout", state=State.DEGRADED, start=at, end=end
    )
    assert over.is_over(end)
    assert shown(over, now=end).over[0].state is State.DOWN


def test_an_update_that_names_no_state_leaves_it() -> None:
    same = updated(post(), Update(at=NOW + timedelta(minutes=1), text="Still looking."))
    assert same.effects == post().effects
    again = updated(same, Update(at=NOW, text=""), {"svc_checkout": State.DOWN})
    assert again.effects == same.effects


def test_maintenance_is_planned_then_under_way_then_over_and_never_trouble() -> None:
    start, end = NOW + timedelta(hours=1), NOW + timedelta(hours=2)
    planned = post(
        start, State.MAINTENANCE, kind=PostKind.MAINTENANCE, phase=None, ends_at=end, changed_at=NOW
    )
    before, during, after = (shown(planned, now=at) for at in (NOW, start, end))
    assert [len(it.planned) for it in (before, during, after)] == [1, 0, 0]
    assert [len(it.current) for it in (before, during, after)] == [0, 1, 0]
    assert [it.state for it in (before, during, after)] == [
        State.NONE,
        State.MAINTENANCE,
        State.NONE,
    ]
    assert after.services[0].minutes == 0
    assert days(after)[NOW.date()].state is State.MAINTENANCE


def test_what_was_withdrawn_is_gone() -> None:
    gone = withdrawn(post(), NOW)
    found = shown(gone)
    assert (found.state, found.current, found.over) == (State.NONE, (), ())
    assert gone.title == ""
    assert gone.updates == ()


def test_the_time_of_a_page_is_that_of_its_last_news_or_of_the_last_five_minutes() -> None:
    assert shown().as_of == datetime(2026, 11, 23, 3, 5, tzinfo=UTC)
    assert shown(post()).as_of == NOW
    later = NOW + timedelta(minutes=5, seconds=20)
    assert shown(post(), now=later).as_of == datetime(2026, 11, 23, 3, 10, tzinfo=UTC)


def test_a_page_that_nothing_happened_to_is_the_same_for_five_minutes() -> None:
    first, last = NOW.replace(minute=5), NOW.replace(minute=9, second=59)
    assert shown(now=first) == shown(now=last)


def incident(minutes: int, urgency: Urgency = Urgency.HIGH, **more: object) -> Incident:
    at = NOW - timedelta(minutes=minutes)
    known: dict[str, object] = {
        "id": f"inc_{minutes}",
        "service_id": "svc_checkout",
        "dedup_key": "secret-key",
        "title": "secret title",
        "urgency": urgency,
        "status": Status.OPEN,
        "created_at": at,
        "epoch": 1,
        "changes": 1,
        "first_alert_id": "al_1",
        "last_alert_at": at,
    }
    return Incident.model_validate(known | more)


AFTER = timedelta(minutes=10)


def test_what_lasts_is_trouble_and_what_is_low_suppressed_or_young_is_not() -> None:
    found = troubles(
        [
            incident(30, Urgency.LOW),
            incident(29, status=Status.SUPPRESSED),
            incident(28, status=Status.RESOLVED),
            incident(27, shadow=True),
            incident(9),
        ],
        AFTER,
        NOW,
    )
    assert found == {}
    both = troubles([incident(20, Urgency.MEDIUM), incident(11)], AFTER, NOW)
    assert both["svc_checkout"].state is State.DOWN
    assert both["svc_checkout"].first.id == "inc_20"


def test_one_post_for_all_incidents_of_a_service_in_words_of_its_own() -> None:
    found = troubles([incident(20), incident(15)], AFTER, NOW)
    [made] = decide(PAGE.id, {"svc_checkout": "Payments"}, [], found, NOW)
    assert made.title == "Payments is not available"
    assert made.starts_at == NOW - timedelta(minutes=20)
    assert "secret" not in made.model_dump_json(exclude={"incident_id"})
    assert decide(PAGE.id, {"svc_checkout": "Payments"}, [made], found, NOW) == []


def test_it_changes_with_the_worst_and_ends_with_the_last() -> None:
    names = {"svc_checkout": "Payments"}
    [made] = decide(PAGE.id, names, [], troubles([incident(20)], AFTER, NOW), NOW)
    less = troubles([incident(15, Urgency.MEDIUM)], AFTER, NOW)
    [better] = decide(PAGE.id, names, [made], less, NOW)
    assert better.id == made.id
    assert better.state_of("svc_checkout", NOW) is State.DEGRADED
    [over] = decide(PAGE.id, names, [better], {}, NOW)
    assert over.is_over(NOW)
    assert over.phase is Phase.RESOLVED


def test_where_a_person_has_posted_a_page_adds_nothing() -> None:
    found = troubles([incident(20)], AFTER, NOW)
    assert decide(PAGE.id, {"svc_checkout": "Payments"}, [post()], found, NOW) == []
