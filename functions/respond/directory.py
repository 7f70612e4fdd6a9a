"""Handlers of the HTTP API for the caller, for people and teams, and for escalation policies."""

from opsknight.directory import profile
from opsknight.directory.entries import Team
from opsknight.escalation.policy import Policy
from opsknight.http.gateway import Answer, HttpError
from opsknight.store.configurations import Configurations
from opsknight.store.last_applies import LastApplies
from opsknight.store.own_methods import confirmed
from opsknight.store.sessions import Sessions
from opsknight.views import audited
from opsknight.views import directory_answers as answers
from opsknight.views import directory_models as models
from opsknight.views.names import of_target, of_users
from opsknight.views.roster_models import Removed
from respond.request import ApiCall


def show_me(call: ApiCall) -> Answer:
    # As they are now, and not half a minute ago: whoever has just changed it looks at it.
    user = call.table.user(call.caller.user.id, call.deadline) or call.caller.user
    found = (call.table.team(each, call.deadline) for each in user.team_ids)
    teams = [each for each in found if each]
    known = (*user.contact_methods, *profile.waiting(user, call.now))
    reached = confirmed(call.table, user, known, call.deadline)
    # Read for those whom the file has something of, and once a visit.
    theirs = profile.has_own_methods(user) and profile.has_own_rules(user)
    last_apply = None if theirs else LastApplies(call.table).read(call.deadline)
    shown = answers.me(user, teams, call.caller.scopes, reached, call.now, last_apply)
    return Answer(200, models.Me(me=shown))


def list_sessions(call: ApiCall) -> Answer:
    found = Sessions(call.table).of(call.caller.user.id, call.deadline)
    mine = call.caller.session
    shown = [
        models.SessionAnswer(
            id=each.id,
            way=each.way,
            agent=each.agent,
            created_at=each.created_at,
            ends_at=each.ends_at,
            current=mine is not None and each.id == mine.id,
        )
        for each in found
        if each.live_at(call.now) and each.is_of(call.caller.user)
    ]
    return Answer(200, models.MySessions(sessions=shown))


def end_session(call: ApiCall) -> Answer:
    [session_id] = call.ids
    user = call.caller.user
    entry = call.audit(audited.session_ended(audited.of_user(user), session_id))
    if not Sessions(call.table).end(user.id, session_id, call.deadline, audit=entry):
        raise HttpError(404, "Session not found")
    return Answer(200, Removed(status="success"))


def list_users(call: ApiCall) -> Answer:
    found = call.directory.users(call.now, call.deadline)
    return Answer(200, models.Users(users=[answers.user(each) for each in found]))


def show_user(call: ApiCall) -> Answer:
    [user_id] = call.ids
    user = call.table.user(user_id, call.deadline)
    if user is None:
        raise HttpError(404, "User not found")
    return Answer(200, models.ShownUser(user=answers.user_details(user)))


def list_teams(call: ApiCall) -> Answer:
    found: list[Team] = Configurations(call.table).teams(call.deadline)
    names = call.names(of_users(one.user_id for each in found for one in each.members))
    return Answer(200, models.Teams(teams=[answers.team(each, names) for each in found]))


def list_policies(call: ApiCall) -> Answer:
    found = Configurations(call.table).policies(call.deadline)
    return Answer(200, models.Policies(policies=_policies(found, call)))


def show_policy(call: ApiCall) -> Answer:
    [policy_id] = call.ids
    policy = call.table.policy(policy_id, call.deadline)
    if policy is None:
        raise HttpError(404, "Policy not found")
    [shown] = _policies([policy], call)
    return Answer(200, models.ShownPolicy(policy=shown))


def _policies(found: list[Policy], call: ApiCall) -> list[models.PolicyAnswer]:
    targets = {one for each in found for step in each.steps for one in step.targets}
    names = call.names(of_target(one) for one in targets)
    return [answers.policy(each, names) for each in found]
