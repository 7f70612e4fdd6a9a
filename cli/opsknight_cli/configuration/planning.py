"""`plan`: what a configuration file would change in a deployment."""

from typing import Annotated, Final

import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.text import Text

from opsknight.files.checking import Checked
from opsknight.files.plan_words import data
from opsknight.files.problems import problems_data
from opsknight.health import shadows as health
from opsknight.store.configurations import Configurations
from opsknight.store.plans import Plan, plan
from opsknight_cli.configuration import view
from opsknight_cli.configuration.loading import load
from opsknight_cli.configuration.offline import DEFAULT_FILE, FileArgument, StrictOption
from opsknight_cli.configuration.parameters import of_plan
from opsknight_cli.session import Exit
from opsknight_cli.terminal.invocation import Invocation, common_options
from opsknight_cli.terminal.naming import remember

CHANGES: Final = 2

app = typer.Typer()

PruneOption = Annotated[
    bool, typer.Option("--prune", help="Remove everything that the file does not name.")
]


@app.command("plan")
@common_options()
def plan_command(
    invocation: Invocation,
    file: FileArgument = DEFAULT_FILE,
    prune: PruneOption = False,
    strict: StrictOption = False,
) -> None:
    """Show what `apply` would change. The exit code is 2 if it would change anything."""
    screen = invocation.screen
    checked = load(invocation, file, strict=strict)
    made = planned(invocation, checked, prune=prune)
    if screen.as_json:
        screen.data(plan_data(invocation, made, checked))
    else:
        show_plan(invocation, made, prune=prune)
    if not made.is_empty:
        raise Exit(CHANGES)


def show_plan(invocation: Invocation, made: Plan, *, prune: bool) -> None:
    view.show(made, invocation.screen, invocation.deployment.name, prune=prune)
    _show_secrets(invocation, made)
    _show_shadows(invocation, made)


def _show_secrets(invocation: Invocation, made: Plan) -> None:
    """Says which secrets are not there yet. They may be made after `apply`, so nothing stops."""
    screen, deployment = invocation.screen, invocation.deployment
    try:
        client = invocation.session.reach(invocation.where).client
        found = of_plan(made.desired.configuration, deployment.stack, deployment.parameters, client)
    except (BotoCoreError, ClientError) as error:
        screen.say()
        screen.say(f"Could not check whether the secrets exist: {error}", "yellow")
        return
    if found:
        screen.say()
        screen.say("Secrets to put right:", "bold yellow")
    for each in found:
        screen.hanging(Text(f"    {each.said}", "red" if each.stops else "yellow"), 0, 8)
        screen.say(each.mend, indent=8)


def _show_shadows(invocation: Invocation, made: Plan) -> None:
    """Says who pages nobody once the plan is applied."""
    services = made.desired.configuration.services.values()
    if found := health.in_shadow(services, invocation.session.now()):
        invocation.screen.say()
        invocation.screen.say(health.sentence(found), "bold yellow")


def planned(invocation: Invocation, checked: Checked, *, prune: bool) -> Plan:
    made = plan(
        Configurations(invocation.deployment.table),
        checked.configuration,
        prune=prune,
        now=invocation.session.now(),
        deadline=invocation.session.deadline(),
    )
    remember(invocation, made.desired.configuration)
    return made


def plan_data(invocation: Invocation, made: Plan, checked: Checked) -> dict[str, object]:
    problems = problems_data(checked.problems)
    return data(made, invocation.deployment.name) | {"problems": problems}
