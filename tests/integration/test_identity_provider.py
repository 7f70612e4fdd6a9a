"""Logging in at an identity provider: there, back, and every way to be somebody else by it."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from secrets import token_hex
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from console.attempts import MOST, Attempt, Kind
from console.handler import make
from harness import audited
from harness.desk import Desk, answered
from harness.identity_provider import SECRET, IdentityProvider, identity_provider
from harness.shell import Shell
from harness.visitor import ADDRESS, Told, Visitor
from harness.world import World, deadline, event, http_event
from opsknight.directory.sessions import COOKIE, RENEWABLE, SESSION_LIFE, Session, Way
from opsknight.runtime import clock
from opsknight.runtime.addresses import Reach
from opsknight.runtime.ssm_secrets import SecretReader
from opsknight.store import directory_items
from opsknight.store.sessions import Sessions
from tests.integration.steps import put


@dataclass
class Door:
    world: World
    desk: Desk
    provider: IdentityProvider
    name: str

    def visitor(self, **jar: str) -> Visitor:
        """With a function that remembers nothing yet."""
        function = make(
            self.world.table,
            SecretReader(self.desk.ssm),
            clock.new_id,
            self.world.clock,
            provider_name=self.name,
            reach=Reach.LOCAL,
        )
        return Visitor(function, dict(jar))

    def configure(self, **more: Any) -> None:
        text = self.provider.settings(ADDRESS, secret=f"{self.name}-secret", **more)
        self.desk.ssm.put_parameter(Name=self.name, Value=text, Type="String", Overwrite=True)

    def sessions(self, user: str = "ada") -> list[Session]:
        return Sessions(self.world.table).of(f"user_{user}", deadline())

    def change(self, user: str, **changes: Any) -> None:
        found = self.world.table.user(f"user_{user}", deadline())
        assert found
        put(self.world, directory_items.directory_item(found.model_copy(update=changes)))


@pytest.fixture
def door(world: World) -> Iterator[Door]:
    desk = Desk(world)
    desk.configured(services=["svc_checkout"], users=["user_ada", "user_ben"])
    with identity_provider(world.clock) as provider:
        door = Door(world, desk, provider, f"/opsknight/{token_hex(4)}/oidc")
        desk.ssm.put_parameter(Name=f"{door.name}-secret", Value=SECRET, Type="SecureString")
        door.configure()
        door.change("ada", email="Ada@Example.com")
        yield door


def refused(told: Told, status: int = 403) -> str:
    """The text, once nobody is logged in by it."""
    assert (told.status, told.cookie) == (status, ""), told.text
    return told.text


def test_one_logs_in_and_comes_back_to_the_page_they_wanted(door: Door) -> None:
    visitor = door.visitor()
    shown = visitor.ask("/auth/login?next=/console/incidents/inc_1%3Ftab%3Dalerts")
    assert f"Log in with {urlsplit(door.provider.url).netloc}" in shown.text
    told = visitor.log_in("/auth/oidc?next=/console/incidents/inc_1%3Ftab%3Dalerts")
    assert (told.status, told.leads_to) == (303, "/console/incidents/inc_1?tab=alerts")
    [session] = door.sessions()
    assert (session.way, session.is_recent(door.world.clock())) == (Way.OIDC, True)
    # The attempt is over, and no secret but the session's stays.
    assert [*visitor.jar] == [COOKIE]
    sent = http_event("", path="/api/me", method="GET", headers={})
    sent["cookies"] = [f"{COOKIE}={visitor.jar[COOKIE]}"]
    assert answered(door.desk.send(sent)).body["me"]["id"] == "user_ada"
    assert visitor.jar[COOKIE] not in str(door.world.items())


def test_what_the_provider_is_asked_is_all_that_the_standards_want(door: Door) -> None:
    there = door.visitor().ask("/auth/oidc")
    asked = {name: value for name, [value] in parse_qs(urlsplit(there.leads_to).query).items()}
    fixed = {
        "response_type": "code",
        "client_id": "opsknight",
        "redirect_uri": f"{ADDRESS}/auth/callback",
        "scope": "openid email profile",
        "code_challenge_method": "S256",
    }
    assert asked.items() >= fixed.items()
    assert len({asked["state"], asked["nonce"], asked["code_challenge"]}) == 3
    [cookie] = there.cookies
    assert cookie.startswith("__Host-opsknight-login-")
    assert cookie.endswith("; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=600")
    assert asked["state"] not in cookie and asked["nonce"] not in cookie


ELSEWHERE = (
    "https://evil.example/console/",
    "//evil.example/console/",
    "/console/../auth/logout\\evil",
    "/console//\\evil",
    "/api/me",
    "/console/x\r\nSet-Cookie: a=b",
    "/console/" + "x" * 600,
    "javascript:alert(1)//console/",
)


def test_a_login_leads_to_no_page_but_the_console_s(door: Door) -> None:
    visitor = door.visitor()
    for wanted in ELSEWHERE:
        told = visitor.log_in(f"/auth/oidc?{urlencode({'next': wanted})}")
        assert (told.status, told.leads_to) == (303, "/console/incidents"), wanted


TWISTS: dict[str, tuple[dict[str, Any], str]] = {
    "iss": ({"iss": "https://evil.example"}, "another issuer"),
    "no iss": ({"iss": None}, "another issuer"),
    "iss, longer": ({"iss": "URL/"}, "another issuer"),
    "aud": ({"aud": "another"}, "for another client"),
    "aud, a part": ({"aud": "opsknight-staging"}, "for another client"),
    "aud, a list": ({"aud": ["another"]}, "for another client"),
    "aud, an object": ({"aud": {"opsknight": 1}}, "for another client"),
    "no aud": ({"aud": None}, "for another client"),
    "aud of many": ({"aud": ["opsknight", "another"]}, "for several clients"),
    "azp": ({"azp": "another"}, "another client asked for it"),
    "azp of many": ({"aud": ["opsknight", "b"], "azp": "b"}, "another client asked for it"),
    "exp": ({"exp": -61}, "over"),
    "no exp": ({"exp": None}, "over"),
    "exp, a text": ({"exp": "tomorrow"}, "exp that is no time"),
    "exp, endless": ({"exp": 1e300}, "exp that is no time"),
    "exp, true": ({"exp": True}, "exp that is no time"),
    "iat": ({"iat": 3600}, "from the future"),
    "auth_time": ({"auth_time": 3600}, "from the future"),
    "nonce": ({"nonce": "another"}, "of another login"),
    "no nonce": ({"nonce": None}, "of another login"),
    "no sub": ({"sub": None}, "without a subject"),
    "sub, empty": ({"sub": ""}, "without a subject"),
    "sub, a number": ({"sub": 7}, "without a subject"),
    "sub, endless": ({"sub": "x" * 300}, "without a subject"),
}


def test_a_token_that_is_not_ours_logs_nobody_in(door: Door) -> None:
    now = int(door.world.clock().timestamp())

    def twisted(claims: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
        for name, value in changes.items():
            if name in ("exp", "iat", "auth_time") and type(value) is int:
                claims[name] = now + value
            elif name == "iss" and value:
                claims[name] = value.replace("URL", door.provider.url)
            else:
                claims[name] = value
        return {name: value for name, value in claims.items() if value is not None}

    visitor = door.visitor()
    for name, (changes, why) in TWISTS.items():
        door.provider.twist = partial(twisted, changes=changes)
        assert why in refused(visitor.log_in()), name
    for token in ("", "a.b", "a.b.c.d", "a.!.c", "a.W10.c", "a.e30=.c", "é.é.é"):
        door.provider.token = partial(lambda _, token: token, token=token)  # type: ignore[method-assign]
        refused(visitor.log_in())
    assert door.sessions() == []


def test_clocks_may_differ_by_a_minute_and_an_audience_may_be_a_list(door: Door) -> None:
    now = int(door.world.clock().timestamp())
    more = {"exp": now - 59, "iat": now + 59, "aud": ["opsknight"], "azp": "opsknight"}
    door.provider.twist = lambda claims: claims | more
    assert door.visitor().log_in().status == 303


UNVERIFIED: tuple[dict[str, Any], ...] = (
    {"email_verified": False},
    {"email_verified": "false"},
    {"email_verified": None},
    {"email": ""},
    {"email": 7},
    {"email": "a" * 400 + "@example.com"},
    {"email_verified": True, "xms_edov": False},
)


@pytest.mark.parametrize("trusts", [False, True])
def test_an_address_that_is_not_verified_is_nobody(door: Door, trusts: bool) -> None:
    door.configure(trusts_email=trusts)
    visitor = door.visitor()
    for said in UNVERIFIED:
        door.provider.twist = partial(lambda claims, more: claims | more, more=said)
        told = refused(visitor.log_in())
        assert "no e-mail address of yours that it has verified" in told, said


def test_an_address_without_a_word_on_it_counts_where_the_deployment_says_so(door: Door) -> None:
    def entra(claims: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in claims.items() if name != "email_verified"}

    door.provider.twist = entra
    refused(door.visitor().log_in())
    door.provider.twist = lambda claims: entra(claims) | {"xms_edov": "1"}
    assert door.visitor().log_in().status == 303
    door.provider.twist = entra
    door.configure(trusts_email=True)
    assert door.visitor().log_in().status == 303


def test_nobody_is_made_by_a_login(door: Door) -> None:
    door.provider.email = "stranger@example.com"
    assert "no user has the address stranger@example.com" in refused(door.visitor().log_in())


def test_an_address_of_two_users_is_nobody_s(door: Door) -> None:
    door.change("ben", email="ada@EXAMPLE.com")
    assert "more than one user has the address" in refused(door.visitor().log_in())


def test_letters_that_look_alike_are_another_address(door: Door) -> None:
    door.change("ada", email="kaiser@example.com")
    for email in (
        "\N{KELVIN SIGN}aiser@example.com",
        "kai\N{LATIN SMALL LETTER LONG S}er@example.com",
    ):
        door.provider.email = email
        assert "no user has" in refused(door.visitor().log_in())
    door.provider.email = "Kaiser@Example.com"
    assert door.visitor().log_in().status == 303


def test_a_disabled_user_is_refused(door: Door) -> None:
    door.change("ada", disabled=True)
    assert "is disabled" in refused(door.visitor().log_in())
    [failed] = audited.written(door.world)
    assert (failed.kind, failed.facts[0].after) == ("login_failed", "the user is disabled")


def test_an_address_that_goes_to_somebody_else_takes_no_account_with_it(door: Door) -> None:
    assert door.visitor().log_in().status == 303
    door.provider.subject = "subject-of-another-ada"
    text = refused(door.visitor().log_in())
    assert "has logged in here as somebody else" in text
    assert "opsknight login --user ada --forget-provider" in text
    assert {each.kind for each in audited.written(door.world)} == {"session_begun", "login_failed"}
    assert len(door.sessions()) == 1
    # Whoever has AWS credentials says that it is her.
    shell = Shell(door.world)
    assert shell.opsknight("login", "--user", "ada", "--forget-provider").code == 0
    assert door.visitor().log_in().status == 303
    door.provider.subject = "subject-of-ada"
    refused(door.visitor().log_in())


def test_a_code_of_another_browser_opens_nothing(door: Door) -> None:
    """Login CSRF: the attacker's own answer, sent to somebody else's browser."""
    attacker, victim = door.visitor(), door.visitor()
    theirs = attacker.back_from(attacker.ask("/auth/oidc").leads_to)
    assert "not begun in this browser" in refused(victim.ask(theirs), 400)
    # Nor with an attempt of the victim's own.
    state = parse_qs(urlsplit(victim.ask("/auth/oidc").leads_to).query)["state"][0]
    code = parse_qs(urlsplit(theirs).query)["code"][0]
    told = victim.ask(f"/auth/callback?code={code}&state={state}")
    assert refused(told, 503) and door.provider.refused == ["verifier"]
    assert door.sessions() == []


def test_a_state_that_nobody_was_given_is_refused(door: Door) -> None:
    visitor = door.visitor()
    there = visitor.ask("/auth/oidc").leads_to
    begins_alike = parse_qs(urlsplit(there).query)["state"][0][:8] + "x" * 35
    for state in (begins_alike, "", "x", "x" * 43, "é" * 43, "a b", "%00"):
        refused(visitor.ask(f"/auth/callback?code=x&state={state}"), 400)
    assert door.provider.refused == []


def test_a_cookie_that_nobody_was_given_is_refused(door: Door) -> None:
    """Its time is none that there is: whoever makes one up causes no alarm of ours."""
    secret = "x" * 43
    state = Attempt(secret, Kind.LOGIN, door.world.clock(), "").state
    for at in ("999999999999", "99999999999", "٣" * 9, "0", ""):
        visitor = door.visitor(
            **{f"__Host-opsknight-login-{state[:8]}": f"{secret}.login.{at}./console/incidents"}
        )
        refused(visitor.ask(f"/auth/callback?code=x&state={state}"), 400)
    assert door.provider.refused == []


def test_an_answer_of_another_provider_is_refused(door: Door) -> None:
    visitor = door.visitor()
    back = visitor.back_from(visitor.ask("/auth/oidc").leads_to)
    mixed = back.replace(back.partition("iss=")[2].partition("&")[0], "https%3A%2F%2Fevil.example")
    refused(visitor.ask(mixed), 400)
    assert door.provider.refused == []


def test_an_answer_counts_once_and_for_ten_minutes(door: Door) -> None:
    visitor = door.visitor()
    back = visitor.back_from(visitor.ask("/auth/oidc").leads_to)
    jar = dict(visitor.jar)
    assert visitor.ask(back).status == 303
    refused(visitor.ask(back), 400)
    assert "invalid_grant" in refused(door.visitor(**jar).ask(back), 503)
    late = door.visitor()
    back = late.back_from(late.ask("/auth/oidc").leads_to)
    door.world.clock.advance(minutes=10)
    refused(late.ask(back), 400)


def test_several_tabs_log_in_at_once_and_a_browser_is_never_full(door: Door) -> None:
    visitor = door.visitor()
    ways = [visitor.ask("/auth/oidc").leads_to for _ in range(2)]
    for there in ways:
        assert visitor.ask(visitor.back_from(there)).status == 303
    assert len(door.sessions()) == 1, "the browser's session before ends"
    for _ in range(3 * MOST):
        visitor.ask("/auth/oidc")
    assert len(visitor.jar) <= MOST + 1


def test_an_error_of_the_provider_is_told_and_nothing_of_it_is_markup(door: Door) -> None:
    visitor = door.visitor()
    state = parse_qs(urlsplit(visitor.ask("/auth/oidc").leads_to).query)["state"][0]
    told = visitor.ask(
        f"/auth/callback?state={state}&error=access_denied&error_description=%3Cb%3E"
    )
    assert "<code>access_denied</code>" in refused(told)
    assert "<b>" not in told.text
    state = parse_qs(urlsplit(visitor.ask("/auth/oidc").leads_to).query)["state"][0]
    told = visitor.ask(f"/auth/callback?state={state}&error=%3Cscript%3E")
    assert "<script" not in refused(told)


def test_after_twelve_hours_it_goes_on_without_a_word(door: Door) -> None:
    visitor = door.visitor()
    first = visitor.log_in().cookie
    door.world.clock.advance(seconds=SESSION_LIFE.total_seconds())
    told = visitor.log_in("/auth/renew?next=/console/oncall")
    assert (told.status, told.leads_to) == (303, "/console/oncall")
    assert told.cookie not in ("", first)
    assert door.provider.seen[-1]["prompt"] == "none"
    [session] = door.sessions()
    assert not session.is_recent(door.world.clock()), "nobody has proved anything"


def test_a_renewal_that_would_ask_something_ends_at_the_login(door: Door) -> None:
    visitor = door.visitor()
    visitor.log_in()
    door.world.clock.advance(seconds=SESSION_LIFE.total_seconds())
    door.provider.logged_in_at = None
    told = visitor.log_in("/auth/renew?next=/console/oncall")
    assert (told.status, told.leads_to) == (302, "/auth/login?next=%2Fconsole%2Foncall")


@pytest.mark.parametrize("how", ["logged out", "ended elsewhere", "too old", "never there", "link"])
def test_what_a_person_ended_is_never_renewed(door: Door, how: str) -> None:
    visitor = door.visitor()
    visitor.log_in()
    [session] = door.sessions()
    sessions = Sessions(door.world.table)
    match how:
        case "logged out":
            cookie = visitor.jar[COOKIE]
            assert visitor.ask("/auth/logout", "POST").status == 303
            visitor.jar[COOKIE] = cookie
        case "ended elsewhere":
            sessions.end("user_ada", session.id, deadline(), audit=audited.entry())
        case "too old":
            door.world.clock.advance(seconds=(SESSION_LIFE + RENEWABLE).total_seconds())
        case "never there":
            visitor.jar[COOKIE] = "x" * 43
        case _:
            path = Shell(door.world).opsknight("login", "--user", "ada").out.strip().split("/auth/")
            assert visitor.ask(f"/auth/{path[-1]}", "POST").status == 303
    asked = len(door.provider.seen)
    told = visitor.ask("/auth/renew")
    assert (told.status, told.leads_to) == (302, "/auth/login")
    assert len(door.provider.seen) == asked


def test_for_keys_one_proves_again_who_one_is(door: Door) -> None:
    visitor = door.visitor()
    visitor.log_in()
    door.world.clock.advance(hours=2)
    told = visitor.log_in("/auth/again?next=/console/services")
    assert (told.status, told.leads_to) == (303, "/console/services")
    assert door.provider.seen[-1].items() >= {"max_age": "0", "prompt": "login"}.items()
    [session] = door.sessions()
    assert session.is_recent(door.world.clock())


@pytest.mark.parametrize("minutes", [None, -2, -120])
def test_a_login_that_the_provider_did_not_ask_for_again_is_no_proof(
    door: Door, minutes: int | None
) -> None:
    visitor = door.visitor()
    visitor.log_in()
    door.world.clock.advance(hours=3)

    def older(claims: dict[str, Any]) -> dict[str, Any]:
        del claims["auth_time"]
        if minutes is None:
            return claims
        return claims | {"auth_time": int(door.world.clock().timestamp()) + minutes * 60}

    door.provider.twist = older
    assert "of an older login" in refused(visitor.log_in("/auth/again"))
    [session] = door.sessions()
    assert not session.is_recent(door.world.clock())


def test_a_provider_that_does_not_say_when_proves_nothing_recent(door: Door) -> None:
    door.provider.says_when = False
    door.visitor().log_in()
    [session] = door.sessions()
    assert not session.is_recent(door.world.clock())


def test_an_address_may_come_from_userinfo_but_only_of_the_same_person(door: Door) -> None:
    def thin(claims: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in claims.items() if not name.startswith("email")}

    door.provider.twist = thin
    said = {"sub": "subject-of-ada", "email": "ada@example.com", "email_verified": True}
    door.provider.person = said
    assert door.visitor().log_in().status == 303
    door.provider.person = said | {"sub": "subject-of-eve"}
    assert "somebody else" in refused(door.visitor().log_in())


@pytest.mark.parametrize(
    ("described", "why"),
    [
        ({"issuer": "https://evil.example"}, "of another issuer"),
        ({"authorization_endpoint": "javascript:alert(1)"}, "must begin with https"),
        ({"authorization_endpoint": 7}, "no authorization_endpoint"),
    ],
)
def test_a_description_that_is_not_right_leads_nowhere(
    door: Door, described: dict[str, Any], why: str
) -> None:
    door.provider.described = described
    assert why in refused(door.visitor().ask("/auth/oidc"), 503)


def test_a_token_endpoint_must_be_https(door: Door) -> None:
    door.provider.described = {"token_endpoint": "ftp://127.0.0.1/token"}
    refused(door.visitor().log_in(), 503)


@pytest.mark.parametrize("status", [302, 400, 500])
def test_a_provider_that_fails_is_a_page_and_no_fault_of_ours(door: Door, status: int) -> None:
    door.provider.broken = status
    told = door.visitor().ask("/auth/oidc")
    assert f"answered {status} server_error" in refused(told, 503)
    assert "opsknight login --user YOU" in told.text


def test_a_client_that_may_not_use_basic_sends_its_secret_in_the_form(door: Door) -> None:
    door.provider.described = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    assert door.visitor().log_in().status == 303


def test_a_secret_that_is_not_stored_is_named(door: Door) -> None:
    door.desk.ssm.delete_parameter(Name=f"{door.name}-secret")
    assert f"the parameter {door.name}-secret is not there" in refused(door.visitor().log_in(), 503)


def test_without_a_provider_its_addresses_lead_to_the_login(world: World) -> None:
    visitor = Visitor(make(world.table, SecretReader(Desk(world).ssm), clock.new_id, world.clock))
    for path in ("/auth/oidc", "/auth/renew", "/auth/callback?code=1&state=x"):
        told = visitor.ask(path)
        assert (told.status, told.leads_to) == (302, "/auth/login")
    assert "opsknight login --user YOU" in visitor.ask("/auth/again").text
    assert visitor.ask("/auth/oidc", "POST").status == 404


def test_what_it_opened_acts_as_its_user(door: Door) -> None:
    cookie = door.visitor().log_in().cookie
    opened = door.world.send(event()).incident["id"]
    headers = {
        "Host": "oncall.example.com",
        "Sec-Fetch-Site": "same-origin",
        "X-OpsKnight-Console": "1",
    }
    path = f"/api/incidents/{opened}/acknowledge"
    sent = http_event("", path=path, method="POST", headers=headers)
    sent["cookies"] = [f"{COOKIE}={cookie}"]
    assert answered(door.desk.send(sent)).status == 200


def test_an_operator_ends_every_session_of_a_user(door: Door) -> None:
    visitors = [door.visitor(), door.visitor()]
    for each in visitors:
        assert each.log_in().status == 303
    door.world.clock.advance(seconds=SESSION_LIFE.total_seconds())
    shell = Shell(door.world)
    said = shell.opsknight("logout", "--user", "ada")
    assert (said.code, said.out.splitlines()[0]) == (
        0,
        "2 sessions of Ada ended. Within 30 seconds nothing can be done by them.",
    )
    assert door.sessions() == []
    # Not even what was over goes on.
    assert {each.ask("/auth/renew").leads_to for each in visitors} == {"/auth/login"}
    assert shell.opsknight("logout", "--user", "ada").out == "Ada is logged in nowhere.\n"
    told = shell.opsknight("logout", "--user", "ben", "--json").out
    assert '"ended": 0' in told
    assert shell.opsknight("logout", "--user", "nobody").code != 0
