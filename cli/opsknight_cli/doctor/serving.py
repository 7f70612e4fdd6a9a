"""What the deployment serves now: the versions behind the aliases, and whether a hold is on."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from pydantic import ValidationError

from opsknight.health.findings import Finding, failed, ok, warning
from opsknight.store.calls import Deadline
from opsknight.store.holds import Holds
from opsknight_cli.doctor.deployed import Deployed
from opsknight_cli.terminal.holding import sentence

ALIAS: Final = "live"
# CloudFormation moves an alias only where a deploy changes its function.
_DEPLOY: Final = (
    "Deploy a change: `make deploy`, with another LogLevel if there is none. After `opsknight "
    "rollback` this is expected."
)


def hold(deployed: Deployed) -> Iterable[Finding]:
    try:
        found = Holds(deployed.table).read(Deadline.after(deployed.patience))
    except ValidationError:
        said = "The stored hold cannot be read, so no hold is in force."
        yield warning("hold", said, "Replace it: `opsknight hold on --for 1m`.")
        return
    spell = found.spell(deployed.now)
    if spell is None:
        yield ok("hold", "There is no hold.")
    else:
        yield failed("hold", sentence(spell), "End it: `opsknight hold off`.")


def versions(deployed: Deployed) -> Iterable[Finding]:
    """Whether what runs is what was deployed: code, layer and settings alike."""
    awslambda, found = deployed.client("lambda"), []
    functions = sorted(deployed.of_kind("AWS::Lambda::Function").items())
    for name, physical in functions:
        served = awslambda.get_function_configuration(FunctionName=physical, Qualifier=ALIAS)
        latest = awslambda.get_function_configuration(FunctionName=physical)
        said = differences(served, latest)
        short, published = name.removesuffix("Function"), _published(awslambda, physical)
        newest = max(published, key=lambda each: int(each["Version"]), default=served)
        if said:
            text = f"{short} serves version {served['Version']}, which differs from the newest in:"
            found.append(failed("versions", f"{text} {said}.", _DEPLOY))
        elif served["Version"] not in ("$LATEST", newest["Version"]):
            # What differs may be no code and no setting: a level of the log, tracing, the chip.
            text = f"{short} serves {_named(served)}; {_named(newest)} was published later."
            found.append(failed("versions", text, _DEPLOY))
        routing = awslambda.get_alias(FunctionName=physical, Name=ALIAS).get("RoutingConfig") or {}
        if latest.get("SnapStart", {}).get("ApplyOn") == "PublishedVersions":
            old = {each["Version"] for each in published} - {served["Version"]}
            if old:
                said = f"{short} has {len(old)} versions that serve nobody."
                found.append(warning("versions", said, _forget(physical, old)))
        if routing.get("AdditionalVersionWeights"):
            said = f"{short} serves two versions: a shift is under way."
            found.append(warning("versions", said, "Wait for CodeDeploy, and look again."))
    if found:
        yield from found
    else:
        yield ok("versions", f"All {len(functions)} functions serve what was deployed last.")


def _published(awslambda: Any, function: str) -> list[Mapping[str, Any]]:
    """Versions stay when a deploy replaces them, so there may be many."""
    found: list[Mapping[str, Any]] = []
    more: dict[str, str] = {}
    while True:
        answer = awslambda.list_versions_by_function(FunctionName=function, **more)
        found += [each for each in answer["Versions"] if each["Version"] != "$LATEST"]
        if not answer.get("NextMarker"):
            return found
        more = {"Marker": answer["NextMarker"]}


def _named(version: Mapping[str, Any]) -> str:
    """With the parameters that it was deployed with, as its description says."""
    described = str(version.get("Description") or "").strip()
    return f"version {version['Version']}" + (f" ({described})" if described else "")


def _forget(function: str, versions: Iterable[str]) -> str:
    commands = (
        f"aws lambda delete-function --function-name {function} --qualifier {each}"
        for each in sorted(versions, key=int)
    )
    return f"With SnapStart each is billed for its snapshot: `{'; '.join(commands)}`."


def differences(served: Mapping[str, Any], latest: Mapping[str, Any]) -> str:
    """What the served version has otherwise. Names of settings only: values may be secret."""
    said = []
    if served.get("CodeSha256") != latest.get("CodeSha256"):
        said.append("code")
    if _layers(served) != _layers(latest):
        said.append("layers")
    ours, theirs = _settings(served), _settings(latest)
    names = {each for each in ours.keys() | theirs.keys() if ours.get(each) != theirs.get(each)}
    if names:
        said.append(f"settings ({', '.join(sorted(names))})")
    return " and ".join(said)


def _layers(function: Mapping[str, Any]) -> list[str]:
    return [each["Arn"] for each in function.get("Layers", [])]


def _settings(function: Mapping[str, Any]) -> Mapping[str, str]:
    found: Mapping[str, str] = function.get("Environment", {}).get("Variables", {})
    return found
