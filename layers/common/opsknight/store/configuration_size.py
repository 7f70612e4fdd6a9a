"""How large the list of what the configuration holds may become: it is one item."""

from collections.abc import Iterable, Mapping, Set
from typing import Final

from opsknight.config.configuration import Kind, key_of, kind_of
from opsknight.config.diff import Create, Step

# DynamoDB refuses items over 400 KB; the rest of the item needs some of it.
MOST_BYTES: Final = 390 * 1024


class ConfigurationTooLarge(Exception):
    """The text says how large it would be, and what to do."""


def check_size(listed: Mapping[Kind, Set[str]], steps: Iterable[Step]) -> None:
    """Raises ConfigurationTooLarge when what is listed, with all that is created, does not fit."""
    keys = {(kind, key) for kind, found in listed.items() for key in found}
    created = [step.entry for step in steps if isinstance(step, Create)]
    keys |= {(kind_of(entry), key_of(entry)) for entry in created}
    # Each key costs a byte more than it has.
    size = sum(len(key.encode()) + 1 for _, key in keys)
    if size > MOST_BYTES:
        raise ConfigurationTooLarge(
            f"The configuration would be too large: its list of entries needs {size:,} bytes of"
            f" {MOST_BYTES:,}, about 4,000 services with their integrations and receivers."
            " Nothing was changed. Use shorter ids, or a second deployment."
        )
