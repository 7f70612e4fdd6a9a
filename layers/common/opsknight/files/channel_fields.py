"""What `to` and `secret` mean in a configuration file, for each channel."""

import re
from collections.abc import Mapping
from typing import Final

from opsknight.directory.receivers import Channel

# Channels without an entry do not use the field.
_ADDRESS: Final = re.compile(r"[^@\s]+@[^@\s]+")
E164: Final = re.compile(r"\+[1-9]\d{6,14}")
_URL: Final = re.compile(r"https?://[^\s/]+\S*")
NUMBER: Final = (E164, 'the number with its country and without spaces, such as "+4915112345678"')
TO: Final[Mapping[Channel, tuple[re.Pattern[str], str]]] = {
    Channel.EMAIL: (_ADDRESS, "the address"),
    Channel.SMS: NUMBER,
    Channel.VOICE: NUMBER,
    Channel.SLACK: (
        re.compile(r"[A-Z0-9]{2,30}"),
        "the id of the channel or user, such as C0123ABC",
    ),
    Channel.WEBHOOK: (_URL, "the URL"),
    Channel.TELEGRAM: (
        re.compile(r"(-?\d+|@\w+)(:[1-9]\d{0,9})?"),
        'the id of the chat, such as "-100123456", or of a topic in it, such as "-100123456:42"',
    ),
    Channel.NTFY: (_URL, "the URL of the topic"),
    Channel.PUSHOVER: (re.compile(r"\w{10,50}"), "the user's key"),
}
_HOOK: Final = "the parameter that holds the webhook's URL"
SECRET: Final[Mapping[Channel, tuple[bool, str]]] = {
    Channel.SLACK: (True, "the parameter that holds the bot token"),
    Channel.SLACK_WEBHOOK: (True, _HOOK),
    Channel.WEBHOOK: (False, "the parameter that holds what bodies are signed with"),
    Channel.TEAMS: (True, _HOOK),
    Channel.DISCORD: (True, _HOOK),
    Channel.GOOGLE_CHAT: (True, _HOOK),
    Channel.TELEGRAM: (True, "the parameter that holds the bot token"),
    Channel.NTFY: (False, "the parameter that holds an access token"),
    Channel.PUSHOVER: (True, "the parameter that holds the application's token"),
}


def misplaced(channel: Channel) -> str:
    """For a `to` of a channel that has none."""
    if channel in SECRET:
        return (
            f"channel {channel} has no `to`, because its URL is a secret: put the URL into an SSM "
            "SecureString parameter, and name the parameter in `secret`"
        )
    return f"channel {channel} does not use `to`: remove it"
