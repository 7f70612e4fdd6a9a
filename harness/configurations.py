"""Generated configuration files: valid ones, of every shape.

Strategies that depend on nothing are made once: making and validating them takes longer than
drawing from them.
"""

from datetime import datetime, timedelta
from functools import cache
from typing import Any

from hypothesis import strategies as st

from harness.aws_rules import aws_rules
from harness.daily_reports import reports
from harness.shadows import MIRRORS, SHADOWS

# Few enough that two files name the same things, so that one turns into the other by updates, too.
NAMES = ["0", "a", "ada", "ben-2", "c3po", "d-d", "9-1-1", "x" * 60, "no", "null", "1e3", "z"]
SLUGS = st.sampled_from(NAMES)
# Hard for YAML and terminals: quotes, colons, hashes, words that YAML 1.1 does not read as text.
TITLES = st.one_of(
    st.sampled_from(
        ["no", "1e3", "22:00", "0x1F", "# not a comment", "a: b", "'", '"', "null", "~"]
    ),
    st.text(st.characters(categories=("L", "N", "P", "S")), min_size=1, max_size=12),
)
ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata"])
CLOCKS = st.integers(0, 24 * 60 - 1).map(lambda minute: f"{minute // 60:02}:{minute % 60:02}")
DAYS = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"]
METHODS = st.sampled_from(
    [
        {"channel": "email", "to": "a@example.com"},
        {"channel": "sms", "to": "+4915112345678"},
        {"channel": "slack", "to": "C0123", "secret": "slack"},
        {
            "channel": "webhook",
            "to": "https://a.example/x?y=1#z",
            "secret": "a",
            "next_secret": "b",
        },
        {"channel": "webhook", "to": "https://a.example", "login": {"basic": "a"}},
        {"channel": "webhook", "to": "https://a.e/", "login": {"header": "X-K", "secret": "b"}},
        {"channel": "discord", "secret": "teams/discord"},
    ]
)
_1990 = datetime.fromisoformat("1990-01-01")
_CENTURY = timedelta(days=36_525) // timedelta(microseconds=1)


