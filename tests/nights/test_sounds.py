"""What rings until it is called off, and messages that are added to without a sound; and that the
judge sees what is wrong with each.
"""

from collections.abc import Iterable
from functools import partial

import pytest

from harness.simulation.cases import read
from harness.simulation.configuration import Configuration, Policy, Step, alarm, chat
from harness.simulation.journal import Asked, Heard, Journal
from harness.simulation.night import MINUTE
from harness.simulation.rosters import RELAY
from harness.simulation.sounds import Sounds, names
from harness.simulation.verdict import CALM_PATIENCE
from harness.simulation.weather import CALM, ROUGH, Mood, Outage, Weather
from tests.nights.playing import FOR_HOURS, person, play, services, trigger

ALARM, CHAT = alarm("alarm", "uadaadaada"), chat("chat", 7)


def ringing(number: int = 1) -> Configuration:
    return Configuration(
        people=(person("ada", ALARM), person("ben", CHAT)),
        policies=(Policy("main", (Step(("ada",)),), repeat_after=FOR_HOURS),),
        services=services(number),
    )


@pytest.mark.parametrize("weather", [CALM, ROUGH], ids=["calm", "rough"])
def test_what_somebody_has_taken_elsewhere_does_not_ring_on(weather: Weather) -> None:
    night = play(ringing(), 12, weather)
    trigger(night, 5, 1)
    act = partial(night.outside.by_api, "ben", "case-0001 no answer")
    night.outside.at(60, partial(act, "acknowledge"))
    verdict = night.run()
    assert [str(each) for each in verdict.violations] == []
    [first, *_] = [each for each in night.journal.heard if each.rings_until]
    assert first.called_off
    assert first.called_off[0] < (90 if weather is CALM else 400)


def test_what_several_need_rings_until_the_last_of_them_is_taken() -> None:
    night = play(ringing(), 12)
    # The first goes out at once; the others wait for the pace, and share a message.
    for number in (1, 2, 3):
        trigger(night, 3.0 + number * 2, number)
    for number in (2, 3):
        act = partial(night.outside.by_api, "ben", f"case-000{number} no answer")
        night.outside.at(number * MINUTE, partial(act, "acknowledge"))
    verdict = night.run()
    assert [str(each) for each in verdict.violations] == []
    [one, both] = [each for each in night.journal.heard if each.rings_until]
    assert (names(one), one.called_off) == ({"case-0001"}, [])
    assert names(both) == {"case-0002", "case-0003"}
    [at] = both.called_off
    assert 3 * MINUTE < at < 4 * MINUTE


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_what_one_message_cannot_tell_is_added_to_it_and_all_of_it_is_told(
    full_size: bool,
) -> None:
    """One message tells 1,500 at most."""
    number = 1_700 if full_size else 30
    team = Configuration(
        people=(person("ben", CHAT),),
        policies=(Policy("main", (Step(("ben",)),), repeat_after=FOR_HOURS),),
        services=services(18),
    )
    night = play(team, 6, outages=[Outage(CHAT.address, Mood.FAILS, 0, 110)])
    for each in range(number):
        title = f"case-{each:04} no answer"
        event = partial(night.outside.event, "trigger", f"service-{each % 18}", f"key-{each}")
        night.outside.at(5 + each * 100 / number, partial(event, title, "error"))
    verdict = night.run()
    assert [str(each) for each in verdict.violations] == []
    added = [each for each in night.journal.heard if each.edits]
    assert bool(added) == full_size
    told = {name for each in night.journal.heard for name in names(each)}
    assert told == {f"case-{each:04}" for each in range(number)}


def test_a_chat_that_moves_is_found_at_once_and_known_from_then_on() -> None:
    """Telegram gives a group that becomes a supergroup another id."""
    new = "-100555"
    team = Configuration(
        people=(person("ben", CHAT, after=(0, 2, 4)), person("ada", ALARM)),
        policies=(Policy("main", (Step(("ben",)),), repeat_after=FOR_HOURS),),
        services=services(1),
    )
    night = play(team, 12)
    trigger(night, 5, 1)
    night.deployment.hub.at(60, lambda: night.deployment.receivers.moved.update({CHAT.to: new}))
    # By its new address the judge does not know it.
    night.run()
    at = {to: [it.at for it in night.journal.heard if it.to == to] for to in (CHAT.to, new)}
    assert [len(each) for each in at.values()] == [1, 2]
    assert at[new][0] < 130
    # Only the first message after the move asked at the old place.
    assert night.deployment.receivers.asked == {CHAT.to: 2, new: 2}


