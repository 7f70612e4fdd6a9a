"""What `doctor` says about the identity provider."""

from secrets import token_hex

import pytest

from harness import embedded
from harness.identity_provider import SECRET, identity_provider
from harness.world import World
from opsknight.config.configuration import Configuration
from opsknight.health.findings import Verdict
from opsknight_cli.doctor.deployed import Deployed
from opsknight_cli.doctor.logins import login


def told(world: World, **parameters: str) -> list[tuple[Verdict, str, str | None]]:
    ssm = embedded.client("ssm", world.table.client.meta.endpoint_url)
    deployed = Deployed(
        client=lambda _: ssm,
        parameters=parameters,
        resources={},
        configuration=Configuration(),
        table=world.table,
        stack="doctor-login",
        now=world.clock(),
        patience=4,
    )
    return [(each.verdict, each.said, each.mend) for each in login(deployed)]


def test_a_provider_that_answers_and_whose_secret_is_stored_is_ok(world: World) -> None:
    name = f"/opsknight/{token_hex(4)}"
    with identity_provider(world.clock) as provider:
        given = {"OidcIssuer": provider.url, "OidcSecretName": name}
        [(verdict, said, mend)] = told(world, **given)
        assert (verdict, name in said) == (Verdict.FAILED, True)
        assert mend == f"aws ssm put-parameter --type SecureString --name {name} --value ..."
        ssm = embedded.client("ssm", world.table.client.meta.endpoint_url)
        ssm.put_parameter(Name=name, Value=SECRET, Type="SecureString")
        assert [verdict for verdict, *_ in told(world, **given)] == [Verdict.OK]
        assert told(world, OidcIssuer=provider.url, OidcSecretName="")[0][0] is Verdict.OK


@pytest.mark.parametrize(
    ("described", "status", "verdict"),
    [
        ({"issuer": "https://login.example.com/another"}, 0, Verdict.FAILED),
        ({}, 500, Verdict.NOT_CHECKED),
        ({}, 404, Verdict.NOT_CHECKED),
    ],
)
def test_a_provider_of_another_name_or_none_is_told(
    world: World, described: dict[str, str], status: int, verdict: Verdict
) -> None:
    with identity_provider(world.clock) as provider:
        provider.described, provider.broken = described, status
        [(found, _, mend)] = told(world, OidcIssuer=provider.url)
    assert found is verdict
    assert "https://login.example.com/another" in (mend or "") or not described


def test_a_provider_that_is_not_there_is_not_checked_and_none_says_nothing(world: World) -> None:
    [(verdict, *_)] = told(world, OidcIssuer="http://127.0.0.1:9")
    assert verdict is Verdict.NOT_CHECKED
    assert told(world, OidcIssuer="") == []
