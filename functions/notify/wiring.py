"""What the notify functions are made of, each made by the first waking that needs it: nothing is
connected or drawn at import.
"""

import random
import time
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from secrets import token_hex
from typing import TYPE_CHECKING

import boto3

from notify.channels.amazon import CLIENT_CONFIG
from notify.channels.registry import Outside, Senders, Settings
from notify.composing import Composer
from notify.outbound import Outbound
from notify.page_tracker import PageTracker
from notify.planning import Planning
from notify.queues import Queues
from notify.reports import Reports
from notify.secrets import SSM_CONFIG, Secrets
from notify.sending import Sending
from opsknight.notification import signed_link
from opsknight.runtime import process
from opsknight.runtime.process import logger
from opsknight.runtime.queues import Queue
from opsknight.runtime.ssm_secrets import LinkKeys, Secret, SecretReader, SecretsUnavailable
from opsknight.store.deliveries import Outgoing
from opsknight.store.paging import Paging

if TYPE_CHECKING:
    from types_boto3_pinpoint_sms_voice_v2 import PinpointSMSVoiceV2Client
    from types_boto3_sesv2 import SESV2Client


@dataclass(frozen=True, slots=True)
class Links:
    """Where a message lets its reader act."""

    keys: LinkKeys
    base: str
    """The address of the API, without a slash at the end."""

    def __call__(self, incident_id: str, delivery_id: str, now: datetime) -> str | None:
        """None when there is no key to sign with: a message without a link still wakes."""
        try:
            key = self.keys.signing(now)
        except SecretsUnavailable as away:
            logger.error("no link for a message", cause=str(away))
            return None
        return f"{self.base}/r/{signed_link.token(incident_id, delivery_id, key, now)}"


@cache
def queues() -> Queues:
    settings = process.read_settings(process.QueueSettings)
    sqs = process.sqs()
    return Queues(
        plans=Queue(sqs, settings.plans_url),
        pages=Queue(sqs, settings.pages_url),
        notices=Queue(sqs, settings.notices_url),
    )


@cache
def judge() -> PageTracker:
    return PageTracker(Paging(process.table()), process.now, partial(token_hex, 14))


@cache
def planning() -> Planning:
    return Planning(Paging(process.table()), queues(), judge(), process.now)


@cache
def reports() -> Reports:
    return Reports(Outgoing(process.table()), judge())


@cache
def sending() -> Sending:
    settings = process.read_settings(process.SendingSettings)
    reader = SecretReader(boto3.client("ssm", config=SSM_CONFIG))
    outside = Outside(
        http=Outbound(process.now, allow_private=settings.allow_private_targets == "true"),
        secrets=Secrets(reader, process.now),
        now=process.now,
        ses=_ses,
        phone=_phone,
        settings=Settings(
            email_from=settings.email_from,
            email_configuration_set=settings.email_configuration_set,
            sms_origination=settings.sms_origination,
            voice_origination=settings.voice_origination,
            phone_configuration_set=settings.phone_configuration_set,
            inbox=settings.local_inbox,
        ),
    )
    link = Links(LinkKeys(Secret(reader, settings.link_key_name)), settings.public_url)
    table = process.table()
    return Sending(
        outgoing=Outgoing(table),
        queues=queues(),
        composer=Composer(table, link),
        judge=judge(),
        senders=Senders(outside),
        clock=process.now,
        stopwatch=time.perf_counter,
        sleep=time.sleep,
        chance=random.random,
        new_claim=partial(token_hex, 8),
    )


def _ses() -> "SESV2Client":
    client: SESV2Client = boto3.client("sesv2", config=CLIENT_CONFIG)
    return client


def _phone() -> "PinpointSMSVoiceV2Client":
    client: PinpointSMSVoiceV2Client = boto3.client("pinpoint-sms-voice-v2", config=CLIENT_CONFIG)
    return client
