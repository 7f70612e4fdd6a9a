"""Named nights of what waits: for hours, for its own resolution, for a beat, for a turn."""

from dataclasses import replace
from functools import partial

import pytest

from harness.simulation.configuration import Method, Person, Pulse, Rule, Service, always
from harness.simulation.night import Night
from harness.simulation.weather import CALM, ROUGH, Weather
from tests.nights.playing import ADA, BEN, ada_then_ben, play, trigger


def test_what_may_resolve_itself_waits_on_when_support_hours_begin() -> None:
    team = ada_then_ben(30)
    [service] = team.services
    night = play(replace(team, services=(replace(service, page_after=4, supported_from=5),)), 10)
    event = partial(night.outside.event, "trigger", service.name, "key", severity="error")
    night.outside.at(200, partial(event, "case-0001 no answer"))
    verdict = night.run()
    assert not verdict.violations
    [told] = [each.at for each in night.journal.heard]
    assert 440 <= told < 450


def test_what_support_hours_raise_is_reminded_of_by_its_new_urgency() -> None:
    """Reassigned to somebody who sleeps: the fallback has heard, and hears again in a day. Raised,
    it pages once more, and the fallback is to hear within ten minutes.
    """
    team = ada_then_ben(30, repeat_after=5)
    [service] = team.services
    often = {"MEDIUM": 10, "LOW": 1440}
    night = play(replace(team, services=(replace(service, supported_from=20, remind=often),)), 60)
    event = partial(night.outside.event, "trigger", service.name, "key", severity="error")
    night.outside.at(10, partial(event, "case-0001 no answer"))
    reassign = partial(night.outside.by_api, "ada", "case-0001 no answer", "reassign")
    night.outside.at(60, partial(reassign, {"userId": "user_ben"}))
    assert not night.run().violations
    told = [each.at for each in night.journal.fallback]
    assert len([at for at in told if at < 20 * 60]) == 1
    assert len([at for at in told if at >= 20 * 60]) == 4


def test_what_resolves_itself_while_paging_waits_disturbs_nobody() -> None:
    shop = Service("shop", "main", hooks=("chat.example.com",), page_after=3, routes={"b": "bank"})
    bank = Service("bank", "main", hooks=("wall.example.com",))
    night = play(replace(ada_then_ben(5), services=(shop, bank)), 6)
    event = partial(night.outside.event, service="shop", severity="error", source="b")
    for number, ends in ((1, 200), (2, 150)):
        tell = partial(event, key=f"key-{number}", title=f"case-000{number} no answer")
        night.outside.at(10, partial(tell, "trigger"))
        # What their route looked at is not there any more.
        night.outside.at(ends, partial(tell, "resolve", source="elsewhere"))
    verdict = night.run()
    assert not verdict.violations
    assert {name for each in night.journal.heard for name in each.titles} == {"case-0001"}
    assert {each.to for each in night.journal.heard} == {ADA.address, "wall.example.com"}


@pytest.mark.parametrize(
    ("weather", "by_twilio"),
    [(CALM, False), (ROUGH, False), (CALM, True)],
    ids=["calm", "rough", "twilio"],
)
def test_who_replies_to_a_text_message_is_answered_once_and_paged_no_more(
    weather: Weather, by_twilio: bool
) -> None:
    night = play(ada_then_ben(4, 2), 14, weather)
    if by_twilio:
        night.deployment.use_twilio()
    for number in range(4):
        trigger(night, 20 + number * 150, number, number % 2)
        reply = partial(night.outside.by_text, "ada", ADA.address, f"case-{number:04} no answer")
        night.outside.at(120 + number * 150, reply)
    # Chatter, a wrong code and one in another's name are answered by nothing.
    for at, sender, words in ((300, ADA, "thanks"), (301, ADA, "BBB"), (302, BEN, "BBB 2")):
        night.outside.at(at, partial(night.deployment.text, sender.address, words))
    assert not night.run().violations
    replied = [each for each in night.journal.asked if each.way == "text"]
    assert [each.status for each in replied] == [200] * 4
    assert not [each for each in night.journal.heard if each.to == BEN.address]


