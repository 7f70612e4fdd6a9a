"""Turns formatted text into HTML: Slack's mrkdwn, Markdown and its dialects, and a little HTML."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Final

from inbox.looks.markup import Html, colour, el, link, together
from inbox.providers.slack import unescaped

type _Rules = dict[str, tuple[str, Callable[[re.Match[str]], Html]]]

_BARE: Final = r"https?://[^\s<>\"|]*[^\s<>\"|.,;:!?)\]']"
_EMOJI: Final = {
    "alarm_clock": "⏰",
    "bell": "🔔",
    "bust_in_silhouette": "👤",
    "clock1": "🕐",
    "eyes": "👀",
    "fire": "🔥",
    "green_circle": "🟢",
    "hourglass": "⌛",
    "information_source": "ℹ️",  # noqa: RUF001 - the sign that the name stands for
    "large_blue_circle": "🔵",
    "large_green_circle": "🟢",
    "large_orange_circle": "🟠",
    "large_yellow_circle": "🟡",
    "no_entry": "⛔",
    "red_circle": "🔴",
    "repeat": "🔁",
    "rotating_light": "🚨",
    "sos": "🆘",
    "tada": "🎉",
    "warning": "⚠️",
    "white_check_mark": "✅",
    "x": "❌",
    "zzz": "💤",
}


def emoji(name: str) -> str | None:
    """The emoji with that short name."""
    return _EMOJI.get(name)


def plain(text: str) -> Html:
    """Plain text, in which web addresses become links."""
    return _inline(text, {"bare": (_BARE, lambda found: link(found[0]))})


def slack(text: str) -> Html:
    """`mrkdwn`: https://docs.slack.dev/messaging/formatting-message-text."""
    return _blocks(text, lambda line: _inline(line, _SLACK, unescaped), quote=r"(?:>|&gt;) ?")


def markdown(text: str) -> Html:
    """Markdown as Discord, Teams and ntfy read it."""
    return _blocks(text, lambda line: _inline(line, _MARKDOWN), quote=r"> ?")


def adaptive(text: str) -> Html:
    """Markdown with the dates that adaptive cards know."""
    return _blocks(text, lambda line: _inline(line, _ADAPTIVE), quote=r"> ?")


def telegram(text: str) -> Html:
    """MarkdownV2, in which one `*` is bold, and all other special characters are escaped."""
    return _blocks(text, lambda line: _inline(line, _TELEGRAM), quote=r"> ?")


def google(text: str) -> Html:
    """The text of a message outside cards: https://developers.google.com/workspace/chat/format-messages."""
    return slack(text.replace("&", "&amp;"))


def html(text: str) -> Html:
    """HTML with the few tags that Telegram, Google Chat and Pushover know; others are removed."""
    parser = _Subset()
    parser.feed(text)
    parser.close()
    return parser.result()


def _inline(text: str, rules: _Rules, words: Callable[[str], str] = lambda text: text) -> Html:
    """Replaces what the rules match, in one pass. A rule formats its inner text by itself."""
    pattern = "|".join(f"(?P<{name}>{rule})" for name, (rule, _) in rules.items())
    parts: list[str] = []
    done = 0
    for found in re.finditer(pattern, text):
        rule, draw = rules[str(found.lastgroup)]
        own = re.fullmatch(rule, found[0])
        if own is None:
            continue
        parts += [words(text[done : found.start()]), draw(own)]
        done = found.end()
    return together([*parts, words(text[done:])])


def _blocks(text: str, inline: Callable[[str], Html], *, quote: str) -> Html:
    """Formats code blocks, quotes, headings and lists; all other lines stay lines."""
    parts: list[str] = []
    for index, piece in enumerate(re.split(r"```(?:\w*\n)?(.*?)```", text, flags=re.DOTALL)):
        if index % 2:
            parts.append(el("pre", piece.strip("\n")))
            continue
        lines: list[Html] = []
        for line in piece.strip("\n").split("\n"):
            if found := re.fullmatch(rf"{quote}(.*)", line):
                lines.append(el("blockquote", inline(found[1])))
            elif found := re.fullmatch(r"#{1,3} (.*)", line):
                lines.append(el("strong", inline(found[1]), class_="heading line"))
            elif found := re.fullmatch(r"\s*[-*•] (.*)", line):
                lines.append(el("span", inline(found[1]), class_="item line"))
            else:
                lines.append(el("span", inline(line), class_="line"))
        if piece.strip():
            parts += lines
    return el("div", *parts, class_="prose")


def _slack_inner(found: re.Match[str], tag: str) -> Html:
    return el(tag, _inline(found[1], _SLACK, unescaped))


def _mention(found: re.Match[str]) -> Html:
    sign = "#" if found[1] == "#" else "@"
    return el("span", sign + (found[3] or found[2]), class_="mention")


def _part_of_moment(found: re.Match[str]) -> Html:
    class_ = "day" if found[1] == "DATE" else "clock"
    return el("time", found[2], datetime=found[2], class_=class_)


