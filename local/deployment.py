"""Builds and deploys the real template with the SAM CLI, into the AWS of this machine."""

import fcntl
import hashlib
import platform
import sys
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from local.programs import ROOT, Programs, last_word

STACK = "opsknight-local"

# As in samconfig.toml.
_BUILT = Path(".aws-sam") / "local"


@contextmanager
def build_lock() -> Iterator[None]:
    """Held while the build is made or read. The end-to-end tests may run beside `make run`, and
    share its build.
    """
    built = ROOT / _BUILT
    built.parent.mkdir(exist_ok=True)
    with built.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def build(programs: Programs) -> None:
    """Builds, unless the last build was made from these very sources."""
    sources = _fingerprint(programs.root)
    built_from = programs.root / _BUILT / "built-from"
    if built_from.is_file() and built_from.read_text() == sources:
        return
    command = ["sam", "build", "--config-env", "local"]
    programs.run("build", command, env={"LAYER_PLATFORM": _platform()})
    built_from.write_text(sources)


def deploy(programs: Programs, parameters: Mapping[str, str]) -> dict[str, str]:
    """Deploys with these parameters beside those of samconfig.toml; returns the stack's outputs."""
    # `--parameter-overrides` replaces those of samconfig.toml, so they are repeated here.
    config = tomllib.loads((programs.root / "samconfig.toml").read_text())
    overrides: list[str] = config["local"]["deploy"]["parameters"]["parameter_overrides"]
    overrides = overrides + [f"{name}={value}" for name, value in parameters.items()]
    command = ["sam", "deploy", "--config-env", "local", "--parameter-overrides", *overrides]

    cloudformation = boto3.client("cloudformation", endpoint_url=programs.endpoint)

    def explain(output: str) -> str:
        try:
            events = cloudformation.describe_stack_events(StackName=STACK)["StackEvents"]
        except (BotoCoreError, ClientError):
            events = []
        failed = [each for each in events if each.get("ResourceStatus", "").endswith("_FAILED")]
        if not failed:
            return last_word(output)
        # The newest event comes first. The oldest failure caused the others.
        return f"{failed[-1]['LogicalResourceId']}: {failed[-1].get('ResourceStatusReason')}"

    programs.run("deploy", command, explain=explain)
    stack = cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def _fingerprint(root: Path) -> str:
    """Changes with every source of the build, with the tools, and with the machine."""
    digest = hashlib.sha256()
    for part in (version("aws-sam-cli"), sys.version, _platform(), str(root)):
        digest.update(part.encode() + b"\0")
    files = [root / "template.yaml", root / "samconfig.toml"]
    for folder in (root / "functions", root / "layers" / "common"):
        files += sorted(
            path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"
        )
    for path in files:
        digest.update(str(path).encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _platform() -> str:
    """This machine in uv's words: the layer runs here, in MiniStack."""
    machine = {"arm64": "aarch64", "amd64": "x86_64"}.get(
        platform.machine().lower(), platform.machine().lower()
    )
    return f"{machine}-apple-darwin" if sys.platform == "darwin" else f"{machine}-manylinux2014"
