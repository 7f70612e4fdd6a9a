"""Sample messages, friendly and hostile, and a stage for channels on which everything is real but
the far end.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from botocore.model import OperationModel

from harness.amazon import Amazon
from harness.daily_reports import QUIET, REPORT
from harness.receivers import HttpReceiver, Request, answers, http_receiver
from notify.channels.registry import Outside, Senders, Settings
from notify.outbound import Limits, Outbound
from notify.secrets import Secrets
from opsknight.directory.receivers import Channel, IncidentEvent, Receiver
from opsknight.directory.secret_names import own_prefix
from opsknight.directory.status_pages import StatusPageEvent
from opsknight.incident.model import Status, Urgency
from opsknight.incident.references import Reference
from opsknight.notification.message import Brief, Message, PageReason
from opsknight.runtime.addresses import Reach
from opsknight.runtime.ssm_secrets import SecretReader

THREE: Final = datetime(2026, 10, 3, 3, 12, 9, tzinfo=UTC)
LINK: Final = "https://oncall.example.com/a/dlv_01f0c1/eyJpIjoiaW5jXzAxOTlhIn0.Zk3vQ0xk7bqH2w"

HOSTILE: Final = (
    "<!channel> <@U012> @here @everyone </b><script>alert(1)</script> [click](https://evil.example)"
    " *bold* _it_ `code` ||spoiler|| <users/all> &amp; <break time='9s'/> https://evil.example/x\r\n"
    "Bcc: all@example.com\x00\x1b[31m\u202egnp.exe " + "and so on and on " * 30
)[:500]
RTL: Final = "🔥 قاعدة البيانات لا تستجيب 👩🏽‍🚒 (db-1)"

BRIEF: Final = Brief(
    id="inc_0199a3f2c1d04b7e9a51c2d8",
    number_of_alerts=1,
    title="Checkout: p99 latency above 4 s for 10 minutes",
    service_id="svc_checkout",
    service_name="Checkout API",
    urgency=Urgency.HIGH,
    status=Status.OPEN,
    created_at=THREE,
    dedup_key="checkout/latency-p99",
    source="Prometheus Alerts",
    description='{\n  "region": "eu-central-1",\n  "p99_seconds": 4.7,\n  "runbook": '
    '"https://runbooks.example.com/checkout/latency"\n}',
    details="region: eu-central-1\np99_seconds: 4.7\n"
    "runbook: https://runbooks.example.com/checkout/latency",
    references=(
        Reference("Runbook", "https://runbooks.example.com/checkout/latency"),
        Reference("Dashboard", "https://graphs.example.com/d/checkout?from=now-1h&to=now"),
    ),
    link=LINK,
)
PAGE: Final = Message(
    delivery_id="dlv_01f0c1a2b3",
    about=PageReason.PAGED,
    at=THREE + timedelta(seconds=2),
    incidents=(BRIEF,),
    sequence=1,
    step=1,
    zone=ZoneInfo("Europe/Berlin"),
)


def _about(
    about: PageReason | IncidentEvent | StatusPageEvent, brief: Brief, **more: Any
) -> Message:
    public = isinstance(about, StatusPageEvent)
    brief = (
        brief if public else replace(brief, link=f"https://oncall.example.com/incidents/{brief.id}")
    )
    return replace(PAGE, about=about, incidents=(brief,), step=None, zone=UTC, **more)


MEDIUM: Final = replace(
    BRIEF,
    urgency=Urgency.MEDIUM,
    title="Replica of orders-db is 90 s behind",
    service_id="svc_orders",
    service_name="Orders",
    source="db-probe",
    number_of_alerts=3,
    link=None,
)
ACKNOWLEDGED: Final = replace(
    BRIEF,
    status=Status.ACKNOWLEDGED,
    acknowledged_at=THREE + timedelta(minutes=4),
    assignee="Ada Lovelace",
    taken_on=True,
    by="Ada Lovelace",
)
RESOLVED: Final = replace(
    ACKNOWLEDGED, status=Status.RESOLVED, resolved_at=THREE + timedelta(minutes=72), by="Prometheus"
)

_TITLES: Final = (
    "Checkout: p99 latency above 4 s for 10 minutes",
    "Payments: 38 % of card authorisations fail",
    "No orders for 5 minutes",
    "orders-db: replication stopped",
    "Queue of invoices grows",
    "Disk of cache-3 is 92 % full",
    "Certificate of shop.example.com ends in 3 days",
)
_SERVICES: Final = (("svc_checkout", "Checkout API"), ("svc_pay", "Payments"), ("svc_db", "Orders"))


def _bundled(number: int) -> Brief:
    service_id, service_name = _SERVICES[number % 3]
    return replace(
        BRIEF,
        id=f"inc_{number:024x}",
        title=_TITLES[number % 7] + (f" (shard {number})" if number >= 7 else ""),
        service_id=service_id,
        service_name=service_name,
        urgency=Urgency.HIGH if number < 5 else Urgency.MEDIUM if number < 13 else Urgency.LOW,
        created_at=THREE + timedelta(seconds=17 * number),
        link=None,
    )


BUNDLE: Final = replace(
    PAGE,
    incidents=tuple(map(_bundled, range(14))),
    at=THREE + timedelta(minutes=5),
    sequence=0,
    step=None,
    link=LINK,
)
TEST: Final = replace(PAGE, about=PageReason.TEST, incidents=(), step=None, sequence=0)
DAILY: Final = replace(
    TEST, about=PageReason.REPORT, link="https://oncall.example.com/console/health"
)

NOTICES: Final = {
    "page-high": PAGE,
    "triggered-medium": _about(IncidentEvent.TRIGGERED, MEDIUM),
    "acknowledged": _about(
        IncidentEvent.ACKNOWLEDGED,
        ACKNOWLEDGED,
        at=THREE + timedelta(minutes=4, seconds=1),
        sequence=2,
    ),
    "resolved": _about(
        IncidentEvent.RESOLVED, RESOLVED, at=THREE + timedelta(minutes=72), sequence=3
    ),
    "bundle-of-14": BUNDLE,
    "hostile": replace(
        PAGE,
        incidents=(
            replace(
                BRIEF,
                title=HOSTILE,
                description=HOSTILE,
                details=HOSTILE,
                references=(Reference(HOSTILE[:60], "https://evil.example/<b>)|a(]'"),),
            ),
        ),
    ),
    "right-to-left": replace(PAGE, incidents=(replace(BRIEF, title=RTL),)),
    "test": TEST,
    "code": replace(
        TEST, about=PageReason.CODE, code="04071234", link="https://oncall.example.com/auth/x"
    ),
    "joined": replace(
        PAGE,
        about=PageReason.JOINED,
        incidents=(replace(ACKNOWLEDGED, by="Prometheus", number_of_alerts=3),),
        note="Checkout: p99 latency above 4 s in eu-west-1",
        step=None,
        sequence=3,
    ),
    "changed": replace(
        TEST,
        about=PageReason.CHANGED,
        note="Your contact method Mobile is about to be replaced\nNew: +49…21 (sms)\n"
        "Until it is confirmed: you are paged here\n"
        "If it was not you: log out everywhere, and tell an administrator",
    ),
    "on-call": replace(
        TEST,
        about=PageReason.ON_CALL,
        note="On call from Tue 09:00: Primary\nPrimary: until Tue 01 Dec 09:00 CET, after Ben",
    ),
    "report": replace(DAILY, note=REPORT.model_dump_json()),
    "report-quiet": replace(DAILY, note=QUIET.model_dump_json()),
}
SHOWN_TO_ALL: Final = _about(
    StatusPageEvent.ACKNOWLEDGED,
    replace(ACKNOWLEDGED, description=None),
    at=THREE + timedelta(minutes=4),
    sequence=2,
)

PREFIX: Final = own_prefix("opsknight")
SECRETS: Final = {
    "slack": "xoxb-sesame",
    "/slack-named-by": "/slack-signing",
    "/slack-signing": "signing-sesame",
    "sign": "sign-sesame",
    "sign-next": "next-sesame",
    "telegram": "123:sesame",
    "ntfy": "tk_sesame",
    "pushover": "sesame30",
}


@dataclass
class Stage:
    """All channels, with one HTTP receiver and the AWS services behind them."""

    senders: Senders
    http: HttpReceiver
    ses: Amazon
    phone: Amazon
    ssm: "Ssm"

    @property
    def url(self) -> str:
        return self.http.url

    def receiver(self, channel: Channel) -> Receiver:
        to = {
            Channel.EMAIL: "ada@example.com",
            Channel.SMS: "+4915112345678",
            Channel.VOICE: "+4915112345678",
            Channel.SLACK: "C0123",
            Channel.WEBHOOK: f"{self.url}/hook",
            Channel.TELEGRAM: "-100123",
            Channel.NTFY: f"{self.url}/oncall-ada",
            Channel.PUSHOVER: "uQiRzpo4DXghDmr9QzzfQu27cmVRsG",
        }.get(channel, "")
        secret = {Channel.WEBHOOK: "sign"}.get(channel, channel.value)
        secret = "" if channel in (Channel.EMAIL, Channel.SMS, Channel.VOICE) else secret
        return Receiver(id="rcv_1", name="Ada", channel=channel, to=to, secret=secret or None)

    def send(self, channel: Channel, message: Message) -> Any:
        return self.senders[channel].send(message, self.receiver(channel))

    def sent(self) -> Request:
        return self.http.requests[-1]


@contextmanager
def stage(limits: Limits | None = None) -> Iterator[Stage]:
    with http_receiver(answers(200, b"{}")) as http:
        url = http.url
        urls = {
            channel: f"{url}/incoming/{channel}?key=sesame"
            for channel in ("slack_webhook", "teams", "discord", "google_chat")
        }
        ssm = Ssm({**SECRETS, **urls})
        ses = Amazon("sesv2", [{"MessageId": "0100019a"}])
        phone = Amazon("pinpoint-sms-voice-v2", [{"MessageId": "sms-1"}])
        outside = Outside(
            http=Outbound(now=lambda: THREE, reach=Reach.LOCAL, limits=limits or Limits()),
            secrets=Secrets(SecretReader(ssm.client()), lambda: THREE, PREFIX),
            now=lambda: THREE,
            ses=ses.client,
            phone=phone.client,
            settings=Settings(
                email_from="OpsKnight <oncall@example.com>",
                email_configuration_set="opsknight",
                sms_origination="OPSKNIGHT",
                voice_origination="+4930901820",
                slack_secret_named_by="/slack-named-by",
                slack_url=f"{url}/slack/api",
                telegram_url=f"{url}/telegram",
                pushover_url=f"{url}/pushover",
            ),
        )
        yield Stage(Senders(outside), http, ses, phone, ssm)


class Ssm(Amazon):
    """Parameters by their names under the deployment's own prefix."""

    def __init__(self, values: dict[str, str]) -> None:
        super().__init__("ssm", [{}])
        self.values = values

    def _answer(self, model: OperationModel, **_: object) -> tuple[object, dict[str, Any]]:
        name = self.calls[-1][1]["Name"]
        own = name.removeprefix(PREFIX)
        known = {"Parameter": {"Name": name, "Value": self.values.get(own, "")}}
        self.answers = [known if own in self.values else ("ParameterNotFound", 400)]
        return super()._answer(model)
