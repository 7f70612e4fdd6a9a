"""What `doctor` says about text messages and calls by Twilio."""

import json
from typing import Any

from harness import embedded, twilio
from harness.receivers import answers, http_receiver
from harness.world import World
from opsknight.config.configuration import Configuration
from opsknight.directory.entries import User
from opsknight.directory.receivers import Channel
from opsknight.health.findings import Verdict
from opsknight.runtime.twilio import TwilioAccount
from opsknight_cli.doctor import phones
from opsknight_cli.doctor.deployed import Deployed
from tests.integration.test_doctor_text_messages import person

ACCOUNT = TwilioAccount(
    twilio.ACCOUNT, twilio.TOKEN_NAME, (twilio.NUMBER,), (twilio.NUMBER,), twilio.URL
)
ADA, CLEO = person("ada", "+491", Channel.VOICE), person("cleo", "+3581")
WHOLE = {"status": "active", "type": "Full"}
SET_UP = {"phone_number": twilio.NUMBER, "sms_url": f"{twilio.URL}/twilio/texts"}


def told(account: dict[str, Any], *listed: dict[str, Any], status: int = 200) -> dict[str, Verdict]:
    def ask(path: str, _token: str) -> tuple[int, dict[str, Any]]:
        return status, account if path == ".json" else {"incoming_phone_numbers": list(listed)}

    return {each.said: each.verdict for each in phones.findings(ACCOUNT, "t", [ADA, CLEO], ask)}


def test_an_account_that_works_is_ok_and_countries_without_replies_are_named() -> None:
    found = told(WHOLE, SET_UP)
    no_reply = "cannot reply to text messages: no number there takes replies."
    assert found == {
        f"People in +358 {no_reply}": Verdict.WARNING,
        "Twilio account AC1111… is ready to send.": Verdict.OK,
    }


def test_whatever_keeps_twilio_from_sending_is_a_failure() -> None:
    [(said, verdict)] = told({}, status=401).items()
    assert (verdict, "rejects" in said) == (Verdict.FAILED, True)
    [(said, verdict)] = told(WHOLE | {"status": "suspended"}).items()
    assert (verdict, "is suspended" in said) == (Verdict.FAILED, True)
    [(said, verdict)] = told({}, status=500).items()
    assert (verdict, said) == (Verdict.NOT_CHECKED, "Twilio answered 500.")
    unknown = told(WHOLE)
    assert unknown == {
        f"Twilio does not know {twilio.NUMBER} as a number of this account.": Verdict.FAILED
    }


def test_a_number_that_posts_its_replies_elsewhere_and_a_trial_are_warnings() -> None:
    found = told(WHOLE | {"type": "Trial"}, SET_UP | {"sms_url": "https://demo.twilio.com/"})
    warned = [said for said, verdict in found.items() if verdict is Verdict.WARNING]
    assert [each.split(",")[0] for each in warned] == [
        "The Twilio account is a trial",
        f"Replies to {twilio.NUMBER} do not reach OpsKnight",
    ]


def first(world: World, *users: User, **parameters: str) -> tuple[Verdict, str]:
    """What is said first."""
    given = {
        "TwilioAccount": twilio.ACCOUNT,
        "TwilioTokenName": twilio.TOKEN_NAME,
        "TwilioSmsFrom": twilio.NUMBER,
        "TwilioVoiceFrom": twilio.NUMBER,
    }
    ssm = embedded.client("ssm", world.table.client.meta.endpoint_url)
    deployed = Deployed(
        client=lambda _: ssm,
        parameters=given | parameters,
        resources={},
        configuration=Configuration(users={each.id: each for each in users}),
        table=world.table,
        stack="doctor-twilio",
        now=world.clock(),
        patience=2,
    )
    found = next(iter(phones.phone(deployed)))
    return found.verdict, found.said


def test_a_token_that_is_not_there_is_named_with_the_command_that_stores_it(world: World) -> None:
    ssm = embedded.client("ssm", world.table.client.meta.endpoint_url)
    twilio.keep_account(ssm, "/opsknight/doctor-twilio/twilio")
    name = "/opsknight/no-token"
    verdict, said = first(world, ADA, TwilioTokenName=name)
    assert verdict is Verdict.FAILED
    assert name in said


def test_an_account_that_nothing_goes_by_is_a_warning(world: World) -> None:
    verdict, said = first(world, ADA, TwilioSmsFrom="", TwilioVoiceFrom="")
    assert (verdict, "sends nothing through it" in said) == (Verdict.WARNING, True)


def test_twilio_is_asked_as_its_api_wants_to_be(world: World) -> None:
    with http_receiver(answers(200, json.dumps(WHOLE).encode())) as api:
        deployed = Deployed(
            client=lambda _: None,
            parameters={},
            resources={},
            configuration=Configuration(),
            table=world.table,
            stack="x",
            now=world.clock(),
            patience=2,
        )
        assert phones.asking(deployed, ACCOUNT, api.url)(".json", "t") == (200, WHOLE)
        assert api.requests[0].path == f"/2010-04-01/Accounts/{twilio.ACCOUNT}.json"
        api.then(answers(502, b"<html>"))
        assert phones.asking(deployed, ACCOUNT, api.url)(".json", "t") == (502, {})
    assert phones.asking(deployed, ACCOUNT, api.url)(".json", "t") == (0, {})
