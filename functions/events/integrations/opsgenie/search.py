"""The part of Opsgenie's search language that lists of alerts take. Pure.

What it does not know it refuses: a condition that is left out would show what nobody asked for.
"""

import re
from typing import Final

from events.integrations.opsgenie.shown import Seen
from events.integrations.opsgenie.visit import Refused
from opsknight.classes import dataclass
from opsknight.incident.model import ACTIVE, Incident, Status

_TERM: Final = re.compile(r"""\s*([A-Za-z]+)\s*[:=]\s*("[^"]*"|'[^']*'|[^\s()"'*]+)\s*""")
_AND: Final = re.compile(r"(AND|&&)\s+", re.IGNORECASE)
_KNOWN: Final = (
    "status",
    "acknowledged",
    "snoozed",
    "priority",
    "alias",
    "tag",
    "source",
    "entity",
)
_WORDS: Final = {
    "status": ("open", "closed"),
    "acknowledged": ("true", "false"),
    "snoozed": ("true", "false"),
}


@dataclass(frozen=True, slots=True)
class Search:
    """Conditions that all have to be met, by their field."""

    terms: tuple[tuple[str, str], ...] = ()

    @property
    def lists(self) -> list[frozenset[Status]]:
        """Active ones and resolved ones are two lists of ours."""
        statuses = {value for name, value in self.terms if name == "status"}
        if len(statuses) > 1:
            return []
        return [
            found
            for word, found in (("open", ACTIVE), ("closed", frozenset({Status.RESOLVED})))
            if not statuses or word in statuses
        ]

    def may_be(self, incident: Incident) -> bool:
        """Whether the incident alone rules nothing out."""
        facts = {
            "status": "closed" if incident.status is Status.RESOLVED else "open",
            "acknowledged": _truth(incident.status is Status.ACKNOWLEDGED),
            "snoozed": _truth(incident.status is Status.SNOOZED),
        }
        return all(facts.get(name, value) == value for name, value in self.terms)

    def is_met_by(self, seen: Seen) -> bool:
        described = seen.described
        facts = {
            "priority": [described.priority],
            "alias": [seen.alias],
            "tag": described.tags,
            "source": [described.source],
            "entity": [described.entity],
        }
        wanted = ((name, value.casefold()) for name, value in self.terms if name in facts)
        return all(value in map(str.casefold, facts[name]) for name, value in wanted)


def read_search(text: str) -> Search:
    """Raises Refused."""
    left, terms = text.strip(), []
    while left:
        found = _TERM.match(left)
        if found is None:
            raise _unknown(left)
        name, value = found[1].lower(), found[2].strip("\"'")
        name = "tag" if name == "tags" else name
        if name not in _KNOWN:
            raise _unknown(found[0].strip())
        value = value.lower() if name in _WORDS else value
        if value not in _WORDS.get(name, (value,)):
            raise _unknown(found[0].strip())
        terms.append((name, value))
        left = left[found.end() :]
        joined = _AND.match(left)
        left = left[joined.end() :] if joined else left
        if joined and not left:
            raise _unknown(text.strip())
    return Search(tuple(terms))


def _unknown(what: str) -> Refused:
    known = f"{', '.join(_KNOWN)} with : or =, joined by AND"
    return Refused(422, "The query cannot be read", query=f"{what[:100]!r} is not among {known}")


def _truth(fact: bool) -> str:
    return "true" if fact else "false"
