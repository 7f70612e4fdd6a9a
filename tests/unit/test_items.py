"""Items: their wire form and back, keys that sort, and alert bodies at their bounds."""

import json
import zlib
from base64 import b64encode
from datetime import UTC, datetime, timedelta, timezone
from random import Random
from typing import Any

import pytest
from pydantic import ValidationError

from opsknight.directory.entries import ApiKey, IntegrationKey, Member, Role, Service, Team, User
from opsknight.directory.integrations import Integration
from opsknight.directory.receivers import (
    Channel,
    IncidentEvent,
    Login,
    LoginKind,
    NotificationRule,
    Receiver,
    ServiceReceiver,
)
from opsknight.directory.status_pages import StatusPage, StatusPageEvent, StatusPageWebhook
from opsknight.directory.windows import MaintenanceWindow
from opsknight.incident.event_request import describe
from opsknight.incident.model import (
    Actor,
    ActorKind,
    Alert,
    Incident,
    Pointer,
    Status,
    Timer,
    Urgency,
)
from opsknight.incident.timeline import Change, ChangeKind
from opsknight.store import directory_items, incident_items, items, key_items
from opsknight.store.wire import attributes, plain, stamp, wire

NOW = datetime(2026, 11, 23, 3, 0, 0, 1, tzinfo=UTC)
YEAR = timedelta(days=400)
PROMETHEUS = Actor(kind=ActorKind.INTEGRATION, id="int_1", name="Prometheus")
INCIDENT = Incident(
    id="inc_1",
    service_id="svc_1",
    dedup_key="cpu",
    title="CPU",
    urgency=Urgency.HIGH,
    status=Status.OPEN,
    created_at=NOW,
    first_alert_id="al_1",
    last_alert_at=NOW,
    timers={Timer.ANNOUNCE: NOW},
    due_at=NOW,
)
WINDOW = MaintenanceWindow(id="w", start=NOW, end=NOW + timedelta(hours=1), reason="upgrade")
MODELS: list[Any] = [
    INCIDENT,
    Pointer.model_validate(INCIDENT.model_dump()),
    Change(
        incident_id="inc_1",
        number=2,
        at=NOW,
        what=ChangeKind.SNOOZED,
        actor=PROMETHEUS,
        status=Status.SNOOZED,
        epoch=1,
        detail={"until": "later"},
    ),
    User(
        id="user_1",
        name="Ada",
        email="ada@example.com",
        role=Role.ADMIN,
        zone="Europe/Berlin",
        contact_methods=(
            Receiver(id="cm_1", name="Mail", channel=Channel.EMAIL, to="a@b.example"),
        ),
        rules=(
            NotificationRule(urgency=Urgency.HIGH, method_id="cm_1"),
            NotificationRule(urgency=Urgency.LOW, method_id="cm_1", delay=timedelta(minutes=5)),
        ),
    ),
    Team(id="team_1", name="Web", members=(Member(user_id="user_1", lead=True, pages=False),)),
    Service(id="svc_1", name="Checkout", team_id="team_1", windows=(WINDOW,), raises_urgency=True),
    Integration(id="int_1", service_id="svc_1", name="Prometheus"),
    ServiceReceiver(
        id="rcv_1",
        name="Operations",
        channel=Channel.SLACK,
        to="C123",
        secret="slack",
        service_id="svc_1",
        events=(IncidentEvent.TRIGGERED, IncidentEvent.EXHAUSTED),
    ),
    StatusPage(
        id="page_1",
        name="Public",
        service_ids=("svc_1",),
        webhooks=(
            StatusPageWebhook(
                id="hook_1",
                name="Site",
                channel=Channel.WEBHOOK,
                to="https://status.example.com",
                secret="site",
                next_secret="site-2",
                login=Login(kind=LoginKind.HEADER, secret="site-key", header="X-Api-Key"),
                events=(StatusPageEvent.CREATED,),
            ),
        ),
        shows_details=True,
    ),
    ApiKey(
        id="key_1",
        name="CI",
        created_at=NOW,
        user_id="user_1",
        scopes=("events:write",),
        used_on=NOW.date(),
    ),
    IntegrationKey(
        id="key_2",
        name="Prometheus",
        created_at=NOW,
        ends_at=NOW,
        service_id="svc_1",
        integration_id="int_1",
    ),
]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
def test_out_and_back_it_is_the_same(model: Any) -> None:
    stored = attributes(model)
    assert type(model).model_validate(plain(stored)) == model
    assert all(list(value) != ["NULL"] for value in stored.values()), "what is None is left out"


