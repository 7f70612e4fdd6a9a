"""How a message to the fallback address reads. Titles come from strangers: nothing in them may look
like a line of ours, or reach a terminal as a control character.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from opsknight.classes import dataclass
from opsknight.incident.model import Incident, Urgency

# SNS refuses longer subjects, and line breaks in them.
LONGEST_SUBJECT: Final = 100
MOST_INCIDENTS: Final = 20
MOST_SERVICES: Final = 50


@dataclass(frozen=True, slots=True)
class Digest:
    incidents: Sequence[Incident]
    """The most urgent first, and of one urgency the oldest first."""

    @property
    def subject(self) -> str:
        if len(self.incidents) == 1:
            said = f"OpsKnight reached nobody: {clean(self.incidents[0].title)}"
        else:
            said = f"OpsKnight: nobody has taken {len(self.incidents)} incidents"
        # SNS takes printable ASCII in subjects only.
        return said.encode("ascii", "replace").decode()[:LONGEST_SUBJECT]

    @property
    def urgency(self) -> Urgency:
        """That of the most urgent."""
        return self.incidents[0].urgency

    @property
    def service_ids(self) -> list[str]:
        """In the order in which the text names them, the most urgent first."""
        return list(dict.fromkeys(each.service_id for each in self.incidents))

    def text(self, services: Mapping[str, str], base: str) -> str:
        """`services`: their names by id; others appear by their id. `base`: the API's address."""
        named = {each: clean(services.get(each, each)) for each in self.service_ids}
        # Whoever follows it has to log in: the address may be a list of many people.
        link = f"All that is open: {base}/console/incidents?view=open\n\n"
        if len(self.incidents) == 1:
            head = "Nobody has taken an incident, or nobody could be reached.\n"
            return head + link + _whole(self.incidents[0], named)
        parts = [
            f"Nobody has taken {len(self.incidents)} incidents, or nobody could be reached.\n",
            link,
            *self._counts(named),
        ]
        shown = self.incidents[:MOST_INCIDENTS]
        if len(shown) < len(self.incidents):
            parts.append(f"\nThe most urgent {len(shown)}:\n")
        parts += [f"\n{_whole(each, named)}" for each in shown]
        return "".join(parts)

    def _counts(self, named: Mapping[str, str]) -> Iterable[str]:
        counts = Counter((each.service_id, each.urgency) for each in self.incidents)
        for number, (service_id, name) in enumerate(named.items()):
            if number == MOST_SERVICES:
                rest = set(list(named)[MOST_SERVICES:])
                more = sum(each for (service, _), each in counts.items() if service in rest)
                yield f"{len(rest)} more services: {more}\n"
                return
            of_service = ((urgency, counts[service_id, urgency]) for urgency in Urgency)
            yield f"{name}: {', '.join(f'{n} {urgency}' for urgency, n in of_service if n)}\n"


def of(incidents: Iterable[Incident]) -> Digest:
    ranks = {urgency: rank for rank, urgency in enumerate(Urgency)}
    return Digest(sorted(incidents, key=lambda each: (ranks[each.urgency], each.created_at)))


def clean(text: str) -> str:
    """One line, without control characters."""
    return "".join(each if each.isprintable() else "?" for each in " ".join(text.split()))


def _whole(incident: Incident, named: Mapping[str, str]) -> str:
    return (
        f"Incident: {incident.id}\nTitle: {clean(incident.title)}\n"
        f"Service: {named[incident.service_id]}\n"
        f"Urgency: {incident.urgency}\nOpen since: {incident.created_at.isoformat()}\n"
        f"Escalation: {incident.escalation}\n"
    )
