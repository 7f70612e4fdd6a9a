"""Cards in Teams, Discord and Google Chat, and bubbles in Telegram."""

import re
from typing import Any, Final

from inbox.fields import object_of, objects_of, text_of
from inbox.looks import formats
from inbox.looks.markup import Html, button, colour, el, icon, link
from inbox.mailbox import Message
from inbox.providers.telegram import keyboard
from inbox.wire import Request, read_object

_STYLES: Final = {"accent", "attention", "emphasis", "good", "warning"}
_SIZES: Final = {"small", "medium", "large", "extralarge"}


def teams(message: Message) -> Html:
    cards = [
        object_of(each.get("content"))
        for each in objects_of(read_object(message.body)["attachments"])
    ]
    return el("div", *(_adaptive(card) for card in cards), class_="teams")


def _adaptive(card: dict[str, Any]) -> Html:
    body = [_item(item) for item in objects_of(card.get("body"))]
    actions = _teams_actions(card)
    return el("div", *body, actions, class_="teams-card")


def _item(item: dict[str, Any]) -> Html:
    match text_of(item.get("type")):
        case "TextBlock":
            class_ = ["ac-text", *_classes(item)]
            return el("div", formats.adaptive(text_of(item.get("text"))), class_=" ".join(class_))
        case "RichTextBlock":
            runs = item.get("inlines")
            parts = [
                each if isinstance(each, str) else text_of(object_of(each).get("text"))
                for each in (runs if isinstance(runs, list) else [])
            ]
            return el("div", *parts, class_="ac-text")
        case "FactSet":
            rows = [
                el(
                    "tr",
                    el("th", text_of(fact.get("title"))),
                    el("td", formats.adaptive(text_of(fact.get("value")))),
                )
                for fact in objects_of(item.get("facts"))
            ]
            return el("table", *rows, class_="facts")
        case "ColumnSet":
            columns = [
                _item({"type": "Container", **each}) for each in objects_of(item.get("columns"))
            ]
            return el("div", *columns, class_=" ".join(["ac-columns", *_classes(item)]))
        case "Container" | "Column":
            items = [_item(each) for each in objects_of(item.get("items"))]
            wide = "ac-wide" if item.get("width") == "stretch" else ""
            return el("div", *items, class_=" ".join(["ac-box", wide, *_classes(item)]))
        case "ActionSet":
            return _teams_actions(item) or el("div")
        case "Image":
            return el("span", text_of(item.get("altText")) or "image", class_="image")
        case kind:
            return el("div", f"({kind})", class_="quiet")


def _classes(item: dict[str, Any]) -> list[str]:
    """CSS classes for the styles that the style sheet knows."""
    found = []
    for name, known in (("style", _STYLES), ("color", _STYLES), ("size", _SIZES)):
        value = text_of(item.get(name)).lower()
        if value in known:
            found.append(f"ac-{name}-{value}")
    if text_of(item.get("weight")).lower() == "bolder":
        found.append("ac-bold")
    if item.get("isSubtle") is True:
        found.append("quiet")
    if item.get("separator") is True:
        found.append("ac-line")
    return found


def _teams_actions(item: dict[str, Any]) -> Html | None:
    buttons = [
        button(
            text_of(each.get("title")),
            text_of(each.get("url")),
            kind="primary" if each.get("style") == "positive" else "",
        )
        for each in objects_of(item.get("actions"))
    ]
    return el("div", *buttons, class_="actions") if buttons else None


def discord(message: Message) -> Html:
    payload = read_object(message.body)
    content = text_of(payload.get("content"))
    at = message.at.isoformat()
    buttons = [
        button(text_of(each.get("label")), text_of(each.get("url")))
        for row in objects_of(payload.get("components"))
        for each in objects_of(row.get("components"))
    ]
    return el(
        "div",
        el("div", icon("shield"), class_="app-sign"),
        el(
            "div",
            el("b", text_of(payload.get("username")) or "OpsKnight"),
            el("span", "APP", class_="app-tag"),
            el("time", at, datetime=at, class_="clock"),
            formats.markdown(content) if content else None,
            *(_embed(embed) for embed in objects_of(payload.get("embeds"))),
            el("div", *buttons, class_="actions") if buttons else None,
            class_="discord-main",
        ),
        class_="discord",
    )


