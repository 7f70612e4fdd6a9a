"""The findings that the doctor makes from answers of AWS."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from harness.dynamodb import ROOT, template
from opsknight.config.configuration import Configuration
from opsknight.directory.entries import Never, Remind, Role, Service, User
from opsknight.directory.receivers import Channel, Owner, Receiver
from opsknight.health import configuration_findings
from opsknight.health.findings import Verdict
from opsknight.notification.throttle import Moved, ReceiverState
from opsknight_cli.doctor import account_findings
from opsknight_cli.doctor.checks import FAILURES, FUNCTIONS, QUEUE_READERS, QUEUES, STREAMS

NOW: Final = datetime(2026, 11, 28, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        ("UPDATE_COMPLETE", Verdict.OK),
        ("UPDATE_ROLLBACK_COMPLETE", Verdict.WARNING),
        ("UPDATE_IN_PROGRESS", Verdict.WARNING),
        ("ROLLBACK_COMPLETE", Verdict.FAILED),
        ("UPDATE_ROLLBACK_FAILED", Verdict.FAILED),
    ],
)
def test_stacks(status: str, verdict: Verdict) -> None:
    assert account_findings.stack(status).verdict is verdict


def test_it_knows_the_template() -> None:
    """What it takes for missing is what the template makes."""
    resources = template()["Resources"]
    made = set(resources)
    for name, resource in resources.items():
        made |= {f"{name}{each}" for each in resource.get("Properties", {}).get("Events", {})}
    expected = {*STREAMS, *QUEUE_READERS, *QUEUES, *FAILURES, *(f"{n}Function" for n in FUNCTIONS)}
    assert expected <= made
    assert {n for n in made if n.endswith("Failures")} == set(FAILURES)
    functions = {n for n, r in resources.items() if r["Type"] == "AWS::Serverless::Function"}
    assert functions == {f"{name}Function" for name in FUNCTIONS}


@pytest.mark.parametrize(
    ("age", "waiting", "verdict"),
    [
        (30, 5, Verdict.OK),
        (300, 5, Verdict.WARNING),
        (3000, 5, Verdict.FAILED),
        # The metric is minutes old, and the queue is empty by now.
        (3000, 0, Verdict.OK),
    ],
)
def test_queues(age: float, waiting: int, verdict: Verdict) -> None:
    [found] = account_findings.queues({"Pages": waiting}, {"Pages": age}, {})
    assert found.verdict is verdict


@pytest.mark.parametrize(("authenticated", "number"), [("true", 0), ("false", 1)])
def test_a_fallback_that_a_link_unsubscribes_is_a_warning(authenticated: str, number: int) -> None:
    mails = {"a@example.com": {"ConfirmationWasAuthenticated": authenticated}}
    found = account_findings.unsubscribing(mails)
    assert [each.verdict for each in found] == [Verdict.WARNING] * number


@pytest.mark.parametrize(
    ("waiting", "verdict", "said"),
    [
        (1100, Verdict.OK, "No message has waited for long; 1130 are waiting."),
        (
            1500,
            Verdict.WARNING,
            "Pages: too long. Pages holds 1,500 messages, 2 minutes of its consumers' work.",
        ),
        (
            29_000,
            Verdict.FAILED,
            "Pages: too long. Pages holds 29,000 messages, 48 minutes of its consumers' work.",
        ),
    ],
)
def test_a_queue_is_judged_by_what_its_consumers_take(
    waiting: int, verdict: Verdict, said: str
) -> None:
    """However young the messages are: a queue that runs away is too long before any is old."""
    drain = {"Pages": 600, "PagesHigh": 600}
    [found] = account_findings.queues({"Pages": waiting, "PagesHigh": 30}, {"Pages": 20}, drain)
    assert (found.verdict, found.said) == (verdict, said)


def test_half_confirmed_is_a_warning() -> None:
    found = [{"SubscriptionArn": "arn:aws:sns:x:1:t:2"}, {"SubscriptionArn": "PendingConfirmation"}]
    assert account_findings.subscriptions("alarm topic", "t", found).verdict is Verdict.WARNING
    assert account_findings.subscriptions("alarm topic", "t", found[:1]).verdict is Verdict.OK
    assert account_findings.subscriptions("alarm topic", "t", []).verdict is Verdict.FAILED


def test_secrets() -> None:
    shared = "/opsknight-shared/all"
    wanted = {"a": "ada", "b": "ben", "/other": "cleo", shared: "dan", "/opsknight/s/x": "eve"}
    types = {"/s/a": "String", "/other": "SecureString", shared: "SecureString"}
    found = account_findings.secrets(wanted, types, "/s/", "")
    assert [(each.verdict, each.said.split(":")[0]) for each in found] == [
        (Verdict.FAILED, "dan"),
        (Verdict.FAILED, "eve"),
        (Verdict.FAILED, "cleo"),
        (Verdict.WARNING, "ada"),
        (Verdict.FAILED, "ben"),
    ]
    found = account_findings.secrets({shared: "dan"}, types, "/s/", "/opsknight-shared/")
    assert [each.verdict for each in found] == [Verdict.OK]


def test_email() -> None:
    quota = {"Max24HourSend": 100.0, "SentLast24Hours": 1.0}
    account = {"ProductionAccessEnabled": True, "SendingEnabled": True, "SendQuota": quota}
    verified = {"VerifiedForSendingStatus": True}
    full = {**account, "SendQuota": {**quota, "SentLast24Hours": 90.0}}
    sandbox = {**account, "ProductionAccessEnabled": False}
    stopped = {**account, "SendingEnabled": False}
    verdicts = [
        account_findings.email(each, verified, "a@b.c").verdict
        for each in (account, full, sandbox, stopped)
    ]
    assert verdicts == [Verdict.OK, Verdict.WARNING, Verdict.FAILED, Verdict.FAILED]
    assert account_findings.email(account, None, "a@b.c").verdict is Verdict.FAILED


def test_a_receiver_that_has_moved_is_named_until_the_configuration_says_so() -> None:
    chat = Receiver(id="ada/chat", name="", channel=Channel.TELEGRAM, to="-123", secret="s")
    ada = User(id="user_ada", name="Ada", email="", role=Role.ADMIN, contact_methods=(chat,))
    state = ReceiverState(moved=Moved(was="-123", to="-100987"))
    states = {Owner.user(ada.id).destination(chat.id): state}
    known = Configuration(users={ada.id: ada})
    [found] = configuration_findings.moved(known, states, whole=True)
    assert found.verdict is Verdict.WARNING
    assert "-123" in found.said
    assert '`to: "-100987"`' in str(found.mend)
    [for_everybody] = configuration_findings.moved(known, states, whole=False)
    assert "user ada" in for_everybody.said
    assert "123" not in f"{for_everybody.said}{for_everybody.mend}"
    assert "100987" not in f"{for_everybody.said}{for_everybody.mend}"
    changed = ada.model_copy(
        update={"contact_methods": (chat.model_copy(update={"to": "-100987"}),)}
    )
    assert (
        configuration_findings.moved(Configuration(users={ada.id: changed}), states, whole=True)
        == []
    )
    assert configuration_findings.moved(known, {}, whole=True) == []


def test_a_spend_limit_of_a_dollar_ends_at_once() -> None:
    limits = [
        {"Name": "TEXT_MESSAGE_MONTHLY_SPEND_LIMIT", "EnforcedLimit": 1},
        {"Name": "VOICE_MESSAGE_MONTHLY_SPEND_LIMIT", "EnforcedLimit": 100},
    ]
    [found] = account_findings.phone("PRODUCTION", limits, {Channel.SMS, Channel.VOICE})
    assert found.verdict is Verdict.WARNING
    assert account_findings.phone("PRODUCTION", limits, {Channel.VOICE})[0].verdict is Verdict.OK


@pytest.mark.parametrize(
    "keys",
    [
        ["job-1795000001", "job-1795000002", "job-1795000003"],
        ["cpu 2026-11-23T03:00:00Z", "cpu 2026-11-23T03:01:00Z", "cpu 2026-11-23T03:02:00Z"],
        [f"5f3c1d2e-0000-4000-8000-00000000000{n}" for n in range(3)],
        [f"{n}" * 32 for n in range(3)],
    ],
)
def test_keys_that_are_never_the_same(keys: list[str]) -> None:
    assert configuration_findings.dedup_keys({"svc_a": keys})[0].verdict is Verdict.WARNING
    # Twice may be chance.
    assert configuration_findings.dedup_keys({"svc_a": keys[:2]})[0].verdict is Verdict.OK


@pytest.mark.parametrize(
    "keys",
    [
        ["web-01 cpu", "web-02 cpu", "web-03 cpu"],
        [f"i-0abc123456789ab{n}0 disk" for n in range(4)],
        [f"arn:aws:cloudwatch:eu-west-1:123456789012:alarm:a{n}" for n in range(4)],
    ],
)
def test_keys_that_name_problems(keys: list[str]) -> None:
    assert configuration_findings.dedup_keys({"svc_a": keys})[0].verdict is Verdict.OK


@pytest.mark.parametrize(
    ("free", "parameters", "verdict", "why"),
    [
        (1000, {}, Verdict.OK, "1000 of the account's 1000 are unreserved"),
        (392, {}, Verdict.OK, "are unreserved"),
        (391, {}, Verdict.WARNING, "292 more would be reserved"),
        (391, {"SendConcurrency": "60"}, Verdict.OK, "are unreserved"),
        # What is reserved beyond it helps nobody else.
        (391, {"EventsConcurrency": "800"}, Verdict.OK, "are unreserved"),
        (
            150,
            {"EventsConcurrency": "200", "TimerConcurrency": "32", "SendConcurrency": "60"},
            Verdict.OK,
            "are unreserved",
        ),
        (116, {}, Verdict.WARNING, "the queues alone take 117"),
    ],
)
def test_what_a_flood_would_need_can_be_reserved(
    free: int, parameters: dict[str, str], verdict: Verdict, why: str
) -> None:
    limits = {"UnreservedConcurrentExecutions": free, "ConcurrentExecutions": 1000}
    found = account_findings.concurrency(limits, parameters)
    assert found.verdict is verdict
    assert why in found.said


def test_what_doctor_expects_of_a_flood_is_what_the_document_reserves() -> None:
    document = (ROOT / "docs" / "operations.md").read_text()
    for name, most in account_findings.IN_A_FLOOD.items():
        assert f"`{name}Concurrency={most}`" in document


def test_users_with_one_address_are_named() -> None:
    """By logging in nobody says which of the two they are."""

    def user(name: str, email: str, **more: Any) -> User:
        return User(id=f"user_{name}", name=name, email=email, role=Role.ADMIN, **more)

    ada, other = user("ada", "Ada@example.com"), user("lovelace", "ada@example.com")
    gone = user("gone", "ada@example.com", disabled=True)
    [found] = configuration_findings.people(Configuration.of([ada, gone, other]))
    assert found.verdict is Verdict.WARNING
    assert found.said == (
        "Users ada and lovelace have the same e-mail address, and neither can log in by it."
    )
    assert configuration_findings.people(Configuration.of([ada, gone])) == []


def test_who_is_never_reminded_is_named() -> None:
    def service(name: str, **more: Any) -> Service:
        return Service(id=f"svc_{name}", name=name, team_id="team_a", policy_id="pol_a", **more)

    quiet = Remind(high=Never.NEVER, low=Never.NEVER)
    found = configuration_findings.services(
        Configuration.of(
            [
                service("a"),
                service("b", remind=quiet),
                service("c", remind=Remind(low=Never.NEVER)),
                service("d", remind=quiet, disabled=True),
            ]
        ),
        NOW,
    )
    high, low = sorted(found[1:], key=lambda each: each.said)
    # For LOW it is a choice that many make, and a warning that never ends would hide others.
    assert (high.verdict, low.verdict) == (Verdict.WARNING, Verdict.OK)
    assert high.said.endswith("of HIGH incidents that everybody has missed, of b.")
    assert low.said.endswith("of LOW incidents that everybody has missed, of b, c.")


def test_who_pages_nobody_yet_is_named() -> None:
    def service(name: str, **more: Any) -> Service:
        return Service(id=f"svc_{name}", name=name, team_id="team_a", policy_id="pol_a", **more)

    week = NOW + timedelta(days=7)
    over = service("over", shadow_until=NOW)
    shadowed = service("checkout", shadow_until=week)
    gone = service("gone", shadow_until=week, disabled=True)
    [_, found] = configuration_findings.services(Configuration.of([over, shadowed, gone]), NOW)
    assert found.verdict is Verdict.WARNING
    assert found.said == "IN SHADOW, paging nobody: checkout until Sat 05 Dec 00:00 UTC."
