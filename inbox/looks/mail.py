"""An email: HTML in a frame that runs no scripts, text, headers and source."""

import re
from email.utils import parseaddr
from typing import Any

from inbox.looks import formats
from inbox.looks.markup import Html, el
from inbox.mailbox import Message
from inbox.providers.aws import read_mail
from inbox.wire import read_object
from opsknight.directory.receivers import Channel


def mail(message: Message) -> Html:
    parts = read_mail(read_object(message.body))
    tabs: list[tuple[str, Html]] = []
    if parts["html"]:
        frame = el(
            "iframe",
            src=f"/_messages/{message.number}/mail",
            sandbox="allow-popups allow-popups-to-escape-sandbox",
            title="The mail as HTML",
            class_="mail-frame",
            data_frame=True,
        )
        tabs.append(("HTML", frame))
    if parts["text"]:
        tabs.append(("Text", el("div", formats.plain(parts["text"]), class_="mail-text")))
    rows = [el("tr", el("th", name), el("td", value)) for name, value in parts["headers"] if value]
    tabs.append(("Headers", el("table", *rows, class_="facts mail-headers")))
    if parts["html"]:
        tabs.append(("Source", el("pre", parts["html"], class_="mail-source")))
    return el("div", _head(parts), _tabs(tabs), class_="mail")


def mail_html(message: Message) -> str:
    """The HTML of a mail, for the frame; a message without any becomes a page that says so."""
    html = ""
    if message.channel == Channel.EMAIL and message.well_formed:
        html = read_mail(read_object(message.body))["html"]
    # Links open in a new tab: the frame shows nothing but the mail.
    base = '<base target="_blank">'
    head = re.search(r"<head\b[^>]*>", html, re.IGNORECASE)
    if head:
        return html[: head.end()] + base + html[head.end() :]
    return f"<!doctype html>{base}{html or 'This message has no HTML.'}"


def _head(parts: dict[str, Any]) -> Html:
    sender = parts["from"]
    name, address = parseaddr(sender)
    name = name or address or sender
    return el(
        "div",
        el("h2", parts["subject"] or "(no subject)"),
        el(
            "div",
            el("span", name[:1].upper(), class_="avatar"),
            el(
                "span",
                el("b", name),
                " ",
                el("span", address if address != name else "", class_="quiet"),
                el("br"),
                el("span", "to " + ", ".join(parts["to"]), class_="quiet"),
            ),
            class_="mail-who",
        ),
        class_="mail-head",
    )


def _tabs(tabs: list[tuple[str, Html]]) -> Html:
    """Tabs made of radio buttons, which need no script."""
    parts: list[Html] = []
    for index, (name, _) in enumerate(tabs):
        parts.append(el("input", type="radio", name="tab", id=f"tab{index}", checked=index == 0))
        parts.append(el("label", name, for_=f"tab{index}"))
    parts += [el("div", body, class_=f"tab tab{index}") for index, (_, body) in enumerate(tabs)]
    return el("div", *parts, class_="tabs")
