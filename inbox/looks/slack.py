"""Slack messages: blocks, attachments with a coloured bar, and buttons."""

from html import unescape
from typing import Any

from inbox.fields import object_of, objects_of, text_of
from inbox.looks import formats
from inbox.looks.markup import Html, button, colour, el, icon
from inbox.mailbox import Message
from inbox.wire import read_object


def slack(message: Message) -> Html:
    payload = read_object(message.body)
    blocks = objects_of(payload.get("blocks"))
    text = text_of(payload.get("text"))
    at = message.at.isoformat()
    # Beside blocks, Slack uses the text only for notifications and screen readers.
    body = (
        [_block(block) for block in blocks] if blocks else [formats.slack(text) if text else None]
    )
    attachments = [_attachment(each) for each in objects_of(payload.get("attachments"))]
    return el(
        "div",
        el("div", icon("shield"), class_="app-sign slack-app"),
        el(
            "div",
            el(
                "div",
                el("b", text_of(payload.get("username")) or "OpsKnight"),
                el("span", "APP", class_="app-tag"),
                el("time", at, datetime=at, class_="clock quiet"),
                class_="slack-who",
            ),
            *body,
            *attachments,
            el("div", "notification: ", unescape(text), class_="quiet note")
            if blocks and text
            else None,
            class_="slack-main",
        ),
        class_="slack",
    )


def _attachment(it: dict[str, Any]) -> Html:
    parts: list[Html | None] = [_block(block) for block in objects_of(it.get("blocks"))]
    for name, class_ in (("author_name", "quiet"), ("title", "slack-title")):
        if text_of(it.get(name)):
            parts.append(el("div", formats.slack(text_of(it.get(name))), class_=class_))
    if text_of(it.get("text")):
        parts.append(formats.slack(text_of(it.get("text"))))
    fields = [
        el(
            "div",
            el("b", text_of(field.get("title"))),
            el("br"),
            formats.slack(text_of(field.get("value"))),
        )
        for field in objects_of(it.get("fields"))
    ]
    parts.append(el("div", *fields, class_="slack-fields") if fields else None)
    buttons = [_element(each) for each in objects_of(it.get("actions"))]
    parts.append(el("div", *buttons, class_="actions") if buttons else None)
    if text_of(it.get("footer")):
        parts.append(el("div", text_of(it.get("footer")), class_="slack-context"))
    bar = el("div", *parts, class_="slack-attachment", data_colour=colour(it.get("color")))
    pretext = text_of(it.get("pretext"))
    return el("div", formats.slack(pretext) if pretext else None, bar)


def _block(block: dict[str, Any]) -> Html:
    match text_of(block.get("type")):
        case "section":
            fields = [_text(field) for field in objects_of(block.get("fields"))]
            accessory = object_of(block.get("accessory"))
            words = el(
                "div",
                _text(object_of(block.get("text"))) if "text" in block else None,
                el("div", *fields, class_="slack-fields") if fields else None,
            )
            side = _element(accessory) if accessory else None
            return el("div", words, side, class_="slack-section")
        case "header":
            return el("div", _text(object_of(block.get("text"))), class_="slack-header")
        case "divider":
            return el("hr")
        case "context":
            parts = [
                _image(each) if each.get("type") == "image" else _text(each)
                for each in objects_of(block.get("elements"))
            ]
            return el("div", *parts, class_="slack-context")
        case "actions":
            buttons = [_element(each) for each in objects_of(block.get("elements"))]
            return el("div", *buttons, class_="actions")
        case "image":
            return _image(block)
        case "markdown":
            return formats.markdown(text_of(block.get("text")))
        case kind:
            return el("div", f"({kind})", class_="quiet")


def _text(it: dict[str, Any]) -> Html:
    text = text_of(it.get("text"))
    if it.get("type") == "mrkdwn":
        return formats.slack(text)
    return el("div", formats.plain(text), class_="prose")


def _element(it: dict[str, Any]) -> Html:
    label = text_of(object_of(it.get("text")).get("text")) or text_of(it.get("text"))
    if not label:
        return el("span", f"({text_of(it.get('type'))})", class_="quiet")
    title = f"action_id {text_of(it.get('action_id'))}, value {text_of(it.get('value'))}"
    kind = text_of(it.get("style"))
    return button(
        label,
        text_of(it.get("url")),
        kind=kind if kind in {"primary", "danger"} else "",
        title=title,
    )


def _image(it: dict[str, Any]) -> Html:
    return el("span", text_of(it.get("alt_text")) or "image", class_="image")
