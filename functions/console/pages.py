"""The few pages that need no script: who is logged in as whom, and why not."""

from collections.abc import Mapping, Sequence
from html import escape
from types import MappingProxyType
from typing import Final

from console.files import GUARDED
from opsknight.classes import dataclass
from opsknight.http.gateway import Answer

_PAGE: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} - OpsKnight</title>
<link rel="icon" href="/console/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/console/login.css">
<main>
<p class="brand">OpsKnight</p>
<h1>{title}</h1>
{text}{forms}{links}</main>
</html>
"""


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    label: str = ""
    """Empty for a value that nobody sees."""
    kind: str = "text"
    value: str = ""
    hints: str = ""
    """Further attributes of ours."""

    def written(self) -> str:
        if not self.label:
            return f'<input type="hidden" name="{self.name}" value="{escape(self.value)}">'
        return (
            f"<label>{escape(self.label)}"
            f'<input name="{self.name}" type="{self.kind}" value="{escape(self.value)}"'
            f" required{self.hints}></label>"
        )


@dataclass(frozen=True, slots=True)
class Form:
    button: str
    fields: Sequence[Field] = ()
    action: str = ""
    """Empty for the page's own address."""

    def written(self) -> str:
        fields = "".join(each.written() for each in self.fields)
        action = f' action="{escape(self.action)}"' if self.action else ""
        return (
            f'<form method="post"{action}>{fields}<button>{escape(self.button)}</button></form>\n'
        )


@dataclass(frozen=True, slots=True)
class Link:
    label: str
    address: str
    first: bool = False
    """Whether it is what most people come for."""

    def written(self) -> str:
        kind = ' class="first"' if self.first else ""
        return f'<p><a{kind} href="{escape(self.address)}">{escape(self.label)}</a></p>\n'


def page(
    status: int,
    title: str,
    text: str,
    *,
    forms: Sequence[Form] = (),
    links: Sequence[Link] = (),
    cookies: Sequence[str] = (),
    expected: bool = False,
    headers: Mapping[str, str] = MappingProxyType({}),
) -> Answer:
    """Text between backquotes is a command; an empty line begins a paragraph."""
    # The way that most people take is above the forms for all others.
    first = "".join(each.written() for each in links if each.first)
    written = _PAGE.format(
        title=escape(title),
        text="".join(map(_paragraph, filter(None, text.split("\n\n")))),
        forms=first + "".join(each.written() for each in forms),
        links="".join(each.written() for each in links if not each.first),
    )
    given = {**GUARDED, **headers}
    return Answer(status, written, given, expected=expected, cookies=cookies)


def _paragraph(text: str) -> str:
    parts = [escape(each) for each in text.split("`")]
    said = "".join(f"<code>{each}</code>" if n % 2 else each for n, each in enumerate(parts))
    return f"<p>{said}</p>\n"
