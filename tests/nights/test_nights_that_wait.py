"""Named nights of what waits: for hours, for its own resolution, for a beat, for a turn."""

from dataclasses import replace
from functools import partial

from harness.simulation.configuration import Pulse, Service
from harness.simulation.night import Night
from tests.nights.playing import ADA, BEN, ada_then_ben, play


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
