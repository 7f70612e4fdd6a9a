"""The routes that write keys; as in `respond.routes`."""

from collections.abc import Callable
from typing import Final

from opsknight.directory.entries import KEYS_WRITE
from opsknight.http.gateway import Answer
from opsknight.http.routes import LIMITS, Reply, Route
from opsknight.views import integration_models as models
from opsknight.views.roster_models import Removed
from respond.body import NoBody
from respond.contract import NewIntegration
from respond.keeping import keys, my_routes

_SERVICE: Final = "/api/keeping/services/{serviceId}"
_NEW: Final = (Reply(201, "The key, which is shown this one time.", models.NewKey, LIMITS),)

ROUTES: Final[tuple[Route[Callable[..., Answer]], ...]] = (
    Route(
        method="POST",
        path=f"{_SERVICE}/integrations",
        name="addIntegration",
        scope=KEYS_WRITE,
        handler=keys.add_integration,
        summary="Add an integration to a service, with its key.",
        body=NewIntegration,
        example={"name": "Prometheus Alerts"},
        replies=_NEW,
        errors=(400, 403, 404, 409, 413),
    ),
    Route(
        method="POST",
        path=f"{_SERVICE}/integrations/{{integrationId}}/keys",
        name="addKey",
        scope=KEYS_WRITE,
        handler=keys.add_key,
        summary="Make another key of an integration.",
        body=NoBody,
        body_required=False,
        example={},
        replies=_NEW,
        errors=(400, 403, 404, 413),
    ),
    Route(
        method="POST",
        path=f"{_SERVICE}/keys/{{keyId}}/rotate",
        name="rotateKey",
        scope=KEYS_WRITE,
        handler=keys.rotate_key,
        summary="Replace a key by a new one; the old one works for another day.",
        body=NoBody,
        body_required=False,
        example={},
        replies=_NEW,
        errors=(400, 403, 404, 409, 413),
    ),
    Route(
        method="DELETE",
        path=f"{_SERVICE}/keys/{{keyId}}",
        name="revokeKey",
        scope=KEYS_WRITE,
        handler=keys.revoke_key,
        summary="Revoke a key: within 30 seconds it works nowhere.",
        replies=(Reply(200, "It has ended.", Removed, LIMITS),),
        errors=(400, 403, 404, 409),
    ),
    *my_routes.ROUTES,
)
