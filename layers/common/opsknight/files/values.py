"""The types of single values in a configuration file: slugs, names, durations, addresses.

Each type parses one value, explains a wrong one in a sentence, and has a pattern for editors.
"""

import re
import unicodedata
from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import Annotated, Final

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    WithJsonSchema,
)

from opsknight.directory.entries import Never
from opsknight.directory.secret_names import LONGEST, SHARED, parameter
from opsknight.files.leaks import is_secret
from opsknight.incident.references import LONGEST_ADDRESS, is_address
from opsknight.oncall.rotations import Length, Unit
from opsknight.oncall.wall_clock import EPOCH, LAST
from opsknight.views.lengths import in_words

LONGEST_SLUG: Final = 60

_SLUG: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+")
_DURATION: Final = re.compile(r"(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_UNITS: Final = {
    "w": timedelta(weeks=1),
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
}
_SPOKEN: Final = re.compile(
    r"\s*(\d{1,7})\s*(w|d|h|m|s)(?:eeks?|ays?|ours?|rs?|in(?:ute)?s?|ec(?:ond)?s?)?(?![a-z])"
)
_CLOCK: Final = re.compile(r"(\d{1,2})(?:[:.h](\d\d))?\s*(am|pm|a\.m\.|p\.m\.)?")
_TURN: Final = re.compile(r"([1-9]\d{0,3})([hdw])")
_TURN_UNITS: Final = {"h": Unit.HOURS, "d": Unit.DAYS, "w": Unit.WEEKS}


