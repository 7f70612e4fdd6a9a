"""Tells people that somebody has changed their time on call."""

from collections.abc import Mapping

from opsknight.directory.entries import User
from opsknight.escalation.policy import Rota
from opsknight.store.rosters import Rosters
from opsknight_cli.terminal.invocation import Invocation
from opsknight_cli.terminal.naming import operator


def tell_changes(
    invocation: Invocation,
    before: Mapping[str, Rota],
    after: Mapping[str, Rota],
    users: Mapping[str, User],
) -> None:
    """By schedule; those that are not changed do no harm."""
    session, by = invocation.session, operator(invocation)
    Rosters(invocation.deployment.table).tell_changes(
        before,
        after,
        users,
        by.name,
        session.id("chg"),
        session.now(),
        session.deadline(),
        but=by.id,
    )
