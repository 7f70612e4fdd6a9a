"""What writes keys or the configuration asks for a recent login: a session that somebody left open
is no way to them. A program's key is asked for its scope instead.
"""

from datetime import datetime
from typing import Final

from opsknight.directory.sessions import RECENT, Session
from opsknight.http.gateway import Failure, HttpError

# The console knows the refusal by its code, and leads to `/auth/again`.
LOG_IN_AGAIN: Final = "Log in again"


def require_recent_login(session: Session | None, now: datetime) -> None:
    """Raises HttpError for a session whose person has not proved who they are within the last
    hour. None for a call by key.
    """
    if session is not None and not session.is_recent(now):
        hours = RECENT.total_seconds() // 3600
        asked = f"For this, your login may be {hours:.0f} hour old at most."
        raise HttpError(403, Failure(error=LOG_IN_AGAIN, message=asked))
