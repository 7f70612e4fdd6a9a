"""The few pages that need no script: who is logged in as whom, and why not."""

from html import escape
from typing import Final

from console.files import GUARDED
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
{text}{form}</main>
</html>
"""


def page(status: int, title: str, text: str, button: str | None = None, **headers: str) -> Answer:
    """Text between backquotes is a command."""
    parts = [escape(each) for each in text.split("`")]
    said = "".join(f"<code>{each}</code>" if n % 2 else each for n, each in enumerate(parts))
    form = (
        "" if button is None else f'<form method="post"><button>{escape(button)}</button></form>\n'
    )
    written = _PAGE.format(title=escape(title), text=f"<p>{said}</p>\n" if text else "", form=form)
    return Answer(status, written, {**GUARDED, **headers})
