"""Sentences for text that is no YAML. The parser's own words are about tokens, and help nobody."""

import re
from collections.abc import Sequence
from typing import Final

import yaml

_INDENT: Final = (
    "This line does not fit what stands above it: keys of one mapping begin in the same column, "
    "and every key ends with a colon."
)
_QUOTE: Final = "A text in quotes does not end: close the quotes."
# What the parser says, and what it means. The first that is found counts.
_SAYINGS: Final[Sequence[tuple[str, str]]] = (
    (
        "mapping values are not allowed",
        "This line has a colon where none can be: indent it like the line above, or put a text "
        'with ": " in it in quotes.',
    ),
    ("undefined alias", "`*name` refers to an anchor that is not above it: `&name`."),
    ("duplicate anchor", "An anchor of this name stands above: choose another name."),
    ("expected ',' or ']'", 'A list in brackets does not end: close it with "]".'),
    ("expected ',' or '}'", 'A mapping in braces does not end: close it with "}".'),
    (
        "could not find expected ':'",
        "This line, or the one above it, has no colon: write `key: value`.",
    ),
    ("unexpected end of stream", _QUOTE),
    ("unexpected document separator", _QUOTE),
    (
        "escape",
        "In double quotes a backslash has a meaning of its own: use single quotes.",
    ),
    ("document start", "A file is one document: remove the line `---` and what repeats below it."),
    ("single document", "A file is one document: remove the line `---` and what repeats below it."),
    ("expected key", _INDENT),
    ("block end", _INDENT),
    ("block mapping", _INDENT),
    ("block sequence", _INDENT),
    ("block collection", _INDENT),
    (
        "expected '-' indicator",
        "A list is not continued: each item begins with a hyphen, in the same column.",
    ),
)
_OTHERS: Final = "Check the indentation, quotes and brackets of this line and of the one above it."
# A parser stumbles over the next quote at the latest, which is not far.
_NEAR: Final = 12
_SPECIAL: Final = re.compile(r"[:\-\[{,]\s+([@`%|>&*!])|^\s*([@`%])")


def explained(error: yaml.MarkedYAMLError, text: str) -> tuple[int, int, str]:
    """The line and the column, from 1, and a sentence."""
    mark = error.problem_mark or error.context_mark
    at = (mark.line, mark.column) if mark else (0, 0)
    words = f"{error.problem or ''} {error.context or ''}"
    lines = text.splitlines()
    line = lines[at[0]] if at[0] < len(lines) else ""
    said = next((sentence for saying, sentence in _SAYINGS if saying in words), _OTHERS)
    if "\t" in line[: len(line) - len(line.lstrip())]:
        said = "A line is indented with a tab: YAML allows only spaces."
    elif "cannot start any token" in words and (found := _SPECIAL.search(line)):
        said = f'A text cannot begin with "{found[1] or found[2]}": put it in quotes.'
    elif (opened := _open_quote(lines[: at[0] + 1])) is not None:
        # The parser reads on to the next quote, and stumbles there.
        at, said = (opened, 0), _QUOTE
    elif "does not end" in said and error.context_mark:
        # The bracket or quote that does not end is where it begins.
        at = (error.context_mark.line, error.context_mark.column)
    return at[0] + 1, at[1] + 1, f"This is not valid YAML. {said}"


def _open_quote(lines: Sequence[str]) -> int | None:
    """The line on which a quote most likely stays open: the last but few with an odd number."""
    last = len(lines) - 1
    for number in range(last, max(last - _NEAR, -1), -1):
        bare = lines[number].partition(" #")[0].replace('\\"', "")
        if bare.count('"') % 2:
            return number
    return None


def unreadable(error: yaml.reader.ReaderError, text: str) -> tuple[int, str]:
    """The line, and a sentence, for a character that YAML does not allow."""
    char = error.character
    code = ord(char) if isinstance(char, str) else int(char)
    where = text.find(chr(code))
    line = text.count("\n", 0, max(where, 0)) + 1
    return line, f"This line has a character that no text may contain (U+{code:04X}): remove it."
