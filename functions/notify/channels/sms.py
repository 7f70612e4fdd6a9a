"""SMS by AWS End User Messaging: few parts, and a link that is never cut."""

import unicodedata
from typing import TYPE_CHECKING, Final

from notify.channels.amazon import sent_by
from notify.channels.protocol import Outcome
from notify.channels.said import Words
from notify.channels.text import clean, cut, disarmed
from notify.channels.text import units as length
from notify.channels.words import words
from opsknight.classes import dataclass
from opsknight.directory.receivers import Receiver
from opsknight.notification.message import Message, PageReason

if TYPE_CHECKING:
    from types_boto3_pinpoint_sms_voice_v2 import PinpointSMSVoiceV2Client

# GSM 03.38: a message has 160 characters of seven bits, or 153 in each of several parts; UTF-16
# halves that to 70 and 67.
_GSM: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
# Each costs two.
_GSM_TWICE: Final = frozenset("^{}\\[~]|€")
_PARTS: Final = 3
_LONGEST_GSM: Final = 153 * (_PARTS - 1)
_LONGEST_UTF16: Final = 67 * _PARTS
_SHORTEST_TITLE: Final = 20

_WHO: Final = ("Who has it", "Who had it")
_PICTURES: Final = ("So", "Sk", "Cf")

_PLAINER: Final = str.maketrans(
    {
        "…": "...",
        "\u2018": "'",
        "\u2019": "'",
        "`": "'",
        "\u201c": '"',
        "\u201d": '"',
        "\u2013": "-",
        "\u2014": "-",
        "•": "-",
        "→": "->",
        "\xa0": " ",
        "\xd7": "x",
        "\xb0": " deg ",
        "\xb5": "u",
        "\xb1": "+/-",
        "\xb7": "-",
        "\u2264": "<=",
        "\u2265": ">=",
        "\u2260": "!=",
        "\u2068": None,
        "\u2069": None,
    }
)


def plainer(text: str) -> str:
    """Without pictures, and without accents, as a single one would halve the length of every part.
    Text in a script that GSM 03.38 lacks keeps its accents.
    """
    text = text.translate(_PLAINER)
    plain = "".join(_plain(letter) for letter in text)
    if units(plain)[0]:
        return clean(plain) if plain.strip() else text
    return clean("".join(x for x in text if unicodedata.category(x) not in _PICTURES))


def _plain(letter: str) -> str:
    if letter in _GSM or letter in _GSM_TWICE:
        return letter
    if unicodedata.category(letter) in (*_PICTURES, "Mn", "Me"):
        return ""
    bare = unicodedata.normalize("NFKD", letter)[0]
    return bare if bare in _GSM else letter


def units(text: str) -> tuple[bool, int]:
    """Whether the text is GSM 03.38, and its length in units of that, or of UTF-16."""
    if set(text) <= _GSM | _GSM_TWICE:
        return True, sum(2 if letter in _GSM_TWICE else 1 for letter in text)
    return False, len(text.encode("utf-16-le", "replace")) // 2


def fits(text: str) -> bool:
    gsm, size = units(text)
    return size <= (_LONGEST_GSM if gsm else _LONGEST_UTF16)


def render(message: Message) -> str:
    """Two parts in GSM 03.38, three in other scripts. First the title is cut, then lines go that
    the page behind the link shows, too; the link is never cut.
    """
    said = words(message)
    middle, code = _middle(message, said), _reply(message)
    longest = max(min(length(disarmed(said.title)), _LONGEST_GSM), _SHORTEST_TITLE)
    while True:
        text = longest_that_fits(said, longest, middle, code)
        if text is not None:
            return text
        if not middle:
            return laid_out(said, _SHORTEST_TITLE, [], code)
        middle.pop()


def longest_that_fits(said: Words, longest: int, middle: list[str], code: str = "") -> str | None:
    """With as much of the title as fits; None when not even the shortest does. It halves the range:
    to try each length took hundreds of layouts.
    """
    text = laid_out(said, longest, middle, code)
    if fits(text):
        return text
    found = laid_out(said, _SHORTEST_TITLE, middle, code)
    if not fits(found):
        return None
    fitting, too_long = _SHORTEST_TITLE, longest
    while too_long - fitting > 1:
        limit = (fitting + too_long) // 2
        text = laid_out(said, limit, middle, code)
        if fits(text):
            fitting, found = limit, text
        else:
            too_long = limit
    return found


def _reply(message: Message) -> str:
    """How to answer, where the reader can."""
    if not message.reply_code:
        return ""
    code = message.reply_code
    if len(message.incidents) == 1:
        return f"Reply {code} to acknowledge, {code} 2 to resolve."
    return f"Reply {code} for the first, {code} all for these {message.coded}."


def _middle(message: Message, said: Words) -> list[str]:
    if message.about is PageReason.ANSWER:
        return []
    if message.about in (PageReason.ON_CALL, PageReason.CHANGED, PageReason.REPORT):
        return [plainer(disarmed(f"{name}: {said.shown(value)}")) for name, value in said.facts[:3]]
    if said.listed:
        # The first is in the title.
        return [plainer(cut(disarmed(line), 60)) for line in said.listed[1:3]]
    facts = {name: said.shown(value) for name, value in said.facts}
    line = ", since ".join(facts[name] for name in ("Service", "Since") if name in facts)
    line += "".join(f"; {name.lower()}: {facts[name]}" for name in _WHO if name in facts)
    lines = [f"{line}. {facts.get('Incident', '')}" if line else "", f"{said.happened}."]
    # Whoever gets a page knows that it is one.
    shown = lines[:1] if message.about is PageReason.PAGED else lines
    return [plainer(disarmed(clean(line))) for line in shown if line.strip()]


def laid_out(said: Words, limit: int, middle: list[str], code: str = "") -> str:
    # What broke comes first: a lock screen shows little more than a line.
    label = said.before if said.label else "OpsKnight: "
    lines = [f"{label}{plainer(cut(disarmed(said.title), limit))}", *middle]
    if code:
        lines.append(code)
    if said.link:
        lines.append(f"{said.link_label}: {said.link}")
    return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Sms:
    """`origination`: a number, sender id or pool of the account; if empty, AWS chooses one."""

    phone: "PinpointSMSVoiceV2Client"
    origination: str = ""
    configuration_set: str = ""

    def send(self, message: Message, receiver: Receiver) -> Outcome:
        more = {
            "OriginationIdentity": self.origination,
            "ConfigurationSetName": self.configuration_set,
        }
        return sent_by(
            self.phone.send_text_message,
            DestinationPhoneNumber=receiver.to,
            MessageBody=render(message),
            MessageType="TRANSACTIONAL",
            # A page that is hours late wakes somebody for nothing.
            TimeToLive=1800,
            Context=context(message),
            **{name: value for name, value in more.items() if value},
        )


def context(message: Message) -> dict[str, str]:
    """Delivery reports bring it back."""
    incident = message.incidents[0].id if len(message.incidents) == 1 else ""
    found = {"delivery": message.delivery_id, "incident": incident}
    return {name: value for name, value in found.items() if value}
