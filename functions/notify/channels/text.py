"""Text of strangers made harmless, and cut to size; the same for every channel.

An incident's title is whatever a monitor sent: markup, line breaks, control characters. What only
one channel reads as markup is escaped there.
"""

import re
import unicodedata
from datetime import UTC, datetime, timedelta
from typing import Final

# Marks that turn the direction of everything after them; an isolate of our own does it safely.
_TURNING: Final = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069\u061c]")
_ISOLATE: Final = ("\u2068", "\u2069")
_NO_XML: Final = "\ufffe\uffff"
_JOINER: Final = "\u200d"
_SKINS: Final = "\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff"
_MARKS: Final = ("Mn", "Me", "Mc")


def clean(text: str) -> str:
    """One line without control characters, invisible turns of direction and lone surrogates."""
    text = _TURNING.sub("", text)
    kept = (" " if _breaks(letter) else letter for letter in text)
    return " ".join("".join(kept).split())


def clean_lines(text: str) -> str:
    """The same of text that may have several lines and be indented."""
    lines = _TURNING.sub("", text).splitlines()
    return "\n".join("".join(x for x in line if x == "\t" or not _breaks(x)) for line in lines)


def _breaks(letter: str) -> bool:
    # Controls, surrogates, separators of lines. Format marks stay: they join emoji.
    return letter in _NO_XML or unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp")


def cut(text: str, limit: int) -> str:
    """At most `limit` characters, the last of them an ellipsis if something is missing. What is
    drawn as one letter or emoji is not split.
    """
    if len(text) <= limit:
        return text
    end = max(limit - 1, 0)
    while end and (_continues(text[end]) or text[end - 1] == _JOINER):
        end -= 1
    return (text[:end].rstrip() + "…")[:limit]


def _continues(letter: str) -> bool:
    skin = (
        "\N{EMOJI MODIFIER FITZPATRICK TYPE-1-2}"
        <= letter
        <= "\N{EMOJI MODIFIER FITZPATRICK TYPE-6}"
    )
    return letter == _JOINER or skin or unicodedata.category(letter) in ("Mn", "Me", "Mc")


def isolated(text: str) -> str:
    """Text from right to left does not turn what stands beside it."""
    turns = any(unicodedata.bidirectional(letter) in ("R", "AL") for letter in text)
    return f"{_ISOLATE[0]}{text}{_ISOLATE[1]}" if turns else text


def moment(at: datetime) -> str:
    """For channels that cannot show it in the reader's own time: `3 Oct 03:12 UTC`."""
    at = at.astimezone(UTC)
    return f"{at.day} {at:%b %H:%M} UTC"


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
