"""Topics of SNS over HTTPS: moto signs as SNS does, and what it does not do is signed here."""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import SplitResult, urlencode

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID
from moto import mock_aws
from moto.sns.models import Subscription, sns_backends

from events.handler import Api
from events.integrations.rsa import PublicKey, Unreadable, key_of_certificate
from events.web import NotOfSns, Unfetched, Web, checked
from harness.invariants import check
from harness.settings import configure
from harness.world import Response, World, http_event
from opsknight.directory.integrations import Integration
from opsknight.directory.mirror import Mirror, System
from opsknight.directory.routing import Route, Routing
from opsknight.store.wire import plain
from tests.integration.steps import of_kind, use_up
from tests.integration.wire import Wire, doing

TOPIC: Final = "arn:aws:sns:us-east-1:123456789012:alarms"
ALARM: Final = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:ServerCpuTooHigh"
CERTIFICATE: Final = "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-1.pem"


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def certificate(key: rsa.RSAPrivateKey) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    now = datetime(2026, 1, 1, tzinfo=UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=365))
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)


@dataclass
class Sns:
    """What SNS signs and serves."""

    key: rsa.RSAPrivateKey
    fetched: list[str] = field(default_factory=list[str])
    down: bool = False

    def fetch(self, parts: SplitResult) -> bytes:
        self.fetched.append(parts.geturl())
        if self.down:
            raise Unfetched("no answer")
        return certificate(self.key) if parts.path.endswith(".pem") else b"<ok/>"

    def signed(self, version: str = "2", **message: str) -> dict[str, Any]:
        """`message` is signed; whatever is changed later is not."""
        whole = {"MessageId": "m-1", "Timestamp": "2026-01-01T00:00:00.000Z"}
        whole |= {"Type": "Notification", "TopicArn": TOPIC} | message
        # In the order of the alphabet.
        text = "".join(f"{name}\n{whole[name]}\n" for name in sorted(whole))
        digest = hashes.SHA256() if version == "2" else hashes.SHA1()  # noqa: S303 - SNS's own
        signature = self.key.sign(text.encode(), padding.PKCS1v15(), digest)
        return whole | {
            "SignatureVersion": version,
            "Signature": base64.b64encode(signature).decode(),
            "SigningCertURL": CERTIFICATE,
            "UnsubscribeURL": "https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe",
        }

    def confirmation(self, **changed: str) -> dict[str, Any]:
        asked = {"Action": "ConfirmSubscription", "TopicArn": TOPIC, "Token": "t"}
        url = f"https://sns.us-east-1.amazonaws.com/?{urlencode(asked)}"
        said = {"Type": "SubscriptionConfirmation", "Token": "t", "SubscribeURL": url}
        return self.signed(**(said | {"Message": "You have chosen to subscribe."} | changed))


@pytest.fixture
def sns(key: rsa.RSAPrivateKey) -> Sns:
    return Sns(key)


@pytest.fixture
def api(world: World, sns: Sns) -> Api:
    configure(world, integration(world, TOPIC))
    return replace(world.api(), web=Web(sns.fetch))


def integration(world: World, *topics: str) -> Integration:
    where = {"id": "int_prometheus", "service_id": world.service.id, "name": "P"}
    return Integration.model_validate(where | {"topics": topics or None})


def post(world: World, api: Api, body: object, **headers: str) -> Response:
    """As SNS does: JSON that says that it is text."""
    sent = {"content-type": "text/plain; charset=UTF-8"}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    path = f"/k/{world.integration_key}/sns"
    return world.request(http_event(body, path=path, headers=sent), api)


def alarm(state: str, at: str = "2026-01-01T00:00:00.000+0000", **more: Any) -> str:
    named = {"AlarmName": "ServerCpuTooHigh", "AlarmArn": ALARM, "AWSAccountId": "123456789012"}
    return json.dumps(named | {"NewStateValue": state, "StateChangeTime": at} | more)


def actions(answer: Response) -> list[str]:
    assert answer.status == 202, answer
    return [each["action"] for each in answer.body["results"]]


@pytest.fixture
def moto() -> Iterator[None]:
    with mock_aws():
        yield


@pytest.mark.usefixtures("moto")
def test_the_genuine_signature_of_moto_is_taken(world: World) -> None:
    backend = sns_backends["123456789012"]["us-east-1"]
    topic = backend.create_topic("alarms")
    configure(world, integration(world, topic.arn))
    api = replace(
        world.api(), web=Web(lambda parts: requests.get(parts.geturl(), timeout=9).content)
    )
    subscription = Subscription("123456789012", topic, "https://x.example/", "https")
    sent = subscription.get_post_data(alarm("ALARM"), "m-1", None)
    assert actions(post(world, api, sent)) == ["triggered"]
    sent["Message"] = alarm("ALARM", AlarmDescription="something else")
    assert post(world, api, sent).status == 403


