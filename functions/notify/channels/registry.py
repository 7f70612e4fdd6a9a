"""The table of all channels and how each is built. CONTRIBUTING says what else a new one needs."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import field, replace
from datetime import datetime
from functools import cache
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from notify.channels import discord, google_chat, slack, teams
from notify.channels.canary import CanaryOr
from notify.channels.email import Email
from notify.channels.ntfy import Ntfy
from notify.channels.posting import IncomingWebhook
from notify.channels.protocol import Sender
from notify.channels.pushover import Pushover
from notify.channels.sms import Sms
from notify.channels.telegram import Telegram
from notify.channels.voice import Voice
from notify.channels.webhook import Webhook
from notify.outbound import Outbound
from notify.secrets import Secrets
from opsknight.classes import dataclass
from opsknight.directory.receivers import Channel

if TYPE_CHECKING:
    from types_boto3_pinpoint_sms_voice_v2 import PinpointSMSVoiceV2Client
    from types_boto3_sesv2 import SESV2Client


@dataclass(frozen=True, slots=True)
class Settings:
    """Set by the operator. Where a value is empty, the channel says so, or AWS chooses."""

    email_from: str = ""
    """`OpsKnight <oncall@example.com>`."""
    email_configuration_set: str = ""
    sms_origination: str = ""
    voice_origination: str = ""
    phone_configuration_set: str = ""
    slack_secret_named_by: str = ""
    """The SSM parameter that names Slack's signing secret. While that is not there, messages in
    Slack have a link in place of buttons.
    """
    slack_url: str = "https://slack.com/api"
    telegram_url: str = "https://api.telegram.org"
    pushover_url: str = "https://api.pushover.net"
    twilio: str = ""
    """The SSM parameter that describes the account at Twilio; empty where nothing goes by it."""
    twilio_url: str = "https://api.twilio.com"
    canary_ping: str = "/opsknight/canary-ping"
    """Name of the SSM parameter with the address that hears each canary."""
    inbox: str = ""
    """On a developer's machine, the address of the inbox that stands in for all receivers."""


@dataclass(frozen=True, slots=True)
class Outside:
    """The channels' ways to the outside. A client is made when a message first needs it."""

    http: Outbound
    secrets: Secrets
    now: Callable[[], datetime]
    ses: "Callable[[], SESV2Client]"
    phone: "Callable[[], PinpointSMSVoiceV2Client]"
    settings: Settings

    def hears_buttons(self) -> bool:
        """Whether buttons in Slack do something: the app's signing secret is there."""
        if not self.settings.slack_secret_named_by:
            return False
        name = self.secrets.named(self.settings.slack_secret_named_by)
        return isinstance(name, str) and isinstance(self.secrets.named(name), str)

    def through(self, place: str) -> Outbound:
        """The way out. `place`: where the inbox expects calls of this kind."""
        inbox = self.settings.inbox
        return replace(self.http, instead=inbox + place) if inbox else self.http


def _texts(o: Outside) -> Sender:
    make = cache(
        lambda: Sms(o.phone(), o.settings.sms_origination, o.settings.phone_configuration_set)
    )
    return _by_twilio("Texts", o, make) if o.settings.twilio else make()


def _calls(o: Outside) -> Sender:
    make = cache(
        lambda: Voice(o.phone(), o.settings.voice_origination, o.settings.phone_configuration_set)
    )
    return _by_twilio("Calls", o, make) if o.settings.twilio else make()


def _by_twilio(kind: str, o: Outside, amazon: Callable[[], Sender]) -> Sender:
    """Nothing of Twilio is loaded where nothing goes by it."""
    module = import_module("notify.channels.twilio")
    sender: Sender = getattr(module, kind)(module.api(o), amazon)
    return sender


BUILDERS: Final[Mapping[Channel, Callable[[Outside], Sender]]] = MappingProxyType(
    {
        Channel.EMAIL: lambda o: Email(
            o.ses(), o.settings.email_from, o.settings.email_configuration_set
        ),
        Channel.SMS: _texts,
        Channel.VOICE: _calls,
        Channel.SLACK: lambda o: slack.Slack(
            o.through("/slack"), o.secrets, o.settings.slack_url, o.hears_buttons
        ),
        Channel.SLACK_WEBHOOK: lambda o: IncomingWebhook(
            o.through("/slack"),
            o.secrets,
            lambda message: slack.render(message, buttons=o.hears_buttons()),
        ),
        Channel.WEBHOOK: lambda o: CanaryOr(
            Webhook(o.through("/webhook/{host}"), o.secrets, o.now),
            o.through("/webhook/{host}"),
            o.secrets.reader,
            o.settings.canary_ping,
            o.now,
        ),
        Channel.TEAMS: lambda o: IncomingWebhook(o.through("/teams"), o.secrets, teams.render),
        Channel.DISCORD: lambda o: IncomingWebhook(
            o.through("/discord"), o.secrets, discord.render, query="wait=true"
        ),
        Channel.GOOGLE_CHAT: lambda o: IncomingWebhook(
            o.through("/google-chat"),
            o.secrets,
            google_chat.render,
            query=google_chat.QUERY,
            id_name="name",
        ),
        Channel.TELEGRAM: lambda o: Telegram(
            o.through("/telegram"), o.secrets, o.settings.telegram_url
        ),
        Channel.NTFY: lambda o: Ntfy(o.through("/ntfy"), o.secrets),
        Channel.PUSHOVER: lambda o: Pushover(
            o.through("/pushover"), o.secrets, o.settings.pushover_url
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Senders(Mapping[Channel, Sender]):
    """Each channel is built when it is first asked for, and kept."""

    outside: Outside
    _built: dict[Channel, Sender] = field(default_factory=dict[Channel, Sender])

    def __getitem__(self, channel: Channel) -> Sender:
        if channel not in self._built:
            self._built[channel] = BUILDERS[channel](self.outside)
        return self._built[channel]

    def __iter__(self) -> Iterator[Channel]:
        return iter(BUILDERS)

    def __len__(self) -> int:
        return len(BUILDERS)