@pytest.mark.parametrize("weather", [CALM, ROUGH], ids=["calm", "rough"])
def test_a_key_in_a_call_of_twilios_ends_the_paging_of_what_the_call_told(weather: Weather) -> None:
    call = Method("call", "voice", ADA.to)
    team = ada_then_ben(4, 2)
    ada = Person("ada", (ADA, call), always(Rule("phone"), Rule("call", 1)))
    night = play(replace(team, people=(ada, team.people[1])), 16, weather)
    night.deployment.use_twilio()
    for number in range(4):
        trigger(night, 20 + number * 200, number, number % 2)
        title, key = f"case-{number:04} no answer", "46"[number % 2]
        press = partial(night.outside.by_key, "ada", ADA.address, title, key)
        night.outside.at(170 + number * 200, press)
    assert not night.run().violations
    pressed = [each for each in night.journal.asked if each.way == "call"]
    assert [each.status for each in pressed] == [200] * 4
    assert not [each for each in night.journal.heard if each.to == BEN.address]


@pytest.mark.parametrize("weather", [CALM, ROUGH], ids=["calm", "rough"])
def test_a_hold_silences_the_canary_and_its_end_lets_it_go_on(weather: Weather) -> None:
    night = play(ada_then_ben(4), 40, weather)
    night.deployment.parameters["/opsknight/opsknight/canary-ping"] = "https://alive.example.com/x"
    for minute in range(1, 40, 5):
        night.outside.at(minute * 60, partial(night.deployment.schedule, "CanaryFunction"))
    night.outside.at(620, partial(night.outside.operate, "hold", "on", "--for", "10m"))
    assert not night.run().violations
    pings = [each.at for each in night.journal.heard]
    assert {each.to for each in night.journal.heard} == {"alive.example.com"}
    began, ended = 620 + 15, 1220
    assert [at for at in pings if at < began] and [at for at in pings if at > ended + 300]
    # Whoever listens outside hears of the hold, and nothing of it afterwards in one heap.
    assert not [at for at in pings if began < at < ended - 5]
    excused = sum(each.sender_died or not each.is_answered for each in night.journal.heard)
    assert len(pings) <= 8 + excused
    assert not night.journal.fallback


def beats(night: Night, pulse: str, *silences: tuple[float, float]) -> None:
    """Each minute, but for the silences."""
    for minute in range(30):
        at = 20.0 + minute * 60
        if not any(since <= at < until for since, until in silences):
            night.outside.at(at, partial(night.outside.beat, pulse))


def two_pulses() -> Night:
    pulses = (Pulse("case-9001", grace=2), Pulse("case-9002"))
    services = (Service(f"farm-{each.name}", "main", pulse=each) for each in pulses)
    return play(replace(ada_then_ben(30), services=tuple(services)), 20)


def test_a_heartbeat_that_falls_silent_pages_and_its_next_beat_resolves() -> None:
    night = two_pulses()
    beats(night, "case-9001", (300, 900))
    beats(night, "case-9002")
    assert not night.run().violations
    [told] = [each for each in night.journal.heard if each.to == ADA.address]
    # Three minutes after its last beat, and a tick or two.
    assert 440 < told.at < 440 + 130
    # Its next beat resolves it: the second step does not come.
    assert not [each for each in night.journal.heard if each.to == BEN.address]


def test_heartbeats_that_are_late_or_fail_once_page_nobody() -> None:
    night = two_pulses()
    # Two of them do not come, and it may be two minutes late.
    beats(night, "case-9001", (300, 420))
    beats(night, "case-9002")
    assert not night.run().violations
    assert not night.journal.heard


def test_after_a_silence_of_our_own_heartbeats_get_their_time_to_be_heard_again() -> None:
    pulses = (Pulse("case-9001", every=10), Pulse("case-9002", every=10))
    services = (Service(f"farm-{each.name}", "main", pulse=each) for each in pulses)
    night = play(replace(ada_then_ben(30), services=tuple(services)), 36)
    # Overdue from 1280 on. Nothing reaches the deployment until 1700, and one of them comes later.
    for name, times in (("case-9001", (20, 620, 1950)), ("case-9002", (25, 625, 1700))):
        for at in times:
            night.outside.at(at, partial(night.outside.beat, name))
    night.run()
    assert not night.journal.heard
