"""Where a message may not go: a table of URLs, with a listener on loopback that counts."""

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify.channels.protocol import PermanentFailure
from notify.outbound import Outbound, by_name_service
from opsknight.runtime.addresses import NotAllowed, Reach, find, may_connect, read
from opsknight.runtime.clock import now

NAMES = {
    "public.example": ["93.184.215.14"],
    "loopback.example": ["127.0.0.1"],
    "ten.example": ["10.1.2.3"],
    "metadata.example": ["169.254.169.254"],
    "mixed.example": ["93.184.215.14", "192.168.1.1"],
    "mixed6.example": ["2606:2800:220:1::1", "::1"],
    "mapped.example": ["::ffff:127.0.0.1"],
    "nat64.example": ["64:ff9b::7f00:1"],
    "local6.example": ["fd00::1"],
    "zone.example": ["fe80::1%eth0"],
    "unspecified.example": ["0.0.0.0"],  # noqa: S104
}

# PORT is that of the listener on loopback.
REFUSED = [
    "https://127.0.0.1:PORT/",
    "https://127.1:PORT/",
    "https://127.0.1:PORT/",
    "https://2130706433:PORT/",
    "https://0x7f000001:PORT/",
    "https://0x7f.0.0.1:PORT/",
    "https://0x7f.1:PORT/",
    "https://0177.0.0.1:PORT/",
    "https://017700000001:PORT/",
    "https://127.000.000.001:PORT/",
    "https://127.0.0.1.:PORT/",
    "https://0:PORT/",
    "https://0.0.0.0:PORT/",
    "https://localhost:PORT/",
    "https://LOCALHOST.:PORT/",
    "https://10.0.0.1/",
    "https://172.16.0.1/",
    "https://172.31.255.255/",
    "https://192.168.0.1/",
    "https://100.64.0.1/",
    "https://100.127.255.254/",
    "https://169.254.169.254/latest/meta-data/",
    "https://169.254.170.2/v2/credentials",
    "https://2852039166/latest/meta-data/",
    "https://0xa9fea9fe/",
    "https://192.0.0.192/",
    "https://192.0.2.1/",
    "https://198.18.0.1/",
    "https://192.88.99.1/",
    "https://224.0.0.1/",
    "https://240.0.0.1/",
    "https://255.255.255.255/",
    "https://[::1]:PORT/",
    "https://[::]:PORT/",
    "https://[0:0:0:0:0:0:0:1]:PORT/",
    "https://[::127.0.0.1]:PORT/",
    "https://[::ffff:127.0.0.1]:PORT/",
    "https://[::ffff:7f00:1]:PORT/",
    "https://[::ffff:169.254.169.254]/",
    "https://[64:ff9b::7f00:1]:PORT/",
    "https://[64:ff9b:1::7f00:1]:PORT/",
    "https://[2002:7f00:1::]:PORT/",
    "https://[2001:0:7f00:1::]:PORT/",
    "https://[2001:db8::1]/",
    "https://[fd00:ec2::254]/latest/meta-data/",
    "https://[fc00::1]/",
    "https://[fe80::1]/",
    "https://[fe80::1%25lo]:PORT/",
    "https://[ff02::1]/",
    "https://[v1.x]/",
    "https://loopback.example:PORT/",
    "https://loopback.example.:PORT/",
    "https://ten.example/",
    "https://metadata.example/",
    "https://mixed.example/",
    "https://mixed6.example/",
    "https://mapped.example/",
    "https://nat64.example/",
    "https://local6.example/",
    "https://zone.example/",
    "https://unspecified.example:PORT/",
    "http://127.0.0.1:PORT/",
    "http://public.example/",
    "ftp://public.example/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:PORT/_x",
    "//127.0.0.1:PORT/",
    "https:127.0.0.1:PORT",
    "https:///127.0.0.1:PORT/",
    "https://public.example@127.0.0.1:PORT/",
    "https://public.example:443@127.0.0.1:PORT/",
    "https://user:password@public.example/",
    "https://@public.example/",
    "https://127.0.0.1:PORT\\@public.example/",
    "https://public.example\\@127.0.0.1:PORT/",
    "https://127.0.0.1:PORT#@public.example/",
    "https://public.example:22/",
    "https://public.example:25/",
    "https://public.example:80/",
    "https://public.example:99999/",
    "https://public.example:x/",
    "https://public_.example..com/",
    "https://①②⑦.0.0.1:PORT/",
    "https://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ:PORT/",
    "https://127。0。0。1:PORT/",
    "https://public.example/a b",
    "https://",
    "https",
    "https://public.example/\r\nHost: x",
    "\thttps://public.example/",
    "https://pub\tlic.example/",
    "https://public.example/\x00",
    f"https://{'a' * 64}.example/",
    f"https://{'a.' * 130}example/",
    "",
]


def lookup(host: str, port: int) -> Sequence[str]:
    """Names of ours; whatever else the C library takes for an address, it does."""
    return NAMES[host] if host in NAMES else by_name_service(host, port)