def test_what_only_this_process_knows_of_an_entry_is_not_stored() -> None:
    found = Integration(id="int_1", service_id="svc_1", name="Nagios", unread=("routing",))
    assert "unread" not in attributes(found)


def test_what_has_no_wire_form_is_refused() -> None:
    with pytest.raises(TypeError, match="no wire form for float"):
        wire(95.5)


def test_an_enumeration_is_a_plain_string() -> None:
    wired = wire(Status.OPEN)
    assert wired == {"S": "OPEN"}
    assert type(wired["S"]) is str


def test_true_is_not_one() -> None:
    assert (wire(True), wire(1)) == ({"BOOL": True}, {"N": "1"})


TIMES = [
    datetime(2026, 1, 1, tzinfo=UTC),
    datetime(2026, 1, 1, 0, 0, 0, 1, tzinfo=UTC),
    datetime(2026, 1, 1, 0, 0, 0, 999_999, tzinfo=UTC),
    datetime(2026, 1, 1, 2, 0, tzinfo=timezone(timedelta(hours=1))),
    datetime(2026, 1, 1, 2, 0, tzinfo=UTC),
    datetime(2026, 10, 1, tzinfo=UTC),
]


def test_times_sort_as_text_and_come_back() -> None:
    stamps = [stamp(time) for time in TIMES]
    assert stamps == sorted(stamps)
    assert len({len(stamp) for stamp in stamps}) == 1
    assert [datetime.fromisoformat(stamp) for stamp in stamps] == TIMES


def test_changes_sort_by_number() -> None:
    keys = [items.change_key("inc_1", number)["sk"]["S"] for number in (2, 9, 10, 99, 100, 99_999)]
    assert keys == sorted(keys)


def test_every_kind_of_item_has_a_key_of_its_own() -> None:
    keys = [
        items.incident_key("x"),
        items.dedup_pointer_key("x", "y"),
        items.dedup_pointer_key("x", "y", internal=True),
        items.dedup_pointer_key("internal", "x#y"),
        items.alert_key("x", "y"),
        items.change_key("x", 1),
        items.chunk_key("x", 1),
        items.service_key("x"),
        items.team_key("x"),
        items.user_key("x"),
        items.receiver_key("x", "y"),
        items.status_page_key("x"),
        items.integration_key_item_key("x"),
        items.api_key_item_key("x"),
    ]
    assert len({(key["pk"]["S"], key["sk"]["S"]) for key in keys}) == len(keys)


KINDS = ("user", "team", "service", "integration", "receiver", "status_page")


@pytest.mark.parametrize(("entry", "kind"), list(zip(MODELS[3:9], KINDS, strict=True)), ids=KINDS)
def test_what_the_directory_holds_says_its_kind_and_never_expires(entry: Any, kind: str) -> None:
    item = directory_items.directory_item(entry)
    assert item["kind"] == {"S": kind}
    assert "expires_at" not in item


@pytest.mark.parametrize("key", MODELS[9:], ids=lambda model: type(model).__name__)
def test_a_key_is_stored_under_the_hash_of_its_secret(key: Any) -> None:
    item = key_items.any_key_item("0f" * 32, key)
    listed = key_items.key_listing_item("0f" * 32, key)
    assert item["pk"] == {"S": "key#" + "0f" * 32}
    assert listed["item"]["M"] == {"pk": item["pk"], "sk": item["sk"]}


def test_a_key_is_found_under_its_owner() -> None:
    found = [key_items.key_listing_item("0f" * 32, key) for key in MODELS[9:]]
    assert [(each["pk"]["S"], each["sk"]["S"]) for each in found] == [
        ("keys", "user_1#key_1"),
        ("keys", "svc_1#key_2"),
    ]


def alert(body: str) -> Alert:
    return Alert(id="al_1", incident_id="inc_1", at=NOW, actor=PROMETHEUS, body=body)


def noise(size: int) -> str:
    """ASCII that hardly compresses."""
    return b64encode(Random(1).randbytes(size)).decode()[:size]


