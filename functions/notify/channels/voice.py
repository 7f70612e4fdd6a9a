"""A phone call by AWS End User Messaging: the message is read aloud, twice."""

import re
import unicodedata
from html import escape
from typing import TYPE_CHECKING, Final

from notify.channels.amazon import sent_by
from notify.channels.protocol import Outcome, PermanentFailure
from notify.channels.said import Words
from notify.channels.sms import context
from notify.channels.text import counted, cut
from notify.channels.tones import Tone
from notify.channels.words import words
from opsknight.classes import dataclass
from opsknight.directory.receivers import Receiver
from opsknight.notification.message import Message

if TYPE_CHECKING:
    from types_boto3_pinpoint_sms_voice_v2 import PinpointSMSVoiceV2Client

# Nobody listens to more. The text of a call may have 6000 characters with its markup.
LONGEST_TITLE: Final = 200
_UNITS: Final = {"s": "seconds", "min": "minutes", "h": "hours", "d": "days", "%": "percent"}
_UNIT: Final = re.compile(r"\b(\d+) ?(s\b|min\b|h\b|d\b|%)")
_SPOKEN: Final = {Tone.HIGH: "High urgency", Tone.MEDIUM: "Medium urgency", Tone.LOW: "Low urgency"}


def render(message: Message) -> str:
    """SSML."""
    said = words(message)
    spoken = '<break time="600ms"/>'.join(escape(each) for each in sentences(said, message))
    return (
        '<speak><prosody rate="90%">'
        f'This is OpsKnight.<break time="600ms"/>{spoken}'
        f'<break time="1s"/>I repeat.<break time="600ms"/>{spoken}'
        "</prosody></speak>"
    )


def sentences(said: Words, message: Message, longest: int = LONGEST_TITLE) -> list[str]:
    """As plain text: whoever marks it up escapes it, so that it is read and not obeyed."""
    found = [_SPOKEN.get(said.tone, said.label)]
    if said.listed and message.incidents:
        # The title names the first one, too, for those who read no more.
        found += [counted(len(message.incidents), "incident"), f"First: {said.listed[0]}"]
    elif message.code:
        # One by one, or it would be read as a number.
        found.append(f"Your code: {', '.join(message.code)}")
    else:
        found.append(said.title)
    if len(message.incidents) == 1:
        found.append(f"On {message.incidents[0].service_name}")
    spoken = [_spoken(each, longest) for each in (*found, said.happened, said.todo)]
    return [f"{each.rstrip('.')}." for each in spoken if each]


def _spoken(text: str, longest: int) -> str:
    """Leaves out pictures and format marks."""
    text = _UNIT.sub(lambda found: f"{found[1]} {_UNITS[found[2]]}", text)
    kept = (
        letter
        for letter in text
        if unicodedata.category(letter) not in ("So", "Sk", "Cf", "Cc", "Cs", "Co", "Cn")
    )
    return " ".join(cut("".join(kept), longest).split())


@dataclass(frozen=True, slots=True)
class Voice:
    """`origination`: a number of the account that can make calls."""

    phone: "PinpointSMSVoiceV2Client"
    origination: str
    configuration_set: str = ""

    def send(self, message: Message, receiver: Receiver) -> Outcome:
        if not self.origination:
            return PermanentFailure("calls are not set up: there is no number to call from")
        more = {"ConfigurationSetName": self.configuration_set} if self.configuration_set else {}
        return sent_by(
            self.phone.send_voice_message,
            DestinationPhoneNumber=receiver.to,
            OriginationIdentity=self.origination,
            MessageBody=render(message),
            MessageBodyTextType="SSML",
            VoiceId="MATTHEW",
            TimeToLive=900,
            Context=context(message),
            **more,
        )
