"""The handler of the HTTP API for one service in full."""

from opsknight.directory.entries import IntegrationKey
from opsknight.directory.receivers import Owner, ServiceReceiver
from opsknight.http.gateway import Answer
from opsknight.store.keys import Keys
from opsknight.store.receivers import Receivers
from opsknight.views import integration_models
from opsknight.views.integration_answers import service_details
from opsknight.views.names import of_service
from respond.request import ApiCall
from respond.rosters import service_of


def show_service(call: ApiCall) -> Answer:
    """With its integrations and their keys, and how its receivers take what is sent."""
    [service_id] = call.ids
    service, table = service_of(service_id, call), call.table
    receivers = list(table.readable(ServiceReceiver, table.receivers(service.id, call.deadline)))
    where = {each.id: Owner.service(service.id).destination(each.id) for each in receivers}
    known = Receivers(table).states(where.values(), call.deadline)
    keys = (each.key for each in Keys(table).held(call.deadline, service.id))
    shown = service_details(
        service,
        call.names(of_service(service)),
        call.now,
        integrations=table.integrations(service.id, call.deadline),
        keys=[each for each in keys if isinstance(each, IntegrationKey)],
        receivers=receivers,
        states={each.id: known[where[each.id]] for each in receivers if where[each.id] in known},
    )
    return Answer(200, integration_models.ShownService(service=shown))
