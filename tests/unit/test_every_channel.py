"""Tables that have a line for every channel: one that is missing would fail nothing else, and page
without a pace, or show no message.
"""

from collections.abc import Collection

import pytest

from inbox.looks import LOOKS
from notify.channels.registry import BUILDERS
from opsknight.directory.receivers import Channel
from opsknight.files.channel_fields import SECRET, TO
from opsknight.notification.digest import CHATS
from opsknight.notification.throttle import MIN_INTERVAL
from opsknight.views.sentences import MESSAGES

# Each message of a webhook is an event for a program: never held, never told with others.
UNPACED = {Channel.WEBHOOK}
# These go to one person. The others go to a program, or to a room that everybody can read.
PERSONAL = {
    Channel.EMAIL,
    Channel.SMS,
    Channel.VOICE,
    Channel.SLACK,
    Channel.TELEGRAM,
    Channel.NTFY,
    Channel.PUSHOVER,
}


@pytest.mark.parametrize(
    ("table", "wanted"),
    [
        pytest.param(BUILDERS, set(Channel), id="notify.channels.registry.BUILDERS"),
        pytest.param(MIN_INTERVAL, set(Channel) - UNPACED, id="throttle.MIN_INTERVAL"),
        pytest.param({*TO, *SECRET}, set(Channel), id="files.channel_fields.TO or SECRET"),
        pytest.param({*CHATS, *UNPACED} | PERSONAL, set(Channel), id="digest.CHATS"),
        pytest.param(MESSAGES, PERSONAL, id="views.sentences.MESSAGES"),
        pytest.param(LOOKS, set(Channel), id="inbox.looks.LOOKS"),
    ],
)
def test_it_has_every_channel(table: Collection[Channel], wanted: set[Channel]) -> None:
    assert set(table) == wanted
