"""The deployment's own secrets are where no receiver can name them, whatever its parameters are."""

import re
from typing import Final

import pytest

from harness.dynamodb import template
from opsknight.directory.secret_names import SHARED, own_prefix, parameter

OWN: Final = ("SlackSigningSecretName", "TwilioTokenName", "OidcSecretName")


def allowed(setting: str, value: str) -> bool:
    return bool(re.fullmatch(template()["Parameters"][setting]["AllowedPattern"], value))


@pytest.mark.parametrize("setting", OWN)
@pytest.mark.parametrize("stack", ["opsknight", "secrets", "shared", "a"])
@pytest.mark.parametrize("name", ["oidc-secret", "a/b", f"{SHARED}oidc-secret", f"{SHARED}a/b"])
def test_no_name_of_a_receiver_can_be_that_of_a_secret_of_ours(
    setting: str, stack: str, name: str
) -> None:
    whole = parameter(name, own_prefix(stack))
    assert whole
    assert not allowed(setting, whole)


@pytest.mark.parametrize(
    ("prefix", "may"),
    [
        ("", True),
        (SHARED, True),
        (f"{SHARED}team-a/", True),
        ("/", False),
        ("/opsknight/", False),
        ("/opsknight-shared", False),
        ("/opsknight-shared/team", False),
        ("/opsknight-shared//", False),
        ("/opsknight/opsknight/", False),
        ("/opsknight-sharedx/", False),
    ],
)
def test_what_stacks_share_holds_nothing_of_one_stack(prefix: str, may: bool) -> None:
    assert allowed("SharedSecretsPrefix", prefix) is may
    if may and prefix:
        for setting in OWN:
            # Nor can ours be put there.
            assert not allowed(setting, f"{prefix}oidc-secret")