def _embed(embed: dict[str, Any]) -> Html:
    title = re.sub(r"\\([^\w\s])", r"\1", text_of(embed.get("title")))
    url = text_of(embed.get("url"))
    shown = link(url, title) if url else el("span", title)
    author = text_of(object_of(embed.get("author")).get("name"))
    footer = text_of(object_of(embed.get("footer")).get("text"))
    moment = text_of(embed.get("timestamp"))
    fields = [
        el(
            "div",
            el("b", text_of(field.get("name"))),
            formats.markdown(text_of(field.get("value"))),
            class_="discord-field" if field.get("inline") is True else "discord-field wide",
        )
        for field in objects_of(embed.get("fields"))
    ]
    return el(
        "div",
        el("div", author, class_="discord-author") if author else None,
        el("div", shown, class_="discord-title") if title else None,
        formats.markdown(text_of(embed["description"])) if embed.get("description") else None,
        el("div", *fields, class_="discord-fields") if fields else None,
        el(
            "div",
            footer,
            " • " if footer and moment else None,
            el("time", moment, datetime=moment, class_="moment") if moment else None,
            class_="discord-footer",
        ),
        class_="discord-embed",
        data_colour=colour(embed.get("color")),
    )


def google_chat(message: Message) -> Html:
    payload = read_object(message.body)
    text = text_of(payload.get("text"))
    at = message.at.isoformat()
    cards = [
        _google_card(object_of(each.get("card"))) for each in objects_of(payload.get("cardsV2"))
    ]
    return el(
        "div",
        el("div", icon("shield"), class_="app-sign"),
        el(
            "div",
            el("b", "OpsKnight"),
            el("span", "App", class_="app-tag"),
            el("time", at, datetime=at, class_="clock quiet"),
            formats.google(text) if text else None,
            *cards,
            class_="google-main",
        ),
        class_="google",
    )


def _google_card(card: dict[str, Any]) -> Html:
    header = object_of(card.get("header"))
    head = el(
        "div",
        el("div", text_of(header.get("title")), class_="google-title"),
        el("div", text_of(header.get("subtitle")), class_="quiet"),
        class_="google-head",
    )
    sections = []
    for section in objects_of(card.get("sections")):
        name = text_of(section.get("header"))
        widgets = [_widget(widget) for widget in objects_of(section.get("widgets"))]
        shown = el("div", formats.html(name), class_="google-name") if name else None
        sections.append(el("div", shown, *widgets, class_="google-section"))
    return el("div", head if header else None, *sections, class_="google-card")


def _widget(widget: dict[str, Any]) -> Html:
    if "decoratedText" in widget:
        it = object_of(widget["decoratedText"])
        press = object_of(it.get("button"))
        words = el(
            "div",
            el("div", text_of(it.get("topLabel")), class_="quiet"),
            formats.html(text_of(it.get("text"))),
            el("div", text_of(it.get("bottomLabel")), class_="quiet"),
        )
        return el("div", words, _google_button(press) if press else None, class_="google-row")
    if "textParagraph" in widget:
        return formats.html(text_of(object_of(widget["textParagraph"]).get("text")))
    if "buttonList" in widget:
        buttons = [
            _google_button(it) for it in objects_of(object_of(widget["buttonList"]).get("buttons"))
        ]
        return el("div", *buttons, class_="actions")
    if "columns" in widget:
        columns = [
            el("div", *(_widget(each) for each in objects_of(column.get("widgets"))))
            for column in objects_of(object_of(widget["columns"]).get("columnItems"))
        ]
        return el("div", *columns, class_="slack-fields")
    if "divider" in widget:
        return el("hr")
    return el("div", f"({', '.join(widget)})", class_="quiet")


def _google_button(it: dict[str, Any]) -> Html:
    url = text_of(object_of(object_of(it.get("onClick")).get("openLink")).get("url"))
    return button(text_of(it.get("text")), url, kind="primary" if it.get("color") else "")


def telegram(message: Message) -> Html:
    payload = Request(message.method, message.path, {}, message.headers, message.body).fields()
    text = text_of(payload.get("text"))
    match text_of(payload.get("parse_mode")).lower():
        case "html":
            words = formats.html(text)
        case "markdownv2" | "markdown":
            words = formats.telegram(text)
        case _:
            words = el("div", formats.plain(text), class_="prose")
    at = message.at.isoformat()
    quiet = " · silent" if str(payload.get("disable_notification")).lower() in {"true", "1"} else ""
    rows = [
        el(
            "div",
            *(button(text_of(each.get("text")), text_of(each.get("url"))) for each in row),
            class_="telegram-row",
        )
        for row in keyboard(payload)
    ]
    return el(
        "div",
        el(
            "div",
            el("b", "OpsKnight", class_="telegram-who"),
            words,
            el("div", el("time", at, datetime=at, class_="clock"), quiet, class_="telegram-time"),
            class_="telegram-bubble",
        ),
        *rows,
        class_="telegram",
    )