class Shape(BaseModel):
    """A part of a file: other keys than its fields are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class FieldError(ValueError):
    """What is wrong with one field, found when the whole was looked at."""

    def __init__(self, field: str, said: str) -> None:
        super().__init__(said)
        self.field = field


def slug(text: str) -> str:
    if len(text) > LONGEST_SLUG or not _SLUG.fullmatch(text):
        if "@" in text:
            raise ValueError(
                "an address is no name: write the name under `users`, such as "
                f'"{slugged(text.partition("@")[0])}"'
            )
        made = slugged(text)
        hint = f', such as "{made}"' if made else ""
        raise ValueError(
            f"a name may contain only a-z, 0-9 and single hyphens, at most {LONGEST_SLUG} "
            f"characters{hint}"
        )
    return text


def slugged(text: str) -> str:
    """The most similar slug; empty if no character of the text fits."""
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub("[^a-z0-9]+", "-", ascii_text)[:LONGEST_SLUG].strip("-")


def _title(text: str) -> str:
    if text != text.strip() or not text.isprintable():
        raise ValueError("must not begin or end with spaces, or contain unprintable characters")
    return text


def duration(text: object) -> timedelta:
    """The duration that "1h30m" stands for. Raises ValueError."""
    found = _DURATION.fullmatch(text) if isinstance(text, str) and text else None
    # Longer numbers exceed every limit, and could exceed that of timedelta.
    if found is None or any(part and len(part) > 7 for part in found.groups()):
        raise ValueError(f'a duration must look like "5m", "1h30m" or "2d"{_meant(text)}')
    parts = zip(found.groups(), _UNITS.values(), strict=True)
    return sum((int(count) * unit for count, unit in parts if count), timedelta(0))


def _meant(text: object) -> str:
    """A guess at a duration in other words."""
    if isinstance(text, int) or (isinstance(text, str) and text.isdigit()):
        return f': add a unit, such as "{text}s" or "{text}m"'
    parts = _SPOKEN.findall(str(text).lower())
    if not parts or _SPOKEN.sub("", str(text).lower()).strip():
        return ""
    return f': write "{"".join(f"{count}{unit}" for count, unit in parts)}"'


def time_of_day(text: str) -> str | None:
    """The time that "8am" or 9 most likely stands for, as text; None if it is not clear."""
    found = _CLOCK.fullmatch(text.strip().lower())
    if found is None:
        return None
    hour, minute, half = int(found[1]), int(found[2] or 0), found[3]
    if half:
        hour = hour % 12 + (12 if half.startswith("p") else 0)
    if (hour, minute) == (24, 0):
        hour = 0
    return f"{hour:02}:{minute:02}" if hour < 24 and minute < 60 else None


def between(low: timedelta, high: timedelta) -> AfterValidator:
    def check(span: timedelta) -> timedelta:
        if not low <= span <= high:
            raise ValueError(f"must be between {in_words(low)} and {in_words(high)}")
        return span

    return AfterValidator(check)


def _interval(text: object) -> timedelta | Never:
    if text == Never.NEVER:
        return Never.NEVER
    try:
        span = duration(text)
    except ValueError:
        span = timedelta(0)
    if not timedelta(minutes=1) <= span <= timedelta(days=30):
        raise ValueError('must be a duration between 1m and 30d, such as "4h", or never')
    return span


def _turn(text: object) -> Length:
    found = _TURN.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        usual = {"daily": "1d", "weekly": "1w", "biweekly": "2w", "monthly": "4w"}
        guess = usual.get(str(text).lower())
        hint = f': write "{guess}"' if guess else ""
        raise ValueError(f'a turn must look like "1w", "2d" or "12h"{hint}')
    return Length(count=int(found[1]), unit=_TURN_UNITS[found[2]])


def turn_in_words(length: Length) -> str:
    return f"{length.count}{length.unit.value[0].lower()}"


def _moment(text: object) -> date | datetime:
    """Parses a date, or a time with or without an offset from UTC."""
    found: date | datetime | None = None
    with suppress(ValueError):
        if isinstance(text, str) and len(text) == 10:
            found = date.fromisoformat(text)
        elif isinstance(text, str) and len(text) > 10:
            found = datetime.fromisoformat(text)
    if found is None:
        raise ValueError(
            "must be a date such as 2026-01-05 (at the handoff), a time by the schedule's clock "
            'such as "2026-01-05 09:30", or an instant such as "2026-01-05T09:30:00Z"'
        )
    # Near the ends of the calendar there is no instant for a time by a clock.
    if not EPOCH.year <= found.year < LAST.year:
        raise ValueError(f"must be in the years {EPOCH.year} to {LAST.year - 1}")
    return found


def _email(text: str) -> str:
    if not _EMAIL.fullmatch(text):
        raise ValueError("must be an e-mail address, such as ada@example.com")
    return text


def _address(text: str) -> str:
    if not is_address(text):
        raise ValueError(
            "must be an address that begins with https:// or http://, without spaces, of at most "
            f"{LONGEST_ADDRESS} characters"
        )
    return text


def _parameter(text: str) -> str:
    # The text may be the secret itself, so no message repeats it.
    if is_secret(text):
        raise ValueError(
            "this looks like the secret itself, and a file is no place for it: put it into an SSM "
            "SecureString parameter, write the parameter's name here, and replace the secret if "
            "others have seen this file"
        )
    if parameter(text, "/") is None:
        raise ValueError(
            "must be a name such as slack-token, for the SSM parameter "
            "/opsknight/STACK/secrets/slack-token, or begin with /opsknight-shared/: "
            "put the secret into a SecureString parameter, and its name here"
        )
    return text


_PATTERN: Final = r"^[a-z0-9]+(-[a-z0-9]+)*$"

type Slug = Annotated[
    str,
    AfterValidator(slug),
    WithJsonSchema({"type": "string", "pattern": _PATTERN, "maxLength": LONGEST_SLUG}),
]
type Title = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_title)]
type Duration = Annotated[
    timedelta,
    BeforeValidator(duration),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^(\d+w)?(\d+d)?(\d+h)?(\d+m)?(\d+s)?$",
            "minLength": 2,
            "examples": ["5m", "1h30m", "2d"],
        }
    ),
]
type Interval = Annotated[
    timedelta | Never,
    BeforeValidator(_interval),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^((\d+w)?(\d+d)?(\d+h)?(\d+m)?(\d+s)?|never)$",
            "minLength": 2,
            "examples": ["1h", "4h", "never"],
        }
    ),
]
type Turn = Annotated[
    Length,
    BeforeValidator(_turn),
    WithJsonSchema(
        {"type": "string", "pattern": r"^[1-9]\d*[hdw]$", "examples": ["1w", "2d", "12h"]}
    ),
]
type Moment = Annotated[
    date | datetime,
    BeforeValidator(_moment),
    WithJsonSchema({"type": "string", "examples": ["2026-01-05", "2026-01-05 09:30"]}),
]
type Email = Annotated[str, Field(max_length=254), AfterValidator(_email)]
type Address = Annotated[
    str,
    AfterValidator(_address),
    WithJsonSchema(
        {"type": "string", "format": "uri", "pattern": "^https?://", "maxLength": LONGEST_ADDRESS}
    ),
]
type Parameter = Annotated[
    str, Field(min_length=1, max_length=len(SHARED) + LONGEST), AfterValidator(_parameter)
]
type Flag = StrictBool
type Number = StrictInt
