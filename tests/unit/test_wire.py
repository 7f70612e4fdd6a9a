"""How answers become JSON: names, times, what is absent and what is null."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone

from opsknight.http.gateway import Failure, Issue
from opsknight.views.wire import Absent, Shape, time, to_json

BERLIN = timezone(timedelta(hours=1))


class Inner(Shape):
    user_id: str | None
    is_open: bool = False


class Outer(Shape):
    created_at: datetime
    ended_at: datetime | Absent = None
    inner: Inner
    several: Sequence[Inner | str] = ()
    detail: Mapping[str, object] | Absent = None


NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def test_names_are_in_camel_case_and_times_in_utc() -> None:
    at = NOON.astimezone(BERLIN).replace(microsecond=250_000)
    assert to_json(Outer(created_at=at, inner=Inner(user_id="user_ada"))) == {
        "createdAt": "2026-11-23T12:00:00.250Z",
        "inner": {"userId": "user_ada", "isOpen": False},
        "several": [],
    }


def test_times_have_three_digits_whatever_they_are_and_are_never_later() -> None:
    written = [time(NOON.replace(microsecond=each)) for each in (0, 1, 999_999)]
    assert written == ["2026-11-23T12:00:00.000Z"] * 2 + ["2026-11-23T12:00:00.999Z"]


def test_none_is_absent_where_it_is_the_default_and_null_where_there_is_no_default() -> None:
    written = to_json(Outer(created_at=NOON, inner=Inner(user_id=None)))
    assert "endedAt" not in written
    assert written["inner"]["userId"] is None


def test_whatever_is_inside_is_written_too() -> None:
    written = to_json(
        Outer(
            created_at=NOON,
            inner=Inner(user_id=None),
            several=(Inner(user_id="a"), "b"),
            detail={"until_when": NOON, "numbers": [1, 2.5, True]},
        )
    )
    assert written["several"] == [{"userId": "a", "isOpen": False}, "b"]
    # Names in a mapping are data.
    assert written["detail"] == {
        "until_when": "2026-11-23T12:00:00.000Z",
        "numbers": [1, 2.5, True],
    }


def test_half_of_a_surrogate_pair_fails_no_answer() -> None:
    assert json.dumps(to_json(Inner(user_id="\ud800"))) == '{"userId": "\\ud800", "isOpen": false}'


def test_a_failure_keeps_the_names_of_the_owners_document() -> None:
    assert to_json(Failure(error="Payload too large", maximum_bytes=7)) == {
        "error": "Payload too large",
        "maximum_bytes": 7,
    }
    issues = [Issue(path="end", message="is required")]
    assert to_json(Failure(error="No", issues=issues)) == {
        "error": "No",
        "issues": [{"path": "end", "message": "is required"}],
    }
