"""What of the week's tables goes elsewhere: what happened. Nothing that configures or lets in."""

from collections.abc import Iterable
from typing import Any, Final

# In the order in which they are to be written: what the streams look at comes last, when all that
# it refers to is there.
KINDS: Final = (
    *("alert", "chunk", "delivery", "step", "remembered", "bundled", "bundle", "provider"),
    *("receiver_state", "rollout", "heartbeat", "heard", "status_post", "override"),
    *("analytics_day", "analytics_progress"),
    *("pointer", "member", "membership", "incident", "page", "change"),
)
# Of a receiver, what says that it works; the rest is about messages under way.
_OF_RECEIVER: Final = (
    "kind",
    "pk",
    "sk",
    "confirmed_at",
    "confirmed_to",
    "failing_since",
    "failures",
)


def taken(items: Iterable[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """`items` to put, and `services` whose maintenance windows are to be set."""
    found: dict[str, list[dict[str, Any]]] = {kind: [] for kind in KINDS}
    services = []
    for item in items:
        kind = item["kind"]["S"]
        if item["sk"]["S"].startswith("post#"):
            # It has the kind of the post.
            kind = "status_post"
        if kind in found:
            found[kind].append(_working(item) if kind == "receiver_state" else item)
        elif kind == "service" and item.get("windows", {}).get("L"):
            services.append({name: item[name] for name in ("pk", "sk", "windows")})
    return {"items": [item for kind in KINDS for item in found[kind]], "windows": services}


def _working(item: dict[str, Any]) -> dict[str, Any]:
    return {name: item[name] for name in _OF_RECEIVER if name in item}
