"""How services in shadow are shown: wherever somebody looks at what is open, or changes it."""

from collections.abc import Iterable
from typing import Any

from opsknight.config.configuration import slug_of
from opsknight.directory.entries import Service
from opsknight.health.shadows import in_shadow, sentence
from opsknight.store.configurations import Configurations
from opsknight_cli.terminal.invocation import Invocation
from opsknight_cli.terminal.times import stamp


def current(invocation: Invocation) -> list[Service]:
    """The services in shadow now."""
    session = invocation.session
    found = Configurations(invocation.deployment.table).services(session.deadline())
    return in_shadow(found, session.now())


def warn(invocation: Invocation) -> None:
    """Says which services are in shadow, if any is."""
    found = current(invocation)
    if found:
        invocation.screen.say(sentence(found), "bold yellow")
        invocation.screen.say()


def data(found: Iterable[Service]) -> list[dict[str, Any]]:
    return [
        {"service": slug_of(each.id), "until": stamp(each.shadow_until)}
        for each in found
        if each.shadow_until
    ]
