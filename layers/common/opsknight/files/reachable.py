"""Addresses that no message can ever reach: what sending would refuse at night is refused here.

Asks no network: what a host name resolves to is only known when a message leaves.
"""

import re
from collections.abc import Iterator
from typing import Final

from opsknight.config.configuration import Configuration, Path, path_of, slug_of
from opsknight.config.finding import Finding, Severity
from opsknight.config.mailboxes import sharing
from opsknight.directory.receivers import Channel, Receiver
from opsknight.runtime.addresses import NotAllowed, Reach, Target, find, read

_LOCAL_PART: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
_LABEL: Final = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_EMAIL: Final = re.compile(rf"(?=.{{1,64}}@){_LOCAL_PART}@({_LABEL}\.)+(?=.*[A-Za-z]){_LABEL}")
# North America: an area code and an exchange, neither of which begins with 0 or 1.
_NORTH_AMERICA: Final = re.compile(r"\+1[2-9]\d\d[2-9]\d{6}")
# Begins that no country has (ITU E.164, spare and reserved codes).
_NO_COUNTRY: Final = re.compile(r"\+(999|210|21[79]|28|83|89|69[3-9]|80[1-79])")


def unreachable(configuration: Configuration, reach: Reach) -> Iterator[Finding]:
    """`reach` is the most that the deployment may have been allowed."""
    for user in configuration.users.values():
        if user.email and (why := email_problem(user.email)):
            yield _error((*path_of(user), "email"), why)
        for method in user.contact_methods:
            yield from _receiver(
                method, (*path_of(user), "contact_methods", slug_of(method.id)), reach
            )
    for receiver in configuration.receivers.values():
        yield from _receiver(receiver, path_of(receiver), reach)
    for schedule in configuration.schedules.values():
        if schedule.channel is not None:
            yield from _receiver(schedule.channel, (*path_of(schedule), "channel"), reach)
    for page in configuration.status_pages.values():
        for hook in page.webhooks:
            yield from _receiver(hook, (*path_of(page), "webhooks", slug_of(hook.id)), reach)
    for report in configuration.reports.values():
        for each in report.receivers:
            yield from _receiver(each, (*path_of(report), "receivers", slug_of(each.id)), reach)
    yield from _shared(configuration)


def email_problem(text: str) -> str | None:
    """A sentence, for an address that no mail can be sent to."""
    if text.lower().startswith("mailto:"):
        return "Must be the address alone, without mailto:."
    if not text.isascii():
        return "Must have letters of ASCII only: write the domain in its xn-- form."
    if re.search(r'[,;<>()"]', text):
        return "Must be one address, without a name beside it: give each its own contact method."
    if not _EMAIL.fullmatch(text):
        return "No mail can be sent to this address: it must look like ada@example.com."
    return None


def number_problem(number: str) -> str | None:
    """A sentence, for a number in E.164 that no telephone can have."""
    american = number.startswith("+1")
    if _NO_COUNTRY.match(number) or (american and not _NORTH_AMERICA.fullmatch(number)):
        return "No telephone can have this number: check its country and length."
    return None


def _receiver(receiver: Receiver, path: Path, reach: Reach) -> Iterator[Finding]:
    to = (*path, "to")
    match receiver.channel:
        case Channel.EMAIL:
            if why := email_problem(receiver.to):
                yield _error(to, why)
        case Channel.SMS | Channel.VOICE:
            if why := number_problem(receiver.to):
                yield _error(to, why)
        case Channel.NTFY if "?" in receiver.to or "#" in receiver.to:
            said = (
                "Must be the URL of the topic, without anything behind it: an access token is the"
                " value of the parameter that `secret` names."
            )
            yield _error(to, said)
        case Channel.WEBHOOK if "@" in receiver.to.partition("://")[2].partition("/")[0]:
            said = (
                "Must be the URL without a user name or password: put user:password into an SSM"
                " SecureString parameter, and name it in `login: {basic: NAME}`."
            )
            yield _error(to, said)
        case Channel.WEBHOOK | Channel.NTFY:
            yield from _url(receiver.to, to, reach)
        case _:
            return


def _url(url: str, path: Path, reach: Reach) -> Iterator[Finding]:
    try:
        _look(url, reach)
    except NotAllowed as why:
        yield _error(path, f"No message can be sent to this URL: {why}.")
        return
    try:
        _look(url, Reach.PUBLIC)
    except NotAllowed as why:
        said = f"Only a deployment with AllowPrivateTargets can send to this URL: {why}."
        yield Finding(Severity.WARNING, path, said)


def _look(url: str, reach: Reach) -> None:
    """Raises NotAllowed."""
    target: Target = read(url, reach)
    host = target.host
    this_machine = host == "localhost" or host.endswith(".localhost")
    if this_machine and reach is not Reach.LOCAL:
        raise NotAllowed("the host is the function's own machine")
    if target.literal is not None:
        find(target, lambda *_: [], reach)


def _shared(configuration: Configuration) -> Iterator[Finding]:
    for first, user in sharing(configuration.users.values()):
        said = f"User {slug_of(first.id)} has the same e-mail address: give each their own."
        yield Finding(Severity.WARNING, (*path_of(user), "email"), said)


def _error(path: Path, sentence: str) -> Finding:
    return Finding(Severity.ERROR, path, sentence)
