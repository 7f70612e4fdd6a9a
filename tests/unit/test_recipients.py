"""Who is told of what, by which receivers, and when."""

from datetime import UTC, datetime, timedelta

import pytest

from opsknight.directory.entries import Role, User
from opsknight.directory.receivers import (
    Channel,
    IncidentEvent,
    NotificationRule,
    Owner,
    Receiver,
    ServiceReceiver,
)
from opsknight.directory.status_pages import StatusPage, StatusPageEvent, StatusPageWebhook
from opsknight.escalation.pages import Page, Why
from opsknight.incident.model import OPSKNIGHT, Incident, Status, Urgency
from opsknight.incident.timeline import Change, ChangeKind
from opsknight.notification.message import PageReason
from opsknight.notification.notices import change_deliveries, notices_due
from opsknight.notification.recipients import (
    assigned_to,
    assignment_deliveries,
    methods,
    page_deliveries,
    without_text_messages,
)

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
EMAIL = Receiver(id="mail", name="E-mail", channel=Channel.EMAIL, to="ada@example.com")
SMS = Receiver(id="sms", name="Phone", channel=Channel.SMS, to="+4915112345678")
CALL = Receiver(id="call", name="Phone", channel=Channel.VOICE, to="+4915112345678")
CHAT = Receiver(id="chat", name="Slack", channel=Channel.SLACK, to="U1", secret="bot")
HOOK = ServiceReceiver(
    id="hook", name="Hook", channel=Channel.WEBHOOK, to="https://x.example", service_id="svc_1"
)
PUBLIC = StatusPage(
    id="pub",
    name="Status",
    service_ids=("svc_1",),
    webhooks=(
        StatusPageWebhook(id="w", name="W", channel=Channel.WEBHOOK, to="https://s.example"),
    ),
)


def ada(*known: Receiver, rules: tuple[NotificationRule, ...] = ()) -> User:
    return User(
        id="user_ada",
        name="Ada",
        email="ada@example.com",
        role=Role.USER,
        contact_methods=known,
        rules=rules,
    )


def incident(urgency: Urgency = Urgency.HIGH, **more: object) -> Incident:
    return Incident.model_validate(
        {
            "id": "inc_1",
            "service_id": "svc_1",
            "dedup_key": "cpu",
            "title": "CPU",
            "urgency": urgency,
            "status": Status.OPEN,
            "created_at": NOW,
            "first_alert_id": "al_1",
            "last_alert_at": NOW,
        }
        | more
    )


def change(what: str, number: int = 2, status: Status = Status.OPEN, **detail: str) -> Change:
    return Change(
        incident_id="inc_1",
        number=number,
        at=NOW,
        what=ChangeKind(what),
        actor=OPSKNIGHT,
        status=status,
        epoch=1,
        detail=detail,
    )


PAGE = Page(
    incident_id="inc_1", page_no=3, user_id="user_ada", step=0, epoch=2, at=NOW, reason=Why.DUE
)


def planned(user: User, urgency: Urgency) -> list[tuple[str, int]]:
    """Contact methods, and after how many minutes."""
    found = page_deliveries(PAGE, incident(urgency), user)
    return [(each.receiver_id, int((each.not_before - NOW) / MINUTE)) for each in found]


def test_high_goes_to_everything_at_once_and_again_after_three_minutes() -> None:
    assert planned(ada(EMAIL, SMS), Urgency.HIGH) == [
        ("mail", 0),
        ("sms", 0),
        ("mail", 3),
        ("sms", 3),
    ]


def test_medium_goes_out_quietly_at_once_and_by_phone_after_five_minutes() -> None:
    user = ada(EMAIL, CHAT, SMS, CALL)
    assert planned(user, Urgency.MEDIUM) == [("mail", 0), ("chat", 0), ("sms", 5), ("call", 5)]


def test_low_goes_out_by_email() -> None:
    assert planned(ada(SMS, EMAIL, CHAT), Urgency.LOW) == [("mail", 0)]


