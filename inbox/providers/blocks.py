"""The limits of Slack's Block Kit: https://docs.slack.dev/reference/block-kit/blocks."""

from collections.abc import Iterator
from typing import Any, Final

from inbox.fields import object_of, objects_of, text_of

_MOST_BLOCKS: Final = 50
_KINDS: Final = {
    "actions",
    "context",
    "divider",
    "file",
    "header",
    "image",
    "input",
    "markdown",
    "rich_text",
    "section",
    "table",
    "video",
}


def faults(blocks: Any) -> Iterator[str]:
    """The faults that Slack would report in `response_metadata.messages`."""
    if not isinstance(blocks, list):
        yield "must be an array [json-pointer:/blocks]"
        return
    if len(blocks) > _MOST_BLOCKS:
        yield f"no more than {_MOST_BLOCKS} items allowed [json-pointer:/blocks]"
    ids = [
        text_of(block["block_id"]) for block in objects_of(blocks) if text_of(block.get("block_id"))
    ]
    if len(ids) != len(set(ids)):
        yield "`block_id` already exists [json-pointer:/blocks]"
    for index, block in enumerate(blocks):
        for fault in _block(block):
            yield f"{fault} [json-pointer:/blocks/{index}]"


def _block(block: Any) -> Iterator[str]:
    if not isinstance(block, dict):
        yield "must be an object"
        return
    kind = text_of(block.get("type"))
    if kind not in _KINDS:
        yield f"unsupported type: {kind}"
    if len(text_of(block.get("block_id"))) > 255:
        yield "`block_id` must be less than 256 characters"
    match kind:
        case "section":
            if "text" not in block and not block.get("fields"):
                yield "one of `text`, `fields` is required"
            if "text" in block:
                yield from _text(block["text"], 3000)
            if "fields" in block:
                yield from _count("fields", block["fields"], 10)
                for it in objects_of(block["fields"]):
                    yield from _text(it, 2000)
            if "accessory" in block:
                yield from _element(block["accessory"])
        case "header":
            yield from _text(block.get("text"), 150, plain=True)
        case "context":
            yield from _count("elements", block.get("elements"), 10)
            for it in objects_of(block.get("elements")):
                yield from _image(it) if it.get("type") == "image" else _text(it, 3000)
        case "actions":
            yield from _count("elements", block.get("elements"), 25)
            for it in objects_of(block.get("elements")):
                yield from _element(it)
            named = [text_of(it.get("action_id")) for it in objects_of(block.get("elements"))]
            named = [name for name in named if name]
            if len(named) != len(set(named)):
                yield "`action_id` already exists"
        case "image":
            yield from _image(block)
        case "markdown":
            if not 0 < len(text_of(block.get("text"))) <= 12_000:
                yield "`text` must be 1 to 12000 characters"
        case _:
            pass


def _element(element: Any) -> Iterator[str]:
    it = object_of(element)
    if "type" not in it:
        yield "missing required field: type"
    if len(text_of(it.get("action_id"))) > 255:
        yield "`action_id` must be less than 256 characters"
    if it.get("type") != "button":
        return
    yield from _text(it.get("text"), 75, plain=True)
    if len(text_of(it.get("value"))) > 2000:
        yield "`value` must be less than 2001 characters"
    if "url" in it and not _address(it["url"]):
        yield "`url` must be an address of less than 3001 characters"
    if text_of(it.get("style", "primary")) not in {"primary", "danger"}:
        yield "`style` must be one of primary, danger"
    if "confirm" in it:
        confirm = object_of(it["confirm"])
        for name, most in (("title", 100), ("text", 300), ("confirm", 30), ("deny", 30)):
            yield from _text(confirm.get(name), most)


def _image(image: dict[str, Any]) -> Iterator[str]:
    if not text_of(image.get("alt_text")):
        yield "missing required field: alt_text"
    if "slack_file" not in image and not _address(image.get("image_url")):
        yield "`image_url` must be an address of less than 3001 characters"


def _text(text: Any, most: int, *, plain: bool = False) -> Iterator[str]:
    it = object_of(text)
    if text_of(it.get("type")) not in ({"plain_text"} if plain else {"plain_text", "mrkdwn"}):
        yield f"unsupported type of text: {it.get('type')}"
        return
    if not text_of(it.get("text")):
        yield "must be more than 0 characters"
    if len(text_of(it.get("text"))) > most:
        yield f"must be less than {most + 1} characters"
    if it["type"] == "mrkdwn" and "emoji" in it:
        yield "invalid additional property: emoji"


def _count(name: str, value: Any, most: int) -> Iterator[str]:
    if not isinstance(value, list) or not value:
        yield f"missing required field: {name}"
    elif len(value) > most:
        yield f"no more than {most} items allowed: {name}"


def _address(value: Any) -> bool:
    return text_of(value).startswith(("http://", "https://")) and len(value) <= 3000
