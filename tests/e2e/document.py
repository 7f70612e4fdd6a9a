"""The owner's document of the Events API as data: its programs, bodies and tables, by heading.

Read from a copy in the repository, so that it can be tested without the original. What is looked
for and not found raises `Missing`: a part of the document may not go untested because it moved.
"""

import re
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter

FOLDER: Final = Path(__file__).parents[1] / "document"
COPY: Final = FOLDER / "events-api.txt"
SHA256: Final = "195dae76742d1993653c29d2111e5b75eee55042649e608baa6f806d77b58077"

HEADINGS: Final = (
    "Endpoint",
    "Authentication",
    "API Key",
    "Request Format",
    "Content Type",
    "Request Body",
    "Fields Reference",
    "Payload Fields",
    "Severity to Urgency Mapping",
    "Event Actions",
    "trigger",
    "acknowledge",
    "resolve",
    "Response Format",
    "Success Response",
    "Result Actions",
    "Error Responses",
    "Rate Limiting",
    "Rate Limit Response",
    "Deduplication",
    "How It Works",
    "Deduplication Scope",
    "Dedup Key Best Practices",
    "Examples",
    "cURL - Trigger Incident",
    "cURL - Resolve Incident",
    "Python Example",
    "Node.js Example",
    "Integration Setup",
    "Creating an Integration Key",
    "Integration Key Format",
    "What Happens After Trigger",
)
"""Every heading below the title, in the document's order."""

_JSON: Final = re.compile(r"^\{\n.*?^\}$", re.MULTILINE | re.DOTALL)
_JSON_OBJECT: Final = TypeAdapter(dict[str, Any])


class Missing(Exception):
    """The document does not have what a test asks of it, or has it more than once."""


class Document:
    def __init__(self, text: str) -> None:
        lines = text.splitlines()
        for heading in HEADINGS:
            if lines.count(heading) != 1:
                raise Missing(f"{lines.count(heading)} lines are {heading!r}")
        starts = [lines.index(heading) for heading in HEADINGS]
        if starts != sorted(starts):
            raise Missing("the headings are not in their order")
        self.text = text
        self._sections = {
            heading: "\n".join(lines[start + 1 : end]).strip() + "\n"
            for heading, start, end in zip(HEADINGS, starts, [*starts[1:], None], strict=True)
        }

    @classmethod
    def read(cls) -> "Document":
        return cls(COPY.read_bytes().decode())

    def section(self, heading: str) -> str:
        """What stands between this heading and the next, whichever that is."""
        return self._sections[heading]

    def json(self, heading: str) -> str:
        """The one block of JSON under a heading, as it is written."""
        match _JSON.findall(self.section(heading)):
            case [str(block)]:
                return block
            case blocks:
                raise Missing(f"{len(blocks)} blocks of JSON under {heading!r}")

    def json_object(self, heading: str) -> dict[str, Any]:
        return _JSON_OBJECT.validate_json(self.json(heading))

    def json_headings(self) -> list[str]:
        """Where blocks of JSON are, once for each."""
        return [heading for heading in HEADINGS for _ in _JSON.findall(self.section(heading))]

    def find(self, heading: str, pattern: str) -> str:
        """The group of a pattern that stands in exactly one line under a heading."""
        match self.rows(heading, pattern):
            case [[str(found)]]:
                return found
            case found:
                raise Missing(f"{len(found)} times {pattern!r} under {heading!r}")

    def rows(self, heading: str, pattern: str) -> list[list[str]]:
        """The groups of each line that is as the pattern says, at least one."""
        lines = self.section(heading).splitlines()
        found = [list(match.groups()) for line in lines if (match := re.fullmatch(pattern, line))]
        if not found:
            raise Missing(f"no line like {pattern!r} under {heading!r}")
        return found


def filled(text: str, values: Mapping[str, str]) -> str:
    """The text with its placeholders replaced, each of which stands there once."""
    for placeholder, value in values.items():
        if text.count(placeholder) != 1:
            raise Missing(f"{text.count(placeholder)} times {placeholder!r} in: {text}")
        text = text.replace(placeholder, value)
    return text


def fingerprint(*paths: Path) -> str:
    """The SHA-256 of the files' bytes, one after the other."""
    return sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()