def optional(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


def minutes(low: int, high: int) -> st.SearchStrategy[str]:
    return st.integers(low, high).map(lambda count: f"{count}m")


TIMES = st.integers(0, _CENTURY).map(lambda passed: _1990 + timedelta(microseconds=passed))
MOMENTS = st.one_of(
    TIMES.map(lambda at: at.date().isoformat()),
    TIMES.map(lambda at: at.replace(second=0, microsecond=0).isoformat(sep=" ")),
    TIMES.map(lambda at: f"{at.isoformat()}Z"),
    TIMES.map(lambda at: f"{at.isoformat(timespec='seconds')}+05:30"),
)
METHODS_BY_NAME = st.dictionaries(SLUGS, METHODS, max_size=3)
URGENCIES = st.sampled_from(["HIGH", "MEDIUM", "LOW"])
MEMBERS = st.one_of(st.none(), optional(lead=st.booleans(), pages=st.booleans()))
HOURS = st.fixed_dictionaries(
    {"start": CLOCKS, "end": CLOCKS},
    optional={"days": st.lists(st.sampled_from(DAYS), min_size=1, unique=True)},
)
TOLD = st.lists(st.sampled_from(["triggered", "resolved", "exhausted"]), unique=True)
RECEIVERS = st.tuples(METHODS, optional(told=TOLD, name=TITLES)).map(lambda both: both[0] | both[1])
# None that last all week.
HOURS_OF_THE_WEEK = st.lists(
    st.fixed_dictionaries(
        {"start": CLOCKS, "end": CLOCKS, "days": st.just(["SATURDAY", "SUNDAY"])}
    ),
    min_size=1,
    max_size=2,
)
QUIET_HOURS = st.fixed_dictionaries({"times": HOURS_OF_THE_WEEK}, optional={"zone": ZONES})
SUPPORT_HOURS = st.fixed_dictionaries(
    {"zone": ZONES, "times": HOURS_OF_THE_WEEK},
    optional={
        "outside": st.sampled_from(
            [{"MEDIUM": "LOW"}, {"HIGH": "LOW", "MEDIUM": "LOW"}, {"HIGH": "MEDIUM"}]
        )
    },
)
USERS = st.fixed_dictionaries(
    {"email": st.just("a@example.com"), "role": st.sampled_from(["ADMIN", "RESPONDER", "USER"])},
    optional={
        "name": TITLES,
        "zone": ZONES,
        "disabled": st.booleans(),
        "quiet_hours": QUIET_HOURS,
        "shift_notices": st.lists(st.sampled_from(["day", "hour", "changes"]), unique=True),
    },
)
USERS_BY_NAME = st.dictionaries(SLUGS, USERS, min_size=1, max_size=4)
EVENTS = st.lists(st.sampled_from(["incident.created", "incident.updated"]), unique=True)
HOOKS = st.tuples(METHODS, optional(events=EVENTS)).map(lambda both: both[0] | both[1])


EXPRESSIONS = st.sampled_from(
    ["payload.source", "payload.custom_details.team == 'shop'", "key('a', dedup_key)", "`true`"]
)
WAITS = st.one_of(
    optional(high=st.booleans(), alerts=st.integers(2, 1000)).flatmap(
        lambda rest: minutes(1, 1440).map(lambda time: {"time": time, **rest})
    ),
    st.integers(2, 9).map(lambda count: {"alerts": count}),
)
ROUTES = st.one_of(
    st.fixed_dictionaries({"when": EXPRESSIONS, "drop": st.just(True)}, optional={"name": TITLES}),
    st.fixed_dictionaries(
        {"when": EXPRESSIONS},
        optional={
            "name": TITLES,
            "service_label": EXPRESSIONS,
            "severity": st.sampled_from(["critical", "error", "warning", "info"]),
            "suppress": st.booleans(),
            "group": EXPRESSIONS,
            "page_after": WAITS,
        },
    ),
)
VALUES = st.lists(st.sampled_from(["open", "Closed", "0", "a b"]), min_size=1, unique=True)
PRESETS = st.fixed_dictionaries(
    {
        "action": st.one_of(
            EXPRESSIONS,
            st.fixed_dictionaries({"value": EXPRESSIONS, "resolve": VALUES}),
            st.fixed_dictionaries({"value": EXPRESSIONS, "otherwise": st.just("ignore")}),
        ),
        "dedup_key": EXPRESSIONS,
        "summary": EXPRESSIONS,
    },
    optional={
        "name": TITLES,
        "events": st.just("body.alerts"),
        "source": EXPRESSIONS,
        "severity": EXPRESSIONS | st.fixed_dictionaries({"value": EXPRESSIONS, "error": VALUES}),
        "links": st.just([{"href": "item.url", "text": "Graph"}]),
        "signatures": st.just([{"scheme": "token", "header": "x-token"}]),
        "setup": st.just(["Post to {url} with {key}."]),
    },
)


# The rest depends on the names that a file has; few sets of names come often.


@cache
def _rules(methods: tuple[str, ...]) -> st.SearchStrategy[dict[str, Any]]:
    rule = st.fixed_dictionaries(
        {"method": st.sampled_from(methods)}, optional={"after": minutes(0, 1440)}
    )
    return st.dictionaries(URGENCIES, st.lists(rule, max_size=3))


@cache
def _teams(users: tuple[str, ...]) -> st.SearchStrategy[dict[str, Any]]:
    team = st.fixed_dictionaries(
        {"members": st.dictionaries(st.sampled_from(users), MEMBERS)}, optional={"name": TITLES}
    )
    return st.dictionaries(SLUGS, team, min_size=1, max_size=3)


@cache
def _schedules(users: tuple[str, ...]) -> st.SearchStrategy[dict[str, Any]]:
    layer = st.fixed_dictionaries(
        {
            "users": st.lists(st.sampled_from(users), max_size=4),
            "turn": st.sampled_from(["1h", "12h", "36h", "1d", "7d", "1w", "52w"]),
            "handoff": CLOCKS,
            "start": MOMENTS,
        },
        optional={
            "name": TITLES,
            "priority": st.integers(-5, 5),
            "restrictions": st.lists(HOURS, max_size=2),
        },
    )
    schedule = st.fixed_dictionaries(
        {"zone": ZONES, "layers": st.dictionaries(SLUGS, layer, max_size=2)},
        optional={"name": TITLES, "channel": METHODS},
    )
    return st.dictionaries(SLUGS, schedule, max_size=2)


@cache
def _policies(
    users: tuple[str, ...], teams: tuple[str, ...], schedules: tuple[str, ...]
) -> st.SearchStrategy[dict[str, Any]]:
    named = {"user": users, "team": teams, "team_leads": teams, "schedule": schedules}
    target = st.one_of(
        *(
            st.fixed_dictionaries({kind: st.sampled_from(names)})
            for kind, names in named.items()
            if names
        )
    )
    step = st.fixed_dictionaries(
        {"targets": st.lists(target, min_size=1, max_size=3)}, optional={"after": minutes(0, 10080)}
    )
    policy = st.fixed_dictionaries(
        {"steps": st.lists(step, min_size=1, max_size=3)},
        optional={"name": TITLES, "repeat": st.integers(0, 9), "repeat_after": minutes(1, 600)},
    )
    return st.dictionaries(SLUGS, policy, max_size=2)


@cache
def _services(
    teams: tuple[str, ...], policies: tuple[str, ...]
) -> st.SearchStrategy[dict[str, Any]]:
    more: dict[str, st.SearchStrategy[Any]] = {
        "name": TITLES,
        "integrations": st.dictionaries(SLUGS, TITLES | _integrations(), max_size=2),
        "receivers": st.dictionaries(SLUGS, RECEIVERS, max_size=2),
        "acknowledgement_timeout": minutes(1, 43200),
        "auto_resolve": minutes(1, 43200),
        "remind": st.dictionaries(
            st.sampled_from(["HIGH", "MEDIUM", "LOW"]), minutes(1, 43200) | st.just("never")
        ),
        "runbook": st.sampled_from(["https://wiki.example/a?b=1#c", "http://wiki.internal/"]),
        "dashboard": st.just("https://graphs.example/d/1"),
        "support_hours": SUPPORT_HOURS,
        "mirror": MIRRORS,
        "raises_urgency": st.booleans(),
        "disabled": st.booleans(),
    }
    if policies:
        more["policy"] = st.sampled_from(policies)
    service = st.fixed_dictionaries({"team": st.sampled_from(teams)}, optional=more)
    service = st.tuples(service, st.just({}) | SHADOWS).map(lambda both: both[0] | both[1])
    return st.dictionaries(SLUGS, service, max_size=3)


@cache
def _integrations() -> st.SearchStrategy[dict[str, Any]]:
    """With settings. What they refer to is for each file to say (`files`)."""
    return optional(
        name=TITLES,
        secret=st.just("hook"),
        routes=st.lists(ROUTES, min_size=1, max_size=3),
        page_after=WAITS,
    ) | optional(heartbeat=st.sampled_from([{"every": "5m"}, {"cron": "30 2 * * *"}]))


@cache
def _status_pages(services: tuple[str, ...]) -> st.SearchStrategy[dict[str, Any]]:
    called = st.dictionaries(st.sampled_from(services or ("none",)), TITLES, max_size=len(services))
    page = optional(
        name=TITLES,
        services=st.lists(st.sampled_from(services), unique=True) if services else st.just([]),
        webhooks=st.dictionaries(SLUGS, HOOKS, max_size=2),
        shows_details=st.booleans(),
        public=optional(names=called, automatic=minutes(1, 1440)),
    )
    return st.dictionaries(SLUGS, page, max_size=1)


@st.composite
def files(draw: st.DrawFn) -> dict[str, Any]:
    """The data of a file in which every reference leads somewhere."""

    def names(section: dict[str, Any]) -> tuple[str, ...]:
        return tuple(sorted(section))

    users = draw(USERS_BY_NAME)
    for user in users.values():
        methods = draw(METHODS_BY_NAME)
        if methods:
            user["contact_methods"] = methods
            user["rules"] = draw(_rules(names(methods)))
    teams = draw(_teams(names(users)))
    schedules = draw(_schedules(names(users)))
    policies = draw(_policies(names(users), names(teams), names(schedules)))
    services = draw(_services(names(teams), names(policies)))
    for service in services.values():
        for integration in service.get("integrations", {}).values():
            if isinstance(integration, dict) and draw(st.booleans()):
                integration["default"] = draw(st.sampled_from(names(services)))
    return {
        "users": users,
        "teams": teams,
        "schedules": schedules,
        "policies": policies,
        "services": services,
        "status_pages": draw(_status_pages(names(services))),
        "reports": draw(reports(names(users), SLUGS, TITLES)),
        "presets": draw(st.dictionaries(SLUGS, PRESETS, max_size=1)),
        "aws": draw(aws_rules(names(services))),
    }
