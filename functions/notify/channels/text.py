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
_SCHEME: Final = re.compile(r"\b([A-Za-z][A-Za-z0-9+.-]*):(?=//)//")
# A name and its last label, which has no digit: no version, and no address of numbers.
_HOST: Final = re.compile(
    r"((?:[^\W_](?:[\w-]*[^\W_])?\.)*[^\W_](?:[\w-]*[^\W_])?)\.([^\W\d_]{2,})\b"
)
# Ends of names that are no top-level domains, and that monitors send all the time.
_NO_DOMAIN: Final = frozenset(
    [
        "cluster",
        "conf",
        "corp",
        "cfg",
        "gz",
        "home",
        "internal",
        "intranet",
        "json",
        "lan",
        "local",
        "localdomain",
        "log",
        "service",
        "svc",
        "txt",
        "yaml",
        "yml",
    ]
)


def clean(text: str) -> str:
    """One line without control characters, invisible turns of direction and lone surrogates."""
    text = _TURNING.sub("", text)
    kept = (" " if _breaks(letter) else letter for letter in text)
    return " ".join("".join(kept).split())


def disarmed(text: str) -> str:
    """Without addresses that a phone or a mail program would make tappable: whoever can send an
    event writes its title, and our own link must be the only one. It stays readable: `evil .com`.
    """
    text = _SCHEME.sub(lambda found: f"{found[1]}: //", text)
    return _HOST.sub(
        lambda found: found[0] if found[2].lower() in _NO_DOMAIN else f"{found[1]} .{found[2]}",
        text,
    )


def clean_lines(text: str) -> str:
    """The same for text with several lines and indents."""
    lines = _TURNING.sub("", text).splitlines()
    return "\n".join("".join(x for x in line if x == "\t" or not _breaks(x)) for line in lines)


def _breaks(letter: str) -> bool:
    # Controls, surrogates, line separators. Format marks stay: they join emoji.
    return letter in _NO_XML or unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp")


def units(text: str) -> int:
    """How long a provider may say that it is: many count in UTF-16, where an emoji is two."""
    return len(text) + sum(letter > "\uffff" for letter in text)


def cut(text: str, limit: int) -> str:
    """At most `limit` units, the last of them an ellipsis if something is missing. Never splits
    what is drawn as one letter or emoji.
    """
    if units(text) <= limit:
        return text
    end, left = 0, max(limit - 1, 0)
    while left >= units(text[end]):
        left -= units(text[end])
        end += 1
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
    """`3 Oct 05:12 CEST`. A zone without a name shows its offset: `UTC-03`."""
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
