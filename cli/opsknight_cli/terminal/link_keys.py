"""The keys of links and codes, which only who may read the parameter has."""

from opsknight.runtime.ssm_secrets import LinkKeys, Secret, SecretReader, SecretsUnavailable
from opsknight_cli.session import CommandError
from opsknight_cli.terminal.invocation import Invocation


def link_keys(invocation: Invocation) -> tuple[bytes, ...]:
    """Newest first; at least one. Raises CommandError."""
    name = f"/opsknight/{invocation.deployment.stack}/link-key"
    reader = SecretReader(invocation.session.reach(invocation.where).client("ssm"))
    try:
        keys = LinkKeys(Secret(reader, name)).accepted(invocation.session.now())
    except SecretsUnavailable as cause:
        raise CommandError(
            f"Parameter {name}, which signs links, could not be read: {cause}."
        ) from None
    if not keys:
        raise CommandError(
            f"There is no parameter {name} yet, which signs links: the first message with a link "
            "makes it."
        )
    return keys
