"""JMESPath as imports write it."""

import json
import re
from typing import Final

ALWAYS: Final = "`true`"
# A regular expression that stands for texts alone, one or several.
TEXTS: Final = re.compile(r"[^\\^$.|?*+()\[\]{}]+(?:\|[^\\^$.|?*+()\[\]{}]+)*")


class Beyond(ValueError):
    """It cannot be said in JMESPath. The text says what."""


def both(one: str, other: str) -> str:
    """A condition that holds where both do."""
    if ALWAYS in (one, other):
        return other if one == ALWAYS else one
    return f"({one}) && ({other})"


def literal(text: str) -> str:
    if text.isprintable() and "'" not in text and "\\" not in text:
        return f"'{text}'"
    return f"`{json.dumps(text).replace('`', chr(92) + '`')}`"
