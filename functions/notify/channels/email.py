"""Email by SES: text and HTML, one thread for each incident, and tags that delivery reports bring
back.
"""

import re
from email.utils import parseaddr
from typing import TYPE_CHECKING, Final

from notify.channels import email_layout
from notify.channels.amazon import sent_by, tag
from notify.channels.protocol import Outcome, PermanentFailure
from notify.channels.tones import Tone
from notify.channels.words import words
from opsknight.classes import dataclass
from opsknight.directory.receivers import IncidentEvent, Receiver
from opsknight.notification.message import ASKS_TO_ACT, Message, PageReason

if TYPE_CHECKING:
    from types_boto3_sesv2 import SESV2Client

LONGEST_SUBJECT: Final = 150
_ADDRESS: Final = re.compile(r"[!-~]+@[A-Za-z0-9.-]+")
_LISTS: Final = frozenset('<>,;:"()[]\\ ')

# These start the thread of an incident; all others reply to it.
_FIRST: Final = frozenset(
    {PageReason.PAGED, PageReason.TEST, PageReason.CODE, IncidentEvent.TRIGGERED}
)


def subject(message: Message) -> str:
    """The same for all messages of an incident, as Gmail makes a thread only of equal subjects. The
    event is the first line of the text, which every list of mails shows.
    """
    said = words(message)
    if len(message.incidents) != 1:
        if message.incidents and said.label:
            return f"[{said.label}] " + said.subject(LONGEST_SUBJECT - 20)
        return said.headline(LONGEST_SUBJECT)
    [brief] = message.incidents
    answers = "" if message.about in _FIRST else "Re: "
    return answers + f"[{brief.urgency}] " + said.subject(LONGEST_SUBJECT - 20)


def headers(message: Message, domain: str) -> list[dict[str, str]]:
    """SES sets the Message-ID itself, so all messages of a thread reply to a root that never
    existed.
    """
    found = {
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
        "X-OpsKnight-Delivery": tag(message.delivery_id),
    }
    if len(message.incidents) == 1:
        incident = tag(message.incidents[0].id)
        root = f"<{incident.replace('@', '_')}@opsknight.{domain}>"
        found |= {"In-Reply-To": root, "References": root, "X-OpsKnight-Incident": incident}
    if message.about in ASKS_TO_ACT and words(message).tone is Tone.HIGH:
        found |= {"Importance": "high", "X-Priority": "1"}
    return [{"Name": name, "Value": value} for name, value in found.items()]


@dataclass(frozen=True, slots=True)
class Email:
    """`sender`, such as `OpsKnight <oncall@example.com>`, is verified with SES; without it there is
    no email. The configuration set, if there is one, reports deliveries and bounces.
    """

    ses: "SESV2Client"
    sender: str
    configuration_set: str = ""

    def send(self, message: Message, receiver: Receiver) -> Outcome:
        domain = parseaddr(self.sender)[1].rpartition("@")[2]
        if not domain:
            return PermanentFailure("email is not set up: there is no sender address")
        if not _ADDRESS.fullmatch(receiver.to) or _LISTS & set(receiver.to):
            return PermanentFailure("the receiver is not a single email address")
        text, html = email_layout.render(message)
        tags = {"delivery": tag(message.delivery_id)}
        if len(message.incidents) == 1:
            tags["incident"] = tag(message.incidents[0].id)
        more = {"ConfigurationSetName": self.configuration_set} if self.configuration_set else {}
        return sent_by(
            self.ses.send_email,
            FromEmailAddress=self.sender,
            Destination={"ToAddresses": [receiver.to]},
            Content={
                "Simple": {
                    "Subject": _utf8(subject(message)),
                    "Body": {"Text": _utf8(text), "Html": _utf8(html)},
                    "Headers": headers(message, domain),
                }
            },
            EmailTags=[{"Name": name, "Value": value} for name, value in tags.items()],
            **more,
        )


def _utf8(text: str) -> dict[str, str]:
    return {"Data": text, "Charset": "UTF-8"}
