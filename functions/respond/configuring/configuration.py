"""Handlers that show, check, plan and apply the configuration. What they decide, `opsknight.config`
decides, as for the command line.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from opsknight.config.configuration import Configuration
from opsknight.config.ownership import Applied, OwnedElsewhere, Side
from opsknight.config.ownership import check as check_owner
from opsknight.directory.audit_log import PREFIX
from opsknight.directory.entries import CONFIGURATION_WRITE, Role
from opsknight.files.reading import read
from opsknight.http.gateway import Answer, Failure, HttpError, Issue
from opsknight.http.recent_login import require_recent_login
from opsknight.runtime.telemetry import logger
from opsknight.store.calls import Unavailable
from opsknight.store.changed_schedules import tell_changes
from opsknight.store.configuration_size import ConfigurationTooLarge
from opsknight.store.configurations import Configurations
from opsknight.store.half_applied import Interrupted, Overtaken, Refused
from opsknight.store.last_applies import LastApplies
from opsknight.store.plans import Plan, carry_out, plan
from opsknight.views import audited
from opsknight.views import configuration_models as models
from opsknight.views.directory_answers import place
from respond.configuring import words
from respond.configuring.contract import ApplyBody, ConfigurationText, PlanBody
from respond.request import ApiCall, Query

if TYPE_CHECKING:
    from opsknight.files.checking import Checked

# What problems call the text.
NAME: Final = "configuration"
# A revision lists at most as many changes as a transaction has writes.
MOST_REVISIONS: Final = 20
MOST_ISSUES: Final = 50
# Time of its own, as a slow apply leaves none. With one last call still under the timeout.
TELLING_SECONDS: Final = 2.5
_ANOTHER: Final = (
    "The plan is another one by now: the text is not the one that was planned, or an incident has"
    " ended that needed something. Nothing was written. Plan it again."
)


def show(call: ApiCall) -> Answer:
    _check_reader(call)
    seen = Configurations(call.table).read(call.deadline)
    may_apply = _may_apply(call)
    return Answer(
        200,
        models.ConfigurationAnswer(
            revision=seen.revision,
            owner=words.owner(seen.owner),
            text=words.text(seen.configuration, whole=may_apply),
            masked=not may_apply,
            may_apply=may_apply,
        ),
    )


def show_part(call: ApiCall) -> Answer:
    _check_reader(call)
    query = Query(call.request.query)
    path = query.text("path") or ""
    if not path:
        query.wrong("path", "must name a thing, such as services.checkout")
    query.check()
    seen = Configurations(call.table).read(call.deadline)
    part = words.part(seen.configuration, path)
    if not part:
        raise HttpError(404, "Not in the configuration")
    last = LastApplies(call.table).read(call.deadline)
    may_apply = _may_apply(call)
    return Answer(
        200,
        models.PartAnswer(
            path=path,
            text=words.text(Configuration.of(part), whole=may_apply),
            masked=not may_apply,
            may_apply=may_apply,
            owner=words.owner(seen.owner),
            place=place(last.place(path) if last and last.is_of(seen.owner) else None),
        ),
    )


def list_revisions(call: ApiCall) -> Answer:
    _check_reader(call)
    query = Query(call.request.query)
    before = query.number("before", 0, 999_999) if query.text("before") else None
    query.check()
    found, more = Configurations(call.table).revisions(MOST_REVISIONS, before, call.deadline)
    return Answer(200, models.Revisions(revisions=[*map(words.revision, found)], next=more))


def validate(call: ApiCall, wanted: ConfigurationText) -> Answer:
    _check_reader(call)
    checked = _checked(wanted.text, call)
    problems = words.problems(checked.problems)
    return Answer(200, models.Validated(valid=not checked.errors, problems=problems))


def make_plan(call: ApiCall, wanted: PlanBody) -> Answer:
    _check_admin(call)
    checked, made = _planned(wanted, call)
    may_apply = _may_apply(call)
    return Answer(
        200,
        models.PlanAnswer(
            revision=made.seen.revision,
            digest=words.digest(made, whole=may_apply),
            owner=words.owner(made.seen.owner),
            problems=words.problems(checked.problems),
            changes=words.planned(made, whole=may_apply),
            hidden=None if may_apply else words.hidden(made),
            dangers=[*words.dangers(made, call.now, whole=may_apply)],
            needs_force=made.needs_force,
            left=[*words.left(made)],
        ),
    )


def apply(call: ApiCall, wanted: ApplyBody) -> Answer:
    _check_admin(call)
    require_recent_login(call.caller.session, call.now)
    _, made = _planned(wanted, call)
    if made.seen.revision != wanted.revision:
        raise _overtaken("")
    if wanted.digest is not None and wanted.digest != words.digest(made, whole=True):
        raise HttpError(409, Failure(error="Another plan", message=_ANOTHER))
    applied = Applied(Side.CONSOLE, call.caller.user.name, takes_over=wanted.take_over)
    try:
        check_owner(made.seen.owner, applied)
        if made.needs_force and not wanted.force:
            raise HttpError(409, Failure(error="Needs force", message=" ".join(words.harm(made))))
        revision = made.seen.revision
        if not made.is_empty or _changes_hands(made, applied):
            configurations, token = Configurations(call.table), call.new_id("act")[:30]
            entry_id = call.new_id(PREFIX)
            revision = carry_out(
                configurations,
                made,
                applied,
                call.now,
                token,
                call.deadline,
                audit=lambda done, reached: call.audit(
                    audited.applied(made.steps, done, made.seen.revision, reached), entry_id
                ),
            )
    except OwnedElsewhere as elsewhere:
        said = f"The {elsewhere.owner.by} owns the configuration: change it there, or take it over."
        raise HttpError(409, Failure(error="Owned elsewhere", message=said)) from None
    except (Interrupted, Refused) as stopped:
        _tell(made, call, stopped.done)
        raise
    except Overtaken as overtaken:
        _tell(made, call, overtaken.done)
        raise _overtaken(_how_far(overtaken.done)) from None
    except ConfigurationTooLarge as error:
        raise HttpError(409, Failure(error="Too large", message=str(error))) from None
    _tell(made, call)
    return Answer(200, models.AppliedAnswer(revision=revision, changed=len(made.steps)))


def _changes_hands(made: Plan, applied: Applied) -> bool:
    return made.seen.owner is not None and made.seen.owner.by != applied.by


def _tell(made: Plan, call: ApiCall, done: int | None = None) -> None:
    """It is applied, or its first `done` steps are: an answer that said otherwise would have it
    applied again.
    """
    user = call.caller.user
    try:
        tell_changes(
            call.table,
            made,
            user.name,
            call.new_id("chg"),
            call.now,
            call.deadline.later(TELLING_SECONDS),
            but=user.id,
            done=done,
        )
    except (Unavailable, BotoCoreError, ClientError):
        logger.exception("nobody was told of a change of shifts")


def _planned(wanted: PlanBody, call: ApiCall) -> "tuple[Checked, Plan]":
    """Raises HttpError for a text that cannot be applied."""
    checked = _checked(wanted.text, call)
    if checked.errors:
        issues = [
            Issue(path=f"line {each.place.line}", message=words.shortened(each.sentence))
            for each in checked.errors[:MOST_ISSUES]
        ]
        raise HttpError(400, Failure(error="Invalid configuration", issues=issues))
    made = plan(
        Configurations(call.table),
        checked.configuration,
        prune=wanted.prune,
        now=call.now,
        deadline=call.deadline,
    )
    return checked, made


def _checked(text: str, call: ApiCall) -> "Checked":
    # Imported by the first text that comes: the shapes of a file take longer to make than to show
    # what is applied.
    checked: Checked = import_module("opsknight.files.checking").check(
        read({NAME: text}), call.now, call.reach
    )
    return checked


def _how_far(done: int) -> str:
    if not done:
        return "This try wrote nothing. "
    return f"{done} of the changes were written, and everything that they refer to exists. "


def _overtaken(how_far: str) -> HttpError:
    """Whoever got no answer tries again: what their first try wrote is nobody else's change."""
    hint = (
        "The configuration has changed since this plan was made, perhaps by an earlier try of "
        "this apply."
    )
    message = f"{hint} {how_far}Plan it again."
    return HttpError(409, Failure(error="Overtaken", message=message))


def _may_apply(call: ApiCall) -> bool:
    """A key that may only read sees no address: whoever gets hold of it changes nothing, and
    writes to nobody.
    """
    return _is_admin(call) and CONFIGURATION_WRITE in call.caller.scopes


def _is_admin(call: ApiCall) -> bool:
    return call.caller.user.role is Role.ADMIN


def _check_admin(call: ApiCall) -> None:
    if not _is_admin(call):
        raise HttpError(403, "Configuration access denied")


def _check_reader(call: ApiCall) -> None:
    """It names people, services and receivers of all teams. Raises HttpError."""
    if not call.caller.sees_all:
        raise HttpError(403, "Configuration access denied")
