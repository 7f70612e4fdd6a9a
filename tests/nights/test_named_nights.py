"""Nights that earlier code lost, each named after what must not happen again."""

from dataclasses import replace
from functools import partial

import pytest

from harness.simulation.beside import OTHERS, beside
from harness.simulation.configuration import (
    Configuration,
    Method,
    Person,
    Policy,
    Rule,
    Step,
    always,
    mail,
    phone,
)
from harness.simulation.fates import cut
from harness.simulation.flood import OTHERS as FLOODED
from harness.simulation.flood import flood
from harness.simulation.night import MINUTE, Night
from harness.simulation.operators import Operators
from harness.simulation.titles import TITLE, names_of
from harness.simulation.weather import CALM, ROUGH, Mood, Outage, Weather
from tests.nights.playing import (
    ADA,
    BEN,
    FOR_HOURS,
    ada_then_ben,
    only_ada,
    person,
    play,
    services,
    told,
    trigger,
)


def test_what_waits_for_a_pace_is_not_enqueued_each_minute() -> None:
    methods = (phone("phone", 1), mail("mail", "ada"), Method("call", "voice", "+4915212345601"))
    team = Configuration(
        people=(person("ada", *methods), person("ben", *(phone("p", 2), mail("m", "ben")))),
        policies=(Policy("main", (Step(("ada", "ben")),), repeat_after=FOR_HOURS),),
        services=services(4),
    )
    night = play(team, 3)
    for number in range(20):
        trigger(night, 5 + number * 0.35, number, number % 4)
    night.run()
    taken, deliveries = night.deployment.queues["Pages"].taken, 20 * 5
    # One waking for each, and each minute one for each receiver that something waits for.
    assert taken <= deliveries + 5 * 3 + deliveries // 10


def test_a_burst_tells_each_incident_once() -> None:
    night = play(only_ada(3), 8)
    for number in range(30):
        trigger(night, 5 + number * 0.2, number, number % 3)
    night.run()
    counts = told(night.journal, ADA)
    assert len(counts) == 30
    assert max(counts.values()) == 1


def test_reassigned_to_somebody_who_cannot_be_reached_the_fallback_is_told() -> None:
    night = play(
        ada_then_ben(30, repeat_after=5), 15, outages=[Outage(BEN.address, Mood.REFUSES, 0, 1e6)]
    )
    trigger(night, 5, 1)
    body = {"userId": "user_ben"}
    night.outside.at(
        60, partial(night.outside.by_api, "ada", "case-0001 no answer", "reassign", body)
    )
    verdict = night.run()
    assert not verdict.violations
    # Nobody waits for an answer that cannot come.
    assert night.journal.fallback[0].at < 60 + MINUTE


def test_reassigned_to_somebody_who_sleeps_the_fallback_is_told() -> None:
    night = play(ada_then_ben(30, repeat_after=5), 20)
    trigger(night, 5, 1)
    body = {"userId": "user_ben"}
    night.outside.at(
        60, partial(night.outside.by_api, "ada", "case-0001 no answer", "reassign", body)
    )
    verdict = night.run()
    assert not verdict.violations
    assert night.journal.fallback


def test_what_was_planned_before_a_snooze_does_not_come_after_it() -> None:
    """The judge allows it, as nobody outside knows at which step it goes on."""
    methods = phone("phone", 1), mail("mail", "ada")
    ada = Person("ada", methods, always(Rule("phone"), Rule("mail", 5)))
    team = replace(only_ada(), people=(ada, person("ben", BEN)))
    night = play(team, 12)
    trigger(night, 5, 1)
    act = partial(night.outside.by_api, "ada", "case-0001 no answer")
    night.outside.at(60, partial(act, "snooze", {"minutes": 2}))
    assert not night.run().violations
    by_mail = [each.at for each in night.journal.heard if each.to == methods[1].address]
    # Five minutes after it was resumed, and none five minutes after it was opened.
    [at] = by_mail
    assert 180 + 5 * MINUTE <= at < 180 + 6 * MINUTE


def test_what_the_stream_lost_is_paged_with_the_next_tick() -> None:
    night = play(only_ada(3), 6, outages=[Outage("EscalationFunction", Mood.FAILS, 0, 1e6)])
    for number in range(3):
        trigger(night, 5, number, number)
    night.run()
    heard = [each for each in night.journal.heard if each.to == ADA.address]
    assert {name for each in heard for name in each.titles} == {f"case-000{n}" for n in range(3)}
    assert max(each.at for each in heard) < 5 + MINUTE + 10


