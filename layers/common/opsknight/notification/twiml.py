"""TwiML, what Twilio reads aloud and asks for in a call, and the keys that act.

Pure. Whatever is said comes from strangers: it is escaped here, and nowhere else.
https://www.twilio.com/docs/voice/twiml
"""

import unicodedata
from html import escape
from typing import Final

ACKNOWLEDGE: Final = "4"
RESOLVE: Final = "6"
# Not 1: call screening and switchboards ask for it, and so does a mailbox that forwards.

LONGEST: Final = 4000
"""Characters of the document that a new call may bring along."""
EMPTY: Final = '<?xml version="1.0" encoding="UTF-8"?><Response/>'

_NO_XML: Final = ("Cc", "Cs", "Cn", "Co")


def document(*verbs: str) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?><Response>{"".join(verbs)}</Response>'


def say(text: str) -> str:
    kept = "".join(" " if unicodedata.category(letter) in _NO_XML else letter for letter in text)
    return f'<Say voice="Polly.Matthew">{escape(" ".join(kept.split()))}</Say>'


def pause(seconds: int = 1) -> str:
    return f'<Pause length="{seconds}"/>'


def ask(address: str, *verbs: str) -> str:
    """Says it, and posts the first key that is pressed meanwhile, or soon after, to the address.
    Without a key nothing is posted: what follows is said.
    """
    head = 'input="dtmf" numDigits="1" timeout="8" method="POST" actionOnEmptyResult="false"'
    return f'<Gather {head} action="{escape(address)}">{"".join(verbs)}</Gather>'


def offer(told: int) -> str:
    """Which keys do what, in a call that tells so many incidents. Nobody resolves many by a key."""
    if told > 1:
        return f"Press {ACKNOWLEDGE} to acknowledge all {told}."
    return f"Press {ACKNOWLEDGE} to acknowledge, {RESOLVE} to resolve."
