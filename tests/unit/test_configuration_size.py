"""The list of what the configuration holds is one item, and DynamoDB refuses large ones."""

import pytest

from opsknight.config.configuration import Kind
from opsknight.store.configuration_size import ConfigurationTooLarge, check_size


def listed(services: int) -> dict[Kind, set[str]]:
    ids = [f"svc_service-number-{number:05}" for number in range(services)]
    return {
        Kind.SERVICE: set(ids),
        Kind.INTEGRATION: {f"{each}#int_prometheus" for each in ids},
        Kind.RECEIVER: {f"{each}#rcv_slack" for each in ids},
    }


def test_four_thousand_services_fit() -> None:
    check_size(listed(3_800), ())


def test_more_are_refused_with_a_sentence() -> None:
    with pytest.raises(ConfigurationTooLarge, match="would be too large: its list of entries"):
        check_size(listed(6_000), ())