def _moment(found: re.Match[str]) -> Html:
    seconds = int(found[1])
    try:
        at = datetime.fromtimestamp(seconds, UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        return el("span", found[0])
    is_relative = found[0].endswith(":R>")
    return el("time", at, datetime=at, class_="since" if is_relative else "moment")


_SLACK: Final[_Rules] = {
    "code": (r"`([^`\n]+)`", lambda found: el("code", unescaped(found[1]))),
    "link": (
        r"<((?:https?://|mailto:|tel:)[^|>\s]+)(?:\|([^>]*))?>",
        lambda found: link(unescaped(found[1]), unescaped(found[2] or found[1])),
    ),
    "moment": (r"<!date\^(\d{1,12})\^[^|>]*(?:\|[^>]*)?>", _moment),
    "mention": (r"<([@#!])([^|>]*)(?:\|([^>]*))?>", _mention),
    "bare": (_BARE, lambda found: link(unescaped(found[0]), unescaped(found[0]))),
    "emoji": (
        r":([a-z0-9_+-]{1,40}):",
        lambda found: el("span", _EMOJI.get(found[1], found[0])),
    ),
    "bold": (
        r"(?<![\w*])\*([^\s*](?:[^*\n]*[^\s*])?)\*(?![\w*])",
        lambda found: _slack_inner(found, "b"),
    ),
    "italic": (
        r"(?<![\w_])_([^\s_](?:[^_\n]*[^\s_])?)_(?![\w_])",
        lambda found: _slack_inner(found, "i"),
    ),
    "strike": (
        r"(?<![\w~])~([^\s~](?:[^~\n]*[^\s~])?)~(?![\w~])",
        lambda found: _slack_inner(found, "s"),
    ),
}

_MARKDOWN: Final[_Rules] = {
    "escape": (r"\\([^\w\s]|_)", lambda found: el("span", found[1])),
    "code": (r"`([^`\n]+)`", lambda found: el("code", found[1])),
    "link": (
        r"\[((?:\\.|[^\]\\\n])+)\]\(<?(https?://[^)\s>]+)>?\)",
        lambda found: link(found[2], _inline(found[1], _MARKDOWN)),
    ),
    "moment": (r"<t:(\d{1,12})(?::\w)?>", _moment),
    "bare": (_BARE, lambda found: link(found[0])),
    "bold": (r"\*\*([^*\n]+)\*\*", lambda found: el("b", _inline(found[1], _MARKDOWN))),
    "under": (r"__([^_\n]+)__", lambda found: el("u", _inline(found[1], _MARKDOWN))),
    "strike": (r"~~([^~\n]+)~~", lambda found: el("s", _inline(found[1], _MARKDOWN))),
    "italic": (
        r"(?<![\w*])\*([^\s*][^*\n]*)\*|(?<![\w_])_([^\s_][^_\n]*)_(?!\w)",
        lambda found: el("i", _inline(found[1] or found[2], _MARKDOWN)),
    ),
}

_ADAPTIVE: Final[_Rules] = {
    "date": (r"\{\{(DATE|TIME)\(([\d:TZ+-]{8,30})(?:, ?\w+)?\)\}\}", _part_of_moment),
    **_MARKDOWN,
}

_TELEGRAM: Final[_Rules] = {
    "escape": (r"\\(.)", lambda found: el("span", found[1])),
    "code": (r"`([^`\n]+)`", lambda found: el("code", found[1])),
    "link": (
        r"\[((?:\\.|[^\]\\\n])+)\]\(((?:\\.|[^)\\\s])+)\)",
        lambda found: link(re.sub(r"\\(.)", r"\1", found[2]), _inline(found[1], _TELEGRAM)),
    ),
    "bold": (r"\*((?:\\.|[^*\\\n])+)\*", lambda found: el("b", _inline(found[1], _TELEGRAM))),
    "under": (r"__((?:\\.|[^_\\\n])+)__", lambda found: el("u", _inline(found[1], _TELEGRAM))),
    "italic": (r"_((?:\\.|[^_\\\n])+)_", lambda found: el("i", _inline(found[1], _TELEGRAM))),
    "strike": (r"~((?:\\.|[^~\\\n])+)~", lambda found: el("s", _inline(found[1], _TELEGRAM))),
}

_KNOWN: Final = {
    "b": "b",
    "strong": "b",
    "i": "i",
    "em": "i",
    "u": "u",
    "ins": "u",
    "s": "s",
    "del": "s",
    "strike": "s",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
    "font": "span",
    "a": "a",
}


class _Subset(HTMLParser):
    """Builds the known tags anew, so that nothing of the original markup remains."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._open: list[tuple[str, dict[str, str], list[str]]] = [("", {}, [])]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "br":
            self._open[-1][2].append(el("br"))
        elif tag in _KNOWN and len(self._open) < 50:
            self._open.append((tag, {name: value or "" for name, value in attrs}, []))

    def handle_endtag(self, tag: str) -> None:
        if any(tag == each for each, _, _ in self._open[1:]):
            while self._open[-1][0] != tag:
                self._close()
            self._close()

    def handle_data(self, data: str) -> None:
        self._open[-1][2].append(data)

    def result(self) -> Html:
        while len(self._open) > 1:
            self._close()
        return el("div", *self._open[0][2], class_="prose")

    def _close(self) -> None:
        tag, attributes, children = self._open.pop()
        inside = together(children)
        if tag == "a":
            made = link(attributes.get("href", ""), inside)
        elif tag == "font":
            made = el("span", inside, data_colour=colour(attributes.get("color")), class_="tint")
        else:
            made = el(_KNOWN[tag], inside)
        self._open[-1][2].append(made)
