"""Whether e-mail goes out: the sender that SES has to know."""

from collections.abc import Iterable, Mapping
from email.utils import parseaddr
from typing import Any

from botocore.exceptions import ClientError

from opsknight.directory.receivers import Channel
from opsknight.health import configuration_findings
from opsknight.health.findings import Finding, failed, ok
from opsknight_cli.doctor import account_findings
from opsknight_cli.doctor.deployed import Deployed


def email(deployed: Deployed) -> Iterable[Finding]:
    uses = Channel.EMAIL in configuration_findings.used(deployed.configuration)
    sender = parseaddr(deployed.parameters.get("EmailFrom", ""))[1]
    if deployed.is_local:
        yield ok("e-mail", "The inbox receives it, because this is a local deployment.")
    elif not sender and uses:
        said = (
            "Some people have e-mail as a contact method, but the deployment has no sender address."
        )
        yield failed("e-mail", said, "Deploy with the parameter EmailFrom.")
    elif not sender:
        yield ok("e-mail", "Not used.")
    else:
        ses = deployed.client("sesv2")
        account = ses.get_account()
        yield account_findings.email(account, _identity(ses, sender), sender)


def _identity(ses: Any, sender: str) -> Mapping[str, Any] | None:
    found = None
    for name in (sender, sender.rpartition("@")[2]):
        try:
            found = ses.get_email_identity(EmailIdentity=name)
        except ClientError as error:
            if error.response["Error"]["Code"] != "NotFoundException":
                raise
            continue
        if found.get("VerifiedForSendingStatus"):
            return dict(found)
    return found
