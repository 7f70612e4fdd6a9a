"""Users with one e-mail address. Neither can log in by it, and each seems to be reached when the
other is. Pure.
"""

from collections.abc import Iterable, Iterator

from opsknight.config.configuration import slug_of
from opsknight.directory.entries import User


def sharing(users: Iterable[User]) -> Iterator[tuple[User, User]]:
    """Each user whose address an earlier one has, after that one. Whoever is disabled has none."""
    first_of: dict[str, User] = {}
    for user in users:
        if user.disabled or not user.email:
            continue
        first = first_of.setdefault(user.email.lower(), user)
        if first is not user:
            yield first, user


def sentence(first: User, second: User) -> str:
    """Without the address, which not everybody may see."""
    names = f"{slug_of(first.id)} and {slug_of(second.id)}"
    return f"Users {names} have the same e-mail address, and neither can log in by it."
