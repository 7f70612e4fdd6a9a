"""Text that can be stored: trimmed, not empty, within a length, and UTF-8. Every text that a
program sends us has this type.
"""

from typing import Any, Final

from pydantic_core import CoreSchema, core_schema

from opsknight.classes import dataclass
from opsknight.incident.model import LONE_SURROGATES


@dataclass(frozen=True, slots=True)
class Text:
    """Annotates `str`. White space around the text does not count; characters are code points."""

    longest: int
    exact: bool = False
    """Refuses half of a surrogate pair, which UTF-8 cannot hold. Elsewhere it is replaced: people
    read on; two dedup keys would become one.
    """

    def __get_pydantic_core_schema__(self, _source: object, _handler: object) -> CoreSchema:
        text = core_schema.str_schema(strip_whitespace=True, min_length=1, max_length=self.longest)
        if self.exact:
            return text
        return core_schema.no_info_before_validator_function(_replaced, text)


# An id begins with its time to the millisecond; two random digits more tell most ids apart.
_SHORT: Final = len("inc_") + 14


def short_id(incident_id: str) -> str:
    """An incident's id as people say it. The command line finds an active incident by it."""
    return incident_id[:_SHORT]


def without_lone_surrogates(text: str) -> str:
    return LONE_SURROGATES.sub("\N{REPLACEMENT CHARACTER}", text)


def _replaced(value: Any) -> Any:
    # Most texts are ASCII, and this is on the way of every event.
    if isinstance(value, str) and not value.isascii():
        return without_lone_surrogates(value)
    return value
