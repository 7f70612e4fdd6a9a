"""Builds the parts of the notify functions, each for the first waking that needs it. Nothing
connects, and no chance is drawn, at import.
"""

import time
from datetime import datetime
from functools import cache, partial
from importlib import import_module
from secrets import token_hex
from typing import TYPE_CHECKING

from notify.channels.amazon import CLIENT_CONFIG
from notify.channels.registry import Outside, Senders, Settings
from notify.coded import with_code
from notify.composing import Composer
from notify.endings import Endings
from notify.members import Members
from notify.mirroring import Mirroring
from notify.outbound import Outbound
from notify.page_tracker import PageTracker
from notify.planning import Planning
from notify.queues import Queues
from notify.reply_codes import Numbers, ReplyCodes, TwoWayNumbers
from notify.reports import Reports
from notify.ringing import Silencing
from notify.secrets import SSM_CONFIG, Secrets
from notify.sending import Sending
from notify.throttling import Throttling
from notify.turns import Turns
from opsknight.classes import dataclass
from opsknight.notification import signed_link
from opsknight.notification.delivery import Delivery
from opsknight.notification.message import Message
from opsknight.runtime import aws, clients, clock
from opsknight.runtime.addresses import Reach
from opsknight.runtime.hold_memory import HoldMemory
from opsknight.runtime.lanes import lanes
from opsknight.runtime.settings import QueueSettings, SendingSettings, read_settings
from opsknight.runtime.ssm_secrets import (
    LinkKeys,
    Secret,
    SecretForbidden,
    SecretReader,
    SecretsUnavailable,
)
from opsknight.runtime.telemetry import logger, signal
from opsknight.store.bundles import Bundles
from opsknight.store.deliveries import Deliveries
from opsknight.store.paging import Paging
from opsknight.store.receivers import Receivers
from opsknight.store.replies import Replies
from opsknight.store.table import Table

if TYPE_CHECKING:
    from types_boto3_pinpoint_sms_voice_v2 import PinpointSMSVoiceV2Client
    from types_boto3_sesv2 import SESV2Client


@dataclass(frozen=True, slots=True)
class Links:
    """The address in a message where its reader can act."""

    keys: LinkKeys
    base: str
    """The address of the API, without a slash at the end."""

    def __call__(self, incident_id: str, delivery_id: str, now: datetime) -> str | None:
        """None without a key to sign with: a message without a link still wakes people."""
        try:
            key = self.keys.signing(now)
        except SecretsUnavailable as away:
            if isinstance(away, SecretForbidden):
                signal("Failures")
            logger.error("no link for a message", cause=str(away))
            return None
        return f"{self.base}/r/{signed_link.token(incident_id, delivery_id, key, now)}"

    def coded(self, message: Message, delivery: Delivery, to: str, now: datetime) -> Message:
        """Raises SecretsUnavailable: without its code it says nothing."""
        return with_code(message, delivery, to, self.keys.signing(now), self.base)

    @property
    def health(self) -> str:
        return f"{self.base}/console/health"

    def address(self, incident_id: str) -> str:
        return f"{self.base}/incidents/{incident_id}"


@cache
def queues() -> Queues:
    return Queues(lanes(clients.sqs(), read_settings(QueueSettings)))


@cache
def hold() -> HoldMemory:
    return HoldMemory(clients.table(Table), clock.now)


@cache
def page_tracker() -> PageTracker:
    return PageTracker(Paging(clients.table(Table)), clock.now, hold(), partial(token_hex, 14))


@cache
def planning() -> Planning:
    return Planning(Paging(clients.table(Table)), queues(), page_tracker(), clock.now, hold())


@cache
def reports() -> Reports:
    deliveries = Deliveries(clients.table(Table))
    return Reports(deliveries, page_tracker(), queues().lanes.pages, clock.now)