def test_an_open_incident_is_never_at_rest() -> None:
    night = play(only_ada(repeat_after=5), 200)
    trigger(night, 5, 1)
    night.run()
    # HIGH: every hour.
    assert len({int(each.at // 1800) for each in night.journal.fallback}) >= 3


def test_a_provider_that_refuses_for_a_moment_does_not_burn_the_policy() -> None:
    team = only_ada(repeat=9, repeat_after=36)
    night = play(team, 30, outages=[Outage(ADA.address, Mood.REFUSES, 0, 60)])
    trigger(night, 5, 1)
    night.run()
    assert told(night.journal, ADA)["case-0001"]


def test_a_provider_that_fails_for_twelve_minutes_burns_no_round() -> None:
    team = only_ada(repeat=1, repeat_after=5)
    night = play(team, 45, outages=[Outage(ADA.address, Mood.FAILS, 0, 12 * MINUTE)])
    trigger(night, 5, 1)
    night.run()
    later = [each.at for each in night.journal.heard if each.to == ADA.address]
    # Two rounds after it works again, with the pause between them: what failed was none.
    assert max(later) - min(later) > 4 * MINUTE


def test_first_incidents_of_other_services_do_not_starve_what_waits() -> None:
    night = play(ada_then_ben(30, number=8), 10)
    trigger(night, 5, 1)
    trigger(night, 10, 2)
    for number in range(3, 10):
        trigger(night, 50.0 * (number - 2), number, number - 2)
    verdict = night.run()
    assert not [each for each in night.journal.heard if each.to == BEN.address]
    assert not verdict.violations


def test_hundreds_for_one_person_do_not_move_on_to_the_next() -> None:
    night = play(ada_then_ben(30, number=4), 3.5)
    # One message goes a minute, and a page has two.
    for number in range(330):
        trigger(night, 5 + number * 0.05, number, number % 4)
    night.run()
    assert not [each for each in night.journal.heard if each.to == BEN.address]
    assert not night.journal.fallback


def test_after_minutes_without_notify_nobody_is_woken_before_their_turn() -> None:
    team = ada_then_ben(30)
    night = play(team, 20, outages=[Outage("NotifyFunction", Mood.FAILS, 0, 10 * MINUTE)])
    trigger(night, 5, 1)
    night.run()
    assert told(night.journal, ADA)["case-0001"] == 1
    assert not [each for each in night.journal.heard if each.to == BEN.address]


def test_what_was_sent_is_recorded_however_long_everything_before_took() -> None:
    """Of twenty seconds that a message has, slow answers and the provider use up all."""
    night = play(only_ada(), 8, Weather(latency=(1.0, 1.4), provider=(6.0, 7.5)))
    trigger(night, 5, 1)
    trigger(night, 7, 2)
    assert not night.run().violations
    assert told(night.journal, ADA) == {"case-0001": 1, "case-0002": 1}


def test_a_step_waits_for_the_page_before_it_that_nobody_has_tried() -> None:
    # Both plan pages: the one from the stream, the other for ticks.
    away = [Outage(each, Mood.FAILS, 0, 250) for each in ("NotifyFunction", "SendFunction")]
    night = play(ada_then_ben(2), 20, outages=away)
    trigger(night, 5, 1)
    night.run()
    [ada] = [each.at for each in night.journal.heard if each.to == ADA.address]
    [ben] = [each.at for each in night.journal.heard if each.to == BEN.address]
    assert 250 < ada < ben


@pytest.mark.parametrize("weather", [CALM, ROUGH], ids=["calm", "rough"])
def test_who_is_also_paged_in_a_storm_hears_of_that_incident_once(weather: Weather) -> None:
    night = play(ada_then_ben(30, 3), 8, weather)
    for number in range(12):
        trigger(night, 5 + number * 2, number, number % 3)
    title, body = "case-0005 no answer", {"userId": "user_ben"}
    night.outside.at(60, partial(night.outside.by_api, "ada", title, "also-page", body))
    verdict = night.run()
    [asked] = [each for each in night.journal.asked if each.what == "also-page"]
    assert asked.status == 200
    counts = told(night.journal, BEN)
    died = sum(each.sender_died or not each.is_answered for each in night.journal.heard)
    assert set(counts) == {"case-0005"}
    # Tried again after no answer, the request may be carried out twice.
    assert counts["case-0005"] <= asked.tries + died
    # The policy goes on as if nobody had been asked.
    assert not [each for each in verdict.violations if each.kind == "silence"]


def test_of_policies_that_run_out_together_the_fallback_is_told_at_once_and_in_one_digest() -> None:
    night = play(only_ada(repeat_after=5), 12)
    for number in range(1, 9):
        trigger(night, 5 + number * 21, number)
    night.run()
    first, digest = night.journal.fallback
    assert names_of(first.text) == {"case-0001"}
    assert names_of(digest.text) == {f"case-{number:04}" for number in range(1, 9)}
    assert digest.at - first.at >= 5 * MINUTE


def holding(night: Night, at: float, *words: str) -> None:
    night.outside.at(at, partial(night.outside.operate, "hold", *words))


@pytest.mark.parametrize("weather", [CALM, ROUGH], ids=["calm", "rough"])
def test_under_a_hold_nobody_hears_anything_and_afterwards_everybody_does_once(
    weather: Weather,
) -> None:
    night = play(ada_then_ben(5, 3), 20, weather)
    # The first incident is paged for and its step waits; the others come under the hold.
    trigger(night, 60, 0)
    holding(night, 2 * MINUTE, "on", "--for", "9m")
    for number in range(1, 12):
        trigger(night, 2.5 * MINUTE + number * 20, number, number % 3)
    night.run()
    began, ended = 2 * MINUTE + 15, 11 * MINUTE - 1
    assert not [each for each in night.journal.heard if began <= each.at < ended]
    counts = told(night.journal, ADA)
    # A sender that dies after sending sends again.
    died = sum(each.sender_died or not each.is_answered for each in night.journal.heard)
    assert len(counts) == 12
    assert sum(counts.values()) <= 12 + died * 12
    assert told(night.journal, BEN)["case-0000"] == 1
    early = [it for it in night.journal.heard if it.to == BEN.address and it.at < 15 * MINUTE]
    # Their five minutes begin when Ada could be told.
    assert {name for each in early for name in TITLE.findall(each.text)} <= {"case-0000"}
    assert not night.journal.fallback


def test_a_hold_that_ends_early_is_over_within_a_minute_and_a_half() -> None:
    night = play(only_ada(), 12)
    holding(night, 60, "on", "--for", "4h")
    trigger(night, 90, 0)
    holding(night, 6 * MINUTE, "off")
    night.run()
    [first] = [each.at for each in night.journal.heard if each.to == ADA.address]
    assert 6 * MINUTE <= first < 7.5 * MINUTE


@pytest.mark.soak
@pytest.mark.parametrize("opens", [True, False], ids=["fresh table", "new account"])
def test_a_flood_of_events_delays_what_is_high_by_seconds(opens: bool, full_size: bool) -> None:
    """A fresh table takes 4,000 write units a second, and an incident costs forty; a new account
    has ten functions at once.
    """
    rate, seconds = (500 if opens else 200, 5 if opens else 15) if full_size else (60, 1)
    found = flood(rate, seconds, opens=opens, account=1000 if opens else 10)
    assert set(found.answers) == {202}
    assert len(found.waits) == FLOODED
    # The flood's own first pages, too.
    assert len(found.own) == found.services
    assert max(found.longest, found.longest_own) <= (60 if opens else 20)
    if full_size:
        assert found.throttled if opens else found.refused


@pytest.mark.soak
def test_what_is_high_takes_seconds_beside_a_storm_of_others(full_size: bool) -> None:
    found = beside(rate=350 if full_size else 60, minutes=3)
    assert len(found.waits) == OTHERS
    assert found.longest <= 10


def test_a_window_of_another_day_that_is_cancelled_delays_nobody_in_this_one() -> None:
    night = play(ada_then_ben(30), 12)
    start = ("maintenance", "start", "service-0", "--for", "6m", "--reason", "An upgrade")
    night.outside.at(30, partial(night.outside.operate, *start))
    trigger(night, 70, 1)
    plan = Operators(night.outside).plan_maintenance
    # Later than that the engine has no reason to look before the end, at 390.
    night.outside.at(335, partial(plan, "ada", "service-0", once=False, ends=True))
    verdict = night.run()
    assert [str(each) for each in verdict.violations] == []
    [first, *_] = [each for each in night.journal.heard if each.to == ADA.address]
    assert 388 < first.at < 400


def test_of_two_windows_the_longer_one_that_is_cut_delays_nobody_past_the_other() -> None:
    night = play(ada_then_ben(30), 12)
    for at, minutes in ((20, "4m"), (30, "8m")):
        start = ("maintenance", "start", "service-0", "--for", minutes, "--reason", "An upgrade")
        night.outside.at(at, partial(night.outside.operate, *start))
    trigger(night, 70, 1)
    night.outside.at(100, partial(cut, night.outside, "service-0"))
    verdict = night.run()
    assert [str(each) for each in verdict.violations] == []
    [first, *_] = [each for each in night.journal.heard if each.to == ADA.address]
    # The other one ends at 260, and a tick sees it.
    assert 258 < first.at < 330
