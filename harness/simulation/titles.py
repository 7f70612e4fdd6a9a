"""By which word of its title an incident of a night is known, wherever it is named."""

import re
from typing import Final

TITLE: Final = re.compile(r"\bcase-\d{4,5}\b")


def name_of(text: str) -> str:
    """The word that stands for the incident; empty where there is none."""
    found = TITLE.search(text)
    return found[0] if found else ""


def names_of(text: str) -> set[str]:
    """The words of all incidents that a digest names."""
    return {found[0] for found in TITLE.finditer(text)}
