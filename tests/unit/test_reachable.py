"""What no message can ever reach is refused when it is written, and no network is asked."""

import socket
from datetime import UTC, datetime
from typing import Any, NoReturn

import pytest

from opsknight.files.checking import check
from opsknight.files.problems import Problem
from opsknight.files.reading import read
from opsknight.runtime.addresses import Reach

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
FILE = """\
users:
  ada:
    email: {email}
    role: ADMIN
    contact_methods:
      one: {method}
  ben: {{email: {other}, role: ADMIN, contact_methods: {{mail: {{channel: email, to: b@c.de}}}}}}
teams: {{web: {{members: {{ada: , ben: }}}}}}
policies: {{p: {{steps: [{{targets: [{{team: web}}]}}]}}}}
services: {{shop: {{team: web, policy: p}}}}
"""
MAIL = '{channel: email, to: "ada@example.com"}'


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(*_: Any, **__: Any) -> NoReturn:
        raise AssertionError("validate asked the network")

    monkeypatch.setattr(socket, "getaddrinfo", asked)


def problems(
    method: str = MAIL,
    email: str = "ada@example.com",
    other: str = "ben@example.com",
    reach: Reach = Reach.PRIVATE,
) -> list[Problem]:
    text = FILE.format(method=method, email=email, other=other)
    return list(check(read({"": text}), NOW, reach).problems)


def of(channel: str, to: str, reach: Reach = Reach.PRIVATE) -> list[str]:
    found = problems(f'{{channel: {channel}, to: "{to}"}}', reach=reach)
    assert all(each.path == ("users", "ada", "contact_methods", "one", "to") for each in found)
    return [each.severity.value for each in found]


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1:8443/",
        "http://localhost:8080/",
        "https://[::1]/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[fd00:ec2::254]/",
        "https://0.0.0.0/",
        "https://2130706433/",
        "https://user:password@hooks.example.com/",
        "https://hooks.example.com:22/",
        "https://höoks.example.com/",
        "https://hooks..example.com/",
    ],
)
@pytest.mark.parametrize("channel", ["webhook", "ntfy"])
def test_a_url_that_sending_refuses_is_an_error(channel: str, url: str) -> None:
    assert of(channel, url) == ["error"]


@pytest.mark.parametrize(
    "url", ["http://hooks.example.com/", "https://10.0.0.7/", "https://[fd12::7]:8443/"]
)
def test_what_a_deployment_may_allow_is_a_warning(url: str) -> None:
    assert of("webhook", url) == ["warning"]


def test_a_developers_machine_may_be_reached_there() -> None:
    assert of("webhook", "http://127.0.0.1:8080/", Reach.LOCAL) == ["warning"]


@pytest.mark.parametrize("url", ["https://hooks.example.com/x?y=z", "https://8.8.8.8/"])
def test_usual_urls_are_right(url: str) -> None:
    assert of("webhook", url) == []


@pytest.mark.parametrize("url", ["https://ntfy.sh/ada?auth=abc", "https://ntfy.sh/ada#x"])
def test_a_token_in_a_topics_url_is_an_error_that_says_where_it_belongs(url: str) -> None:
    """It would be dropped in silence."""
    assert of("ntfy", url) == ["error"]
    [found] = problems(f'{{channel: ntfy, to: "{url}"}}')
    assert "the parameter that `secret` names" in found.sentence


@pytest.mark.parametrize(
    ("to", "is_right"),
    [("-100123:42", True), ("@ops:7", True), ("-100123:", False), ("1:x", False)],
)
def test_a_topic_of_a_chat_is_an_address(to: str, is_right: bool) -> None:
    found = problems(f'{{channel: telegram, to: "{to}", secret: telegram}}')
    assert [each.severity.value for each in found] == ([] if is_right else ["error"])


NO_EMAILS = [
    "mailto:ada@example.com",
    "ada@example.com,ben@example.com",
    "ada@example",
    "ada@example..com",
    "ada@-example.com",
    ".ada@example.com",
    "ada..b@example.com",
    "ada@192.168.0.1",
    "ädä@example.com",
    "ada@exämple.com",
    f"{'a' * 65}@example.com",
]


@pytest.mark.parametrize("address", NO_EMAILS)
def test_an_address_that_no_mail_reaches_is_an_error(address: str) -> None:
    assert of("email", address) == ["error"]
    assert [(each.severity, each.path) for each in problems(email=f'"{address}"')] == [
        ("error", ("users", "ada", "email"))
    ]


@pytest.mark.parametrize(
    "address", ["ada+night@example.co.uk", "a@xn--exmple-cua.com", "o'neill@a-b.example"]
)
def test_usual_addresses_are_right(address: str) -> None:
    assert of("email", address) == []


@pytest.mark.parametrize("channel", ["sms", "voice"])
@pytest.mark.parametrize("number", ["+9991234567", "+1555010", "+11234567890", "+2101234567"])
def test_a_number_that_cannot_be_is_an_error(channel: str, number: str) -> None:
    assert of(channel, number) == ["error"]


@pytest.mark.parametrize("number", ["+4915112345678", "+447700900001", "+12065550100"])
def test_usual_numbers_are_right(number: str) -> None:
    assert of("sms", number) == []


def test_two_users_with_one_mailbox_are_a_warning() -> None:
    [found] = problems(other="Ada@Example.com")
    assert (found.severity, found.path) == ("warning", ("users", "ben", "email"))
