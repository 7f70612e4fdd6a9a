"""What the states and times of a status page are called: the same words in all its documents."""

from datetime import date, datetime
from typing import Final

from opsknight.publishing.board import Board, ShownPost
from opsknight.publishing.posts import Phase, PostKind, State

STATES: Final = {
    State.NONE: "Operational",
    State.MAINTENANCE: "Maintenance",
    State.DEGRADED: "Degraded",
    State.PARTIAL: "Partly down",
    State.DOWN: "Down",
}
OVERALL: Final = {
    State.NONE: "All systems operational",
    State.MAINTENANCE: "Maintenance is under way",
    State.DEGRADED: "Some systems are degraded",
    State.PARTIAL: "Some systems are partly down",
    State.DOWN: "Some systems are down",
}
MARKS: Final = {
    State.NONE: "✓",
    State.MAINTENANCE: "↻",
    State.DEGRADED: "!",
    State.PARTIAL: "!!",
    State.DOWN: "✕",
}
PHASES: Final = {
    Phase.INVESTIGATING: "Investigating",
    Phase.IDENTIFIED: "Identified",
    Phase.MONITORING: "Monitoring",
    Phase.RESOLVED: "Resolved",
}


def overall(board: Board) -> str:
    troubled = [each for each in board.services if each.state is board.state]
    if board.state is State.DOWN and len(troubled) == len(board.services) > 1:
        return "All systems are down"
    return OVERALL[board.state]


def phase(post: ShownPost, board: Board) -> str:
    if post.kind is PostKind.MAINTENANCE:
        if post.is_over:
            return "Completed"
        return "Planned" if post.starts_at > board.as_of else "In progress"
    return PHASES[post.phase or Phase.INVESTIGATING]


def lasting(minutes: int) -> str:
    if minutes < 60:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    return f"{hours // 24} d {hours % 24} h" if hours % 24 else f"{hours // 24} d"


def on(day: date) -> str:
    return f"{day.day} {day:%b}"


def at(when: datetime, now: datetime) -> str:
    year = "" if when.year == now.year else f" {when.year}"
    return f"{on(when)}{year}, {when:%H:%M} UTC"


def month(name: str) -> str:
    return f"{datetime.strptime(name, '%Y-%m'):%B %Y}"  # noqa: DTZ007


def stamp(when: datetime) -> str:
    """RFC 3339."""
    return f"{when:%Y-%m-%dT%H:%M:%S}Z"