@pytest.mark.parametrize("version", ["1", "2"])
def test_both_versions_of_the_signature_are_taken_with_their_subject(
    world: World, api: Api, sns: Sns, version: str
) -> None:
    sent = sns.signed(version, Message=alarm("ALARM"), Subject='ALARM: "ServerCpuTooHigh"')
    assert actions(post(world, api, sent)) == ["triggered"]
    [incident] = map(plain, of_kind(world, "incident"))
    assert incident["dedup_key"] == ALARM


def test_what_sns_has_not_signed_so_is_refused(world: World, api: Api, sns: Sns) -> None:
    for changed in (
        {"Message": alarm("OK")},
        {"MessageId": "m-2"},
        {"Timestamp": "2026-01-01T00:00:01.000Z"},
        {"Subject": "another"},
        {"Signature": ""},
        {"Signature": "AAAA"},
        {"Signature": "no base64!"},
        {"SignatureVersion": "1"},
        {"SignatureVersion": "3"},
    ):
        answer = post(world, api, sns.signed(Message=alarm("ALARM")) | changed)
        assert (answer.status, answer.body["error"]) == (403, "Not signed by SNS"), changed
    assert not of_kind(world, "incident")


STRANGE: Final = [
    "http://sns.us-east-1.amazonaws.com/x.pem",
    "https://sns.us-east-1.amazonaws.com.evil.example/x.pem",
    "https://evil.example/sns.us-east-1.amazonaws.com/x.pem",
    "https://sns.us-east-1.amazonaws.com:8443/x.pem",
    "https://ada@sns.us-east-1.amazonaws.com/x.pem",
    "https://sns.us-east-1.amazonaws.com@evil.example/x.pem",
    "https://SNS.us-east-1.amazonaws.com/x.pem",
    "https://s3.us-east-1.amazonaws.com/x.pem",
    "https://sns.us-east-1.amazonaws.com/x.pem#y",
    "https://sns.us-east-1.amazonaws.com\\.evil.example/x.pem",
    "https://sns.us-east-1.amazonaws.com/x.pem\r\nHost: evil.example",
    "https://[::1]/x.pem",
    "https://169.254.169.254/x.pem",
    "",
]


def test_nothing_is_fetched_from_anywhere_but_sns(world: World, api: Api, sns: Sns) -> None:
    for url in STRANGE:
        sent = sns.signed(Message=alarm("ALARM")) | {"SigningCertURL": url}
        assert post(world, api, sent).status == 403, url
    assert not sns.fetched
    for url in STRANGE:
        assert post(world, api, sns.confirmation(SubscribeURL=url)).status == 403, url
    assert sns.fetched == [CERTIFICATE]


def test_the_rule_for_addresses_takes_those_of_all_regions() -> None:
    for host in ("sns.eu-central-1.amazonaws.com", "sns.cn-north-1.amazonaws.com.cn"):
        assert checked(f"https://{host}/?a=b").netloc == host
    with pytest.raises(NotOfSns):
        checked("https://sns.amazonaws.com/")


def test_a_subscription_of_a_named_topic_confirms_itself(world: World, api: Api, sns: Sns) -> None:
    sent = sns.confirmation()
    assert actions(post(world, api, sent)) == ["ignored"]
    assert sns.fetched == [CERTIFICATE, sent["SubscribeURL"]]


def test_a_confirmation_of_another_topic_is_not_visited(world: World, api: Api, sns: Sns) -> None:
    url = "https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=arn:other"
    assert post(world, api, sns.confirmation(SubscribeURL=url)).status == 403
    url = url.replace("ConfirmSubscription", "Unsubscribe")
    assert post(world, api, sns.confirmation(SubscribeURL=url)).status == 403
    assert sns.fetched == [CERTIFICATE]


def test_a_topic_that_no_integration_names_is_refused_with_the_line_to_add(
    world: World, api: Api, sns: Sns
) -> None:
    other = TOPIC.replace("alarms", "others")
    for sent in (sns.signed(TopicArn=other, Message="hello"), sns.confirmation(TopicArn=other)):
        answer = post(world, api, sent)
        assert answer.status == 403
        assert f"topics: [{other}]" in answer.body["message"]
    # Before anything is fetched.
    assert not sns.fetched