def deflated_to(size: int) -> str:
    """Noise that deflates to `size` bytes exactly."""
    low, high = size, 2 * size
    while low < high:
        middle = (low + high) // 2
        if len(zlib.compress(noise(middle).encode())) < size:
            low = middle + 1
        else:
            high = middle
    found = next(n for n in range(low, low + 64) if len(zlib.compress(noise(n).encode())) >= size)
    return noise(found)


@pytest.mark.parametrize(
    ("body", "form", "chunks"),
    [
        ("", "S", 0),
        ("x" * 600, "S", 0),
        ("x" * 601, "B", 0),
        ("\N{EURO SIGN}" * 200, "S", 0),
        ("\N{EURO SIGN}" * 201, "B", 0),
        (json.dumps({"summary": "\N{GRINNING FACE}" * 1000}, ensure_ascii=False), "B", 0),
        (noise(4_000), "B", 0),
        (noise(80_000), None, 1),
        (noise(524_288), None, 2),
    ],
    ids=[
        "empty",
        "600 bytes are plain",
        "601 are deflated",
        "600 bytes of UTF-8",
        "603 bytes of UTF-8",
        "emoji",
        "still inline",
        "80 KB in a partition of its own",
        "512 KB in chunks",
    ],
)
def test_a_body_comes_back_byte_for_byte(body: str, form: str | None, chunks: int) -> None:
    item, parts = incident_items.alert_items(alert(body), YEAR)
    assert len(parts) == chunks
    assert list(item.get("body", {})) == ([form] if form else [])
    assert incident_items.alert(item, [part["body"]["B"] for part in parts]) == alert(body)
    assert all(len(part["body"]["B"]) <= 256 * 1024 for part in parts)


def test_over_4_kb_compressed_is_chunked() -> None:
    at_most = deflated_to(4 * 1024)
    packed = len(zlib.compress(at_most.encode()))
    _, chunks = incident_items.alert_items(alert(at_most), YEAR)
    assert packed in range(4 * 1024, 4 * 1024 + 4)
    assert len(chunks) == (packed > 4 * 1024)
    _, more = incident_items.alert_items(alert(at_most + noise(100)), YEAR)
    assert len(more) == 1


def test_chunks_outlive_their_alert() -> None:
    item, chunks = incident_items.alert_items(alert(noise(524_288)), YEAR)
    expires = {"N": str(int((NOW + YEAR).timestamp()))}
    assert item["expires_at"] == expires
    later = {"N": str(int((NOW + YEAR).timestamp()) + 7 * 86400)}
    assert [each["expires_at"] for each in chunks] == [later] * 2


def test_a_body_that_is_not_whole_any_more_says_nothing() -> None:
    item, chunks = incident_items.alert_items(alert(noise(524_288)), YEAR)
    for left in ([], [chunks[0]["body"]["B"]]):
        found = incident_items.alert(item, left)
        assert found.actor == alert("").actor
        assert describe(found.body) is None


def test_an_active_incident_and_its_pointer_never_expire() -> None:
    assert "expires_at" not in incident_items.incident_item(INCIDENT)
    assert "expires_at" not in incident_items.pointer_item(INCIDENT)


def test_the_pointer_is_small_and_holds_what_an_answer_needs() -> None:
    item = incident_items.pointer_item(INCIDENT)
    assert Pointer.model_validate(plain(item)).title == "CPU"
    optional = {"internal", "urgency_in_hours", "seen_content", "seen_started_at", "seen_at"}
    assert set(item) == {"pk", "sk", "kind"} | set(Pointer.model_fields) - optional


def test_due_incidents_are_spread_over_16_shards() -> None:
    shards = {items.due_shard(f"inc_{number:028x}") for number in range(500)}
    assert shards == {str(number) for number in range(16)}


@pytest.mark.parametrize(
    ("status", "resolved_at", "listing"),
    [
        (Status.OPEN, None, "active"),
        (Status.SNOOZED, None, "active"),
        (Status.RESOLVED, NOW, "resolved#svc_1#2026-11"),
    ],
    ids=str,
)
def test_listings(status: Status, resolved_at: datetime | None, listing: str) -> None:
    incident = INCIDENT.model_copy(update={"status": status})
    assert items.listing(incident, resolved_at) == listing


def test_a_number_that_is_none_of_ours_is_for_the_model_to_refuse() -> None:
    """Not for whoever reads it beside others."""
    item = incident_items.incident_item(INCIDENT) | {"alert_count": {"N": "1.5"}}
    with pytest.raises(ValidationError):
        Incident.model_validate(plain(item))
