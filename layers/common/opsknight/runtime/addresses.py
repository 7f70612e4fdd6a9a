"""Where a message may go: the URLs and the IP addresses that are allowed.

Pure but for the resolver, which is an argument. The lists say what is allowed, so anything that
nobody thought of is not.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Final
from urllib.parse import urlsplit

from opsknight.classes import dataclass

type Address = IPv4Address | IPv6Address
type Resolve = Callable[[str, int], Sequence[str]]
"""Host name and port to addresses; raises OSError when there is no answer."""

# Unicast that is routed (IANA, "IPv6 Global Unicast Address Assignments"). Mapped, compatible and
# NAT64 forms, link-local, unique local and multicast are outside it.
_GLOBAL_IPV6: Final = IPv6Network("2000::/3")
_NOT_QUITE_GLOBAL: Final = tuple(
    ip_network(net)
    for net in (
        "2001::/23",  # Teredo, ORCHID, benchmarking: an IPv4 address can hide inside
        "2001:db8::/32",
        "2002::/16",  # 6to4, as above
        "3fff::/20",
        "100.64.0.0/10",
        "192.88.99.0/24",  # 6to4 relays
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
# Only where the deployment allows it. Link-local is in neither list, as the metadata service is
# there.
_PRIVATE: Final = tuple(
    ip_network(net)
    for net in (
        "10.0.0.0/8",
        "100.64.0.0/10",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "fc00::/7",
    )
)
# Only on a developer's machine: in Lambda the runtime listens there, with the function's events.
_LOOPBACK: Final = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
# Metadata, credentials, time and names of AWS; metadata of others.
_SERVICES: Final = tuple(
    ip_network(net) for net in ("169.254.0.0/16", "fd00:ec2::/32", "fd20:ce::254/128")
)


class Reach(StrEnum):
    """How far messages may go."""

    PUBLIC = "public"
    PRIVATE = "private"
    """Plain http, and the networks of an operator, too."""
    LOCAL = "local"
    """Besides these, this machine: where a developer runs everything on it."""

    @property
    def is_public(self) -> bool:
        return self is Reach.PUBLIC


_LABEL: Final = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME: Final = re.compile(rf"(?:{_LABEL}\.)*{_LABEL}", re.IGNORECASE)
# The C library reads these as IPv4 addresses: 2130706433, 0x7f.1, 0177.0.0.1, 127.1.
_ENDS_IN_A_NUMBER: Final = re.compile(r"(?:^|\.)(?:0x[0-9a-f]*|[0-9]+)$", re.IGNORECASE)


class NotAllowed(ValueError):
    """The message says why, and repeats nothing of the URL."""


@dataclass(frozen=True, slots=True)
class Target:
    """A URL that may be called if its addresses are allowed, too."""

    scheme: str
    host: str
    """A name, or an address in its canonical form without brackets."""
    port: int
    path: str
    """With the query, if there is one."""

    @property
    def authority(self) -> str:
        """For the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = {"https": 443, "http": 80}[self.scheme]
        return host if self.port == usual else f"{host}:{self.port}"

    @property
    def literal(self) -> Address | None:
        """The host, if it is an address and no name."""
        return _literal(self.host)

    @property
    def is_this_machine(self) -> bool:
        literal = self.literal
        return self.host == "localhost" if literal is None else literal.is_loopback


def read(url: str, reach: Reach = Reach.PUBLIC) -> Target:
    """Raises NotAllowed."""
    # urlsplit drops tabs and newlines silently, and other libraries read a backslash as a slash.
    if not url.isascii() or re.search(r"[\s\\\x00-\x1f\x7f]", url):
        raise NotAllowed("the URL has a character that URLs cannot have")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise NotAllowed("the URL is not valid") from None
    if parts.scheme not in (("https",) if reach.is_public else ("https", "http")):
        raise NotAllowed("the URL must begin with https://")
    if "@" in parts.netloc:
        raise NotAllowed("the URL contains a user name or password")
    host = (parts.hostname or "").removesuffix(".")
    if (literal := _literal(host)) is not None:
        host = str(literal)
    elif "[" in parts.netloc or _ENDS_IN_A_NUMBER.search(host):
        raise NotAllowed("the host is an IP address in a non-standard form")
    elif len(host) > 253 or not _NAME.fullmatch(host):
        raise NotAllowed("the host name is not valid")
    port = port if port is not None else {"https": 443, "http": 80}[parts.scheme]
    # Below 1024 listen mail servers, shells and file shares: some of them read an HTTP request as
    # commands.
    if port not in (443, 80 if parts.scheme == "http" else 443) and port < 1024:
        raise NotAllowed("the port is reserved for another service")
    query = f"?{parts.query}" if parts.query else ""
    return Target(parts.scheme, host, port, (parts.path or "/") + query)


def find(target: Target, resolve: Resolve, reach: Reach = Reach.PUBLIC) -> list[str]:
    """The addresses of the target, all checked.

    Raises NotAllowed if any of them is not allowed: a name with both a public and a private address
    is an attack or a mistake. Raises OSError from `resolve`.
    """
    literal = target.literal
    found = [str(literal)] if literal else list(resolve(target.host, target.port))
    if not found:
        raise OSError("no address")
    for text in found:
        if "%" in text or not may_connect(ip_address(text), reach):
            raise NotAllowed("the host has an address that is private or reserved")
    return found


def may_connect(address: Address, reach: Reach = Reach.PUBLIC) -> bool:
    if _in(address, _SERVICES):
        return False
    if reach is Reach.LOCAL and _in(address, _LOOPBACK):
        return True
    if not reach.is_public and _in(address, _PRIVATE):
        return True
    if _in(address, _NOT_QUITE_GLOBAL):
        return False
    if isinstance(address, IPv6Address):
        return address in _GLOBAL_IPV6
    return address.is_global


def _in(address: Address, networks: Iterable[IPv4Network | IPv6Network]) -> bool:
    return any(address in net for net in networks if net.version == address.version)


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None
