"""The operator's account at Twilio, where text messages or calls go by it.

CloudFormation writes it into an SSM parameter, which functions read when a message needs it: the
descriptions of their versions, which say what a parameter changed, have no room for all of it.
"""

import json
from collections.abc import Sequence

from opsknight.classes import dataclass
from opsknight.notification.replies import calling_code


@dataclass(frozen=True, slots=True)
class TwilioAccount:
    sid: str
    token_name: str
    """Name of the SSM SecureString with the auth token, which signs requests of Twilio's, too."""
    texts_from: tuple[str, ...]
    """Numbers, or a sender id; empty where text messages go by AWS."""
    calls_from: tuple[str, ...]
    """Numbers; empty where calls go by AWS."""
    url: str
    """Where Twilio reaches the API, without a slash at the end."""


def read_account(text: str) -> TwilioAccount | None:
    """None for anything but what template.yaml writes."""
    try:
        found = json.loads(text)
        names = ("account", "token", "texts_from", "calls_from", "url")
        sid, token, texts, calls, url = (found[name] for name in names)
    except (ValueError, KeyError, TypeError):
        return None
    if not all(isinstance(each, str) for each in (sid, token, texts, calls, url)):
        return None
    return TwilioAccount(sid, token, _listed(texts), _listed(calls), url.rstrip("/"))


def _listed(text: str) -> tuple[str, ...]:
    return tuple(each.strip() for each in text.split(",") if each.strip())


def sender_to(number: str, ours: Sequence[str]) -> str:
    """The one of our numbers, at least one, that is of the receiver's country, else the first: a
    message from abroad costs more, and carriers drop it more often.
    """
    code = calling_code(number)
    return next((each for each in ours if code and calling_code(each) == code), ours[0])
