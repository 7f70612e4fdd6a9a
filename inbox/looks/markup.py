"""Builds HTML in which text from strangers cannot become markup: all but `Html` is escaped."""

import re
from collections.abc import Iterable
from html import escape
from typing import Final

_VOID: Final = {"br", "hr", "img", "input"}
_ADDRESS: Final = re.compile(r"(https?://|mailto:|tel:)[^\s\x00-\x1f]+", re.IGNORECASE)


class Html(str):
    """Markup that this module made, and that is safe to show."""

    __slots__ = ()


type Child = str | None
"""None is left out; plain text is escaped."""


def el(tag: str, *children: Child, **attributes: str | bool | None) -> Html:
    """An element. In names of attributes, an underscore at the end goes, and others become `-`."""
    text = f"<{tag}"
    for name, value in attributes.items():
        if value is None or value is False:
            continue
        attribute = name.rstrip("_").replace("_", "-")
        text += f" {attribute}" if value is True else f' {attribute}="{escape(str(value))}"'
    text += ">"
    return Html(text if tag in _VOID else f"{text}{together(children)}</{tag}>")


def together(children: Iterable[Child]) -> Html:
    return Html(
        "".join(
            child if isinstance(child, Html) else escape(child)
            for child in children
            if child is not None
        )
    )


def link(url: str, label: Child = None, *, class_: str | None = None) -> Html:
    """A link that opens in a new tab, or plain text if `url` is not a web address."""
    shown = label or url
    if not _ADDRESS.fullmatch(url):
        return el("span", shown, class_=class_, title="not a web address")
    return el(
        "a", shown, href=url, class_=class_, title=url, target="_blank", rel="noopener noreferrer"
    )


def button(label: str, url: str = "", *, kind: str = "", title: str = "") -> Html:
    """A button in a message: a link, or without `url` a callback, which does nothing here."""
    class_ = f"btn {kind}".strip()
    if url:
        return link(url, label, class_=class_)
    return el(
        "span", label, class_=class_, title=title or "calls the sender back; does nothing here"
    )


def colour(value: object) -> str | None:
    """`#rrggbb`, which the script of the page turns into a style; None if it is not a colour."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 0xFFFFFF:
        return f"#{value:06x}"
    text = str(value or "")
    named = {"good": "#2eb67d", "warning": "#ecb22e", "danger": "#e01e5a"}
    text = named.get(text, text if text.startswith("#") else f"#{text}")
    return text.lower() if re.fullmatch(r"#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})", text) else None


def icon(name: str) -> Html:
    """A drawing from inbox.html."""
    use = el("use", href=f"#i-{name}")
    return el("svg", use, class_="icon", aria_hidden="true")