@pytest.mark.parametrize(
    ("urgency", "known", "told"),
    [
        (Urgency.MEDIUM, (SMS,), [("sms", 0)]),
        (Urgency.LOW, (SMS, CHAT), [("chat", 0)]),
        (Urgency.LOW, (SMS,), [("sms", 0)]),
    ],
)
def test_nobody_is_left_out_for_want_of_the_right_method(
    urgency: Urgency, known: tuple[Receiver, ...], told: list[tuple[str, int]]
) -> None:
    assert planned(ada(*known), urgency) == told


def test_a_user_without_contact_methods_is_notified_by_their_address() -> None:
    (only,) = methods(ada())
    assert (only.channel, only.to) == (Channel.EMAIL, "ada@example.com")
    assert planned(ada(), Urgency.LOW) == [("email", 0)]


def test_own_rules_count_for_their_urgency_alone() -> None:
    own = (
        NotificationRule(urgency=Urgency.HIGH, method_id="sms"),
        NotificationRule(urgency=Urgency.HIGH, method_id="call", delay=2 * MINUTE),
        NotificationRule(urgency=Urgency.LOW, method_id="gone"),
    )
    user = ada(EMAIL, SMS, CALL, rules=own)
    assert planned(user, Urgency.HIGH) == [("sms", 0), ("call", 2)]
    assert planned(user, Urgency.LOW) == [("mail", 0)], "a rule for a method that is gone"


def test_a_page_is_planned_the_same_however_often() -> None:
    first, again = (page_deliveries(PAGE, incident(), ada(EMAIL)) for _ in range(2))
    assert first == again
    assert len({each.id for each in first}) == 2, "one for each rule"
    other = PAGE.model_copy(update={"page_no": 4})
    assert not {each.id for each in first} & {
        each.id for each in page_deliveries(other, incident(), ada(EMAIL))
    }
    assert {(each.epoch, each.page_no, each.owner) for each in first} == {
        (2, 3, Owner.user("user_ada"))
    }


@pytest.mark.parametrize(
    ("what", "about", "event"),
    [
        (None, IncidentEvent.TRIGGERED, StatusPageEvent.CREATED),
        ("acknowledged", IncidentEvent.ACKNOWLEDGED, StatusPageEvent.ACKNOWLEDGED),
        ("resolved", IncidentEvent.RESOLVED, StatusPageEvent.RESOLVED),
        ("auto-resolved", IncidentEvent.RESOLVED, StatusPageEvent.RESOLVED),
        ("reopened", IncidentEvent.REOPENED, StatusPageEvent.UPDATED),
        ("unsnoozed", IncidentEvent.REOPENED, StatusPageEvent.UPDATED),
        ("snoozed", IncidentEvent.SNOOZED, None),
        ("exhausted", IncidentEvent.EXHAUSTED, None),
        ("raised", None, StatusPageEvent.UPDATED),
        ("reassigned", None, StatusPageEvent.UPDATED),
        ("unreached", None, None),
        ("escalated", None, None),
    ],
)
def test_each_change_and_its_events(
    what: str | None, about: IncidentEvent | None, event: StatusPageEvent | None
) -> None:
    everything = HOOK.model_copy(update={"events": tuple(IncidentEvent)})
    moved = None if what is None else change(what)
    found = change_deliveries(incident(), moved, [everything], [PUBLIC])
    assert [each.about for each in found] == [each for each in (about, event) if each]


def test_receivers_choose_and_hear_of_the_first_three_unless_they_do() -> None:
    assert [each.about for each in change_deliveries(incident(), None, [HOOK], [])] == [
        IncidentEvent.TRIGGERED
    ]
    assert not change_deliveries(incident(), change("snoozed"), [HOOK], [])
    mute = HOOK.model_copy(update={"events": (IncidentEvent.RESOLVED,)})
    assert not change_deliveries(incident(), None, [mute], [])


