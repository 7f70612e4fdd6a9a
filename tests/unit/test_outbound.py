"""One call to a receiver: what each of its answers is called, and how long it may take."""

import datetime
import logging
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from datetime import UTC, timedelta
from tempfile import NamedTemporaryFile

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from harness.receivers import (
    Act,
    HttpReceiver,
    answers,
    closes,
    hangs,
    http_receiver,
    says,
    trickles,
)
from notify.channels.protocol import Outcome, PermanentFailure, Sent, TemporaryFailure
from notify.outbound import LONGEST_ANSWER, Answer, Limits, Outbound
from opsknight.runtime.addresses import Reach

NOON = datetime.datetime(2026, 10, 3, 12, 0, tzinfo=UTC)
SECRET_PATH = "/services/T0SECRET?token=sesame"
QUICK = Limits(connect=1.0, read=0.4, total=1.2)


def outbound(limits: Limits = QUICK, **more: object) -> Outbound:
    return Outbound(now=lambda: NOON, reach=Reach.LOCAL, limits=limits, **more)  # type: ignore[arg-type]


def outcome(http: Outbound, url: str) -> Outcome:
    reply = http.post(url, b'{"a": "bodily"}', {"Authorization": "Bearer sesame"})
    return reply.outcome() if isinstance(reply, Answer) else reply


@pytest.fixture
def receiver() -> Iterator[HttpReceiver]:
    with http_receiver() as receiver:
        yield receiver


def minutes(number: int) -> timedelta:
    return timedelta(minutes=number)


