"""The teams of the nights: small ones, each with something of its own."""

from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Final

from harness.simulation.configuration import (
    Configuration,
    Method,
    Page,
    Person,
    Policy,
    Pulse,
    Report,
    Rule,
    Service,
    Step,
    alarm,
    always,
    chat,
    hook,
    mail,
    phone,
)


def _person(name: str, number: int, *, own_program: bool = False) -> Person:
    """By phone at once, and by mail a little later."""
    methods: tuple[Method, ...] = (phone("phone", number), mail("mail", name))
    rules: tuple[Rule, ...] = (Rule("phone"), Rule("mail", 2))
    if own_program:
        methods, rules = (hook("program", f"{name}.example.com"),), (Rule("program"),)
    return Person(name, methods, always(*rules))


ADA, BEN, CEM, DEA = (
    _person(name, number) for number, name in enumerate(("ada", "ben", "cem", "dea"))
)
# How often the fallback is reminded: within a night, or told once.
OFTEN: Final = {"HIGH": 6, "MEDIUM": 8, "LOW": 60}
NEVER: Final = {"HIGH": 0, "MEDIUM": 0, "LOW": 0}
PROGRAMS: Final = tuple(_person(name, 0, own_program=True) for name in ("eli", "fay", "gus"))

# One after the other, twice.
RELAY: Final = Configuration(
    people=(ADA, BEN),
    policies=(Policy("relay", (Step(("ada",)), Step(("ben",), 3)), repeat=1, repeat_after=3),),
    services=(Service("shop", "relay", hooks=("chat.example.com",)),),
)
# Two at once, then a third; two services that share them.
PAIR: Final = Configuration(
    people=(ADA, BEN, CEM),
    policies=(Policy("pair", (Step(("ada", "ben")), Step(("cem",), 5)), repeat_after=5),),
    services=(
        Service("shop", "pair", hooks=("chat.example.com",)),
        Service("bank", "pair", acknowledgement_timeout=6),
    ),
)
# Nobody wrote a policy.
TEAM: Final = Configuration(people=(ADA, DEA), policies=(), services=(Service("shop", None),))
# Receivers without a pace, so that nothing ever waits for another message.
MACHINES: Final = Configuration(
    people=PROGRAMS,
    policies=(
        Policy(
            "machines",
            (Step(("eli",)), Step(("fay",), 2), Step(("gus",), 3)),
            repeat=1,
            repeat_after=4,
        ),
    ),
    services=(
        Service("shop", "machines", hooks=("chat.example.com", "wall.example.com")),
        Service("bank", "machines"),
    ),
)
# Several rules for one phone, and steps that come again while their first pages are held for it.
HASTY: Final = Configuration(
    people=(
        Person(
            "ada",
            # A number that nobody else has.
            (phone("phone", 9), mail("mail", "ada")),
            always(Rule("phone"), Rule("mail"), Rule("phone", 1), Rule("phone", 2)),
        ),
        BEN,
    ),
    policies=(
        Policy(
            "hasty",
            (Step(("ada",)), Step(("ada", "ben"), 1), Step(("ada",), 1)),
            repeat=1,
            repeat_after=1,
        ),
    ),
    services=tuple(Service(name, "hasty") for name in ("shop", "bank", "mill")),
)
# One sleeps through what can wait, and some services are looked after only later in the night.
HOURS: Final = Configuration(
    people=(ADA, replace(BEN, quiet_until=11), CEM),
    policies=(
        Policy(
            "hours",
            (Step(("ada",)), Step(("ben",), 2), Step(("cem",), 3)),
            repeat=1,
            repeat_after=4,
        ),
        Policy("quiet", (Step(("ben",)),), repeat=1, repeat_after=3),
    ),
    services=(
        Service("shop", "hours", hooks=("chat.example.com",), supported_from=8, remind=OFTEN),
        Service("bank", "quiet", supported_from=14, remind=OFTEN),
        Service("mill", "quiet", remind=NEVER),
    ),
)
# One key for several services, and what may resolve itself.
ROUTED: Final = Configuration(
    people=(ADA, BEN, CEM),
    policies=(Policy("pair", (Step(("ada", "ben")), Step(("cem",), 3)), repeat_after=5),),
    services=(
        Service(
            *("front", "pair"),
            hooks=("chat.example.com",),
            page_after=3,
            routes={"bank": "bank", "mill": "mill"},
        ),
        Service("bank", "pair", hooks=("wall.example.com",)),
        Service("mill", "pair", supported_from=9, acknowledgement_timeout=6),
    ),
)
# Machines that say each minute that they live. One of them falls silent.
PULSES: Final = Configuration(
    people=(ADA, BEN),
    policies=(Policy("relay", (Step(("ada",)), Step(("ben",), 3)), repeat_after=4),),
    services=(
        Service("shop", "relay"),
        Service("farm", "relay", hooks=("chat.example.com",), pulse=Pulse("case-9001")),
        Service("mine", "relay", pulse=Pulse("case-9002")),
        Service("pond", "relay", pulse=Pulse("case-9003")),
    ),
)
# Others listen: a system that is mirrored to, a desk that gets a report, and customers.
ECHOES: Final = Configuration(
    people=(ADA, BEN),
    policies=(Policy("relay", (Step(("ada",)), Step(("ben",), 3)), repeat=1, repeat_after=3),),
    services=(
        Service("shop", "relay", hooks=("chat.example.com",), mirror="old.example.com"),
        Service("bank", "relay", mirror="vault.example.com", remind=OFTEN),
    ),
    reports=(Report("morning", 14, "desk.example.com"),),
    pages=(Page("front", ("shop", "bank"), 3),),
)
# One has an alarm that rings until it is called off, one a chat whose messages can be changed.
ALARMS: Final = Configuration(
    people=(
        Person(
            "ada",
            (alarm("alarm", "uadaadaada"), mail("mail", "ada")),
            always(Rule("alarm"), Rule("mail", 2)),
        ),
        Person("ben", (chat("chat", 1),), always(Rule("chat"), Rule("chat", 3))),
    ),
    policies=(
        Policy(
            *("alarms", (Step(("ada",)), Step(("ben", "ada"), 3))),
            repeat=1,
            repeat_after=3,
        ),
    ),
    services=(
        Service("shop", "alarms", hooks=("chat.example.com",)),
        Service("bank", "alarms", acknowledgement_timeout=6, remind=NEVER),
    ),
)
# Those that the command line of an older version can set up, too.
OLDER: Final = (RELAY, PAIR, TEAM, MACHINES, HASTY)
# What few nights need is in several of them.
ALL: Final = (*OLDER, HOURS, ROUTED, PULSES, ECHOES, ECHOES, ALARMS, ALARMS)


def choose(chance: Random, teams: Sequence[Configuration] = ALL) -> Configuration:
    return chance.choice(teams)
