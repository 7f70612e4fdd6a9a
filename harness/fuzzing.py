"""Requests that are nearly right, and some that are not at all."""

import base64
import json
from typing import Any

from hypothesis import strategies as st

from harness.world import event, http_event

# Every code point, halves of surrogate pairs and control characters as well.
TEXT = st.text(st.characters(exclude_categories=()), max_size=30)
NUMBERS = st.one_of(
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([10**400, -(10**4000), 1e308, 5e-324]),
)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXT),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
RARELY = st.sampled_from([False] * 7 + [True])
NAMES = ("event_action", "dedup_key", "payload", "service_id", "summary", "source", "severity")
DEPTHS = st.sampled_from([98, 99, 100, 101, 500, 5_000, 100_000])
NESTED = st.one_of(
    DEPTHS.map(lambda depth: "[" * depth + "1" + "]" * depth),
    DEPTHS.map(lambda depth: '{"a":' * depth + "1" + "}" * depth),
)
LITERALS = NESTED | st.sampled_from(
    [
        *("NaN", "Infinity", "-Infinity", "1e999", "-1E+9999", "-0", "01", "1.", ".5", "'a'", "x"),
        *("9" * 5_000, "0.1" + "0" * 5_000, '"\\ud800"', '"\\udc00\\ud800"', '"\\u0000"', '"\0"'),
    ]
)
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32", "utf-7", "latin-1", "cp037")


def body(draw: st.DrawFn) -> str:
    """A JSON text, or nearly."""
    sent: Any = event(
        draw(st.sampled_from(["trigger", "acknowledge", "resolve"])),
        draw(st.sampled_from(["disk", "disk#1"]) | TEXT),
        payload={"custom_details": draw(st.dictionaries(TEXT, JSON, max_size=3))},
    )
    for name in draw(st.lists(st.sampled_from(NAMES), max_size=2)) if draw(RARELY) else []:
        place = sent.get("payload") if name in ("summary", "source", "severity") else sent
        if isinstance(place, dict):
            if draw(st.integers(0, 4)):
                place[name] = draw(JSON)
            else:
                place.pop(name, None)
    text = json.dumps(sent, ensure_ascii=draw(st.booleans()), allow_nan=False)
    match draw(st.integers(1, 12)):
        case 2:
            return draw(LITERALS)
        case 3:
            return text.replace('"custom_details": {', f'"more": {draw(LITERALS)}, "a": {{', 1)
        case 4:
            inside = f'"custom_details": {{"a": {draw(LITERALS)},'
            return text.replace('"custom_details": {', inside)
        case 5:
            cut = draw(st.integers(0, len(text)))
            return text[:cut] + draw(TEXT) + text[cut + draw(st.integers(0, 3)) :]
        case 6:
            return json.dumps(draw(JSON))
        case _:
            return text


@st.composite
def gateway_events(draw: st.DrawFn) -> dict[str, Any]:
    """With KEY where the integration key belongs."""
    text = body(draw)
    encoding = draw(st.sampled_from(ENCODINGS))
    headers = draw(headers_of())
    match draw(st.integers(1, 12)):
        case 2:
            raw = text.encode(encoding, "replace")
            sent = http_event(base64.b64encode(raw).decode(), headers=headers, base64=True)
        case 3:
            raw = draw(st.binary(max_size=40))
            sent = http_event(base64.b64encode(raw).decode(), headers=headers, base64=True)
        case 4:
            # Said to be base64, and is not, or not quite.
            sent = http_event(draw(TEXT) + draw(st.sampled_from(["", "=", "e30="])), base64=True)
            sent["headers"] = headers
        case _:
            sent = http_event(text, headers=headers)
    if draw(RARELY):
        paths = ["/", "", "/api/events/", "/api//events", "/health", "/openapi.json", "/api/events"]
        sent["rawPath"] = draw(st.sampled_from(paths) | TEXT)
        methods = ["GET", "HEAD", "PUT", "OPTIONS", "post", "POST", ""]
        sent["requestContext"]["http"]["method"] = draw(st.sampled_from(methods) | TEXT)
    return sent


@st.composite
def headers_of(draw: st.DrawFn) -> dict[str, str]:
    headers = {"authorization": "Token token=KEY", "content-type": "application/json"}
    if draw(RARELY):
        schemes = [
            "Token token=",
            "TOKEN  token='KEY'",
            "Bearer KEY",
            "Basic x",
            "Token",
            "Bearer ",
        ]
        headers["authorization"] = draw(st.sampled_from(schemes) | TEXT)
    if draw(RARELY):
        headers["X-Request-Id"] = draw(st.sampled_from(["x\r\nSet-Cookie: a=b", "ok-1"]) | TEXT)
        headers[draw(TEXT)] = draw(TEXT)
        headers["X-API-Key"] = draw(TEXT)
        headers["x-large"] = draw(st.sampled_from("aé")) * draw(st.sampled_from([1, 100_000]))
    return headers
