"""Generated configuration files: valid ones, of every shape."""

from datetime import datetime
from typing import Any

from hypothesis import strategies as st

SLUGS = st.from_regex(r"[a-z0-9]{1,6}(-[a-z0-9]{1,4})?", fullmatch=True)
# What YAML and terminals find hard: quotes, colons, hashes, words that are no text in YAML 1.1.
TITLES = st.one_of(
    st.sampled_from(
        ["no", "1e3", "22:00", "0x1F", "# not a comment", "a: b", "'", '"', "null", "~"]
    ),
    st.text(st.characters(categories=("L", "N", "P", "S")), min_size=1, max_size=12),
)
ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata"])
CLOCKS = st.times().map(lambda at: f"{at:%H:%M}")
DAYS = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"]
METHODS = st.one_of(
    st.just({"channel": "email", "to": "a@example.com"}),
    st.just({"channel": "sms", "to": "+4915112345678"}),
    st.just({"channel": "slack", "to": "C0123", "secret": "/opsknight/slack"}),
    st.just(
        {"channel": "webhook", "to": "https://a.example/x?y=1#z", "secret": "a", "next_secret": "b"}
    ),
    st.just({"channel": "discord", "secret": "/opsknight/discord"}),
)


def optional(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


def minutes(low: int, high: int) -> st.SearchStrategy[str]:
    return st.integers(low, high).map(lambda count: f"{count}m")


def _moments() -> st.SearchStrategy[str]:
    times = st.datetimes(datetime.fromisoformat("1990-01-01"), datetime.fromisoformat("2090-01-01"))
    return st.one_of(
        times.map(lambda at: at.date().isoformat()),
        times.map(lambda at: at.replace(second=0, microsecond=0).isoformat(sep=" ")),
        times.map(lambda at: f"{at.isoformat()}Z"),
        times.map(lambda at: f"{at.isoformat(timespec='seconds')}+05:30"),
    )


def _user(draw: st.DrawFn) -> dict[str, Any]:
    methods = draw(st.dictionaries(SLUGS, METHODS, max_size=3))
    user = draw(optional(name=TITLES, zone=ZONES, disabled=st.booleans()))
    user |= {
        "email": "a@example.com",
        "role": draw(st.sampled_from(["ADMIN", "RESPONDER", "USER"])),
    }
    if methods:
        rule = st.fixed_dictionaries(
            {"method": st.sampled_from(sorted(methods))}, optional={"after": minutes(0, 1440)}
        )
        urgencies = st.sampled_from(["HIGH", "MEDIUM", "LOW"])
        user["contact_methods"] = methods
        user["rules"] = draw(st.dictionaries(urgencies, st.lists(rule, max_size=3)))
    return user


def _layer(users: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    hours = st.fixed_dictionaries(
        {"start": CLOCKS, "end": CLOCKS},
        optional={"days": st.lists(st.sampled_from(DAYS), min_size=1, unique=True)},
    )
    return st.fixed_dictionaries(
        {
            "users": st.lists(st.sampled_from(users), max_size=4),
            "turn": st.sampled_from(["1h", "12h", "36h", "1d", "7d", "1w", "52w"]),
            "handoff": CLOCKS,
            "start": _moments(),
        },
        optional={
            "name": TITLES,
            "priority": st.integers(-5, 5),
            "restrictions": st.lists(hours, max_size=2),
        },
    )


@st.composite
def files(draw: st.DrawFn) -> dict[str, Any]:
    """The data of a file in which every reference leads somewhere."""
    users = {
        name: _user(draw) for name in draw(st.lists(SLUGS, min_size=1, max_size=4, unique=True))
    }
    names = sorted(users)
    member = st.one_of(st.none(), optional(lead=st.booleans(), pages=st.booleans()))
    team = st.fixed_dictionaries(
        {"members": st.dictionaries(st.sampled_from(names), member)}, optional={"name": TITLES}
    )
    teams = draw(st.dictionaries(SLUGS, team, min_size=1, max_size=3))
    schedule = st.fixed_dictionaries(
        {"zone": ZONES, "layers": st.dictionaries(SLUGS, _layer(names), max_size=2)},
        optional={"name": TITLES},
    )
    schedules = draw(st.dictionaries(SLUGS, schedule, max_size=2))
    kinds = [("user", names), ("team", sorted(teams)), ("team_leads", sorted(teams))]
    kinds += [("schedule", sorted(schedules))] if schedules else []
    target = st.one_of(
        *(st.fixed_dictionaries({kind: st.sampled_from(known)}) for kind, known in kinds)
    )
    step = st.fixed_dictionaries(
        {"targets": st.lists(target, min_size=1, max_size=3)}, optional={"after": minutes(0, 10080)}
    )
    policy = st.fixed_dictionaries(
        {"steps": st.lists(step, min_size=1, max_size=3)},
        optional={"name": TITLES, "repeat": st.integers(0, 9), "repeat_after": minutes(1, 600)},
    )
    policies = draw(st.dictionaries(SLUGS, policy, max_size=2))
    told = st.lists(st.sampled_from(["triggered", "resolved", "exhausted"]), unique=True)
    receiver = st.tuples(METHODS, optional(told=told, name=TITLES)).map(
        lambda both: both[0] | both[1]
    )
    more: dict[str, st.SearchStrategy[Any]] = {
        "name": TITLES,
        "integrations": st.dictionaries(SLUGS, TITLES, max_size=2),
        "receivers": st.dictionaries(SLUGS, receiver, max_size=2),
        "acknowledgement_timeout": minutes(1, 43200),
        "auto_resolve": minutes(1, 43200),
        "raises_urgency": st.booleans(),
        "disabled": st.booleans(),
    }
    if policies:
        more["policy"] = st.sampled_from(sorted(policies))
    service = st.fixed_dictionaries({"team": st.sampled_from(sorted(teams))}, optional=more)
    services = draw(st.dictionaries(SLUGS, service, max_size=3))
    listed = st.lists(st.sampled_from(sorted(services)), unique=True) if services else st.just([])
    events = st.lists(st.sampled_from(["incident.created", "incident.updated"]), unique=True)
    hook = st.tuples(METHODS, optional(events=events)).map(lambda both: both[0] | both[1])
    page = optional(
        name=TITLES,
        services=listed,
        webhooks=st.dictionaries(SLUGS, hook, max_size=2),
        shows_details=st.booleans(),
    )
    return {
        "users": users,
        "teams": teams,
        "schedules": schedules,
        "policies": policies,
        "services": services,
        "status_pages": draw(st.dictionaries(SLUGS, page, max_size=1)),
    }
