"""Findings about text messages: who replied STOP, and from which countries no reply arrives."""

from collections.abc import Iterable, Sequence
from typing import Any

from opsknight.directory.entries import User
from opsknight.directory.receivers import Channel
from opsknight.health.findings import Finding, failed, named, warning
from opsknight.notification.recipients import methods
from opsknight.notification.replies import calling_code
from opsknight.store.calls import Deadline
from opsknight.store.replies import Replies
from opsknight.store.table import Table


def stopped(users: Sequence[User], table: Table, deadline: Deadline) -> Iterable[Finding]:
    """Who cannot be paged any more because they replied STOP, and whose pages go elsewhere."""
    numbers = _all_numbers(users)
    opted_out = Replies(table).opted_out(numbers, deadline) if numbers else frozenset()
    for user in users:
        theirs = _numbers(user) & opted_out
        if user.disabled or not theirs:
            continue
        rest = [
            each
            for each in methods(user)
            if each.channel is not Channel.SMS or each.to not in theirs
        ]
        mend = "They send START to the number that the text messages come from."
        if rest:
            said = f"{user.name} replied STOP: their pages go to their other methods."
            yield warning("phone", said, mend)
        else:
            said = f"{user.name} replied STOP and has no other method: no page reaches them."
            yield failed("phone", said, mend)


def replies(users: Sequence[User], client: Any, topic: str) -> Iterable[Finding]:
    """`client`: of End User Messaging. Silent where nobody set up replies."""
    pages = client.get_paginator("describe_phone_numbers").paginate()
    found = [each for page in pages for each in page["PhoneNumbers"]]
    ours = [
        each["PhoneNumber"]
        for each in found
        if each.get("TwoWayEnabled") and each.get("TwoWayChannelArn") == topic
    ]
    yield from abroad(users, ours, "Lease a two-way number for it in AWS End User Messaging")


def abroad(users: Sequence[User], ours: Iterable[str], mend: str) -> Iterable[Finding]:
    """The countries of people to whom none of our numbers that take replies belongs."""
    known = {calling_code(each) for each in ours}
    others = {calling_code(each) for each in _all_numbers(users)} - known
    if known and others:
        countries = named(f"+{code}" for code in others if code)
        said = (
            f"People in {countries} cannot reply to text messages: no number there takes replies."
        )
        yield warning("phone", said, f"{mend}, or use the links.")


def _all_numbers(users: Sequence[User]) -> set[str]:
    return {number for user in users if not user.disabled for number in _numbers(user)}


def _numbers(user: User) -> set[str]:
    return {each.to for each in methods(user) if each.channel is Channel.SMS}
