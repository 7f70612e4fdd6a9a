"""Where to look next: the links that an event brings along, and its details as people read them.

Pure, and lenient: the body was accepted long ago, and a broken link in it must not cost a page.
What is no address stays text.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import replace
from typing import Any, Final

from opsknight.classes import dataclass
from opsknight.incident.event_request import parsed
from opsknight.incident.text import without_lone_surrogates

MOST: Final = 10
LONGEST_ADDRESS: Final = 2000
LONGEST_LABEL: Final = 60
LONGEST_DETAILS: Final = 10_000
# With what is between them, more values of a list would not be shown.
MOST_IN_A_LINE: Final = LONGEST_DETAILS // 2 + 1
# Keys of details with these words are named first, in this order.
_FIRST: Final = ("runbook", "playbook", "dashboard")
_UNNAMED: Final = ("url", "link", "href")
# Without a user name: `https://bank.example@evil.example` reads as what it is not.
_ADDRESS: Final = re.compile(
    r"https?://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::\d{1,5})?(?:[/?#][!-~]*)?"
)


@dataclass(frozen=True, slots=True)
class Reference:
    label: str
    url: str
    image: bool = False
    """Whether it is the address of a picture."""


def is_address(value: object) -> bool:
    """Whether it can be followed: http or https, ASCII, with a host, of a bearable length."""
    if not isinstance(value, str) or len(value) > LONGEST_ADDRESS:
        return False
    return _ADDRESS.fullmatch(value) is not None


def references(
    body: str, runbook: str | None = None, dashboard: str | None = None
) -> tuple[Reference, ...]:
    """Of an event's `links`, `images`, `client_url` and details, and of its service. Runbooks come
    first, then dashboards; an address that comes twice is shown once.
    """
    found = parsed(body)
    own = [("Runbook", runbook), ("Dashboard", dashboard)]
    every = [
        *_of_details(found.get("payload")),
        *(Reference(label, url) for label, url in own if url and is_address(url)),
        *_of_event(found),
        # Some senders put everything into the payload.
        *_of_event(found.get("payload")),
    ]
    ranked = sorted(every, key=_rank)
    once: dict[str, Reference] = {}
    for each in ranked:
        once.setdefault(each.url, each)
    return tuple(_told_apart(once.values(), {runbook, dashboard}))[:MOST]


def _told_apart(found: Iterable[Reference], of_service: Set[str | None]) -> Iterator[Reference]:
    """Two links of one name are a riddle at night: the event's keeps it."""
    names: dict[str, int] = {}
    for each in found:
        label = each.label
        number = names[label.casefold()] = names.get(label.casefold(), 0) + 1
        if number > 1:
            ours = each.url in of_service
            label = f"{label} of the service" if ours else f"{label} {number}"
        yield replace(each, label=label)


def _rank(reference: Reference) -> int:
    label = reference.label.casefold()
    return next((n for n, word in enumerate(_FIRST) if word in label), len(_FIRST))


def _of_details(payload: object) -> Iterator[Reference]:
    details = payload.get("custom_details") if isinstance(payload, Mapping) else None
    if not isinstance(details, Mapping):
        return
    for key, value in details.items():
        if is_address(value):
            yield Reference(_label(key, value), value)


def _of_event(found: object) -> Iterator[Reference]:
    if not isinstance(found, Mapping):
        return
    for link in _mappings(found.get("links")):
        if is_address(link.get("href")):
            yield Reference(_label(link.get("text"), link["href"]), link["href"])
    for image in _mappings(found.get("images")):
        url = image.get("href") if is_address(image.get("href")) else image.get("src")
        if isinstance(url, str) and is_address(url):
            yield Reference(_label(image.get("alt") or "Image", url), url, image=True)
    url = found.get("client_url")
    if isinstance(url, str) and is_address(url):
        yield Reference(_label(found.get("client"), url), url)


def _mappings(value: object) -> Iterable[Mapping[str, Any]]:
    return (each for each in value if isinstance(each, Mapping)) if isinstance(value, list) else ()


def _label(text: object, url: str) -> str:
    """`runbook_url` is "Runbook". Without a name of its own, it is the host's."""
    words = text if isinstance(text, str) else ""
    words = " ".join(without_lone_surrogates(words).replace("_", " ").split())
    kept = [word for word in words.split(" ") if word.casefold() not in _UNNAMED]
    host = _ADDRESS.fullmatch(url)
    label = " ".join(kept)[:LONGEST_LABEL] or (host[1] if host else url)
    return label[:1].upper() + label[1:]


def details(body: str) -> str | None:
    """The `custom_details` as lines of `key: value`, with real line breaks, so that a stack trace
    reads as one. None without any; at most 10,000 characters, then `...`.
    """
    payload = parsed(body).get("payload")
    found = payload.get("custom_details") if isinstance(payload, Mapping) else None
    if not found or not isinstance(found, Mapping):
        return None
    lines: list[str] = []
    length = 0
    for line in _lines(found, ""):
        lines.append(line)
        length += len(line) + 1
        if length > LONGEST_DETAILS:
            break
    text = without_lone_surrogates("\n".join(lines))
    return text if len(text) <= LONGEST_DETAILS else text[:LONGEST_DETAILS] + "..."


def _lines(value: Mapping[Any, Any] | list[Any], indent: str) -> Iterator[str]:
    named: Iterable[tuple[str, Any]] = (
        ((f"{key}:", each) for key, each in value.items())
        if isinstance(value, Mapping)
        else (("-", each) for each in value)
    )
    for name, each in named:
        if isinstance(each, Mapping | list) and each:
            if isinstance(each, list) and all(map(_is_short, each[:MOST_IN_A_LINE])):
                yield f"{indent}{name} {', '.join(map(_plain, each[:MOST_IN_A_LINE]))}"
            else:
                yield f"{indent}{name}"
                # Deeper than this, depth is not what anybody reads.
                yield from _lines(each, indent + "  " if len(indent) < 40 else indent)
        else:
            text = _plain(each)
            if "\n" in text:
                yield f"{indent}{name}"
                yield from (f"{indent}  {line}" for line in text.splitlines())
            else:
                yield f"{indent}{name} {text}".rstrip()


def _is_short(value: object) -> bool:
    return not isinstance(value, Mapping | list) and "\n" not in _plain(value)


def _plain(value: object) -> str:
    match value:
        case None:
            return "none"
        case True | False:
            return str(value).lower()
        case {} | []:
            return "none"
        case _:
            return str(value)