def test_while_sns_does_not_answer_the_message_is_to_be_sent_again(
    world: World, api: Api, sns: Sns
) -> None:
    sns.down = True
    for sent in (sns.signed(Message=alarm("ALARM")), sns.confirmation()):
        answer = post(world, api, sent)
        assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
    sns.down = False
    assert actions(post(world, api, sns.signed(Message=alarm("ALARM")))) == ["triggered"]


def test_a_certificate_is_fetched_once(world: World, api: Api, sns: Sns) -> None:
    for number in range(3):
        post(world, api, sns.signed(Message=alarm("ALARM"), MessageId=f"m-{number}"))
    assert sns.fetched == [CERTIFICATE]


def test_a_message_that_comes_twice_is_taken_once(world: World, api: Api, sns: Sns) -> None:
    sent = sns.signed(Message="The disk is full.", Subject="Disk")
    assert actions(post(world, api, sent)) == ["triggered"]
    assert actions(post(world, api, sent)) == ["ignored"]
    again = sns.signed(Message="Still.", Subject="Disk", MessageId="m-2")
    assert actions(post(world, api, again)) == ["deduplicated"]
    [incident] = map(plain, of_kind(world, "incident"))
    assert (incident["title"], incident["alert_count"]) == ("Disk", 2)


def test_an_alarm_that_comes_after_its_recovery_opens_nothing(
    world: World, api: Api, sns: Sns
) -> None:
    """SNS tries again for an hour, and in no order."""
    fires = alarm("ALARM", "2026-01-01T00:00:00.000+0000")
    over = alarm("OK", "2026-01-01T00:01:00.000+0000")
    assert actions(post(world, api, sns.signed(Message=over))) == ["ignored"]
    answer = post(world, api, sns.signed(Message=fires, MessageId="m-0"))
    assert answer.body["results"][0]["why"] == "a newer event of it was taken before"
    assert not of_kind(world, "incident")
    [moment] = map(plain, of_kind(world, "moment"))
    assert moment["late"] == 1
    later = alarm("ALARM", "2026-01-01T00:02:00.000+0000")
    assert actions(post(world, api, sns.signed(Message=later))) == ["triggered"]


@pytest.mark.parametrize("year", ["2027", "9999"])
def test_nothing_that_is_yet_to_come_makes_an_alarm_late(
    world: World, api: Api, sns: Sns, year: str
) -> None:
    """Whoever may publish to a topic silences no alarm by it."""
    ahead = alarm("OK", f"{year}-12-31T23:59:59.999+0000")
    assert actions(post(world, api, sns.signed(Message=ahead))) == ["ignored"]
    world.clock.advance(seconds=1)
    fires = alarm("ALARM", world.clock().isoformat())
    assert actions(post(world, api, sns.signed(Message=fires, MessageId="m-2"))) == ["triggered"]


def test_a_topic_brings_events_of_its_own_account_alone(world: World, api: Api, sns: Sns) -> None:
    by_rule = {"detail-type": "CloudWatch Alarm State Change", "account": "999999999999"}
    other = json.dumps(json.loads(alarm("ALARM")) | {"AWSAccountId": "999999999999"})
    for number, text in enumerate((json.dumps(by_rule), other)):
        refused = post(world, api, sns.signed(Message=text, MessageId=f"m-{number}"))
        assert (refused.status, refused.body["error"]) == (403, "Account not allowed")
        assert "999999999999" in refused.body["message"]
    assert not of_kind(world, "incident")


def test_a_raw_message_comes_by_its_key_alone(world: World, api: Api) -> None:
    raw = {"x_amz_sns_rawdelivery": "true", "x_amz_sns_message_id": "m-1"}
    raw |= {"x_amz_sns_topic_arn": TOPIC}
    assert actions(post(world, api, alarm("ALARM"), **raw)) == ["triggered"]
    over = alarm("OK", "2026-01-01T00:01:00.000+0000")
    assert actions(post(world, api, over, **raw)) == ["resolved"]
    other = raw | {"x_amz_sns_topic_arn": TOPIC.replace("alarms", "others")}
    assert post(world, api, alarm("ALARM"), **other).status == 403
    assert post(world, api, "", **raw).body["left"][0]["why"] == "it is empty"