@cache
def sending() -> Sending:
    settings = read_settings(SendingSettings)
    reader = SecretReader(aws.client("ssm", SSM_CONFIG))
    outside = Outside(
        http=Outbound(clock.now, _reach(settings)),
        secrets=Secrets(reader, clock.now, settings.secrets_prefix),
        now=clock.now,
        ses=_ses,
        phone=_phone,
        settings=Settings(
            email_from=settings.email_from,
            email_configuration_set=settings.email_configuration_set,
            sms_origination=settings.sms_origination,
            voice_origination=settings.voice_origination,
            phone_configuration_set=settings.phone_configuration_set,
            slack_secret_named_by=settings.slack_secret_named_by,
            inbox=settings.local_inbox,
            canary_ping=settings.canary_ping_name,
            twilio=settings.twilio_name,
        ),
    )
    link = Links(LinkKeys(Secret(reader, settings.link_key_name)), settings.public_url)
    table = clients.table(Table)
    two_way = TwoWayNumbers(_numbers, settings.inbound_topic, settings.sms_origination)
    reply_codes = ReplyCodes(Replies(table), link.keys, numbers(outside, two_way))
    deliveries, senders = Deliveries(table), Senders(outside)
    composer = Composer(table, link, link.address, link.health, reply_codes, link.coded)
    throttling = Throttling(
        deliveries=deliveries,
        receivers=Receivers(table),
        bundles=Bundles(table),
        queues=queues(),
        clock=clock.now,
        chance=clock.chance,
        new_token=partial(token_hex, 8),
    )
    silencing = Silencing(deliveries, queues(), clock.now)
    endings = Endings(table, page_tracker(), silencing, clock.now)
    turns = Turns(
        deliveries=deliveries,
        bundles=throttling.bundles,
        throttling=throttling,
        endings=endings,
        composer=composer,
        page_tracker=page_tracker(),
        hold=hold(),
        members=Members(deliveries, page_tracker(), clock.now),
        senders=senders,
        clock=clock.now,
        stopwatch=time.perf_counter,
        sleep=time.sleep,
        chance=clock.chance,
    )
    return Sending(
        deliveries=deliveries,
        throttling=throttling,
        turns=turns,
        endings=endings,
        queues=queues(),
        composer=composer,
        page_tracker=page_tracker(),
        hold=hold(),
        senders=senders,
        clock=clock.now,
        stopwatch=time.perf_counter,
        sleep=time.sleep,
        chance=clock.chance,
    )


@cache
def mirroring() -> Mirroring:
    settings = read_settings(SendingSettings)
    secrets = Secrets(
        SecretReader(aws.client("ssm", SSM_CONFIG)), clock.now, settings.secrets_prefix
    )
    inbox = f"{settings.local_inbox}/{{host}}" if settings.local_inbox else ""
    http = Outbound(clock.now, _reach(settings), instead=inbox)
    return Mirroring(clients.table(Table), http, secrets, queues(), clock.now)


def numbers(outside: Outside, amazon: TwoWayNumbers) -> Numbers:
    """Nothing of Twilio is loaded where nothing goes by it."""
    if not outside.settings.twilio:
        return amazon
    module = import_module("notify.channels.twilio")
    asked: Numbers = module.TwilioNumbers(module.api(outside), amazon.reply_to)
    return asked


def _reach(settings: SendingSettings) -> Reach:
    if settings.allow_private_targets != "true":
        return Reach.PUBLIC
    return Reach.LOCAL if settings.local_inbox else Reach.PRIVATE


def _ses() -> "SESV2Client":
    made: SESV2Client = aws.client("sesv2", CLIENT_CONFIG)
    return made


def _numbers() -> "PinpointSMSVoiceV2Client":
    """A page waits for what it says, and goes out without."""
    made: PinpointSMSVoiceV2Client = aws.client("pinpoint-sms-voice-v2", SSM_CONFIG)
    return made


def _phone() -> "PinpointSMSVoiceV2Client":
    made: PinpointSMSVoiceV2Client = aws.client("pinpoint-sms-voice-v2", CLIENT_CONFIG)
    return made
