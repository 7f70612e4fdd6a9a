"""The routes by which people change what is their own; as in `respond.routes`."""

from collections.abc import Callable
from typing import Final

from opsknight.directory.entries import ME_WRITE
from opsknight.http.gateway import Answer
from opsknight.http.routes import LIMITS, Reply, Route
from opsknight.views import directory_models as models
from opsknight.views.roster_models import Removed
from respond.body import NoBody
from respond.contract import MethodName, NewMethod, RulesBody
from respond.keeping import me

_METHODS: Final = "/api/keeping/me/contact-methods"
_METHOD: Final = f"{_METHODS}/{{methodId}}"
_REFUSED: Final = Reply(
    409, "The file has them, or nobody could reach the caller any more.", headers=LIMITS
)

ROUTES: Final[tuple[Route[Callable[..., Answer]], ...]] = (
    Route(
        method="POST",
        path=_METHODS,
        name="addMyMethod",
        scope=ME_WRITE,
        handler=me.add_method,
        summary="Ask for one more contact method, or another address for one of them.",
        body=NewMethod,
        example={"channel": "sms", "to": "+49 151 12345678", "name": "Mobile"},
        replies=(
            Reply(201, "It waits for its code for a day.", models.NewMethodAnswer, LIMITS),
            _REFUSED,
        ),
        errors=(400, 403, 404, 413),
    ),
    Route(
        method="POST",
        path=f"{_METHOD}/use",
        name="useMyMethod",
        scope=ME_WRITE,
        handler=me.use_method,
        summary="Take an address into use that was confirmed by its code.",
        body=NoBody,
        body_required=False,
        example={},
        replies=(Reply(200, "Pages go there from now on.", Removed, LIMITS), _REFUSED),
        errors=(400, 403, 404, 413),
    ),
    Route(
        method="PATCH",
        path=_METHOD,
        name="renameMyMethod",
        scope=ME_WRITE,
        handler=me.rename_method,
        summary="Give a contact method another name.",
        body=MethodName,
        example={"name": "Mobile"},
        replies=(Reply(200, "It has it.", Removed, LIMITS), _REFUSED),
        errors=(400, 403, 404, 413),
    ),
    Route(
        method="DELETE",
        path=_METHOD,
        name="removeMyMethod",
        scope=ME_WRITE,
        handler=me.remove_method,
        summary="Remove a contact method, or an address that waits for its code.",
        replies=(Reply(200, "It is gone.", Removed, LIMITS), _REFUSED),
        errors=(400, 403, 404),
    ),
    Route(
        method="POST",
        path="/api/keeping/me/rules",
        name="setMyRules",
        scope=ME_WRITE,
        handler=me.set_rules,
        summary="Set all notification rules of the caller.",
        body=RulesBody,
        example={
            "rules": [
                {"urgency": "HIGH", "methodId": "cm_sms"},
                {"urgency": "HIGH", "methodId": "cm_voice", "afterSeconds": 300},
            ]
        },
        replies=(Reply(200, "Pages follow them from now on.", models.MyRules, LIMITS), _REFUSED),
        errors=(400, 403, 404, 413),
    ),
    Route(
        method="DELETE",
        path="/api/keeping/me/keys/{keyId}",
        name="revokeMyKey",
        scope=ME_WRITE,
        handler=me.revoke_key,
        summary="Revoke an API key of the caller: within 30 seconds it works nowhere.",
        replies=(Reply(200, "It has ended.", Removed, LIMITS),),
        errors=(400, 403, 404, 409),
    ),
)
