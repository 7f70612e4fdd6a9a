"""Bodies about the configuration; as in `respond.contract`."""

from typing import Annotated, Final

from pydantic import Field

from respond.body import Body

# Two hundred services with all their settings are a tenth of it.
LARGEST_BODY: Final = 1024 * 1024


class ConfigurationText(Body):
    text: Annotated[str, Field(description="A whole configuration file, as YAML.")]


class PlanBody(ConfigurationText):
    prune: Annotated[
        bool, Field(description="Whether everything goes that the text does not name.")
    ] = False


class ApplyBody(PlanBody):
    revision: Annotated[int, Field(ge=0, description="The one that the plan was made from.")]
    digest: Annotated[
        str | None,
        Field(description="The plan's: with it, nothing is applied but what was planned."),
    ] = None
    force: Annotated[
        bool,
        Field(description="Whether it is applied though keys in use end, or much is removed."),
    ] = False
    take_over: Annotated[
        bool,
        Field(description="Whether the console owns from now on what a file owned until now."),
    ] = False
