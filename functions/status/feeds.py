"""A status page's documents for programs: JSON, Atom (RFC 4287), and a summary in the shape of
Statuspage's `api/v2/summary.json`, which many tools read.
"""

import json
from collections.abc import Sequence
from typing import Any, Final
from xml.sax.saxutils import escape, quoteattr

from opsknight.publishing.board import Board, ShownPost, ShownService
from opsknight.publishing.posts import Phase, PostKind, State
from status import words

_COMPONENT: Final = {
    State.NONE: "operational",
    State.MAINTENANCE: "under_maintenance",
    State.DEGRADED: "degraded_performance",
    State.PARTIAL: "partial_outage",
    State.DOWN: "major_outage",
}
_IMPACT: Final = {
    State.NONE: "none",
    State.MAINTENANCE: "maintenance",
    State.DEGRADED: "minor",
    State.PARTIAL: "major",
    State.DOWN: "critical",
}
_FED: Final = 50


def status(board: Board, base: str) -> str:
    """`base`: the address of the deployment."""
    return _written(
        {
            "page": {"id": board.id, "name": board.name, "url": f"{base}/status/{board.path}"},
            "asOf": words.stamp(board.as_of),
            "state": board.state,
            "description": words.overall(board),
            "services": [
                {
                    "id": each.id,
                    "name": each.name,
                    "state": each.state,
                    "troubleMinutes": each.minutes,
                    "days": [
                        {"day": str(it.day), "state": it.state, "minutes": it.minutes}
                        for it in each.days
                    ],
                }
                for each in board.services
            ],
            "current": [_post(each, board, base) for each in board.current],
            "planned": [_post(each, board, base) for each in board.planned],
            "over": [_post(each, board, base) for each in board.over[:_FED]],
        }
    )


def _post(post: ShownPost, board: Board, base: str) -> dict[str, Any]:
    return {
        "id": post.id,
        "url": _url(post, board, base),
        "kind": post.kind,
        "title": post.title,
        "phase": words.phase(post, board),
        "state": post.state,
        "services": list(post.service_names),
        "startsAt": words.stamp(post.starts_at),
        "endsAt": words.stamp(post.ends_at) if post.ends_at else None,
        "updates": [
            {"at": words.stamp(each.at), "phase": each.phase, "text": each.text}
            for each in post.updates
        ],
    }


def summary(board: Board, base: str) -> str:
    """The fields of https://metastatuspage.com/api#summary."""
    current = [each for each in board.current if each.kind is PostKind.INCIDENT]
    planned = [each for each in board.current if each.kind is PostKind.MAINTENANCE]
    return _written(
        {
            "page": {
                "id": board.id,
                "name": board.name,
                "url": f"{base}/status/{board.path}",
                "time_zone": "Etc/UTC",
                "updated_at": words.stamp(board.changed_at),
            },
            "components": _components(board, board.services),
            "incidents": [_incident(each, board, base) for each in current],
            "scheduled_maintenances": [
                _incident(each, board, base) for each in (*planned, *board.planned)
            ],
            "status": {"indicator": _IMPACT[board.state], "description": words.overall(board)},
        }
    )


def _components(board: Board, services: Sequence[ShownService]) -> list[dict[str, Any]]:
    known = [each.id for each in board.services]
    return [
        {
            "id": each.id,
            "name": each.name,
            "status": _COMPONENT[each.state],
            "created_at": words.stamp(board.changed_at),
            "updated_at": words.stamp(board.changed_at),
            "position": known.index(each.id) + 1,
            "description": None,
            "showcase": True,
            "start_date": None,
            "group_id": None,
            "page_id": board.id,
            "group": False,
            "only_show_if_degraded": False,
        }
        for each in services
    ]


def _incident(post: ShownPost, board: Board, base: str) -> dict[str, Any]:
    affected = [each for each in board.services if each.id in post.service_ids]
    phase, begun = _status(post, board), words.stamp(post.starts_at)
    monitored = [it.at for it in post.updates if it.phase is Phase.MONITORING]
    shown: dict[str, Any] = {
        "id": post.id,
        "name": post.title,
        "status": phase,
        "created_at": begun,
        "updated_at": words.stamp(post.changed_at),
        "monitoring_at": words.stamp(min(monitored)) if monitored else None,
        "resolved_at": words.stamp(post.ends_at) if post.is_over and post.ends_at else None,
        "impact": _IMPACT[post.state],
        "shortlink": _url(post, board, base),
        "started_at": begun,
        "page_id": board.id,
        "incident_updates": [
            {
                "id": each.id,
                "status": each.phase or phase,
                "body": each.text,
                "incident_id": post.id,
                "created_at": words.stamp(each.at),
                "updated_at": words.stamp(each.at),
                "display_at": words.stamp(each.at),
                "affected_components": [],
                "deliver_notifications": False,
                "custom_tweet": None,
                "tweet_id": None,
            }
            for each in post.updates
        ],
        "components": _components(board, affected),
    }
    if post.kind is PostKind.MAINTENANCE:
        shown["scheduled_for"] = begun
        shown["scheduled_until"] = words.stamp(post.ends_at) if post.ends_at else None
    return shown


def _status(post: ShownPost, board: Board) -> str:
    if post.kind is PostKind.INCIDENT:
        return post.phase or Phase.INVESTIGATING
    if post.is_over:
        return "completed"
    return "scheduled" if post.starts_at > board.as_of else "in_progress"


def atom(board: Board, base: str) -> str:
    home = f"{base}/status/{board.path}"
    shown = sorted(
        (*board.current, *board.planned, *board.over),
        key=lambda each: each.changed_at,
        reverse=True,
    )[:_FED]
    entries = "".join(_entry(each, board, base) for each in shown)
    return f"""<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom">
<id>{_text(home)}</id>
<title>{_text(board.name)}</title>
<updated>{words.stamp(board.changed_at)}</updated>
<author><name>{_text(board.name)}</name></author>
<link rel="self" href={quoteattr(f"{home}/feed.atom")}/>
<link rel="alternate" type="text/html" href={quoteattr(home)}/>
{entries}</feed>
"""


def _entry(post: ShownPost, board: Board, base: str) -> str:
    said = "\n\n".join(f"{words.at(each.at, board.as_of)}: {each.text}" for each in post.updates)
    about = ", ".join(post.service_names)
    summary = f"{words.phase(post, board)}. {about}\n\n{said}".strip()
    url = _url(post, board, base)
    return f"""<entry>
<id>{_text(url)}</id>
<title>{_text(post.title)}</title>
<published>{words.stamp(post.starts_at)}</published>
<updated>{words.stamp(post.changed_at)}</updated>
<link rel="alternate" type="text/html" href={quoteattr(url)}/>
<content type="text">{_text(summary)}</content>
</entry>
"""


def _url(post: ShownPost, board: Board, base: str) -> str:
    return f"{base}/status/{board.path}/incidents/{post.id}"


def _text(text: str) -> str:
    # What XML cannot hold at all would make the whole feed unreadable.
    kept = (each for each in text if each >= " " or each in "\n\t")
    return escape("".join(kept).replace("\ufffe", "").replace("\uffff", ""))


def _written(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n"
