"""Which SSM parameter a receiver's secret is. Pure.

A receiver may name two kinds: its deployment's own, by the name alone, and those that several
deployments share, by their whole name. It can name nothing else: not the key that signs links, not
another deployment's secrets, and nothing else of the account.
"""

import re
from typing import Final

SHARED: Final = "/opsknight-shared/"
LONGEST: Final = 900
"""With the prefix, a name may have 1,011 characters."""

_NAME: Final = re.compile(r"[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*")


def own_prefix(stack: str) -> str:
    """The same as SECRETS_PREFIX in template.yaml."""
    return f"/opsknight/{stack}/secrets/"


def stack_of(prefix: str) -> str:
    """The name of the stack whose prefix it is."""
    return prefix.removeprefix("/opsknight/").partition("/")[0]


def parameter(name: str, prefix: str) -> str | None:
    """The whole name of the SSM parameter; None for one that no receiver may name."""
    relative = name.removeprefix(SHARED)
    if len(relative) > LONGEST or not _NAME.fullmatch(relative):
        return None
    return name if name.startswith(SHARED) else prefix + name
