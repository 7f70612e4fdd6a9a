"""Woken by API Gateway for `/status/...`: serves what the worker has rendered, from the bucket, and
knows nothing else of the deployment. A page that was not rendered for a while says so.
"""

import gzip
import re
import time
from collections.abc import Callable, Mapping, Set
from dataclasses import field
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from opsknight.classes import dataclass
from opsknight.http.gateway import RETRY_UNAVAILABLE, Answer, Request, respond
from opsknight.publishing.board import LATE
from opsknight.runtime import aws, clock
from opsknight.runtime.settings import PagesSettings, read_settings
from status.bucket import CACHED, S3_CONFIG, Bucket, Stored
from status.html import AS_OF, LATE_MARK

_PATH: Final = re.compile(
    r"status/[a-z0-9][a-z0-9_-]{0,62}"
    r"(/status\.json|/feed\.atom|/api/v2/summary\.json|/history/\d{4}-\d\d|/incidents/[0-9a-f]{12})?"
)
_TIME: Final = re.compile(AS_OF.format("([0-9TZ:-]{20})").encode())
# How long a warm function serves a document without asking again: a flood costs little.
KEPT_SECONDS: Final = 5.0
MOST_KEPT: Final = 100
POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "Cache-Control": CACHED,
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_SAID: Final = """<!doctype html>
<html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{0}</title><style>:root{{color-scheme:light dark}}body{{font:1.1rem/1.5 system-ui,sans-serif;
max-width:34rem;margin:12vh auto;padding:0 1rem}}</style><main><h1>{0}</h1><p>{1}</p></main></html>
"""


@dataclass(frozen=True, slots=True)
class _Kept:
    stored: Stored | None
    until: float


@dataclass(frozen=True, slots=True)
class Pages:
    bucket: Bucket
    clock: Callable[[], datetime]
    stopwatch: Callable[[], float]
    origins: Set[str] = frozenset()
    _kept: dict[str, _Kept] = field(default_factory=dict[str, _Kept])

    def answer(self, request: Request, log_fields: dict[str, Any]) -> Answer:
        if request.method not in ("GET", "HEAD"):
            headers = HEADERS | {"Allow": "GET, HEAD"}
            return Answer(405, _SAID.format("Nothing was done", "Pages can be read."), headers)
        key = request.path.strip("/")
        if not _PATH.fullmatch(key):
            return _nothing()
        try:
            stored = self._stored(key)
            late = stored is not None and _is_page(stored) and self._since(key)
        except (BotoCoreError, ClientError) as cause:
            log_fields["cause"] = str(cause)
            text = "The page cannot be read just now. Try again in a few seconds."
            headers = HEADERS | {"Cache-Control": "no-store"} | RETRY_UNAVAILABLE
            return Answer(503, _SAID.format("Not right now", text), headers)
        if stored is None:
            return _nothing()
        content, tag = stored.content, stored.etag
        if isinstance(late, datetime):
            content, tag = _marked(content, late), tag[:-1] + '-late"'
        headers = HEADERS | {"Content-Type": stored.kind, "ETag": tag, "Vary": "Accept-Encoding"}
        if stored.kind == "application/json":
            # Whoever builds a page of their own may read it.
            headers["Access-Control-Allow-Origin"] = "*"
        if request.headers.get("if-none-match") == tag:
            return Answer(304, "", headers)
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Answer(
                200, gzip.compress(content, 6, mtime=0), headers | {"Content-Encoding": "gzip"}
            )
        return Answer(200, content, headers)

    def _stored(self, key: str) -> Stored | None:
        now = self.stopwatch()
        known = self._kept.get(key)
        if known is None or known.until <= now:
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            known = self._kept[key] = _Kept(self.bucket.read(key), now + KEPT_SECONDS)
        return known.stored

    def _since(self, key: str) -> datetime | None:
        """When the page of this document was last rendered, if that is too long ago."""
        home = self._stored("/".join(key.split("/")[:2]))
        found = _TIME.search(home.content) if home else None
        if found is None:
            return None
        at = datetime.fromisoformat(found[1].decode())
        return at if self.clock() - at > LATE else None


def _is_page(stored: Stored) -> bool:
    return stored.kind.startswith("text/html")


def _marked(content: bytes, since: datetime) -> bytes:
    at = since.astimezone(UTC)
    said = (
        '<p class="late" role="status"><strong>This page is out of date.</strong> '
        f"What it says is of {at:%H:%M} UTC, {at.day} {at:%b}; it may have changed since.</p>"
    )
    return content.replace(LATE_MARK.encode(), said.encode(), 1)


def _nothing() -> Answer:
    return Answer(404, _SAID.format("There is no such page", "The address is not right."), HEADERS)


@cache
def pages() -> Pages:
    """Made by the first request: nothing is connected at import."""
    bucket = Bucket(aws.client("s3", S3_CONFIG), read_settings(PagesSettings).pages_bucket)
    return Pages(bucket, clock.now, time.monotonic)


def on_request(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    return respond(event, pages, _fault)


def _fault(_: Request) -> Answer:
    return Answer(
        500,
        _SAID.format("That did not work", "The fault is ours."),
        HEADERS | {"Cache-Control": "no-store"},
    )
