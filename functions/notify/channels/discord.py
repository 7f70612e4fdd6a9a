"""Discord: an embed for a webhook. It mentions nobody, whatever a title says."""

import re
from datetime import datetime
from typing import Final

from notify.channels.text import cut
from notify.channels.tones import COLOURS, MARKS
from notify.channels.words import words
from opsknight.notification.message import Message

# https://discord.com/developers/docs/resources/message#embed-object-embed-limits: 256 for a title,
# 4096 for a description, 25 fields of 256 and 1024, 6000 in all. Escaping can double a length.
LONGEST_TITLE: Final = 120
LONGEST_DESCRIPTION: Final = 4000
LONGEST_VALUE: Final = 1000


def escaped(text: str) -> str:
    text = re.sub(r"([\\`*_~|>#\[\]()<@])", r"\\\1", text)
    # Discord turns bare addresses into links and previews.
    return text.replace("//", "/\N{WORD JOINER}/")


def render(message: Message) -> dict[str, object]:
    said = words(message)
    lines = [f"**{escaped(said.happened)}**"]
    lines += [f"• {escaped(line)}" for line in said.listed]
    lines += [line for line in (said.more, said.todo) if line]
    links = (f"[{escaped(label)}]({_target(url)})" for label, url in said.references)
    lines += [" · ".join(links)] if said.references else []
    while len("\n".join(lines)) > LONGEST_DESCRIPTION:
        lines.pop()
    description = "\n".join(lines)
    if said.link:
        description += f"\n\n**[{said.link_label}]({said.link})**"
    title = f"{MARKS[said.tone]} {said.headline(LONGEST_TITLE)}"
    embed: dict[str, object] = {
        "title": escaped(title),
        "description": description[:4096],
        "color": int(COLOURS[said.tone].removeprefix("#"), 16),
        "timestamp": message.at.isoformat(),
        "fields": [
            {"name": name, "value": _shown(value), "inline": True} for name, value in said.facts
        ],
    }
    if said.link:
        embed["url"] = said.link
    return {"embeds": [embed], "allowed_mentions": {"parse": []}}


def _target(url: str) -> str:
    """Inside the brackets of a link, none of its own may end it."""
    return url.replace("(", "%28").replace(")", "%29").replace("<", "%3C").replace(">", "%3E")


def _shown(value: str | datetime) -> str:
    if isinstance(value, str):
        return cut(escaped(value), LONGEST_VALUE)
    # In the reader's own time zone, and how long ago.
    return f"<t:{int(value.timestamp())}:f> (<t:{int(value.timestamp())}:R>)"
