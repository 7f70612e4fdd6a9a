"""The routes about the caller's own contact methods, keys and sessions; as in `routes`."""

from collections.abc import Callable
from typing import Final

from opsknight.directory.entries import USERS_READ
from opsknight.http.gateway import Answer
from opsknight.http.routes import LIMITS, Reply, Route
from opsknight.views import directory_models as models
from opsknight.views.roster_models import Removed
from respond import directory, my_methods
from respond.body import NoBody
from respond.contract import TypedCode

_CODES: Final = "/api/me/contact-methods/{methodId}/codes"
_TESTS: Final = "/api/me/contact-methods/{methodId}/tests"

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
        method="POST",
        path=_CODES,
        name="sendMyCode",
        scope=USERS_READ,
        handler=my_methods.send_code,
        summary="Send a code to a contact method of the caller. It is real: telephones ring.",
        body=NoBody,
        body_required=False,
        example={},
        replies=(
            Reply(202, "It is on its way.", models.CodeAnswer, LIMITS),
            Reply(409, "The deployment is on hold.", headers=LIMITS),
        ),
        errors=(400, 404, 413),
    ),
    Route(
        method="GET",
        path=f"{_CODES}/{{codeId}}",
        name="showMyCode",
        scope=USERS_READ,
        handler=my_methods.show_code,
        summary="Show what became of the message with a code.",
        replies=(Reply(200, "As it is now.", models.CodeAnswer, LIMITS),),
        errors=(400, 404),
    ),
    Route(
        method="POST",
        path=f"{_CODES}/{{codeId}}",
        name="typeMyCode",
        scope=USERS_READ,
        handler=my_methods.type_code,
        summary="Show by its code that the contact method reaches the caller.",
        body=TypedCode,
        example={"code": "0407 1234"},
        replies=(
            Reply(200, "It does.", Removed, LIMITS),
            Reply(410, "The code does not count any more.", headers=LIMITS),
        ),
        errors=(400, 403, 404, 413),
    ),
    Route(
        method="POST",
        path=_TESTS,
        name="sendMyTest",
        scope=USERS_READ,
        handler=my_methods.send_test,
        summary="Send a test message to a contact method of the caller. It is real, too.",
        body=NoBody,
        body_required=False,
        example={},
        replies=(
            Reply(202, "It is on its way.", models.CodeAnswer, LIMITS),
            Reply(409, "The deployment is on hold.", headers=LIMITS),
        ),
        errors=(400, 404, 413),
    ),
    Route(
        method="GET",
        path=f"{_TESTS}/{{testId}}",
        name="showMyTest",
        scope=USERS_READ,
        handler=my_methods.show_test,
        summary="Show what became of a test message.",
        replies=(Reply(200, "As it is now.", models.CodeAnswer, LIMITS),),
        errors=(400, 404),
    ),
    Route(
        method="GET",
        path="/api/me/keys",
        name="listMyKeys",
        scope=USERS_READ,
        handler=my_methods.list_keys,
        summary="List the API keys of the caller that work, without their secrets.",
        replies=(Reply(200, "By id.", models.MyKeys, LIMITS),),
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
)
