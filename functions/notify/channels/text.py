"""Makes text of strangers harmless and cuts it to size, the same way for every channel.

An incident's title is whatever a monitor sent: markup, line breaks, control characters. Each
channel escapes its own markup.
"""

import re
import unicodedata
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

# Marks that change the direction of everything after them; an isolate of our own does it safely.
_TURNING: Final = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069\u061c]")
_ISOLATE: Final = ("\u2068", "\u2069")
_NO_XML: Final = "\ufffe\uffff"
_JOINER: Final = "\u200d"
_MARKS: Final = ("Mn", "Me", "Mc")


def clean(text: str) -> str:
    """One line without control characters, invisible turns of direction and lone surrogates."""
    text = _TURNING.sub("", text)
    kept = (" " if _breaks(letter) else letter for letter in text)
    return " ".join("".join(kept).split())


def clean_lines(text: str) -> str:
    """The same for text with several lines and indents."""
    lines = _TURNING.sub("", text).splitlines()
    return "\n".join("".join(x for x in line if x == "\t" or not _breaks(x)) for line in lines)


def _breaks(letter: str) -> bool:
    # Controls, surrogates, line separators. Format marks stay: they join emoji.
    return letter in _NO_XML or unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp")


def cut(text: str, limit: int) -> str:
    """At most `limit` characters, the last of them an ellipsis if something is missing. Never
    splits what is drawn as one letter or emoji.
    """
    if len(text) <= limit:
        return text
    end = max(limit - 1, 0)
    while end and (_continues(text[end]) or text[end - 1] == _JOINER):
        end -= 1
    return (text[:end].rstrip() + "…")[:limit]


def _continues(letter: str) -> bool:
    skin = "\U0001f3fb" <= letter <= "\U0001f3ff"
    return letter == _JOINER or skin or unicodedata.category(letter) in _MARKS


def isolated(text: str) -> str:
    """Keeps right-to-left text from changing the direction of the text beside it."""
    turns = any(unicodedata.bidirectional(letter) in ("R", "AL") for letter in text)
    return f"{_ISOLATE[0]}{text}{_ISOLATE[1]}" if turns else text


def moment(at: datetime, zone: tzinfo = UTC) -> str:
    """`3 Oct 05:12 CEST`. A zone without a name of its own is told by its distance: `UTC-03`."""
    local = at.astimezone(zone)
    name = local.tzname() or ""
    name = f"UTC{name}" if name.startswith(("+", "-")) else name
    return f"{local.day} {local:%b %H:%M} {name}"


def span(passed: timedelta) -> str:
    """`40 s`, `4 min`, `1 h 12 min`, `3 d 4 h`."""
    seconds = max(int(passed.total_seconds()), 0)
    if seconds < 60:
        return f"{seconds} s"
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if minutes < 60:
        return f"{minutes} min"
    if hours < 24:
        return f"{hours} h {minutes % 60} min" if minutes % 60 else f"{hours} h"
    return f"{days} d {hours % 24} h" if hours % 24 else f"{days} d"


def counted(number: int, one: str) -> str:
    """`1 incident`, `14 incidents`."""
    return f"{number:,} {one}" if number == 1 else f"{number:,} {one}s"
