"""Bodies of the HTTP API: the sentences that a wrong one is answered with, and texts as stored."""

import json
from typing import Any

import pytest

from opsknight.http.body import InvalidBody, parse
from respond import contract
from respond.body import Body

NIGHT = {"userId": "user_ada", "start": "2026-11-23T18:00:00Z", "end": "2026-11-24T06:00:00Z"}
RANGE = "A time must be between 1970 and 2200."


def issues(model: type[Body], body: object) -> list[tuple[str, str]]:
    with pytest.raises(InvalidBody) as refused:
        parse(model, json.dumps(body).encode())
    return [(issue.path, issue.message) for issue in refused.value.issues]


@pytest.mark.parametrize(
    ("model", "body", "path", "message"),
    [
        (contract.Patch, {}, "", "Give urgency, assigneeId or both."),
        (contract.SnoozeBody, {}, "", "Give exactly one of until and minutes."),
        (
            contract.NewOverride,
            NIGHT | {"end": "2026-11-23T17:00:00Z"},
            "",
            "An override must end after it starts.",
        ),
        (
            contract.NewOverride,
            NIGHT | {"end": "2028-11-23T17:00:00Z"},
            "",
            "An override lasts 366 days at most.",
        ),
        (
            contract.NewOverride,
            NIGHT | {"replaces": "user_ada"},
            "",
            "A user cannot replace themselves.",
        ),
        (contract.NewOverride, NIGHT | {"end": "9999-12-31T23:59:59-23:59"}, "end", RANGE),
        (contract.NewOverride, NIGHT | {"start": "0001-01-01T00:00:00+23:59"}, "start", RANGE),
        (contract.SnoozeBody, {"until": "9999-12-31T23:59:59Z"}, "until", RANGE),
        (
            contract.NewWindow,
            {"end": 1_800_000_000, "reason": "x"},
            "end",
            "A time is a text such as 2026-11-23T03:00:00Z.",
        ),
        (
            contract.SnoozeBody,
            {"until": "2026-11-23T03:00:00"},
            "until",
            "must have an offset, or Z",
        ),
        (contract.NoteBody, {"text": " "}, "text", "must not be empty"),
        (contract.NoteBody, {"text": "x" * 2001}, "text", "must have at most 2000 characters"),
        (
            contract.ReassignBody,
            {"userId": "a b"},
            "userId",
            "must be an id: letters, digits, - and _",
        ),
    ],
    ids=lambda value: ascii(value)[:40] if isinstance(value, str | dict) else value.__name__,
)
def test_what_is_wrong_is_a_whole_sentence(
    model: type[Body], body: dict[str, Any], path: str, message: str
) -> None:
    assert issues(model, body) == [(path, message)]


def test_texts_are_trimmed_and_can_be_stored() -> None:
    wanted = {"title": " A\ud800 ", "serviceId": "svc_1", "description": "\udfff"}
    incident = parse(contract.NewIncident, json.dumps(wanted).encode())
    assert incident.title == "A\N{REPLACEMENT CHARACTER}"
    assert incident.description == "\N{REPLACEMENT CHARACTER}"


def test_a_dedup_key_is_taken_as_it_is_or_not_at_all() -> None:
    wanted = {"title": "A", "serviceId": "svc_1", "dedupKey": "cpu\ud800"}
    [(path, message)] = issues(contract.NewIncident, wanted)
    assert path == "dedupKey"
    assert message == "must be valid Unicode: it holds half of a surrogate pair"
