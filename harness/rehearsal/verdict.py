"""What was lost and what was doubled, judged from outside. Imports nothing of the product."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from harness.rehearsal.monitors import Posted

ON_ITS_WAY: Final = 45.0
"""Seconds that a message may take on this machine, where many functions start at the same time. So
much later than its time, a page is missing; so soon after an acknowledgement it is not wrong.
"""
HOLD_IS_KNOWN: Final = 25.0
"""Seconds after which a hold has stopped everything: functions read it at most every 10, and what a
sender has begun by then may take its 12.
"""
TAKEN_UP: Final = 60.0
"""Seconds after a hold in which a tick takes up what came due under it."""


@dataclass(frozen=True)
class Held:
    """A hold, from when its command had answered to when the command that ended it was given."""

    on: float
    off: float

    def postponed(self, due: float) -> float:
        """When it is due at last. What was on its way as the hold began may be caught by it."""
        if self.on - ON_ITS_WAY < due < self.off:
            return self.off + TAKEN_UP
        return due

    def stops(self, at: float) -> bool:
        return self.on + HOLD_IS_KNOWN < at < self.off


@dataclass(frozen=True)
class Heard:
    """That somebody was told of an incident, by one message."""

    incident_id: str
    to: str
    """`first` and `second` of a policy's steps, or `place`, a receiver of the service."""
    about: str
    """`paged`, `triggered`, `acknowledged`, `resolved`."""
    delivery_id: str
    at: float


@dataclass(frozen=True)
class Verdict:
    posted: int
    taken: int
    incidents: int
    heard: int
    tried_again: int
    """Events that were not taken by their first try."""
    repeated: int
    """Messages that came twice with one delivery id, which receivers are told to look at."""
    lost: tuple[str, ...]
    doubled: tuple[str, ...]
    in_spite: tuple[str, ...]
    """Messages that came in spite of the hold."""

    @property
    def is_good(self) -> bool:
        return not (self.lost or self.doubled or self.in_spite)


def judge(
    posted: Sequence[Posted],
    alerts: Mapping[str, Sequence[str]],
    heard: Sequence[Heard],
    *,
    second_after: float,
    ended: float,
    held: Held | None = None,
) -> Verdict:
    """`alerts` are the incidents that each event has an alert on, by the event's number; `ended` is
    when nobody listened any more.
    """

    def due(at: float) -> float:
        return held.postponed(at) if held else at

    lost, doubled = list[str](), list[str]()
    _events(posted, alerts, lost, doubled)
    lives = _lives(posted)
    messages = defaultdict[tuple[str, str, str], list[Heard]](list)
    for each in heard:
        messages[each.incident_id, each.to, each.about].append(each)
    for incident_id, life in lives.items():
        until = life.quiet_from if life.quiet_from is not None else ended
        # A step waits its full time after a page that the hold kept back.
        first = due(life.opened)
        for to, at in (("first", first), ("second", due(first + second_after))):
            found = messages[incident_id, to, "paged"]
            if not found and until - at > ON_ITS_WAY:
                lost.append(f"{incident_id}: the {to} step paged nobody")
            if any(each.at - until > ON_ITS_WAY for each in found):
                doubled.append(f"{incident_id}: the {to} step paged after somebody acted")
        if not life.changes:
            continue  # It was opened by a try that went unanswered, and nothing else became of it.
        # An older one may be left out where a newer one says more.
        about, at = max(life.changes.items(), key=lambda it: it[1])
        if not messages[incident_id, "place", about] and ended - due(at) > ON_ITS_WAY:
            lost.append(f"{incident_id}: the service's receiver was not told: {about}")
    for (incident_id, to, about), found in messages.items():
        if len({each.delivery_id for each in found}) > 1:
            doubled.append(f"{incident_id}: {to} was told twice: {about}")
        if incident_id not in lives:
            lost.append(f"{incident_id}: {to} was told of an incident that no answer names")
    ids = Counter((each.incident_id, each.delivery_id) for each in heard)
    return Verdict(
        posted=len(posted),
        taken=sum(each.taken for each in posted),
        incidents=len(lives),
        heard=len(heard),
        tried_again=sum(each.unanswered > 0 for each in posted),
        repeated=sum(count - 1 for count in ids.values()),
        lost=tuple(lost),
        doubled=tuple(doubled),
        in_spite=tuple(
            f"{each.incident_id}: {each.to} was told {each.at - held.on:.0f} s into the hold: "
            f"{each.about}"
            for each in heard
            if held and held.stops(each.at)
        ),
    )


@dataclass
class _Life:
    opened: float
    quiet_from: float | None
    """When somebody acted."""
    changes: dict[str, float]
    """What the service's receiver has to be told, and since when."""


def _lives(posted: Sequence[Posted]) -> dict[str, _Life]:
    """What monitors know of each incident, by what they were answered."""
    lives = dict[str, _Life]()
    for each in sorted(posted, key=lambda it: it.answered):
        if not each.incident_id:
            continue
        life = lives.setdefault(each.incident_id, _Life(each.answered, None, {}))
        match each.result:
            case "triggered":
                life.changes["triggered"] = each.answered
            case "acknowledged" | "resolved":
                life.changes[each.result] = each.answered
                life.quiet_from = life.quiet_from or each.answered
            case _:
                pass
    return lives


def _events(
    posted: Sequence[Posted],
    alerts: Mapping[str, Sequence[str]],
    lost: list[str],
    doubled: list[str],
) -> None:
    """Every trigger that was taken has one alert, on the incident that its answer names."""
    for each in posted:
        found = alerts.get(each.number, ())
        if not each.taken:
            lost.append(f"{each.number}: {each.event_action} was never taken")
        elif each.event_action != "trigger":
            continue
        elif each.incident_id not in found:
            lost.append(f"{each.number}: no alert on {each.incident_id}")
        # A try that went unanswered may have left one, too.
        elif len(found) > 1 + each.unanswered:
            doubled.append(f"{each.number}: {len(found)} alerts")
