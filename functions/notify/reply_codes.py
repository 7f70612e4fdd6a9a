"""The codes that a text message shows, so that its reader can answer where they are.

A message without a code still wakes people: whatever is missing here costs the code, and never the
page.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from opsknight.classes import dataclass
from opsknight.notification.delivery import Delivery
from opsknight.notification.message import Message
from opsknight.notification.replies import NAMED_IN_A_TEXT, OpenCode, calling_code
from opsknight.runtime.ssm_secrets import LinkKeys, SecretsUnavailable
from opsknight.runtime.telemetry import logger
from opsknight.store.calls import Deadline, Unavailable
from opsknight.store.replies import Replies

if TYPE_CHECKING:
    from types_boto3_pinpoint_sms_voice_v2 import PinpointSMSVoiceV2Client

REMEMBERED: Final = timedelta(minutes=15)
# Storing codes is on the way of a page: it may take no longer.
WITHIN_SECONDS: Final = 3.0


class Numbers(Protocol):
    """Which numbers of ours take replies."""

    def reply_to(self, number: str, now: datetime) -> str | None:
        """The number that a message to `number` comes from and that takes its reply; None if there
        is none in the receiver's country.
        """
        ...


@dataclass(slots=True)
class TwoWayNumbers:
    """Which of the account's numbers bring replies to us: those whose two-way channel is our topic.
    Asked of AWS now and then, as operators change it there.
    """

    phone: "Callable[[], PinpointSMSVoiceV2Client]"
    topic: str
    origination: str
    """What text messages come from; empty where AWS chooses."""
    _known: tuple[datetime, tuple[str, ...]] | None = field(default=None, repr=False)

    def reply_to(self, number: str, now: datetime) -> str | None:
        """The number that a message to `number` comes from and that takes its reply; None if there
        is none in the receiver's country: a reply abroad costs its sender, or does not arrive.
        """
        ours = self._numbers(now)
        code = calling_code(number)
        return next((each for each in ours if code and calling_code(each) == code), None)

    def _numbers(self, now: datetime) -> tuple[str, ...]:
        if self._known is None or not timedelta(0) <= now - self._known[0] < REMEMBERED:
            self._known = now, self._asked()
        return self._known[1]

    def _asked(self) -> tuple[str, ...]:
        try:
            pages = self.phone().get_paginator("describe_phone_numbers").paginate()
            found: list[Mapping[str, Any]] = [
                each for page in pages for each in page.get("PhoneNumbers", [])
            ]
        except (BotoCoreError, ClientError) as error:
            logger.warning("numbers for replies are not known", cause=type(error).__name__)
            return ()
        return tuple(
            each["PhoneNumber"]
            for each in found
            if each.get("PhoneNumber")
            and each.get("TwoWayEnabled")
            and each.get("TwoWayChannelArn") == self.topic
            and self._sends(each)
        )

    def _sends(self, number: Mapping[str, Any]) -> bool:
        names = ("PhoneNumber", "PhoneNumberId", "PhoneNumberArn", "PoolId")
        own = {number.get(name) for name in names}
        pool = self.origination.rpartition("/")[2]
        return not self.origination or bool(own & {self.origination, pool})


@dataclass(frozen=True, slots=True)
class ReplyCodes:
    replies: Replies
    keys: LinkKeys
    numbers: Numbers

    def shown(
        self,
        message: Message,
        told: Sequence[Delivery],
        number: str,
        now: datetime,
        deadline: Deadline,
    ) -> Message:
        """The message with its codes, once they are stored: of the first few incidents, which the
        text names.
        """
        sender = self.numbers.reply_to(number, now)
        if sender is None:
            return message
        codes: list[str] = []
        within = deadline.within(WITHIN_SECONDS)
        try:
            key = self.keys.signing(now)
            for each in told[:NAMED_IN_A_TEXT]:
                code = OpenCode(
                    code="",
                    incident_id=each.incident_id,
                    service_id=each.service_id,
                    delivery_id=each.id,
                    user_id=each.user_id,
                    at=now,
                    sender=sender,
                )
                if (stored := self.replies.show(number, code, key, within)) is None:
                    break
                codes.append(stored)
        except (SecretsUnavailable, Unavailable, BotoCoreError, ClientError) as cause:
            logger.warning("a text message shows no code", cause=str(cause))
        return replace(message, reply_code=codes[0], coded=len(codes)) if codes else message