@dataclass
class Counter:
    port: int
    connections: int = 0


@contextmanager
def listening(family: socket.AddressFamily, host: str, port: int = 0) -> Iterator[Counter]:
    with socket.socket(family) as listener:
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((host, port))
        listener.listen()
        counter = Counter(listener.getsockname()[1])

        def count() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                counter.connections += 1
                connection.close()

        thread = threading.Thread(target=count, daemon=True)
        thread.start()
        try:
            yield counter
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(5)


@pytest.fixture(scope="module")
def listener() -> Iterator[Counter]:
    with listening(socket.AF_INET, "127.0.0.1") as counter:
        try:
            with listening(socket.AF_INET6, "::1", counter.port) as sixth:
                yield counter
                counter.connections += sixth.connections
        except OSError:
            # A machine without IPv6 has no such loopback to be protected.
            yield counter


@pytest.mark.parametrize("url", REFUSED)
def test_is_refused_and_nobody_is_called(url: str, listener: Counter) -> None:
    outbound = Outbound(now, resolve=lookup)
    outcome = outbound.post(url.replace("PORT", str(listener.port)), b"{}", {})
    assert isinstance(outcome, PermanentFailure)
    assert "example" not in outcome.why
    assert "127" not in outcome.why
    assert listener.connections == 0


def test_the_table_is_long_enough() -> None:
    assert len(set(REFUSED)) >= 90


def test_the_listener_counts() -> None:
    with listening(socket.AF_INET, "127.0.0.1") as other:
        with socket.create_connection(("127.0.0.1", other.port)) as connection:
            assert connection.recv(1) == b""  # It hangs up on those it has counted.
        assert other.connections == 1


@pytest.mark.parametrize(
    ("url", "host", "port", "path"),
    [
        ("https://public.example", "public.example", 443, "/"),
        ("https://Public.Example./a/b?c=d#e", "public.example", 443, "/a/b?c=d"),
        ("https://public.example:8443/%0d%0a", "public.example", 8443, "/%0d%0a"),
        ("https://[2606:2800:0220:0001::1]/", "2606:2800:220:1::1", 443, "/"),
        ("https://8.8.8.8/dns", "8.8.8.8", 443, "/dns"),
        ("https://hooks.slack.com/services/T0/B0/x", "hooks.slack.com", 443, "/services/T0/B0/x"),
        ("https://0x.example/", "0x.example", 443, "/"),
    ],
)
def test_usual_urls_are_taken(url: str, host: str, port: int, path: str) -> None:
    target = read(url)
    assert (target.host, target.port, target.path) == (host, port, path)


@pytest.mark.parametrize(
    ("url", "authority"),
    [
        ("https://a.example:443/", "a.example"),
        ("https://a.example:8443/", "a.example:8443"),
        ("https://[2606:2800:220:1::1]:8443/", "[2606:2800:220:1::1]:8443"),
    ],
)
def test_the_host_header_names_what_the_url_named(url: str, authority: str) -> None:
    assert read(url).authority == authority


def test_all_addresses_of_a_name_are_found() -> None:
    target = read("https://public.example/")
    found = find(target, lambda *_: ["1.1.1.1", "2606:4700::1111"])
    assert found == ["1.1.1.1", "2606:4700::1111"]


@pytest.mark.parametrize(
    "url",
    ["http://10.0.0.1/", "http://[fd12::1]/", "https://ten.example/"],
)
@pytest.mark.parametrize("reach", [Reach.PRIVATE, Reach.LOCAL])
def test_private_targets_where_the_deployment_allows_them(url: str, reach: Reach) -> None:
    assert find(read(url, reach), lookup, reach)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080/", "http://[::1]:8080/"])
def test_a_function_reaches_its_own_machine_on_a_developers_alone(url: str) -> None:
    assert find(read(url, Reach.LOCAL), lookup, Reach.LOCAL)
    with pytest.raises(NotAllowed):
        find(read(url, Reach.PRIVATE), lookup, Reach.PRIVATE)


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/",
        "http://[fd00:ec2::254]/",
        "http://[fd00:ec2::23]/",
        "http://[fd00:ec2:0:1::1]/",
        "http://169.254.170.2/",
        "http://0.0.0.0/",
        "http://[::ffff:127.0.0.1]/",
        "http://224.0.0.1/",
        "http://metadata.example/",
    ],
)
def test_even_there_the_metadata_service_is_out_of_reach(url: str) -> None:
    with pytest.raises(NotAllowed):
        find(read(url, Reach.LOCAL), lookup, Reach.LOCAL)


@given(st.ip_addresses())
def test_nothing_is_allowed_that_the_standard_library_calls_private(address: object) -> None:
    found = ip_address(str(address))
    if may_connect(found):
        assert found.is_global
        assert not found.is_multicast
        assert not found.is_reserved
        assert not getattr(found, "ipv4_mapped", None)
        assert not getattr(found, "sixtofour", None)
        assert not getattr(found, "teredo", None)
