"""The first person of a deployment whose configuration names nobody: an administrator, made by
whoever has AWS credentials that may write the table, as they own everything in it (ADR 92).
"""

from typing import Final

from opsknight.config.configuration import Kind, id_of, slug_of
from opsknight.config.ownership import Applied, OwnedElsewhere, Side
from opsknight.directory.audit_log import PREFIX
from opsknight.directory.entries import Role, User
from opsknight.files.checking import check
from opsknight.files.reading import read
from opsknight.files.values import slugged
from opsknight.files.writing import written
from opsknight.store.configurations import Configurations
from opsknight.store.half_applied import Overtaken, Refused
from opsknight.store.plans import carry_out, plan
from opsknight.views import audited
from opsknight_cli.session import CommandError
from opsknight_cli.terminal.audited import author
from opsknight_cli.terminal.invocation import Invocation
from opsknight_cli.terminal.naming import operator

# Whose address has no letter of ours before its @.
_NAMELESS: Final = "admin"


def make_first(invocation: Invocation, email: str, name: str | None) -> tuple[User, int]:
    """The administrator, and the revision that names them. The console owns it from then on.

    Raises CommandError where the configuration names anybody already, or where the address is none.
    """
    session, table = invocation.session, invocation.deployment.table
    slug = slugged(email.partition("@")[0]) or _NAMELESS
    person = {"name": name, "email": email, "role": Role.ADMIN.value}
    text = written({"users": {slug: {key: it for key, it in person.items() if it is not None}}})
    now, deadline = session.now(), session.deadline()
    checked = check(read({"first": text}), now)
    if checked.errors:
        raise CommandError(" ".join(each.sentence for each in checked.errors))
    configurations = Configurations(table)
    made = plan(configurations, checked.configuration, prune=False, now=now, deadline=deadline)
    if made.seen.configuration.users:
        raise _not_the_first(slug_of(min(made.seen.configuration.users)))
    user = checked.configuration.users[id_of(Kind.USER, slug)]
    by, behind, entry_id = operator(invocation), author(invocation), session.id(PREFIX)
    try:
        revision = carry_out(
            configurations,
            made,
            Applied(Side.CONSOLE, by.name),
            now,
            session.token(),
            deadline,
            audit=lambda done, reached: behind.entry(
                audited.first_person(user, made.steps, done, made.seen.revision, reached),
                entry_id,
                now,
            ),
        )
    except OwnedElsewhere:
        raise CommandError(
            "A file owns the configuration: name the first person there, with the role ADMIN, and "
            "`opsknight apply` it."
        ) from None
    except Overtaken:
        raise CommandError(
            "Somebody else has changed the configuration meanwhile, so nothing was written. "
            "`opsknight export` shows whom it names now."
        ) from None
    except Refused as refused:
        raise CommandError(
            f"{str(refused).rstrip('.')}. Whether {user.name} was made is not known: "
            "`opsknight export` shows it."
        ) from None
    # As it is stored: what is made for them from here on names the revision that made them.
    made_user = table.user(user.id, session.deadline())
    if made_user is None:
        raise CommandError(f"{user.name} was made, and somebody has removed them already.")
    return made_user, revision


def _not_the_first(name: str) -> CommandError:
    return CommandError(
        "The configuration names somebody already, so this makes nobody. "
        f"`opsknight login --user {name}` makes a link for {name}; `opsknight export` shows "
        "everybody."
    )
