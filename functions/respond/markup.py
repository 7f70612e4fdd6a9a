"""HTML in which nobody can forget to escape: anything that is not `Html` is escaped."""

import re
from html import escape
from typing import Final

_ADDRESS: Final = re.compile(r"(https?://[^\s\"<>\\]+)")
_VOID: Final = frozenset({"meta", "input"})


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def tag(name: str, /, *children: str | None, **attributes: str | None) -> Html:
    """An element. Children and attributes that are None are left out; `class_` stands for the
    reserved word.
    """
    named = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID:
        return Html(f"<{name}{named}>")
    return Html(f"<{name}{named}>{joined(*children)}</{name}>")


def joined(*children: str | None) -> Html:
    return Html("".join(_html(child) for child in children if child is not None))


def with_links(text: str) -> Html:
    """Makes links of the addresses in it: one of them is the runbook."""
    parts = _ADDRESS.split(text)
    return joined(
        *(
            tag("a", part, href=part, rel="noopener noreferrer") if number % 2 else part
            for number, part in enumerate(parts)
        )
    )


def _html(child: str) -> str:
    return child if isinstance(child, Html) else escape(child)
