"""Who is on call there and here: what differs is found, and said by its harm."""

from datetime import UTC, datetime, timedelta
from typing import Any

from opsknight_cli.importing import report
from opsknight_cli.importing.comparing import compared
from opsknight_cli.importing.outcome import Harm, Imported
from opsknight_cli.importing.pagerduty.reading import imported
from tests.unit.test_imported_schedules import DAY, NOW, exported, layer

WEEKS = timedelta(weeks=4)


def told(*entries: tuple[datetime, datetime, str]) -> Imported:
    """Ada is on call by the layers; the other system says so of these times and people."""
    rendered = [{"start": start, "end": end, "user": {"id": name}} for start, end, name in entries]
    final: dict[str, Any] = {"final_schedule": {"rendered_schedule_entries": rendered}}
    return imported(exported([layer("ada")], "UTC", **final), NOW)


def test_the_same_is_the_same() -> None:
    # What is past, and what is further ahead than four weeks, is not looked at.
    past, far = (NOW - DAY, NOW, "ben"), (NOW + WEEKS, NOW + WEEKS + DAY, "ben")
    found = told(past, (NOW, NOW + WEEKS, "ada"), far)
    assert compared(found, NOW).differences == ()
    assert compared(found, NOW).schedules == 1
    assert report.losses(found, compared(found, NOW)) == []


def test_somebody_who_is_missing_here_would_not_be_paged() -> None:
    tuesday = datetime(2026, 11, 24, 9, tzinfo=UTC)
    found = told(
        (NOW, tuesday, "ada"),
        # Two entries that touch are one time.
        (tuesday, tuesday + DAY, "ben"),
        (tuesday + DAY, tuesday + 2 * DAY, "ben"),
        (tuesday + 2 * DAY, NOW + WEEKS, "ada"),
    )
    [difference] = compared(found, NOW).differences
    assert (difference.start, difference.end) == (tuesday, tuesday + 2 * DAY)
    assert difference.theirs == {"user_ben"}
    assert difference.ours == {"user_ada"}
    [loss] = report.losses(found, compared(found, NOW))
    assert loss.harm is Harm.NOT_PAGED
    assert loss.sentence == (
        "From 2026-11-24 09:00 UTC to 2026-11-26 09:00 UTC ada is on call here, and ben there."
    )
    page = report.page(found, compared(found, NOW), (), NOW)
    assert "it differs once" in page
    assert "## Somebody would not be paged" in page


def test_somebody_who_is_on_call_here_alone_is_paged_more() -> None:
    found = told((NOW, NOW + DAY, "ada"), (NOW + 2 * DAY, NOW + WEEKS, "ada"))
    [loss] = report.losses(found, compared(found, NOW))
    assert loss.harm is Harm.PAGED_MORE
    assert loss.sentence.endswith("ada is on call here, and nobody there.")


def test_what_the_other_system_does_not_say_is_not_compared() -> None:
    found = told()
    assert compared(found, NOW).schedules == 0
    assert compared(found, NOW).unknown == ("Shop",)
    [loss] = report.losses(found, compared(found, NOW))
    assert "nothing could be compared" in loss.sentence
    assert "could not be compared" in report.page(found, compared(found, NOW), (), NOW)


def test_the_worst_comes_first() -> None:
    found = told((NOW, NOW + DAY, "zoe"), (NOW + 2 * DAY, NOW + WEEKS, "ada"))
    harms = [each.harm for each in report.losses(found, compared(found, NOW))]
    assert harms == [Harm.NOT_PAGED, Harm.PAGED_MORE]
