"""The audit log's entry of what an operator does."""

from opsknight.directory.audit_log import PREFIX, Act, AuditEntry, Author, Via
from opsknight_cli.terminal.invocation import Invocation
from opsknight_cli.terminal.naming import credentials, user


def entry(invocation: Invocation, act: Act) -> AuditEntry:
    session = invocation.session
    return author(invocation).entry(act, session.id(PREFIX), session.now())


def author(invocation: Invocation) -> Author:
    """Whoever's credentials they are answers for it; `--as` says for whom they act."""
    behind = None if invocation.acting_as is None else user(invocation, invocation.acting_as).id
    return Author(credentials(invocation), Via.COMMAND_LINE, user_id=behind)
