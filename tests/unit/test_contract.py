"""The body table of the contract, bound by bound, and the shapes of answers."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from events.contract import NOT_ACTIVE, accepted
from opsknight.http.body import InvalidBody, InvalidJson, parse
from opsknight.incident.event_request import LARGEST_BODY, EventRequest
from opsknight.incident.model import Action, Pointer, Severity, Status, Urgency
from opsknight.views.wire import to_json

EMOJI = "\N{GRINNING FACE}"
COMBINED = "e\N{COMBINING ACUTE ACCENT}"
# White_Space of Unicode; the last one is what Python's own strip() leaves to other definitions.
SPACES = " \t\n\r\v\f\x85\xa0\u1680\u2000\u2009\u2028\u2029\u202f\u205f\u3000"


def body(**fields: Any) -> dict[str, Any]:
    payload = {"summary": "CPU is hot", "source": "prometheus", "severity": "critical"}
    whole = {"event_action": "trigger", "dedup_key": "cpu", "payload": payload}
    for name, value in fields.items():
        (payload if name in ("summary", "source", "severity", "custom_details") else whole)[
            name
        ] = value
    return whole


def read(wanted: object) -> EventRequest:
    return parse(EventRequest, json.dumps(wanted).encode())


def issues(wanted: object) -> list[tuple[str, str]]:
    with pytest.raises(InvalidBody) as refused:
        read(wanted)
    return [(issue.path, issue.message) for issue in refused.value.issues]


def text_of(request: EventRequest, field: str) -> str:
    holder = request if field == "dedup_key" else request.payload
    text: str = getattr(holder, field)
    return text


PATHS = {"dedup_key": "dedup_key", "summary": "payload.summary", "source": "payload.source"}
BOUNDS = [("dedup_key", 200), ("summary", 500), ("source", 200)]


@pytest.mark.parametrize(("field", "most"), BOUNDS, ids=[name for name, _ in BOUNDS])
@pytest.mark.parametrize("around", ["", " ", SPACES], ids=["bare", "a space", "Unicode spaces"])
@pytest.mark.parametrize(
    "character", ["x", EMOJI, "\N{COMBINING ACUTE ACCENT}"], ids=["ascii", "emoji", "combining"]
)
def test_code_points_are_counted_after_trimming(
    field: str, most: int, around: str, character: str
) -> None:
    for length in (1, most):
        text = character * length
        assert text_of(read(body(**{field: around + text + around})), field) == text
    over = [(PATHS[field], f"must have at most {most} characters")]
    assert issues(body(**{field: around + character * (most + 1) + around})) == over


@pytest.mark.parametrize(("field", "most"), BOUNDS, ids=[name for name, _ in BOUNDS])
@pytest.mark.parametrize("text", ["", " ", SPACES], ids=["empty", "a space", "Unicode spaces"])
def test_nothing_but_white_space_is_empty(field: str, most: int, text: str) -> None:
    assert issues(body(**{field: text})) == [(PATHS[field], "must not be empty")]


@pytest.mark.parametrize(
    "text",
    ["\u200b", "\x00", "\x1c", "a b", f"{COMBINED} {EMOJI}", "<b>&amp;"],
    ids=["zero width space", "NUL", "file separator", "inner space", "combined", "HTML"],
)
def test_text_is_kept_as_sent(text: str) -> None:
    request = read(body(dedup_key=text, summary=text, source=text))
    assert (request.dedup_key, request.payload.summary, request.payload.source) == (text,) * 3


@pytest.mark.parametrize(("field", "most"), BOUNDS, ids=[name for name, _ in BOUNDS])
@pytest.mark.parametrize(
    "value",
    [None, 1, 1.5, True, [], {}, ["x"]],
    ids=["null", "1", "1.5", "true", "[]", "{}", "list"],
)
def test_a_text_is_a_string(field: str, most: int, value: object) -> None:
    assert issues(body(**{field: value})) == [(PATHS[field], "must be a string")]


@pytest.mark.parametrize("action", Action, ids=str)
def test_actions(action: Action) -> None:
    assert read(body(event_action=str(action))).event_action is action


@pytest.mark.parametrize("severity", Severity, ids=str)
def test_severities(severity: Severity) -> None:
    assert read(body(severity=str(severity))).payload.severity is severity


@pytest.mark.parametrize(
    "value",
    ["Trigger", "TRIGGER", " trigger", "", "reopen", None, 0, True, [], {}],
    ids=["title", "upper", "space", "empty", "other", "null", "0", "true", "[]", "{}"],
)
def test_an_action_is_one_of_three_in_lower_case(value: object) -> None:
    assert issues(body(event_action=value)) == [
        ("event_action", "must be 'trigger', 'acknowledge' or 'resolve'")
    ]


@pytest.mark.parametrize(
    "value",
    ["Critical", "CRITICAL", "critical ", "", "fatal", None, 1, False, [], {}],
    ids=["title", "upper", "space", "empty", "other", "null", "1", "false", "[]", "{}"],
)
def test_a_severity_is_one_of_four_in_lower_case(value: object) -> None:
    assert issues(body(severity=value)) == [
        ("payload.severity", "must be 'critical', 'error', 'warning' or 'info'")
    ]


@pytest.mark.parametrize("action", Action, ids=str)
@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("event_action", "event_action"),
        ("dedup_key", "dedup_key"),
        ("payload", "payload"),
        ("payload.summary", "summary"),
        ("payload.source", "source"),
        ("payload.severity", "severity"),
    ],
    ids=lambda value: value,
)
def test_what_every_action_requires(action: Action, path: str, name: str) -> None:
    whole = body(event_action=str(action))
    del (whole["payload"] if path.startswith("payload.") else whole)[name]
    assert issues(whole) == [(path, "is required")]


def test_all_that_is_wrong_is_said_at_once() -> None:
    assert [path for path, _ in issues({"payload": {"severity": "fatal"}})] == [
        "event_action",
        "dedup_key",
        "payload.summary",
        "payload.source",
        "payload.severity",
    ]


@pytest.mark.parametrize("value", [None, "text", 1, []], ids=["null", "text", "1", "[]"])
def test_the_body_and_the_payload_are_objects(value: object) -> None:
    assert issues(value) == [("", "must be an object")]
    assert issues(body(payload=value)) == [("payload", "must be an object")]


@pytest.mark.parametrize("value", ["x", 0, False, [], [{}]], ids=["x", "0", "false", "[]", "[{}]"])
def test_custom_details_are_an_object(value: object) -> None:
    assert issues(body(custom_details=value)) == [("payload.custom_details", "must be an object")]


@pytest.mark.parametrize("value", [None, {}, {"a": [1, {"b": None}]}], ids=["null", "{}", "nested"])
def test_custom_details_may_be_null_or_any_object(value: object) -> None:
    assert read(body(custom_details=value)).payload.custom_details == value
    assert read(body()).payload.custom_details is None


@pytest.mark.parametrize("opening", ['{"a":', "[", '[{"a":'], ids=["objects", "lists", "both"])
def test_custom_details_nest_at_most_100_levels(opening: str) -> None:
    each = 2 if opening == '[{"a":' else 1
    closing = {"{": "}", "[": "]"}

    def nested(levels: int) -> bytes:
        # The object itself is the first level.
        start = '{"a":' + opening * (levels // each) + ("[" if levels % each else "")
        end = "".join(closing[c] for c in reversed(start) if c in closing)
        text = json.dumps(body(custom_details=None))
        return text.replace("null", start + "1" + end).encode()

    assert parse(EventRequest, nested(99)).payload.custom_details
    with pytest.raises(InvalidBody) as refused:
        parse(EventRequest, nested(100))
    [issue] = refused.value.issues
    assert issue.path == "payload.custom_details"
    assert issue.message == "Custom details must not nest over 100 levels deep."


def test_depth_elsewhere_is_nobodys_business() -> None:
    deep: object = 1
    for _ in range(200):
        deep = [deep]
    assert read(body(unknown=deep)).dedup_key == "cpu"


@pytest.mark.parametrize("half", ["\ud800", "\udbff", "\udc00", "\udfff"], ids=ascii)
def test_a_lone_surrogate_where_it_would_matter_is_refused(half: str) -> None:
    saying = "must be valid Unicode: it holds half of a surrogate pair"
    # Replacing it would merge two keys.
    assert issues(body(dedup_key=f"cpu{half}")) == [("dedup_key", saying)]
    assert issues(body(event_action=half)) == [("event_action", saying)]
    assert issues(body(severity=half)) == [("payload.severity", saying)]


@pytest.mark.parametrize("half", ["\ud800", "\udfff"], ids=ascii)
def test_a_lone_surrogate_elsewhere_is_replaced_or_borne(half: str) -> None:
    details = {half: [half, {"a": half}]}
    unknown = {half: half}
    request = read(body(summary=half, source=f"a{half}", custom_details=details) | unknown)
    assert request.payload.summary == "\N{REPLACEMENT CHARACTER}"
    assert request.payload.source == "a\N{REPLACEMENT CHARACTER}"


def test_a_whole_pair_is_one_character() -> None:
    assert read(body(dedup_key="\ud83d\ude00" * 200)).dedup_key == EMOJI * 200


def test_unknown_fields_are_ignored() -> None:
    wanted = body(client="x", links=[]) | {"payload": body()["payload"] | {"group": 1}}
    assert not hasattr(read(wanted), "client")
    assert read(wanted).payload == read(body()).payload


@pytest.mark.parametrize("name", ["service_id", "serviceId"])
@pytest.mark.parametrize("value", ["svc_1", None, 7, ["svc_1"], {}], ids=str)
def test_the_service_may_be_named_either_way_and_be_anything(name: str, value: object) -> None:
    # With an integration key it is ignored, whatever its type, so it is judged later.
    assert read(body(**{name: value})).service_id == value


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"", "Expecting value at line 1, column 1"),
        (b"{", "Expecting property name enclosed in double quotes at line 1, column 2"),
        (b"event_action=trigger", "Expecting value at line 1, column 1"),
        (b'{"a": 1} x', "Extra data at line 1, column 10"),
        (b'{"a": "\x00"}', "Invalid control character at line 1, column 8"),
        (b'{"a": "\n"}', "Invalid control character at line 1, column 8"),
        (b'{"a": NaN}', "NaN is not JSON"),
        (b'{"a": Infinity}', "Infinity is not JSON"),
        (b'{"a": -Infinity}', "-Infinity is not JSON"),
        (b'{"a": "\xff"}', "not UTF-8 at byte 7"),
        (b'{"a": "\xed\xa0\x80"}', "not UTF-8 at byte 7"),
        ("{}".encode("utf-16"), "not UTF-8 at byte 0"),
        (b"[" * 200_000, "nested too deeply"),
        (b'{"a":' * 100_000, "nested too deeply"),
    ],
    ids=lambda value: ascii(value[:20]) if isinstance(value, bytes) else "",
)
def test_what_is_not_json(text: bytes, says: str) -> None:
    with pytest.raises(InvalidJson) as refused:
        parse(EventRequest, text)
    assert str(refused.value).startswith(says)


def test_a_byte_order_mark_is_no_obstacle() -> None:
    assert parse(EventRequest, b"\xef\xbb\xbf" + json.dumps(body()).encode()).dedup_key == "cpu"


@pytest.mark.parametrize("number", ["1e400", "-1e400", "9" * 5000, "0.1", "1E-400"], ids=len)
def test_numbers_of_any_size_are_json(number: str) -> None:
    text = json.dumps(body(custom_details={"n": 0})).replace('"n": 0', f'"n": {number}')
    assert parse(EventRequest, text.encode()).payload.custom_details is not None


def test_the_largest_body() -> None:
    assert LARGEST_BODY == 524_288


INCIDENT = Pointer(
    id="inc_1",
    service_id="svc_1",
    dedup_key="cpu",
    title="CPU is hot",
    urgency=Urgency.HIGH,
    status=Status.OPEN,
    created_at=datetime(2026, 11, 23, 3, 0, 0, 250_000, tzinfo=UTC),
)


def test_an_answer_names_its_fields_in_camel_case() -> None:
    assert to_json(accepted("triggered", INCIDENT)) == {
        "status": "success",
        "result": {
            "action": "triggered",
            "incident": {
                "id": "inc_1",
                "title": "CPU is hot",
                "status": "OPEN",
                "urgency": "HIGH",
                "serviceId": "svc_1",
                "dedupKey": "cpu",
                "createdAt": "2026-11-23T03:00:00.250Z",
            },
        },
    }


def test_an_ignored_event_has_a_reason_and_no_incident() -> None:
    assert to_json(accepted("ignored", None)) == {
        "status": "success",
        "result": {"action": "ignored", "reason": NOT_ACTIVE},
    }
