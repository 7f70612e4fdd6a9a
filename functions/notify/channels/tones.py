"""How a message feels, and the colour and mark that stand for it."""

from enum import StrEnum
from typing import Final, assert_never

from opsknight.incident.model import Status
from opsknight.notification.message import Brief


class Tone(StrEnum):
    """How a message feels; channels turn it into a colour, a mark or a sound."""

    HIGH = "HIGH"
    MEDIUM = "MEDIUM"
    LOW = "LOW"
    HELD = "HELD"
    """Somebody is on it, or it is snoozed."""
    OVER = "OVER"
    NEUTRAL = "NEUTRAL"


COLOURS: Final = {
    Tone.HIGH: "#d92d20",
    Tone.MEDIUM: "#dc6803",
    Tone.LOW: "#1570ef",
    Tone.HELD: "#667085",
    Tone.OVER: "#067647",
    Tone.NEUTRAL: "#475467",
}
MARKS: Final = {
    Tone.HIGH: "🔴",
    Tone.MEDIUM: "🟠",
    Tone.LOW: "🔵",
    Tone.HELD: "👀",
    Tone.OVER: "✅",
    Tone.NEUTRAL: "🔔",
}


def tone_of(brief: Brief) -> Tone:
    match brief.status:
        case Status.OPEN:
            return Tone(brief.urgency.value)
        case Status.RESOLVED:
            return Tone.OVER
        case Status.ACKNOWLEDGED | Status.SNOOZED | Status.SUPPRESSED:
            return Tone.HELD
        case unknown:
            assert_never(unknown)
