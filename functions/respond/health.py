"""The handler of the HTTP API for what is wrong with the deployment and nobody has noticed yet."""

from opsknight.http.gateway import Answer, HttpError
from opsknight.views import health
from respond.request import ApiCall


def show_health(call: ApiCall) -> Answer:
    """It names people, services and receivers of all teams."""
    if not call.caller.sees_all:
        raise HttpError(403, "Health access denied")
    sight = health.Sight.read(call.table, call.now, call.deadline)
    found = sight.findings(call.caller.user.clock)
    return Answer(200, health.answer(found, call.now))
