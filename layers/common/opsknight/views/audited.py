"""What people do, as the audit log has it: the act, what it is about, and what it changes.

The same for whoever acts, at the command line or by the API. Addresses are masked here.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from opsknight.classes import dataclass
from opsknight.config.configuration import kind_of, path_of
from opsknight.config.diff import Create, Remove, Step, Update
from opsknight.directory.audit_log import (
    Act,
    AuditEntry,
    AuditKind,
    Fact,
    Thing,
    ThingKind,
    changed,
    gone,
    made,
    named,
    thing,
)
from opsknight.directory.entries import ApiKey, IntegrationKey, Service, User
from opsknight.directory.integrations import Integration
from opsknight.directory.receivers import Receiver, Unconfirmed
from opsknight.directory.sessions import Login, Session
from opsknight.directory.windows import MaintenanceWindow
from opsknight.escalation.hold import Spell
from opsknight.oncall.schedules import Override, Schedule
from opsknight.publishing.posts import Post
from opsknight.views.directory_answers import masked
from opsknight.views.lengths import in_words

CONFIGURATION: Final = thing(ThingKind.CONFIGURATION, "configuration")
DEPLOYMENT: Final = thing(ThingKind.DEPLOYMENT, "deployment")

type Name = Callable[[str | None], str | None]
"""The name of a user, by id; None where it is not known."""


def of_user(user: User) -> Thing:
    return thing(ThingKind.USER, user.id, user.name)


def of_service(service: Service) -> Thing:
    return thing(ThingKind.SERVICE, service.id, service.name)


def of_owner(key: IntegrationKey | ApiKey) -> tuple[Thing, ...]:
    if isinstance(key, ApiKey):
        return (thing(ThingKind.USER, key.user_id),)
    integration = f"{key.service_id}/{key.integration_id}"
    return (
        thing(ThingKind.INTEGRATION, integration, key.name),
        thing(ThingKind.SERVICE, key.service_id),
    )


def integration_added(integration: Integration, key: IntegrationKey) -> Act:
    name = f"{integration.service_id}/{integration.id}"
    things = (
        thing(ThingKind.INTEGRATION, name, integration.name),
        thing(ThingKind.SERVICE, integration.service_id),
        thing(ThingKind.KEY, key.id, key.name),
    )
    return Act(AuditKind.INTEGRATION_ADDED, things)


def key_made(key: IntegrationKey | ApiKey) -> Act:
    return Act(AuditKind.KEY_MADE, _of_key(key), made(scopes=_scopes(key)))


def key_rotated(old: IntegrationKey | ApiKey, new: IntegrationKey | ApiKey, ends: object) -> Act:
    facts = (*changed({"key": old.id}, {"key": new.id}), *made(old_one_ends=ends))
    return Act(AuditKind.KEY_ROTATED, _of_key(new), facts)


def key_revoked(key: IntegrationKey | ApiKey) -> Act:
    return Act(AuditKind.KEY_REVOKED, _of_key(key), gone(scopes=_scopes(key)))


def _of_key(key: IntegrationKey | ApiKey) -> tuple[Thing, ...]:
    return (thing(ThingKind.KEY, key.id, key.name), *of_owner(key))


def _scopes(key: IntegrationKey | ApiKey) -> Sequence[str]:
    return key.scopes if isinstance(key, ApiKey) else ()


def session_begun(user: User, session: Session) -> Act:
    things = (thing(ThingKind.SESSION, session.id), of_user(user))
    return Act(AuditKind.SESSION_BEGUN, things, made(way=session.way, ends=session.ends_at))


def session_ended(owner: Thing, session_id: str) -> Act:
    return Act(AuditKind.SESSION_ENDED, (thing(ThingKind.SESSION, session_id), owner))


def login_link_made(user: User, login: Login, *, forgets_identities: bool) -> Act:
    facts = made(ends=login.ends_at, forgets_the_provider=forgets_identities or None)
    return Act(AuditKind.LOGIN_LINK_MADE, (of_user(user),), facts)


def login_failed(user: User, why: str) -> Act:
    return Act(AuditKind.LOGIN_FAILED, (of_user(user),), made(why=why))


def override_added(schedule: Schedule, override: Override, name: Name) -> Act:
    facts = made(**_override(override, name))
    return Act(AuditKind.OVERRIDE_ADDED, _of_schedule(schedule), facts)


def override_removed(
    schedule: Schedule, override_id: str, override: Override | None, name: Name
) -> Act:
    facts = gone(**_override(override, name)) if override else gone(override=override_id)
    return Act(AuditKind.OVERRIDE_REMOVED, _of_schedule(schedule), facts)


def _of_schedule(schedule: Schedule) -> tuple[Thing, ...]:
    return (thing(ThingKind.SCHEDULE, schedule.id, schedule.name),)


def _override(override: Override, name: Name) -> Mapping[str, object]:
    return {
        "override": override.id,
        "on_call": name(override.user_id) or override.user_id,
        "in_place_of": name(override.replaces) or override.replaces,
        "start": override.start,
        "end": override.end,
    }


def maintenance_planned(window: MaintenanceWindow, service: Service, _: object = None) -> Act:
    facts = made(window=window.id, **_window(window))
    return Act(AuditKind.MAINTENANCE_PLANNED, (of_service(service),), facts)


def maintenance_ended(service: Service, after: Sequence[MaintenanceWindow]) -> Act:
    """`after`: the windows that are left."""
    left = {each.id: each for each in after}
    facts: list[Fact] = []
    for before in service.windows:
        now = left.get(before.id)
        if now is None:
            facts += gone(window=before.id, **_window(before))
        elif now != before:
            facts += (*made(window=before.id), *changed(_window(before), _window(now)))
    return Act(AuditKind.MAINTENANCE_ENDED, (of_service(service),), tuple(facts))


def _window(window: MaintenanceWindow) -> dict[str, object]:
    repeats = window.repeats
    return {
        "reason": window.reason,
        "start": window.start,
        "end": window.end,
        "every": repeats and f"{repeats.days}d",
        "repeats_until": repeats and repeats.until,
        "ended": repeats and repeats.ended_at,
        "stays_suppressed": window.keep_suppressed or None,
    }


def calendar_ended(owner: Thing) -> Act:
    return Act(AuditKind.CALENDAR_ENDED, (owner,))


def hold_begun(spell: Spell) -> Act:
    facts = made(start=spell.start, end=spell.end, reason=spell.reason)
    return Act(AuditKind.HOLD_BEGUN, (DEPLOYMENT,), facts)


def hold_ended(spell: Spell) -> Act:
    facts = made(start=spell.start, ended=spell.end, reason=spell.reason)
    return Act(AuditKind.HOLD_ENDED, (DEPLOYMENT,), facts)


@dataclass(frozen=True, slots=True)
class OfOneself:
    """What people change of how they are reached; `entry` knows who acts."""

    entry: Callable[[Act], AuditEntry]

    def method_asked_for(self, user: User, waiting: Unconfirmed) -> AuditEntry:
        facts = made(waits_for_its_code=_method(waiting), in_place_of=waiting.replaces)
        return self.entry(Act(AuditKind.METHOD_ASKED_FOR, (of_user(user),), facts))

    def methods_changed(self, before: User, after: User) -> AuditEntry:
        facts = changed(_methods(before), _methods(after))
        return self.entry(Act(AuditKind.METHODS_CHANGED, (of_user(after),), facts))

    def rules_changed(self, before: User, after: User) -> AuditEntry:
        facts = changed(_rules(before), _rules(after))
        return self.entry(Act(AuditKind.RULES_CHANGED, (of_user(after),), facts))


def _methods(user: User) -> dict[str, object]:
    found: dict[str, object] = {each.id: _method(each) for each in user.contact_methods}
    if user.own is not None:
        found |= {each.id: f"waits: {_method(each)}" for each in user.own.unconfirmed}
    return found


def _method(each: Receiver) -> str:
    return " ".join(filter(None, (each.name, each.channel.value, masked(each.channel, each.to))))


def _rules(user: User) -> dict[str, object]:
    names = {each.id: each.name for each in user.contact_methods}
    found: dict[str, list[str]] = {}
    for each in user.rules:
        after = f" after {in_words(each.delay)}" if each.delay else " at once"
        said = f"{names.get(each.method_id, each.method_id)}{after}"
        found.setdefault(each.urgency.value, []).append(said)
    return {urgency: "; ".join(said) for urgency, said in found.items()}


def applied(steps: Sequence[Step], done: int, before: int, revision: int) -> Act:
    """`done` steps of a plan for revision `before` are written."""
    written = steps[:done]
    facts = [*changed({"revision": before}, {"revision": revision})]
    if done < len(steps):
        facts += made(written=f"{done} of {len(steps)} changes")
    for word, kind in (("created", Create), ("changed", Update), ("removed", Remove)):
        entries = [each.entry for each in written if isinstance(each, kind)]
        counts = Counter(str(kind_of(each)) for each in entries)
        facts += made(**{word: ", ".join(_counted(n, it) for it, n in sorted(counts.items()))})
        facts += made(
            **{f"{word}_names": named("/".join(map(str, path_of(each))) for each in entries)}
        )
    return Act(AuditKind.CONFIGURATION_APPLIED, (CONFIGURATION,), tuple(facts))


def first_person(user: User, steps: Sequence[Step], done: int, before: int, revision: int) -> Act:
    """Whom nobody of the configuration let in: it named nobody. Written as `applied`."""
    act = applied(steps, done, before, revision)
    facts = (*act.facts, *made(first_person=user.id, role=user.role))
    return Act(act.kind, (*act.things, of_user(user)), facts)


def restored(copy: str, counts: Mapping[str, int], revision: int | None, *, is_done: bool) -> Act:
    facts = made(
        copy=copy,
        entries=", ".join(_counted(n, it.replace("_", " ")) for it, n in sorted(counts.items())),
        revision=revision,
        state="done" if is_done else "begun",
    )
    return Act(AuditKind.RESTORED, (CONFIGURATION,), facts)


def _counted(number: int, word: str) -> str:
    if number == 1:
        return f"1 {word}"
    return f"{number} {word[:-1]}ies" if word.endswith("y") else f"{number} {word}s"


def post_added(page: Thing, post: Post) -> Act:
    return Act(AuditKind.POST_ADDED, _of_post(page, post), made(**_post(post)))


def post_updated(page: Thing, post: Post) -> Act:
    facts = made(text=post.updates[-1].text, **_post(post))
    return Act(AuditKind.POST_UPDATED, _of_post(page, post), facts)


def post_withdrawn(page: Thing, post: Post) -> Act:
    return Act(AuditKind.POST_WITHDRAWN, _of_post(page, post), gone(title=post.title))


def _of_post(page: Thing, post: Post) -> tuple[Thing, ...]:
    return (thing(ThingKind.POST, post.id, post.title), page)


def _post(post: Post) -> dict[str, object]:
    return {"title": post.title, "phase": post.phase, "start": post.starts_at, "end": post.ends_at}
