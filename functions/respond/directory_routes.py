"""The routes about the caller, people, teams and policies; as in `routes`."""

from collections.abc import Callable
from typing import Final

from opsknight.directory.entries import POLICIES_READ, USERS_READ
from opsknight.http.gateway import Answer
from opsknight.http.routes import LIMITS, Reply, Route
from opsknight.views import directory_models as models
from opsknight.views.roster_models import Removed
from respond import directory

ROUTES: Final[tuple[Route[Callable[..., Answer]], ...]] = (
    Route(
        method="GET",
        path="/api/me",
        name="showMe",
        scope=USERS_READ,
        handler=directory.show_me,
        summary="Show who calls: their teams, contact methods and rules, and what the key may do.",
        replies=(Reply(200, "The key's owner.", models.Me, LIMITS),),
        errors=(400,),
    ),
    Route(
        method="GET",
        path="/api/me/sessions",
        name="listMySessions",
        scope=USERS_READ,
        handler=directory.list_sessions,
        summary="List where the caller is logged in to the console.",
        replies=(Reply(200, "Oldest first.", models.MySessions, LIMITS),),
        errors=(400,),
    ),
    Route(
        method="DELETE",
        path="/api/me/sessions/{sessionId}",
        name="endMySession",
        scope=USERS_READ,
        handler=directory.end_session,
        summary="End a session of the caller: within 30 seconds it is dead everywhere.",
        replies=(Reply(200, "It is over.", Removed, LIMITS),),
        errors=(400, 404),
    ),
    Route(
        method="GET",
        path="/api/users",
        name="listUsers",
        scope=USERS_READ,
        handler=directory.list_users,
        summary="List users, by id, without addresses.",
        replies=(Reply(200, "All of them.", models.Users, LIMITS),),
        errors=(400,),
    ),
    Route(
        method="GET",
        path="/api/users/{userId}",
        name="showUser",
        scope=USERS_READ,
        handler=directory.show_user,
        summary="Show a user, with contact methods whose addresses are masked.",
        replies=(Reply(200, "One of them.", models.ShownUser, LIMITS),),
        errors=(400, 404),
    ),
    Route(
        method="GET",
        path="/api/teams",
        name="listTeams",
        scope=USERS_READ,
        handler=directory.list_teams,
        summary="List teams with their members, by id.",
        replies=(Reply(200, "All of them.", models.Teams, LIMITS),),
        errors=(400,),
    ),
    Route(
        method="GET",
        path="/api/policies",
        name="listPolicies",
        scope=POLICIES_READ,
        handler=directory.list_policies,
        summary="List escalation policies, by id.",
        replies=(Reply(200, "All, as new incidents get them.", models.Policies, LIMITS),),
        errors=(400,),
    ),
    Route(
        method="GET",
        path="/api/policies/{policyId}",
        name="showPolicy",
        scope=POLICIES_READ,
        handler=directory.show_policy,
        summary="Show one escalation policy.",
        replies=(Reply(200, "As new incidents get it.", models.ShownPolicy, LIMITS),),
        errors=(400, 404),
    ),
)
