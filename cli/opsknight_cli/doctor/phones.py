"""The check of text messages and calls: whether they can leave, by AWS or by Twilio, and whether
replies arrive.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

import urllib3
from botocore.exceptions import ClientError

from opsknight.directory.entries import User
from opsknight.directory.receivers import Channel
from opsknight.health import configuration_findings
from opsknight.health.findings import Finding, failed, ok, unchecked, warning
from opsknight.runtime.twilio import TwilioAccount, read_account
from opsknight.store.calls import Deadline
from opsknight_cli.doctor import account_findings, text_messages
from opsknight_cli.doctor.deployed import Deployed

TWILIO: Final = "https://api.twilio.com"

type Ask = Callable[[str, str], tuple[int, Mapping[str, Any]]]
"""A path below the account, and the token; the answer's status, 0 for none, and its JSON."""


def phone(deployed: Deployed) -> Iterable[Finding]:
    channels = configuration_findings.used(deployed.configuration) & {Channel.SMS, Channel.VOICE}
    users, deadline = list(deployed.configuration.users.values()), Deadline.after(deployed.patience)
    yield from text_messages.stopped(users, deployed.table, deadline)
    if deployed.is_local or not channels:
        yield ok(
            "phone",
            "The inbox receives it, because this is a local deployment."
            if channels
            else "Not used.",
        )
        return
    by_twilio: set[Channel] = set()
    if deployed.parameters.get("TwilioAccount"):
        given = {Channel.SMS: "TwilioSmsFrom", Channel.VOICE: "TwilioVoiceFrom"}
        by_twilio = {each for each, name in given.items() if deployed.parameters.get(name)}
        yield from _twilio(deployed, by_twilio, users)
    yield from _amazon(deployed, channels - by_twilio, users)


def _amazon(deployed: Deployed, channels: set[Channel], users: Sequence[User]) -> Iterable[Finding]:
    if Channel.VOICE in channels and not deployed.parameters.get("VoiceOrigination"):
        said = (
            "Some people have a telephone as a contact method, but the deployment has no number "
            "to call from."
        )
        mend = "Deploy with the parameter VoiceOrigination, or with TwilioVoiceFrom."
        yield failed("phone", said, mend)
        channels = channels - {Channel.VOICE}
    if not channels:
        return
    client = deployed.client("pinpoint-sms-voice-v2")
    attributes = client.describe_account_attributes()["AccountAttributes"]
    tiers = [each["Value"] for each in attributes if each["Name"] == "ACCOUNT_TIER"]
    limits = client.describe_spend_limits()["SpendLimits"]
    yield from account_findings.phone(tiers[0] if tiers else None, limits, channels)
    if Channel.SMS in channels and "InboundTexts" in deployed.resources:
        topic = deployed.resources["InboundTexts"].physical
        yield from text_messages.replies(users, client, topic)


def _twilio(
    deployed: Deployed, by_twilio: set[Channel], users: Sequence[User]
) -> Iterable[Finding]:
    if not by_twilio:
        said = "The deployment has a Twilio account, but sends nothing through it."
        mend = "Deploy with TwilioSmsFrom or TwilioVoiceFrom, or without TwilioAccount."
        yield warning("phone", said, mend)
        return
    name, token_name = f"/opsknight/{deployed.stack}/twilio", deployed.parameters["TwilioTokenName"]
    ssm = deployed.client("ssm")
    try:
        account = read_account(ssm.get_parameter(Name=name)["Parameter"]["Value"])
        token = ssm.get_parameter(Name=token_name, WithDecryption=True)["Parameter"]["Value"]
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code == "ParameterNotFound":
            said = f"SSM has no parameter {token_name}: nothing is sent through Twilio."
            mend = f"aws ssm put-parameter --type SecureString --name {token_name} --value ..."
            yield failed("phone", said, mend)
        else:
            said = f"Twilio was not asked: reading {token_name} failed with {code}."
            yield unchecked("phone", said, "Use credentials that may read and decrypt it.")
        return
    if account is None:
        yield failed("phone", f"SSM's parameter {name} describes no account.", "Deploy again.")
        return
    yield from findings(account, token.partition(",")[0].strip(), users, asking(deployed, account))


def asking(deployed: Deployed, account: TwilioAccount, url: str = TWILIO) -> Ask:
    def ask(path: str, token: str) -> tuple[int, Mapping[str, Any]]:
        try:
            answer = urllib3.request(
                "GET",
                f"{url}/2010-04-01/Accounts/{account.sid}{path}",
                headers=urllib3.make_headers(basic_auth=f"{account.sid}:{token}"),
                timeout=deployed.patience / 4,
                retries=False,
            )
        except urllib3.exceptions.HTTPError:
            return 0, {}
        try:
            found = json.loads(answer.data)
        except ValueError:
            found = {}
        return answer.status, found if isinstance(found, dict) else {}

    return ask


def findings(
    account: TwilioAccount, token: str, users: Sequence[User], ask: Ask
) -> Iterable[Finding]:
    """What Twilio says about the account and its numbers."""
    status, found = ask(".json", token)
    if status == 401:
        said = "Twilio rejects the account and its token: nothing is sent through it."
        yield failed(
            "phone", said, f"Store the account's primary auth token as {account.token_name}."
        )
        return
    if status != 200:
        yield unchecked("phone", f"Twilio answered {status}." if status else "Twilio is silent.")
        return
    if found.get("status") != "active":
        said = f"The Twilio account is {found.get('status')}: nothing is sent through it."
        yield failed("phone", said, "Look at it in Twilio's console.")
        return
    if found.get("type") == "Trial":
        said = "The Twilio account is a trial, which reaches verified numbers only."
        yield warning("phone", said, "Upgrade it in Twilio's console.")
    ours = {each for each in (*account.texts_from, *account.calls_from) if each.startswith("+")}
    known: dict[str, Mapping[str, Any]] = {}
    for number in sorted(ours):
        _, listed = ask(f"/IncomingPhoneNumbers.json?{urlencode({'PhoneNumber': number})}", token)
        for each in listed.get("incoming_phone_numbers") or []:
            known[number] = each
    if missing := sorted(ours - known.keys()):
        said = f"Twilio does not know {', '.join(missing)} as a number of this account."
        yield failed("phone", said, "Correct TwilioSmsFrom and TwilioVoiceFrom, and deploy.")
    address = f"{account.url}/twilio/texts"
    texts = [each for each in account.texts_from if each in known]
    takes = [each for each in texts if known[each].get("sms_url") == address]
    if silent := [each for each in texts if each not in takes]:
        said = (
            f"Replies to {', '.join(silent)} do not reach OpsKnight, so text messages offer none."
        )
        mend = f'In Twilio\'s console, set "A message comes in" of the number to POST {address}.'
        yield warning("phone", said, mend)
    if takes:
        yield from text_messages.abroad(users, takes, "Buy a number for it at Twilio")
    if not missing:
        yield ok("phone", f"Twilio account {account.sid[:6]}… is ready to send.")
