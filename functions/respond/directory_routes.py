"""The routes about people, teams and policies; as in `routes`."""

from collections.abc import Callable
from typing import Final

from opsknight.directory.entries import HEALTH_READ, POLICIES_READ, USERS_READ
from opsknight.http.gateway import Answer
from opsknight.http.routes import LIMITS, Reply, Route
from opsknight.views import directory_models as models
from opsknight.views import simulation_models
from opsknight.views.health import Health
from respond import directory, health, simulating
from respond.contract import NightBody

ROUTES: Final[tuple[Route[Callable[..., Answer]], ...]] = (
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
    Route(
        method="GET",
        path="/api/health",
        name="showHealth",
        scope=HEALTH_READ,
        handler=health.show_health,
        summary="Show what is wrong with the deployment and nobody has noticed yet.",
        replies=(Reply(200, "What `opsknight doctor` sees in the table.", Health, LIMITS),),
        errors=(400, 403),
    ),
    Route(
        method="POST",
        path="/api/simulate",
        name="simulateNight",
        scope=POLICIES_READ,
        handler=simulating.simulate_night,
        summary="Show who would be paged for an event, when and how. Nothing is written or sent.",
        body=NightBody,
        example={"serviceId": "svc_checkout", "urgency": "HIGH", "at": "2026-11-28T03:00:00Z"},
        replies=(Reply(200, "If nobody acts.", simulation_models.SimulatedAnswer, LIMITS),),
        errors=(400, 403, 404, 413),
    ),
)
