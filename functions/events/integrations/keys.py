"""Whose request it is, on paths of our own: the key may stand where the sender's tool can put it.

A header counts before the body, the body before the query, the query before the path; two different
keys are a mistake that nobody should have to guess at. A text that has not the shape of a key is
none: tools send headers of their own, and a proxy adds its. On other systems' paths only what that
system knows is a key (`pagerduty`).
"""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from events.call import Call, Sender
from opsknight.classes import dataclass
from opsknight.directory.entries import key_hash
from opsknight.http.directory_cache import DirectoryCache
from opsknight.http.gateway import Failure, HttpError

QUERY: Final = ("key", "integrationKey", "integration_key")
BODY: Final = ("integration_key", "integrationKey", "routing_key")
REMOVED: Final = "[integration key]"
_KEY: Final = re.compile("[0-9A-Fa-f]{32}")
# Before the body is parsed: megabytes of a stranger's cost nothing.
_IN_BODY: Final = re.compile(rb'"(?:%s)"\s*:\s*"\s*([0-9A-Fa-f]{32})\s*"' % "|".join(BODY).encode())


@dataclass(frozen=True, slots=True)
class Identified:
    sender: Sender
    secret: str
    """The key itself, in lower case. It goes no further than the door."""
    in_body: bool
    """Whether only the body named it. Then it must be a field of the event itself."""


def identify(call: Call, directory: DirectoryCache, path_key: str | None) -> Identified:
    """Raises HttpError: 400 for two keys, 401 for none, 403 for one that is not live."""
    request = call.request
    named = list(_named(request.headers, request.query, path_key))
    if len(set(named)) > 1:
        raise two_keys()
    found = named[:1]
    if not found:
        written = [each[1].decode().lower() for each in _IN_BODY.finditer(request.body)]
        # An event may tell of a field of that name: its own is before or after it.
        found = list(dict.fromkeys(written[:1] + written[-1:]))
    if not found:
        raise HttpError(401, Failure(error="Unauthorized", message=_EXPECTED))
    for each in found:
        hashed = key_hash(each)
        key = directory.integration_key(hashed, call.now, call.deadline)
        service = key and directory.service(key.service_id, call.now, call.deadline)
        if key and service:
            return Identified(Sender(hashed, key, service), each, not named)
    raise HttpError(403, Failure(error="Invalid Integration Key", message=_EXPECTED))


def without_key(document: Any, found: Identified) -> Any:
    """The parsed body without its keys. Raises HttpError when it names another key, or not the one
    by which it was let in.
    """
    fields = document if isinstance(document, dict) else {}
    # What was the key is not readable any more (`scrubbed`).
    named = [each for name in BODY if (each := fields.get(name)) is not None]
    written = [each.strip() for each in named if isinstance(each, str)]
    if found.in_body and REMOVED not in written:
        raise HttpError(401, Failure(error="Unauthorized", message=_EXPECTED))
    if any(_KEY.fullmatch(each) for each in written):
        raise two_keys()
    if not named:
        return document
    return {name: each for name, each in fields.items() if name not in BODY}


def scrubbed(body: bytes, secret: str) -> bytes:
    """The body without the key, wherever in it somebody has put it."""
    return re.sub(secret.encode(), REMOVED.encode(), body, flags=re.IGNORECASE)


def two_keys() -> HttpError:
    why = "The request names two different integration keys. Leave one."
    return HttpError(400, Failure(error="Two integration keys", message=why))


def _named(
    headers: Mapping[str, str], query: Mapping[str, str], path_key: str | None
) -> Iterator[str]:
    """In lower case, in the order in which they count."""
    written = [
        *_in_authorization(headers.get("authorization", "")),
        headers.get("x-api-key", ""),
        # API Gateway joins the values of a repeated name with commas.
        *(each for name in QUERY for each in query.get(name, "").split(",")),
        path_key or "",
    ]
    for each in written:
        if _KEY.fullmatch(key := each.strip()):
            yield key.lower()


def _in_authorization(header: str) -> list[str]:
    scheme, *rest = header.split(None, 1) or [""]
    credentials = "".join(rest).strip()
    match scheme.lower():
        case "basic":
            # Some tools know nothing else. Which half is the key, people get wrong.
            try:
                return base64.b64decode(credentials, validate=True).decode().split(":", 1)
            except (binascii.Error, ValueError):
                return []
        case "token":
            return [credentials.lower().removeprefix("token=").strip("\"'")]
        case _:
            return [credentials or scheme]


_EXPECTED: Final = (
    "Expected the 32 hexadecimal digits of a live integration key, as `Authorization: Bearer <key>`"
    ", as the field integration_key of the body, or as ?key=<key>."
)
