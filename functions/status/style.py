"""The one style of a status page. It stands in each document, so that a page is one request."""

from base64 import b64encode
from functools import cache
from hashlib import sha256
from pathlib import Path


@cache
def style() -> str:
    return Path(__file__).with_name("page.css").read_text("utf-8")


@cache
def policy() -> str:
    """In the document itself: style and hash arrive together, whatever version serves it."""
    digest = b64encode(sha256(style().encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; "
        "form-action 'none'"
    )