def test_two_senders_may_both_find_that_a_chat_has_moved() -> None:
    """What somebody is handed has no pace: two at once are sent side by side."""
    new = "-100555"
    night = play(ringing(3), 12)
    for number in (1, 2):
        title = f"case-000{number} no answer"
        trigger(night, 3.0 + number, number)
        act = partial(night.outside.by_api, "ada", title)
        night.outside.at(30, partial(act, "acknowledge"))
        night.outside.at(70, partial(act, "reassign", {"userId": "user_ben"}))
    night.deployment.hub.at(60, lambda: night.deployment.receivers.moved.update({CHAT.to: new}))
    title = "case-0003 no answer"
    trigger(night, 120, 3)
    night.outside.at(150, partial(night.outside.by_api, "ada", title, "acknowledge"))
    reassign = partial(night.outside.by_api, "ada", title, "reassign", {"userId": "user_ben"})
    night.outside.at(180, reassign)
    night.run()
    heard = [each for each in night.journal.heard if each.to in (CHAT.to, new)]
    assert {each.to for each in heard} == {new}
    assert sorted(map(sorted, map(names, heard))) == [["case-0001"], ["case-0002"], ["case-0003"]]
    one, two, three = sorted(heard, key=lambda each: each.began)
    assert two.began < one.over < three.began
    # By the third time it is known.
    assert night.deployment.receivers.asked == {CHAT.to: 2, new: 3}


# The judge.


def asked(what: str, at: float, number: int = 1, severity: str = "critical") -> Asked:
    title = f"case-000{number}"
    return Asked(
        *("monitor of shop", what, title, at, at + 1, 202),
        body={"result": {"incident": {"title": title, "status": "OPEN"}}},
        key=f"key-{number}",
        severity=severity,
        service="shop",
        incident=title,
    )


def rings(at: float, *called_off: float, text: str = "case-0001", **more: bool) -> Heard:
    return Heard(at, "u1", text, "del_1", True, rings_until=at + 600, called_off=[*called_off])


def judged(sent: Iterable[Asked], *heard: Heard, outages: Iterable[Outage] = ()) -> list[str]:
    journal = Journal(asked=[*sent], heard=[*heard])
    sounds = Sounds(CALM_PATIENCE, [*outages], 40 * MINUTE, journal)
    return [each.text for each in sounds.wrong(read(journal.asked, RELAY))]


TAKEN = (asked("trigger", 100), asked("acknowledge", 200))


def test_what_rings_on_is_seen() -> None:
    assert judged(TAKEN, rings(102, 205)) == []
    [said] = judged(TAKEN, rings(102))
    assert "rang on" in said
    assert judged(TAKEN, rings(102, 400)) == [said]
    # Whose sender died meanwhile rings to its end; and who is away cannot be told.
    died = rings(102)
    died.sender_died = True
    assert judged(TAKEN, died) == []
    assert judged(TAKEN, rings(102), outages=[Outage("u1", Mood.HANGS, 150, 300)]) == []
    # Nobody has taken it.
    assert judged(TAKEN[:1], rings(102)) == []


def test_what_is_called_off_while_somebody_is_needed_is_seen() -> None:
    [said] = judged(TAKEN[:1], rings(102, 400))
    assert "was to ring" in said
    both = [*TAKEN, asked("trigger", 110, 2)]
    several = rings(120, 205, text="case-0001 case-0002")
    several.titles = frozenset(("case-0001", "case-0002"))
    [said] = judged(both, several)
    assert "case-0002" in said
    over = [*both, asked("resolve", 190, 2)]
    assert judged(over, several) == []


def test_something_high_that_is_added_without_a_sound_is_seen() -> None:
    low = [asked("trigger", 100, 1, "error"), asked("trigger", 110, 2)]
    first = Heard(102, "-1007", "case-0001", "", True)
    added = Heard(112, "-1007", "case-0001", "", True, edits=first)
    added.titles = frozenset(("case-0001", "case-0002"))
    [said] = judged(low, first, added)
    assert "without a sound" in said
    assert judged([asked("trigger", 100), low[1]], first, added) == []
