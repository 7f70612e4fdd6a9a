"""All documents of a status page, by their keys in the bucket: the paths that serve them."""

from typing import Final

from opsknight.publishing.board import Board
from status import feeds, html

FOLDER: Final = "status/"
_HTML: Final = "text/html; charset=utf-8"
_JSON: Final = "application/json"
_ATOM: Final = "application/atom+xml; charset=utf-8"


def documents(board: Board, base: str) -> dict[str, tuple[str, bytes]]:
    """Type and content by key. `base`: the address under which they are served."""
    home = f"{FOLDER}{board.path}"
    written = {
        home: (_HTML, html.page(board)),
        f"{home}/status.json": (_JSON, feeds.status(board, base)),
        f"{home}/api/v2/summary.json": (_JSON, feeds.summary(board, base)),
        f"{home}/feed.atom": (_ATOM, feeds.atom(board, base)),
    }
    for month in board.months:
        written[f"{home}/history/{month}"] = (_HTML, html.history(board, month))
    for each in (*board.current, *board.planned, *board.over):
        written[f"{home}/incidents/{each.id}"] = (_HTML, html.post(board, each))
    return {key: (kind, text.encode()) for key, (kind, text) in written.items()}
