"""The SSM parameters that a configuration names: who needs them, and what is wrong with them. Their
values are never read.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import batched
from typing import Any, Final

from opsknight.config.configuration import Configuration, slug_of
from opsknight.directory.receivers import Receiver
from opsknight.directory.secret_names import own_prefix, parameter

SECURE: Final = "SecureString"
_AT_ONCE: Final = 50


@dataclass(frozen=True, slots=True)
class Trouble:
    """A secret that cannot be used, or not well."""

    said: str
    mend: str
    stops: bool
    """Whether nothing reaches the receiver."""


def wanted(configuration: Configuration) -> dict[str, str]:
    """Who needs each secret, by its name in the configuration."""
    found: dict[str, str] = {}

    def add(owner: str, receivers: Iterable[Receiver]) -> None:
        for each in receivers:
            for name in each.secrets:
                found.setdefault(name, owner)

    for user in configuration.users.values():
        add(f"user {slug_of(user.id)}", user.contact_methods)
    for receiver in configuration.receivers.values():
        add(f"receiver of {slug_of(receiver.service_id)}", [receiver])
    for service in configuration.services.values():
        if service.mirror is not None and service.mirror.secret:
            found.setdefault(service.mirror.secret, f"mirror of {slug_of(service.id)}")
    for schedule in configuration.schedules.values():
        add(f"schedule {slug_of(schedule.id)}", [schedule.channel] if schedule.channel else [])
    for page in configuration.status_pages.values():
        add(f"status page {slug_of(page.id)}", page.webhooks)
    for report in configuration.reports.values():
        add(f"report {slug_of(report.id)}", report.receivers)
    return found


def types(client: Callable[[str], Any], names: Iterable[str]) -> dict[str, str]:
    """The types of the parameters that exist, by name."""
    ssm, found = client("ssm"), dict[str, str]()
    for chunk in batched(sorted(set(names)), _AT_ONCE, strict=False):
        filters = [{"Key": "Name", "Option": "Equals", "Values": list(chunk)}]
        for answer in ssm.get_paginator("describe_parameters").paginate(ParameterFilters=filters):
            found |= {each["Name"]: each["Type"] for each in answer["Parameters"]}
    return found


def troubles(
    wanted: Mapping[str, str], types: Mapping[str, str], prefix: str, shared: str
) -> Iterator[Trouble]:
    """`prefix` is where the deployment's own secrets are, `shared` where the shared ones are that
    it may read, if any.
    """
    for written, owner in sorted(wanted.items()):
        name = parameter(written, prefix)
        put = f"`aws ssm put-parameter --type SecureString --name {name} --value ...`."
        if name is None:
            said = f"{owner}: a receiver may not name {written}, so nothing reaches it."
            yield Trouble(said, f"Put the secret at {prefix}NAME, and apply NAME.", stops=True)
        elif not name.startswith(prefix) and not (shared and name.startswith(shared)):
            said = f"{owner}: functions of this deployment cannot read {name}."
            mend = "Deploy with a `SharedSecretsPrefix` that it begins with, or put it elsewhere."
            yield Trouble(said, mend, stops=True)
        elif name not in types:
            yield Trouble(f"{owner}: {name} does not exist.", f"Create it: {put}", stops=True)
        elif types[name] != SECURE:
            said = f"{owner}: {name} is a {types[name]}, which is stored in the clear."
            yield Trouble(said, f"Delete it, and create it: {put}", stops=False)


def of_plan(
    configuration: Configuration,
    stack: str,
    parameters: Mapping[str, str],
    client: Callable[[str], Any],
) -> list[Trouble]:
    """What would be wrong with the secrets after a plan is carried out. `parameters` are those of
    the stack.
    """
    names, prefix = wanted(configuration), own_prefix(stack)
    if not names:
        return []
    known = types(client, filter(None, (parameter(each, prefix) for each in names)))
    return list(troubles(names, known, prefix, parameters.get("SharedSecretsPrefix", "")))
