"""The routes about the configuration; as in `respond.routes`."""

from collections.abc import Callable
from typing import Final

from opsknight.directory.entries import CONFIGURATION_READ, CONFIGURATION_WRITE
from opsknight.http.gateway import Answer
from opsknight.http.routes import LIMITS, Parameter, Reply, Route
from opsknight.views import configuration_models as models
from respond.configuring import configuration
from respond.configuring.contract import LARGEST_BODY, ApplyBody, ConfigurationText, PlanBody

_TEXT: Final = "teams:\n  web: {members: {ada: }}\nusers:\n  ada: {email: ada@example.com}\n"
_LARGE: Final = Reply(413, f"Payload too large: over {LARGEST_BODY} bytes.", headers=LIMITS)

ROUTES: Final[tuple[Route[Callable[..., Answer]], ...]] = (
    Route(
        method="GET",
        path="/api/configuration/text",
        name="showConfiguration",
        scope=CONFIGURATION_READ,
        handler=configuration.show,
        summary="Show the configuration as a file, with its revision and whoever owns it.",
        replies=(Reply(200, "All of it.", models.ConfigurationAnswer, LIMITS),),
        errors=(400, 403),
    ),
    Route(
        method="GET",
        path="/api/configuration/part",
        name="showPartOfConfiguration",
        scope=CONFIGURATION_READ,
        handler=configuration.show_part,
        summary="Show one thing of the configuration, and where it is changed.",
        parameters=(
            Parameter(
                "path",
                "Where it stands in a file: `services.checkout`, `policies.web`.",
                {"type": "string"},
                "services.checkout",
            ),
        ),
        replies=(Reply(200, "With all that belongs to it.", models.PartAnswer, LIMITS),),
        errors=(400, 403, 404),
    ),
    Route(
        method="GET",
        path="/api/configuration/revisions",
        name="listRevisions",
        scope=CONFIGURATION_READ,
        handler=configuration.list_revisions,
        summary="List what was applied, by whom and when, newest first.",
        parameters=(
            Parameter(
                "before",
                "Only revisions before this one: `next` of an answer.",
                {"type": "integer", "minimum": 1},
                120,
            ),
        ),
        replies=(Reply(200, "Some of them.", models.Revisions, LIMITS),),
        errors=(400, 403),
    ),
    Route(
        method="POST",
        path="/api/configuration/validate",
        name="validateConfiguration",
        scope=CONFIGURATION_READ,
        handler=configuration.validate,
        summary="Say what is wrong with a configuration file. Nothing is written.",
        body=ConfigurationText,
        example={"text": _TEXT},
        replies=(
            Reply(200, "As `opsknight validate` says it.", models.Validated, LIMITS),
            _LARGE,
        ),
        errors=(400, 403),
    ),
    Route(
        method="POST",
        path="/api/configuration/plan",
        name="planConfiguration",
        scope=CONFIGURATION_READ,
        handler=configuration.make_plan,
        summary="Show what applying a configuration file would change. Nothing is written.",
        body=PlanBody,
        example={"text": _TEXT},
        replies=(
            Reply(200, "As `opsknight plan` shows it.", models.PlanAnswer, LIMITS),
            _LARGE,
        ),
        errors=(400, 403),
    ),
    Route(
        method="POST",
        path="/api/configuration/apply",
        name="applyConfiguration",
        scope=CONFIGURATION_WRITE,
        handler=configuration.apply,
        summary="Apply a configuration file, by a plan that was looked at.",
        body=ApplyBody,
        example={"text": _TEXT, "revision": 7},
        replies=(
            Reply(200, "It is applied.", models.AppliedAnswer, LIMITS),
            Reply(
                409,
                "Overtaken: somebody has changed it since the plan; Owned elsewhere: a file owns"
                " it; Another plan: it would change something else; Needs force; or Too large.",
                headers=LIMITS,
            ),
            _LARGE,
        ),
        errors=(400, 403),
    ),
)