@pytest.mark.parametrize(
    ("act", "expected"),
    [
        (answers(200), Sent()),
        (answers(202, b"1"), Sent()),
        (answers(204), Sent()),
        (answers(500), TemporaryFailure("answered 500")),
        (
            answers(503, headers={"Retry-After": "120"}),
            TemporaryFailure("answered 503", minutes(2)),
        ),
        (answers(408), TemporaryFailure("answered 408")),
        (answers(425), TemporaryFailure("answered 425")),
        (
            answers(429, headers={"Retry-After": "7"}),
            TemporaryFailure("answered 429", timedelta(seconds=7)),
        ),
        (
            answers(429, headers={"Retry-After": "Sat, 03 Oct 2026 12:05:00 GMT"}),
            TemporaryFailure("answered 429", minutes(5)),
        ),
        (
            answers(429, headers={"Retry-After": "Sat, 03 Oct 2026 11:05:00 GMT"}),
            TemporaryFailure("answered 429", minutes(0)),
        ),
        (
            answers(429, headers={"Retry-After": "9" * 5000}),
            TemporaryFailure("answered 429", minutes(60)),
        ),
        (answers(429, headers={"Retry-After": "-5"}), TemporaryFailure("answered 429")),
        (answers(429, headers={"Retry-After": "soon"}), TemporaryFailure("answered 429")),
        (answers(400), PermanentFailure("answered 400")),
        (answers(401), PermanentFailure("answered 401")),
        (answers(404), PermanentFailure("answered 404")),
        (answers(410), PermanentFailure("answered 410")),
        (says(b"\x00\xff garbage\r\n\r\n"), TemporaryFailure("no valid HTTP answer")),
        (says(b"HTTP/1.1 9999999 x\r\n\r\n"), TemporaryFailure("no valid HTTP answer")),
        (says(b"HTTP/1.1 200 " + b"x" * 100_000), TemporaryFailure("no valid HTTP answer")),
        (
            says(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200 + b"\r\n"),
            TemporaryFailure("no valid HTTP answer"),
        ),
        (says(b"HTTP/1.1 204 OK\r\nno header at all\r\n\r\n"), Sent()),
        (closes, TemporaryFailure("connection closed")),
        (hangs, TemporaryFailure("timed out")),
        # The status is known; only the body never ends.
        (trickles(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"), Sent()),
        (
            trickles(b"HTTP/1.1 500 No\r\nContent-Length: 9999\r\n\r\n"),
            TemporaryFailure("answered 500"),
        ),
        (trickles(b"HTTP/1.1 200 OK\r\nX: "), TemporaryFailure("no complete answer in time")),
        (trickles(b"HTT"), TemporaryFailure("no complete answer in time")),
        (says(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort"), Sent()),
        (says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), Sent()),
    ],
)
def test_every_answer_has_its_name(act: Act, expected: Outcome, receiver: HttpReceiver) -> None:
    receiver.then(act)
    began = time.monotonic()
    assert outcome(outbound(), receiver.url + SECRET_PATH) == expected
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
def test_redirects_are_refused_and_not_followed(status: int, receiver: HttpReceiver) -> None:
    with http_receiver() as other:
        receiver.then(answers(status, headers={"Location": other.url}))
        assert isinstance(outcome(outbound(), receiver.url), PermanentFailure)
        assert other.connections == 0


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert outcome(outbound(), f"http://127.0.0.1:{port}/") == TemporaryFailure(
        "connection refused"
    )


def test_a_name_that_is_not_found_may_be_found_later() -> None:
    def fails(_host: str, _port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "sesame.example is not known")

    http = outbound(resolve=fails)
    assert outcome(http, "http://sesame.example/") == TemporaryFailure(
        "the host name was not found"
    )


def test_a_resolver_that_hangs_is_left_behind() -> None:
    released = threading.Event()

    def hanging(_host: str, _port: int) -> list[str]:
        released.wait(20)
        return ["127.0.0.1"]

    try:
        assert outcome(outbound(resolve=hanging), "http://slow.example/") == TemporaryFailure(
            "no complete answer in time"
        )
    finally:
        released.set()


def test_the_next_address_is_tried(receiver: HttpReceiver) -> None:
    # Nothing of ours listens on 127.0.0.2 at that port.
    http = outbound(resolve=lambda *_: ["127.0.0.2", "127.0.0.1"])
    assert outcome(http, receiver.url.replace("127.0.0.1", "two.example")) == Sent()
    assert receiver.requests[0].headers["Host"].startswith("two.example:")


def test_on_a_developers_machine_others_are_stood_in_for(receiver: HttpReceiver) -> None:
    def asked(host: str, _port: int) -> list[str]:
        raise AssertionError(f"{host} was asked for")

    http = outbound(resolve=asked, instead=f"{receiver.url}/hooks/{{host}}")
    assert outcome(http, "https://chat.example.com/a/b?c=d") == Sent()
    assert outcome(http, f"{receiver.url}/mine") == Sent()
    paths = [request.path for request in receiver.requests]
    assert paths == ["/hooks/chat.example.com/a/b?c=d", "/mine"]


def test_the_host_is_resolved_once(receiver: HttpReceiver) -> None:
    asked = []

    def turning(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.2"]

    outcome(outbound(resolve=turning), receiver.url.replace("127.0.0.1", "turns.example"))
    assert (asked, receiver.connections) == (["turns.example"], 1)


def test_what_is_sent(receiver: HttpReceiver) -> None:
    outcome(outbound(), receiver.url + SECRET_PATH)
    [request] = receiver.requests
    assert request.line == f"POST {SECRET_PATH} HTTP/1.1"
    assert request.headers["User-Agent"] == "OpsKnight"
    assert request.headers.get_all("Host") == [receiver.url.removeprefix("http://")]
    assert request.body == b'{"a": "bodily"}'


def test_no_more_than_16_kilobytes_are_read(receiver: HttpReceiver) -> None:
    receiver.then(answers(200, b"x" * 1_000_000))
    reply = outbound().post(receiver.url, b"", {})
    assert isinstance(reply, Answer)
    assert len(reply.body) == LONGEST_ANSWER


def test_several_calls_share_one_bound(receiver: HttpReceiver) -> None:
    clock = [100.0]
    http = outbound(Limits(total=8), monotonic=lambda: clock[0]).bounded()
    assert outcome(http, receiver.url) == Sent()
    clock[0] = 108.0
    assert outcome(http, receiver.url) == TemporaryFailure("no time left for the call")
    assert receiver.connections == 1


def test_no_proxy_is_asked(receiver: HttpReceiver, monkeypatch: pytest.MonkeyPatch) -> None:
    with http_receiver() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        assert outcome(outbound(), receiver.url) == Sent()
        assert proxy.connections == 0


@pytest.mark.parametrize(
    "act",
    [
        answers(500, b"sesame"),
        says(b"HTTP/1.1 200 OK\r\nno header at all: sesame\r\n\tx\r\nbad\r\n\r\n"),
        says(b"sesame"),
        closes,
        hangs,
    ],
)
def test_nothing_that_is_secret_is_logged(
    act: Act, receiver: HttpReceiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    receiver.then(act)
    http = outbound()
    told = (
        f"{http} {http.post(receiver.url + SECRET_PATH, b'bodily', {'X': 'sesame'})} {caplog.text}"
    )
    for secret in ("sesame", "T0SECRET", "bodily", receiver.url):
        assert secret not in told


def certificate(name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """For a server, and for who trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public = made.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    return _loaded(server, public + private), ssl.create_default_context(cadata=public.decode())


def _loaded(context: ssl.SSLContext, pem: bytes) -> ssl.SSLContext:
    # Only a path will do.
    with NamedTemporaryFile() as file:
        file.write(pem)
        file.flush()
        context.load_cert_chain(file.name)
    return context


def test_tls_is_for_the_name_although_the_address_is_connected_to() -> None:
    server, trust = certificate("hooks.example")
    names: list[str | None] = []
    server.sni_callback = lambda _sock, name, _context: names.append(name)
    with http_receiver(tls=server) as receiver:
        http = outbound(trust=lambda: trust, resolve=lambda *_: ["127.0.0.1"])
        url = receiver.url.replace("127.0.0.1", "hooks.example")
        assert outcome(http, url) == Sent()
    assert names == ["hooks.example"]


@pytest.mark.parametrize("trusted", [True, False], ids=["another name", "nobody vouches"])
def test_a_wrong_certificate_gets_no_request(trusted: bool) -> None:
    server, trust = certificate("other.example" if trusted else "hooks.example")
    if not trusted:
        trust = ssl.create_default_context()
    with http_receiver(tls=server) as receiver:
        http = outbound(trust=lambda: trust, resolve=lambda *_: ["127.0.0.1"])
        url = receiver.url.replace("127.0.0.1", "hooks.example")
        assert outcome(http, url) == TemporaryFailure("the certificate is not valid for the host")
        assert receiver.requests == []


def test_loopback_is_refused_without_the_setting(receiver: HttpReceiver) -> None:
    strict = Outbound(now=lambda: NOON, limits=QUICK)
    https = receiver.url.replace("http:", "https:")
    assert isinstance(outcome(strict, receiver.url), PermanentFailure)
    assert isinstance(outcome(strict, https), PermanentFailure)
    assert receiver.connections == 0
