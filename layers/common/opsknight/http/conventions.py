"""What every answer under HTTP has by convention, beside the words of the owner's document: the
members of RFC 9457 on errors, the challenge of a 401, the headers about limits in the form of the
current draft, and CORS. Pure.

It is added in one place, so that no route can forget it.
"""

import re
from collections.abc import Mapping, Set
from typing import Any, Final

from opsknight.directory.rate_limit import LIMIT, WINDOW_SECONDS

API: Final = "/api/"
PROBLEM: Final = "urn:opsknight:error:"
CHALLENGE: Final = 'Bearer realm="opsknight"'
# https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/ has a name for each policy.
POLICY: Final = f'"minute";q={LIMIT};w={WINDOW_SECONDS}'
# A browser asks again after this many seconds.
PREFLIGHT_SECONDS: Final = 600
METHODS: Final = "GET, POST, PATCH, DELETE"
IDEMPOTENCY_KEY: Final = "idempotency-key"
SENT: Final = "Authorization, Content-Type, Idempotency-Key, If-None-Match, X-API-Key, X-Request-Id"
SHOWN: Final = (
    "ETag, Idempotency-Replayed, Location, RateLimit, RateLimit-Limit, RateLimit-Policy, "
    "RateLimit-Remaining, RateLimit-Reset, Retry-After, WWW-Authenticate, X-Request-Id"
)


def code_of(error: str) -> str:
    """`rate-limit-exceeded` for `Rate limit exceeded.`: it stays while the words may not."""
    return re.sub("[^a-z0-9]+", "-", error.lower()).strip("-")


def problem(status: int, body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The body of an error, with the members of RFC 9457 that it has no other word for."""
    error = body.get("error")
    if status < 400 or not isinstance(error, str):
        return body
    code = code_of(error)
    members = {"code": code, "type": PROBLEM + code, "title": error.rstrip("."), "status": status}
    if isinstance(detail := body.get("message"), str):
        members["detail"] = detail
    # A 409 has a `status` of its own, which is the incident's.
    return {**body, **{name: value for name, value in members.items() if name not in body}}


def headers(status: int, given: Mapping[str, str]) -> dict[str, str]:
    """The headers that follow from a status and from other headers."""
    found: dict[str, str] = {}
    if status == 401:
        found["WWW-Authenticate"] = CHALLENGE
    if "RateLimit-Limit" in given:
        found["RateLimit-Policy"] = POLICY
        left, reset = given.get("RateLimit-Remaining"), given.get("RateLimit-Reset")
        if left is not None and reset is not None:
            found["RateLimit"] = f'"minute";r={left};t={reset}'
    return found


def origins(setting: str) -> frozenset[str]:
    """The origins of a setting, with commas between them. `*` is none: an origin is exact."""
    return frozenset(each.strip().rstrip("/") for each in setting.split(",")) - {"", "*"}


def cross_origin(path: str, sent: Mapping[str, str], allowed: Set[str]) -> dict[str, str]:
    """The headers by which a browser lets a page of another origin read the answer. Never with
    credentials: a page sends its key itself.
    """
    if not allowed or not path.startswith(API):
        return {}
    origin = sent.get("origin", "")
    if origin not in allowed:
        return {"Vary": "Origin"}
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Expose-Headers": SHOWN,
        "Vary": "Origin",
    }


def preflight(
    method: str, path: str, sent: Mapping[str, str], allowed: Set[str]
) -> dict[str, str] | None:
    """The headers of the answer to a preflight; None for any other request."""
    asked = method == "OPTIONS" and "access-control-request-method" in sent
    if not asked or sent.get("origin", "") not in allowed or not path.startswith(API):
        return None
    return {
        **cross_origin(path, sent, allowed),
        "Access-Control-Allow-Methods": METHODS,
        "Access-Control-Allow-Headers": SENT,
        "Access-Control-Max-Age": str(PREFLIGHT_SECONDS),
    }
