"""Reads the fields of JSON from strangers, where any value may stand in any field. Nothing here
raises.
"""

from typing import Any


def text_of(value: Any) -> str:
    """The text; empty for any other value."""
    return value if isinstance(value, str) else ""


def texts_of(value: Any) -> list[str]:
    """The texts in a list; none for any other value."""
    return [it for it in value if isinstance(it, str)] if isinstance(value, list) else []


def object_of(value: Any) -> dict[str, Any]:
    """The object; an empty one for any other value."""
    return value if isinstance(value, dict) else {}


def objects_of(value: Any) -> list[dict[str, Any]]:
    """The objects in a list; none for any other value."""
    return [it for it in value if isinstance(it, dict)] if isinstance(value, list) else []


def first_line(text: str) -> str:
    """The first line with words in it: the title of a message that has none."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "")
