"""The login of a webhook in the configuration file: one way, and the name of a parameter."""

from typing import Any

import pytest

from opsknight.config.configuration import Configuration
from opsknight.directory.receivers import Login, LoginKind
from opsknight.files.checking import check
from opsknight.files.problems import Problem
from opsknight.files.reading import read
from opsknight_cli.configuration.parameters import wanted
from tests.unit.test_reachable import FILE, NOW


def checked(login: str, channel: str = "webhook, to: https://hooks.example.com/") -> Any:
    method = f"{{channel: {channel}, login: {login}}}"
    text = FILE.format(method=method, email="ada@example.com", other="ben@example.com")
    return check(read({"": text}), NOW)


def configured(login: str) -> Configuration:
    found = checked(login)
    assert not found.errors, found.errors
    assert isinstance(found.configuration, Configuration)
    return found.configuration


@pytest.mark.parametrize(
    ("written", "login"),
    [
        ("{basic: site}", Login(kind=LoginKind.BASIC, secret="site")),
        ("{bearer: site}", Login(kind=LoginKind.BEARER, secret="site")),
        (
            "{header: X-Api-Key, secret: site}",
            Login(kind=LoginKind.HEADER, secret="site", header="X-Api-Key"),
        ),
    ],
)
def test_a_webhook_may_have_a_login(written: str, login: Login) -> None:
    configuration = configured(written)
    [method] = configuration.users["user_ada"].contact_methods
    assert method.login == login
    # `doctor` and `plan` look whether the parameter is there.
    assert wanted(configuration) == {"site": "user ada"}


def sentence(login: str, **more: str) -> str:
    problems: list[Problem] = list(checked(login, **more).errors)
    assert len(problems) == 1, problems
    return problems[0].sentence


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("{}", "exactly one of"),
        ("{basic: a, bearer: b}", "exactly one of"),
        ("{basic: a, secret: b}", "belongs to `header`"),
        ("{header: X-Api-Key}", "needs `secret`"),
        ('{header: "X-Api-Key: 1", secret: a}', "name of a header alone"),
        ("{header: Content-Type, secret: a}", "header Content-Type already"),
        ("{header: X-OpsKnight-Event, secret: a}", "header X-OpsKnight-Event already"),
    ],
)
def test_a_login_is_one_way_with_one_secret(written: str, said: str) -> None:
    assert said in sentence(written)


def test_a_password_in_the_file_is_an_error_that_does_not_repeat_it() -> None:
    assert "hunter2" not in sentence('{basic: "ops:hunter2"}')


def test_a_channel_without_a_login_refuses_one() -> None:
    said = sentence("{basic: a}", channel="ntfy, to: https://ntfy.example.com/ada")
    assert "does not use `login`" in said


def test_a_login_in_the_url_is_an_error_that_says_where_it_belongs() -> None:
    said = sentence("{basic: a}", channel='webhook, to: "https://ops:hunter2@hooks.example.com/"')
    assert "login: {basic: NAME}" in said and "hunter2" not in said
