"""The code in a message that brings one: made when it is sent, and nowhere stored."""

from dataclasses import replace

from opsknight.notification import codes
from opsknight.notification.delivery import Delivery
from opsknight.notification.message import Message
from opsknight.notification.recipients import OWN_ADDRESS


def with_code(message: Message, delivery: Delivery, to: str, key: bytes, base: str) -> Message:
    """With the code that it brings, and where that is one to log in by, with a link that does the
    same. `to`: the address that it is sent to; `base`: the address of the API.
    """
    login = delivery.receiver_id == OWN_ADDRESS
    link = f"{base}/auth/{codes.login_secret(delivery.id, key)}" if login else None
    return replace(message, code=codes.code(delivery.id, key, to), link=link)
