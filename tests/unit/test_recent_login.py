"""Who may write keys and the configuration: whoever proved a short time ago who they are."""

from datetime import UTC, datetime, timedelta

import pytest

from opsknight.directory.sessions import RECENT, SESSION_LIFE, Session, Way
from opsknight.http.conventions import code_of
from opsknight.http.gateway import Failure, HttpError
from opsknight.http.recent_login import require_recent_login

NOW = datetime(2026, 11, 23, 3, tzinfo=UTC)
JUST = timedelta(seconds=1)


def session(way: Way, made: timedelta, proved: timedelta | None = None) -> Session:
    return Session(
        id="ses_1",
        user_id="user_ada",
        way=way,
        created_at=NOW - made,
        ends_at=NOW - made + SESSION_LIFE,
        authenticated_at=None if proved is None else NOW - proved,
    )


@pytest.mark.parametrize(
    "recent",
    [
        None,
        session(Way.LINK, RECENT - JUST),
        session(Way.OIDC, timedelta(0), RECENT - JUST),
    ],
    ids=["a key", "a link", "a provider"],
)
def test_a_recent_login_may(recent: Session | None) -> None:
    require_recent_login(recent, NOW)


@pytest.mark.parametrize(
    "older",
    [
        session(Way.LINK, RECENT),
        # A new session, which the provider gave without asking anybody.
        session(Way.OIDC, timedelta(0), RECENT),
        session(Way.OIDC, timedelta(0)),
    ],
    ids=["a link", "a provider", "a provider that does not say when"],
)
def test_an_older_one_may_not_and_the_console_knows_why(older: Session) -> None:
    with pytest.raises(HttpError) as refused:
        require_recent_login(older, NOW)
    answer = refused.value.answer
    assert answer.status == 403 and isinstance(answer.body, Failure)
    # console/src/parts.tsx leads to /auth/again by this code.
    assert code_of(answer.body.error) == "log-in-again"
