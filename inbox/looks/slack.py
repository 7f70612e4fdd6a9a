"""A message as Slack draws it: blocks, attachments with their bar, buttons."""

from typing import Any

from inbox.looks import prose
from inbox.looks.markup import Html, button, colour, el, icon
from inbox.mailbox import Message
from inbox.providers.reading import inner, listed, told
from inbox.wire import read_object


def slack(message: Message) -> Html:
    asked = read_object(message.body)
    blocks = listed(asked.get("blocks"))
    text = told(asked.get("text"))
    at = message.at.isoformat()
    # With blocks of its own, the text is for the notification and for screen readers only.
    body = [_block(block) for block in blocks] if blocks else [prose.slack(text) if text else None]
    attachments = [_attachment(each) for each in listed(asked.get("attachments"))]
    return el(
        "div",
        el("div", icon("shield"), class_="app-sign slack-app"),
        el(
            "div",
            el(
                "div",
                el("b", told(asked.get("username")) or "OpsKnight"),
                el("span", "APP", class_="app-tag"),
                el("time", at, datetime=at, class_="clock quiet"),
                class_="slack-who",
            ),
            *body,
            *attachments,
            el("div", "notification: ", text, class_="quiet note") if blocks and text else None,
            class_="slack-main",
        ),
        class_="slack",
    )


def _attachment(it: dict[str, Any]) -> Html:
    parts: list[Html | None] = [_block(block) for block in listed(it.get("blocks"))]
    for name, class_ in (("author_name", "quiet"), ("title", "slack-title")):
        if told(it.get(name)):
            parts.append(el("div", prose.slack(told(it.get(name))), class_=class_))
    if told(it.get("text")):
        parts.append(prose.slack(told(it.get("text"))))
    fields = [
        el(
            "div",
            el("b", told(field.get("title"))),
            el("br"),
            prose.slack(told(field.get("value"))),
        )
        for field in listed(it.get("fields"))
    ]
    parts.append(el("div", *fields, class_="slack-fields") if fields else None)
    buttons = [_element(each) for each in listed(it.get("actions"))]
    parts.append(el("div", *buttons, class_="actions") if buttons else None)
    if told(it.get("footer")):
        parts.append(el("div", told(it.get("footer")), class_="slack-context"))
    bar = el("div", *parts, class_="slack-attachment", data_colour=colour(it.get("color")))
    pretext = told(it.get("pretext"))
    return el("div", prose.slack(pretext) if pretext else None, bar)


def _block(block: dict[str, Any]) -> Html:
    match told(block.get("type")):
        case "section":
            fields = [_text(field) for field in listed(block.get("fields"))]
            accessory = inner(block.get("accessory"))
            words = el(
                "div",
                _text(inner(block.get("text"))) if "text" in block else None,
                el("div", *fields, class_="slack-fields") if fields else None,
            )
            side = _element(accessory) if accessory else None
            return el("div", words, side, class_="slack-section")
        case "header":
            return el("div", _text(inner(block.get("text"))), class_="slack-header")
        case "divider":
            return el("hr")
        case "context":
            parts = [
                _image(each) if each.get("type") == "image" else _text(each)
                for each in listed(block.get("elements"))
            ]
            return el("div", *parts, class_="slack-context")
        case "actions":
            buttons = [_element(each) for each in listed(block.get("elements"))]
            return el("div", *buttons, class_="actions")
        case "image":
            return _image(block)
        case "markdown":
            return prose.markdown(told(block.get("text")))
        case kind:
            return el("div", f"({kind})", class_="quiet")


def _text(it: dict[str, Any]) -> Html:
    text = told(it.get("text"))
    if it.get("type") == "mrkdwn":
        return prose.slack(text)
    return el("div", prose.plain(text), class_="prose")


def _element(it: dict[str, Any]) -> Html:
    label = told(inner(it.get("text")).get("text")) or told(it.get("text"))
    if not label:
        return el("span", f"({told(it.get('type'))})", class_="quiet")
    told_back = f"action_id {told(it.get('action_id'))}, value {told(it.get('value'))}"
    kind = told(it.get("style"))
    return button(
        label,
        told(it.get("url")),
        kind=kind if kind in {"primary", "danger"} else "",
        title=told_back,
    )


def _image(it: dict[str, Any]) -> Html:
    return el("span", told(it.get("alt_text")) or "image", class_="image")