def test_a_status_page_hears_only_of_the_services_that_it_lists() -> None:
    other = PUBLIC.model_copy(update={"service_ids": ("svc_2",)})
    assert not change_deliveries(incident(), None, [], [other])


def test_a_public_note_updates_status_pages_and_another_does_not() -> None:
    public = change_deliveries(
        incident(), change("noted", public="yes", note="On it."), [HOOK], [PUBLIC]
    )
    assert [each.about for each in public] == [StatusPageEvent.UPDATED]
    assert not change_deliveries(incident(), change("noted"), [HOOK], [PUBLIC])


def test_an_incident_triggers_when_it_comes_out_of_a_window() -> None:
    quiet, out = incident(announced_from=0), incident(announced_from=2)
    assert not change_deliveries(quiet, change("resolved"), [HOOK], [PUBLIC])
    assert not change_deliveries(out, None, [HOOK], [PUBLIC])
    (notice, shown) = change_deliveries(out, change("unsuppressed"), [HOOK], [PUBLIC])
    assert (notice.about, shown.about) == (IncidentEvent.TRIGGERED, StatusPageEvent.CREATED)
    (later,) = change_deliveries(out, change("resolved", 3), [HOOK], [])
    assert later.about is IncidentEvent.RESOLVED


def test_an_assignee_of_an_acknowledged_incident_is_notified_once() -> None:
    given = change("reassigned", status=Status.ACKNOWLEDGED, assignee="user_ada")
    assert assigned_to(given) == "user_ada"
    assert assigned_to(change("reassigned", assignee="user_ada")) is None, "an open one pages"
    found = assignment_deliveries(incident(), given, ada(EMAIL, SMS))
    assert [each.receiver_id for each in found] == ["mail", "sms"]
    assert {(each.about, each.page_no) for each in found} == {(PageReason.ASSIGNED, None)}
    stopped = assignment_deliveries(incident(), given, ada(EMAIL, SMS), opted_out={SMS.to})
    assert [each.receiver_id for each in stopped] == ["mail"]


def test_what_is_not_planned_yet() -> None:
    changes = [change("acknowledged", 2), change("resolved", 3)]
    assert notices_due(incident(announced=0), changes) == [None, *changes]
    assert notices_due(incident(announced=2), changes) == changes[1:]


def test_a_number_that_replied_stop_is_left_out_and_the_next_method_begins_at_once() -> None:
    sms = Receiver(id="sms", name="SMS", channel=Channel.SMS, to="+491")
    other = Receiver(id="sms2", name="SMS", channel=Channel.SMS, to="+492")
    mail = Receiver(id="mail", name="Mail", channel=Channel.EMAIL, to="ada@example.com")
    first = NotificationRule(urgency=Urgency.HIGH, method_id="sms")
    later = [
        NotificationRule(urgency=Urgency.HIGH, method_id=name, delay=timedelta(minutes=minutes))
        for name, minutes in (("mail", 5), ("sms2", 8))
    ]
    known = User(
        id="user_ada",
        name="Ada",
        email="ada@example.com",
        role=Role.RESPONDER,
        contact_methods=(sms, other, mail),
        rules=(first, *later),
    )

    def left(*stopped: str) -> list[tuple[str, float]]:
        found = without_text_messages(known, Urgency.HIGH, set(stopped))
        return [(each.method_id, each.delay.total_seconds() / 60) for each in found]

    assert left() == [("sms", 0), ("mail", 5), ("sms2", 8)]
    assert left("+491") == [("mail", 0), ("sms2", 3)]
    assert left("+492") == [("sms", 0), ("mail", 5)]
    only = known.model_copy(update={"rules": (first,)})
    found = without_text_messages(only, Urgency.HIGH, {"+491"})
    assert [each.method_id for each in found] == ["sms2", "mail"]
    alone = known.model_copy(update={"contact_methods": (sms,), "rules": ()})
    assert without_text_messages(alone, Urgency.HIGH, {"+491"}) == []
