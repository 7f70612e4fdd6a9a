"""Turns as a calendar that Google, Apple and Outlook subscribe to (iCalendar, RFC 5545).

Pure, and the same text for the same turns: nothing in it depends on when it was asked for.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final

from opsknight.oncall.turns import Turn

_LONGEST_LINE: Final = 75  # Bytes, without the line's end.


def calendar(title: str, found: Iterable[tuple[Turn, str]]) -> str:
    """`found`: turns, each with what its event is called."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//OpsKnight//On call//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        f"X-WR-CALNAME:{_text(title)}",
        "REFRESH-INTERVAL;VALUE=DURATION:PT1H",
        "X-PUBLISHED-TTL:PT1H",
    ]
    for turn, name in found:
        identity = "\0".join((name, turn.user_id, turn.start.isoformat()))
        lines += [
            "BEGIN:VEVENT",
            f"UID:{sha256(identity.encode()).hexdigest()[:32]}@opsknight",
            # When it was made nobody knows, and another time at each request would change it.
            f"DTSTAMP:{_time(turn.start)}",
            f"DTSTART:{_time(turn.start)}",
            f"DTEND:{_time(turn.end)}",
            f"SUMMARY:{_text(name)}",
            # Whoever is on call can still be invited.
            "TRANSP:TRANSPARENT",
            "END:VEVENT",
        ]
    lines.append("END:VCALENDAR")
    return "".join(f"{_folded(line)}\r\n" for line in lines)


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _text(value: str) -> str:
    shown = "".join(each if each.isprintable() else " " for each in value)
    return shown.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")


def _folded(line: str) -> str:
    """Continued after 75 bytes, and not within a character."""
    parts, size = [""], 0
    for each in line:
        length = len(each.encode())
        if size + length > _LONGEST_LINE:
            parts.append(" ")
            size = 1
        parts[-1] += each
        size += length
    return "\r\n".join(parts)