@pytest.mark.parametrize("group", [None, "'db'"], ids=["to-a-service", "to-a-group"])
@pytest.mark.parametrize("fires", [False, True], ids=["opens", "joins"])
def test_an_alarm_that_is_over_before_it_is_written_opens_nothing(
    world: World, api: Api, sns: Sns, group: str | None, fires: bool
) -> None:
    """Its OK is taken by another function while it is under way, and finds nothing to resolve."""
    route = Route(name="r", when="`true`", group=group, service_id="svc_reports")
    routing = Routing(routes=(route,))
    configure(
        world,
        integration(world, TOPIC).model_copy(update={"routing": routing, "remembers": True}),
    )
    if fires:
        other = ALARM.replace("Cpu", "Disk")
        other = alarm("ALARM", AlarmArn=other, AlarmName="ServerDiskTooFull")
        assert actions(post(world, api, sns.signed(Message=other, MessageId="m-0"))) == [
            "triggered"
        ]
    before = check(world).active
    over = alarm("OK", "2026-01-01T00:00:01.000+0000")

    def ends() -> None:
        ok = post(world, api, sns.signed(Message=over, MessageId="m-ok"))
        assert actions(ok) == ["ignored"]

    Wire(world.table.client).fail("TransactWriteItems", doing(ends))
    assert actions(post(world, api, sns.signed(Message=alarm("ALARM")))) == ["ignored"]
    assert check(world).active == before


def test_the_end_of_a_subscription_is_an_incident_until_it_is_there_again(
    world: World, api: Api, sns: Sns
) -> None:
    ended = sns.confirmation(Type="UnsubscribeConfirmation", MessageId="m-1")
    assert actions(post(world, api, ended)) == ["triggered"]
    # Nothing visits its SubscribeURL, which would subscribe again.
    assert sns.fetched == [CERTIFICATE]
    [incident] = map(plain, of_kind(world, "incident"))
    assert (incident["urgency"], incident["status"]) == ("MEDIUM", "OPEN")
    again = sns.confirmation(MessageId="m-2", Timestamp="2026-01-01T01:00:00.000Z")
    assert actions(post(world, api, again)) == ["resolved"]


def test_garbage_is_refused(world: World, api: Api) -> None:
    for body in ("{", "[]", "{}", '{"Type": "Other"}', '"x"', "", "\xff"):
        assert post(world, api, body).status == 400, body


def test_without_a_key_nothing_is_fetched(world: World, api: Api, sns: Sns) -> None:
    sent = http_event(sns.signed(Message="x"), path="/api/integrations/sns", headers={})
    assert world.request(sent, api).status == 401
    assert not sns.fetched


def test_over_the_limit_sns_is_asked_to_send_again(world: World, api: Api, sns: Sns) -> None:
    use_up(world)
    assert post(world, api, sns.signed(Message="x")).status == 503


def test_the_mirror_of_its_service_hears_of_it(world: World, sns: Sns) -> None:
    mirror = Mirror(to=System.PAGERDUTY)
    world.service = world.service.model_copy(update={"mirror": mirror})
    configure(world, integration(world, TOPIC))
    api = replace(world.api(), web=Web(sns.fetch))
    sent = sns.signed("2", Message=alarm("ALARM"))
    assert actions(post(world, api, sent)) == ["triggered"]
    # Brought again, it is nothing new.
    assert actions(post(world, api, sent)) == ["ignored"]
    [waits] = of_kind(world, "mirror_event")
    assert (waits["action"]["S"], waits["service_id"]["S"]) == ("trigger", world.service.id)


def test_only_the_whole_signature_of_the_right_size_is_right(key: rsa.RSAPrivateKey) -> None:
    public = key_of_certificate(certificate(key).decode())
    right = key.sign(b"text", padding.PKCS1v15(), hashes.SHA256())
    assert public.verifies(b"text", right, "sha256")
    assert not public.verifies(b"text", right, "sha1")
    assert not public.verifies(b"tex", right, "sha256")
    assert not public.verifies(b"text", right + b"\0", "sha256")
    assert not public.verifies(b"text", b"", "sha256")
    # A number that is equal modulo the key is another signature.
    larger = int.from_bytes(right) + public.modulus
    if larger.bit_length() <= 2048:
        assert not public.verifies(b"text", larger.to_bytes(256), "sha256")
    # What a lax reader of the padding would take (Bleichenbacher, 2006).
    lax = PublicKey(public.modulus, 3)
    assert not lax.verifies(b"text", (1 << 2000).to_bytes(256), "sha256")


def test_what_is_no_certificate_is_unreadable(key: rsa.RSAPrivateKey) -> None:
    pem = certificate(key).decode()
    body = base64.b64decode("".join(pem.splitlines()[1:-1]))
    small = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - it is to be refused
    texts = ["", "-----BEGIN CERTIFICATE-----", certificate(small).decode(), pem.replace("M", "!")]
    texts += [
        f"-----BEGIN CERTIFICATE-----\n{base64.b64encode(body[:cut]).decode()}\n"
        "-----END CERTIFICATE-----"
        for cut in range(0, len(body) // 2, 7)
    ]
    for text in texts:
        with pytest.raises(Unreadable):
            key_of_certificate(text)
