"""The configuration of a night as the file that operators apply. JSON is YAML."""

import json
from datetime import timedelta
from typing import Any, Final

from harness.simulation.configuration import (
    Configuration,
    Method,
    Page,
    Person,
    Policy,
    Report,
    Rota,
    Service,
)
from harness.simulation.hub import START

# Minutes: hours that end before the night begins.
BEFORE_THE_NIGHT: Final = -60
SECRETS: Final = {name: f"{name}-token" for name in ("pushover", "telegram")}
"""The parameter with the token of each channel that needs one."""


def written(configuration: Configuration) -> str:
    """The whole file."""
    document: dict[str, Any] = {
        "users": {each.name: _person(each) for each in configuration.people}
        | _admin(configuration.admin),
        "teams": {
            configuration.team: {"members": {each.name: {} for each in configuration.people}}
        },
        "schedules": {each.name: _rota(each) for each in configuration.rotas},
        "policies": {each.name: _policy(each) for each in configuration.policies},
        "services": {
            each.name: _service(each, configuration.team) for each in configuration.services
        },
        "reports": {each.name: _report(each) for each in configuration.reports},
        "status_pages": {each.name: _page(each) for each in configuration.pages},
    }
    return json.dumps({name: each for name, each in document.items() if each})


def _admin(name: str) -> dict[str, Any]:
    return {name: {"email": f"{name}@example.com", "role": "ADMIN"}} if name else {}


def _service(service: Service, team: str) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "team": team,
        "integrations": {service.name: _integration(service)} | _pulse(service),
        "receivers": {
            f"hook-{number}": {"channel": "webhook", "to": f"https://{host}/"}
            for number, host in enumerate(service.hooks)
        },
    }
    if service.policy is not None:
        shape["policy"] = service.policy
    if service.acknowledgement_timeout is not None:
        shape["acknowledgement_timeout"] = f"{service.acknowledgement_timeout}m"
    if service.mirror:
        shape["mirror"] = {"to": "webhook", "url": f"https://{service.mirror}/"}
    if service.remind:
        wanted = service.remind.items()
        shape["remind"] = {name: f"{each}m" if each else "never" for name, each in wanted}
    if service.supported_from is not None:
        hours = {"start": _wall(service.supported_from), "end": _wall(BEFORE_THE_NIGHT)}
        shape["support_hours"] = {"zone": "UTC", "times": [hours]}
    return shape


def _integration(service: Service) -> dict[str, Any] | str:
    if service.page_after is None and not service.routes:
        # As older versions know it.
        return f"Monitor of {service.name}"
    shape: dict[str, Any] = {"name": f"Monitor of {service.name}"}
    if service.page_after is not None:
        shape["page_after"] = {"time": f"{service.page_after}m"}
    if service.routes:
        shape["routes"] = [
            {"when": f"payload.source == '{source}'", "service": name}
            for source, name in service.routes.items()
        ]
    return shape


def _pulse(service: Service) -> dict[str, Any]:
    pulse = service.pulse
    if pulse is None:
        return {}
    beats = {"every": f"{pulse.every}m", "grace": f"{pulse.grace}m"}
    return {pulse.name: {"name": pulse.name, "heartbeat": beats}}


def _report(report: Report) -> dict[str, Any]:
    desk = {"channel": "webhook", "to": f"https://{report.host}/"}
    return {"at": _wall(report.at), "zone": "UTC", "receivers": {"desk": desk}}


def _page(page: Page) -> dict[str, Any]:
    return {"services": list(page.services), "public": {"automatic": f"{page.after}m"}}


def _wall(minutes: int) -> str:
    """The time of the day, so many minutes after the night began."""
    return f"{START + timedelta(minutes=minutes):%H:%M}"


def _person(person: Person) -> dict[str, Any]:
    hours = {}
    if person.quiet_until is not None:
        times = [{"start": _wall(BEFORE_THE_NIGHT), "end": _wall(person.quiet_until)}]
        hours = {"quiet_hours": {"zone": "UTC", "times": times}}
    return hours | {
        "email": f"{person.name}@example.com",
        "role": "RESPONDER",
        "contact_methods": {each.name: _method(each) for each in person.methods},
        "rules": {
            urgency: [
                {"method": rule.method, **({"after": f"{rule.after}m"} if rule.after else {})}
                for rule in rules
            ]
            for urgency, rules in person.rules.items()
        },
    }


def _method(method: Method) -> dict[str, str]:
    secret = SECRETS.get(method.channel)
    shape = {"channel": method.channel, "to": method.to}
    return shape | ({"secret": secret} if secret else {})


def _rota(rota: Rota) -> dict[str, Any]:
    layer = {
        "users": list(rota.people),
        "turn": "1d",
        "handoff": _wall(rota.handoff),
        "start": f"{START - timedelta(days=1):%Y-%m-%d}",
    }
    channel = {"channel": "webhook", "to": f"https://{rota.host}/"}
    return {"zone": "UTC", "layers": {"days": layer}, "channel": channel}


def _policy(policy: Policy) -> dict[str, Any]:
    return {
        "steps": [
            {
                "targets": [{"schedule": step.rota}]
                if step.rota
                else [{"user": name} for name in step.people],
                **({"after": f"{step.after}m"} if step.after else {}),
            }
            for step in policy.steps
        ],
        "repeat": policy.repeat,
        "repeat_after": f"{policy.repeat_after}m",
    }
