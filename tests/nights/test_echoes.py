"""What others hear in a night, by mirrors, daily reports and status pages; and that the judge sees
what is wrong with each.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import pytest

from harness.simulation.cases import read
from harness.simulation.echoes import Echoes
from harness.simulation.journal import Asked, Heard, Journal, Published
from harness.simulation.night import MINUTE, Night
from harness.simulation.rosters import ECHOES
from harness.simulation.verdict import CALM_PATIENCE, Violation
from harness.simulation.weather import CALM, ROUGH, Mood, Outage, Weather
from tests.nights.playing import play

OLD, DESK = "old.example.com", "desk.example.com"
LENGTH = 30 * MINUTE


def told(night: Night, host: str) -> list[str]:
    """What a host heard, each once, in the order in which it was first heard."""
    return list(dict.fromkeys(each.text for each in night.journal.heard if each.to == host))


def says(night: Night, service: str) -> list[str]:
    """What the status page has said of a service, one after the other."""
    found = list[str]()
    for each in night.journal.published:
        if not found or found[-1] != each.states[service]:
            found.append(each.states[service])
    return found


@pytest.mark.parametrize("weather", [CALM, ROUGH], ids=["calm", "rough"])
def test_others_hear_what_they_should(weather: Weather) -> None:
    # The other system is away just when it is told.
    night = play(ECHOES, 30, weather, [Outage(OLD, Mood.FAILS, 0, 240)])
    event = partial(night.outside.event, service="shop", key="cpu")
    for at, action, number in (
        (100, "trigger", 1),
        (420, "resolve", 1),
        (430, "trigger", 2),
        (900, "resolve", 2),
    ):
        night.outside.at(at, partial(event, action, title=f"case-000{number} no answer"))
    assert not night.run().violations
    assert told(night, OLD) == [
        "trigger | cpu | case-0001 no answer",
        "resolve | cpu | case-0001 no answer",
        "trigger | cpu | case-0002 no answer",
        "resolve | cpu | case-0002 no answer",
    ]
    assert told(night, DESK) == ["report"]
    assert says(night, "shop") == ["none", "down", "none", "down", "none"]
    assert says(night, "bank") == ["none"]


def test_the_other_side_hears_each_key_in_order_though_it_fails_every_other_time() -> None:
    away = Outage(OLD, Mood.FAILS, 0, 200), Outage(OLD, Mood.FLAKY, 200, 1500)
    night = play(ECHOES, 30, outages=away)
    lines: dict[str, list[str]] = {}
    for number in range(4):
        key = f"key-{number}"
        for turn, action in enumerate(("trigger", "acknowledge", "resolve", "trigger")):
            title = f"case-00{number}{turn // 3} no answer"
            event = partial(night.outside.event, action, "shop", key, title)
            night.outside.at(60 + 10 * turn + number, event)
            lines.setdefault(key, []).append(f"{action} | {key} | {title}")
    assert [str(each) for each in night.run().violations] == []
    heard = told(night, OLD)
    for key, mine in lines.items():
        assert [each for each in heard if f"| {key} |" in each] == mine


def test_a_report_comes_once_though_each_tick_comes_twice() -> None:
    night = play(ECHOES, 20, replace(CALM, doubled_tick=1.0))
    assert [str(each) for each in night.run().violations] == []
    assert [each.text for each in night.journal.heard if each.to == DESK] == ["report"]


# The judge.


def asked(what: str, began: float, key: str = "cpu", tries: int = 1) -> Asked:
    incident = {"title": "case-0001", "status": "OPEN"}
    return Asked(
        *("monitor of shop", what, "case-0001", began, began + 1, 202),
        body={"result": {"incident": incident}},
        key=key,
        severity="critical",
        service="shop",
        incident="case-0001",
        tries=tries,
    )


def heard(at: float, text: str, to: str = OLD, *, is_answered: bool = True) -> Heard:
    return Heard(at, to, text, "", is_answered)


TRIGGER, RESOLVE = "trigger | cpu | case-0001", "resolve | cpu | case-0001"
SENT = (asked("trigger", 100), asked("resolve", 200))
RIGHT = (heard(102, TRIGGER), heard(202, RESOLVE), heard(850, "report", DESK))


def minutes(state: str = "none", since: float = 0, until: float = LENGTH) -> Iterator[Published]:
    for minute in range(int(LENGTH / MINUTE)):
        at = minute * MINUTE
        yield Published(at, "front", {"shop": state if since <= at < until else "none", "bank": ""})


def judged(
    *messages: Heard,
    sent: tuple[Asked, ...] = SENT,
    pages: list[Published] | None = None,
    outages: tuple[Outage, ...] = (),
) -> list[str]:
    journal = Journal(heard=list(messages), asked=list(sent))
    journal.published = list(minutes()) if pages is None else pages
    for each in journal.published:
        each.states["bank"] = "none"
    echoes = Echoes(ECHOES, CALM_PATIENCE, outages, LENGTH, journal)
    cases = read(journal.asked, ECHOES)
    found: list[Violation] = [*echoes.mirrors(), *echoes.reports(), *echoes.pages(cases)]
    return [each.kind for each in found]


def test_what_is_right_is_right() -> None:
    assert judged(*RIGHT) == []


def test_an_event_that_never_arrives_is_seen() -> None:
    assert judged(RIGHT[0], RIGHT[2]) == ["mirror"]
    assert judged(RIGHT[0], RIGHT[2], outages=(Outage(OLD, Mood.REFUSES, 0, 900),)) == []


def test_an_event_may_wait_with_what_an_outage_before_it_held_up() -> None:
    late = (RIGHT[0], heard(245, RESOLVE), RIGHT[2])
    assert judged(*late) == ["mirror"]
    assert judged(*late, outages=(Outage(OLD, Mood.FAILS, 150, 190),)) == []
    assert judged(*late, outages=(Outage(OLD, Mood.FAILS, 50, 90),)) == ["mirror"]


def test_events_of_a_key_in_the_wrong_order_are_seen() -> None:
    assert judged(heard(103, RESOLVE), heard(104, TRIGGER), RIGHT[2]) == ["mirror"]


def test_an_event_that_arrives_twice_needs_an_excuse() -> None:
    again = heard(110, TRIGGER)
    assert judged(*RIGHT, again) == ["mirror"]
    unanswered = heard(102, TRIGGER, is_answered=False)
    assert judged(unanswered, *RIGHT[1:], again) == []
    # A monitor that got no answer has sent it twice.
    assert judged(*RIGHT, again, sent=(asked("trigger", 100, tries=2), SENT[1])) == []
    # DynamoDB did not answer when it was noted.
    slow = replace(asked("trigger", 100), ended=102.5)
    assert judged(heard(101, TRIGGER), *RIGHT[1:], heard(102, TRIGGER), sent=(slow, SENT[1])) == []


def test_an_event_that_nobody_sent_is_seen() -> None:
    assert judged(*RIGHT, heard(300, "trigger | cpu | case-0002")) == ["mirror"]


def test_a_report_is_once_and_in_time() -> None:
    assert judged(*RIGHT[:2]) == ["report"]
    assert judged(*RIGHT, heard(900, "report", DESK)) == ["report"]
    assert judged(*RIGHT[:2], heard(600, "report", DESK)) == ["report"]


def test_a_report_that_was_refused_as_soon_as_it_was_due_never_comes() -> None:
    """A tick may plan it at once, or a minute later."""
    assert judged(*RIGHT[:2], outages=(Outage(DESK, Mood.REFUSES, 0, 850),)) == []


def test_a_page_that_says_nothing_of_what_lasts_is_seen() -> None:
    sent = (asked("trigger", 100), asked("resolve", 1200))
    right = (RIGHT[0], heard(1202, RESOLVE), RIGHT[2])
    assert judged(*right, sent=sent) == ["page"]
    assert judged(*right, sent=sent, pages=list(minutes("down", 300, 1260))) == []
    assert judged(*right, sent=sent, pages=list(minutes("down", 300))) == ["page"]


def test_a_page_that_does_not_move_is_seen() -> None:
    assert judged(*RIGHT, pages=[each for each in minutes() if each.at < 600]) == ["page"]
