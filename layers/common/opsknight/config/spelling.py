"""Guesses at the word that somebody meant. A wrong guess costs more than none: it sends people to
look in the wrong place.
"""

from collections.abc import Iterable, Mapping, Sequence
from difflib import SequenceMatcher
from itertools import islice
from typing import Final

ALIKE: Final = 0.65
"""One wrong letter of three. Below this ratio, words that are alike by chance outnumber misspelt
ones.
"""
_BEGINNING: Final = 3
# To compare two texts takes time by the product of their lengths.
_LONGEST: Final = 100
_MOST: Final = 100

# Words of other tools, and words that come to mind first. Similarity alone guesses these wrong.
MEANT: Final[Mapping[str, Sequence[str]]] = {
    "escalation_policies": ("policies",),
    "escalations": ("policies",),
    "escalation_policy": ("policy",),
    "rotations": ("schedules", "layers"),
    "rotation": ("turn", "schedule"),
    "on_call": ("schedules", "schedule"),
    "people": ("users",),
    "person": ("user",),
    "contacts": ("contact_methods",),
    "methods": ("contact_methods",),
    "notification_rules": ("rules",),
    "timezone": ("zone",),
    "time_zone": ("zone",),
    "tz": ("zone",),
    "mail": ("email",),
    "e-mail": ("email",),
    "phone": ("sms", "to"),
    "number": ("to",),
    "call": ("voice",),
    "address": ("to",),
    "url": ("to",),
    "token": ("secret",),
    "password": ("secret",),
    "gchat": ("google_chat",),
    "msteams": ("teams",),
    "delay": ("after",),
    "wait": ("after",),
    "timeout": ("acknowledgement_timeout",),
    "ack_timeout": ("acknowledgement_timeout",),
    "events": ("told",),
    "told": ("events",),
    "owner": ("team",),
    "length": ("turn",),
    "critical": ("HIGH",),
    "error": ("MEDIUM",),
    "warning": ("MEDIUM",),
    "info": ("LOW",),
    "triggered": ("incident.created",),
    "incident.triggered": ("incident.created",),
    "incident.opened": ("incident.created",),
    "opened": ("triggered", "incident.created"),
    "created": ("triggered",),
    "incident.created": ("triggered",),
    "incident.reopened": ("incident.updated", "reopened"),
}


def meant(word: str, known: Iterable[str], alike: float = ALIKE) -> str | None:
    """The known word that was probably meant; None if no guess is good enough."""
    by_lower = {each.lower(): each for each in known}
    lower = word.lower()
    if lower in by_lower:
        return by_lower[lower]
    for other in MEANT.get(lower, ()):
        if other.lower() in by_lower:
            return by_lower[other.lower()]
    # `Sat` for SATURDAY, `trigger` for `triggered`.
    longer = [each for each in by_lower if each.startswith(lower)]
    if len(lower) >= _BEGINNING and len(longer) == 1:
        return by_lower[longer[0]]
    if len(lower) > _LONGEST:
        return None
    # Words of very different lengths cannot be alike enough: the shorter one bounds the likeness.
    fitting = [
        each
        for each in by_lower
        if 2 * min(len(lower), len(each)) >= alike * (len(lower) + len(each))
    ]
    if len(fitting) > _MOST:
        # One wrong letter leaves one half of a word as it is.
        half = len(lower) // 2
        halves = (
            each
            for each in fitting
            if each.startswith(lower[:half]) or each.endswith(lower[len(lower) - half :])
        )
        fitting = [*islice(halves, _MOST)]
    near = max(fitting, key=lambda each: _likeness(lower, each), default="")
    return by_lower[near] if near and _likeness(lower, near) >= alike else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """` Did you mean "team"?`, or nothing if no guess is good enough."""
    found = meant(word, known)
    return "" if found is None else f' Did you mean "{found}"?'


def _likeness(one: str, other: str) -> float:
    return SequenceMatcher(None, one, other).ratio()
