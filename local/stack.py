"""The real template in an AWS on this machine: started, built, deployed, and given a first service.

`running` is what `make run`, the system tests and the bench share. Each step works or raises
`Failure` with a sentence for a person; printing is for the caller.
"""

import fcntl
import hashlib
import json
import os
import platform
import shutil
import socket
import sys
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, nullcontext
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from inbox.mailbox import Message
from inbox.scripts import Control
from inbox.server import Inbox
from local.children import Child
from local.front import AT_ONCE, Exchange, Front
from opsknight.directory.entries import SCOPES

ROOT = Path(__file__).resolve().parent.parent
STACK = "opsknight-local"
REGION = "us-east-1"
HOST = "127.0.0.1"

EXAMPLE = ROOT / "examples" / "realistic.yaml"
# By their names in that file. Worth nothing anywhere else.
SECRETS = {
    "/opsknight/slack-token": "xoxb-the-inbox-takes-any",
    "/opsknight/pushover": "a" * 30,
    "/opsknight/audit-signature": "what the audit's webhook is signed with",
    "/opsknight/status-page": "what the status page's webhook is signed with",
}
# What the demo's keys are for.
SERVICE, TOOL, USER = "checkout", "prometheus", "ada"

_BUILT = ROOT / ".aws-sam" / "local"
_BUILT_FROM = _BUILT / "built-from"
_PROGRAMS = Path(sys.executable).parent
_NEEDED = ("make", "python3.13", "sam", "uv", "ministack", "opsknight")

_PATIENCE = 300.0
"""Seconds for a build or a deploy; both take about ten."""


class Failure(Exception):
    """Something a person has to put right, said in one sentence."""


@dataclass(frozen=True)
class Port:
    """A port on 127.0.0.1 and the variable that changes it; 0 takes any free one."""

    number: int
    variable: str

    @classmethod
    def from_environment(cls, variable: str, default: int) -> "Port":
        """Raises `Failure` for anything but a port number."""
        text = os.environ.get(variable) or str(default)
        if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
            raise Failure(f"{variable} has to be a port number, 1 to 65535, and is {text!r}.")
        return cls(int(text), variable)


@dataclass(frozen=True)
class FirstService:
    """Of the demo, with the keys that are shown this once."""

    service_id: str
    integration_key: str
    api_key: str


@dataclass(frozen=True)
class Running:
    """A deployed stack that answers: `url` through the front, `endpoint` as AWS itself. What it
    sends arrives in `inbox`.
    """

    url: str
    endpoint: str
    outputs: Mapping[str, str]
    service: FirstService
    ministack: Child
    inbox: Inbox


Step = Callable[[str], AbstractContextManager[object]]
"""Entered for as long as one step takes, with the step's name."""


def forget_account() -> None:
    """Takes the user's AWS account out of this process, and so out of everything it starts."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "SAM_"))]:
        del os.environ[name]
    os.environ |= {
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_DEFAULT_REGION": REGION,
        "NO_PROXY": ",".join([HOST, "localhost", *filter(None, [os.environ.get("NO_PROXY")])]),
        "SAM_CLI_TELEMETRY": "0",
    }


@contextmanager
def running(
    state: Path,
    *,
    aws: Port,
    front: Port,
    inbox: Port,
    step: Step = nullcontext,
    watch: Callable[[Exchange], None] = lambda _: None,
    watch_inbox: Callable[[Message], None] = lambda _: None,
) -> Iterator[Running]:
    """Everything up, for as long as the `with` lasts; call `forget_account` first.

    Logs go to `state`, and so do temporary files, which are removed. The build is kept and shared:
    it depends on nothing but the sources.
    """
    with ExitStack() as everything:
        listener = everything.enter_context(closing(_claim(front)))
        mail = everything.enter_context(closing(_claim(inbox)))
        received = everything.enter_context(Inbox(mail, watch=watch_inbox))
        received.scripts.set(Control(path="/webhook/*", secrets=tuple(SECRETS.values())))
        port = _free(aws)
        endpoint = f"http://{HOST}:{port}"
        scratch = state / "tmp"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        everything.callback(shutil.rmtree, scratch, ignore_errors=True)
        tools = _Tools(state, endpoint, scratch)

        with step(f"AWS (MiniStack) at {endpoint}"):
            ministack = everything.enter_context(_ministack(tools, port))
            tools.ministack = ministack
        with _build_to_ourselves():
            with step("sam build"):
                _build(tools)
            with step("sam deploy"):
                public = f"http://{HOST}:{listener.getsockname()[1]}"
                outputs = _deploy(tools, {"LocalInbox": received.url, "PublicUrl": public})
        _keep_secrets(endpoint)
        with step("opsknight apply, keys create"):
            service = _configure(tools)
        with step("first answers"):
            api_id = outputs["ApiUrl"].removeprefix("http://").partition(".")[0]
            served = everything.enter_context(
                Front(listener, upstream=(HOST, port), api_id=api_id, watch=watch)
            )
            _warm_up(served.url, tools)
        tools.check_ministack()
        yield Running(served.url, endpoint, outputs, service, ministack, received)


class _Tools:
    """The project's programs, run in its environment, each with a log of its own."""

    def __init__(self, state: Path, endpoint: str, scratch: Path) -> None:
        self._state = state
        self.endpoint = endpoint
        self.scratch = scratch
        self.ministack: Child | None = None
        self.environment = os.environ | {
            "PATH": os.pathsep.join([str(_PROGRAMS), os.environ.get("PATH", os.defpath)]),
            "TMPDIR": str(scratch),
            "AWS_ENDPOINT_URL": endpoint,
            "LAYER_PLATFORM": _platform(),
        }
        missing = [name for name in _NEEDED if self.find(name) is None]
        if missing:
            raise Failure(
                f"{_listed(missing)} cannot be found; `make setup` installs what is needed."
            )

    def find(self, program: str) -> str | None:
        return shutil.which(program, path=self.environment["PATH"])

    def path(self, name: str) -> Path:
        """Where a program's output goes."""
        return self._state / f"{name}.log"

    def log(self, name: str) -> Path:
        """The same as a person would write it."""
        path = self.path(name)
        return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path

    def start(self, name: str, command: Sequence[str], env: Mapping[str, str]) -> Child:
        return Child(command, env=env, cwd=ROOT, log=self.path(name))

    def run(self, name: str, command: Sequence[str]) -> str:
        """The output. Raises `Failure`. Whatever interrupts the waiting ends the program first."""
        said = f"`{' '.join(command[:2])}`"
        child = self.start(name, command, self.environment)
        deadline = time.monotonic() + _PATIENCE
        try:
            while child.running:
                self.check_ministack()
                if time.monotonic() > deadline:
                    raise Failure(f"{said} took too long; its log is {self.log(name)}.")
                time.sleep(0.05)
        finally:
            child.stop()
        output = self.path(name).read_text(errors="replace")
        if child.wait():
            raise Failure(f"{said} failed: {self.reason(output)} Its log is {self.log(name)}.")
        return output

    def check_ministack(self) -> None:
        """Raises `Failure` when AWS is gone: everything else would wait long for it."""
        if self.ministack is not None and not self.ministack.running:
            raise Failure(f"MiniStack stopped by itself; its log is {self.log('ministack')}.")

    def reason(self, output: str) -> str:
        """What a person has to know of a failure: the stack's first one, else the program's word.

        The SAM CLI begins its last word with `Error: `.
        """
        try:
            stack = boto3.client("cloudformation", endpoint_url=self.endpoint)
            events = stack.describe_stack_events(StackName=STACK)["StackEvents"]
        except (BotoCoreError, ClientError):
            events = []
        # Newest first, and the first failure is the one that brought down the rest.
        failed = [each for each in events if each.get("ResourceStatus", "").endswith("_FAILED")]
        if failed:
            text = f"{failed[-1]['LogicalResourceId']}: {failed[-1].get('ResourceStatusReason')}"
        else:
            lines = [line.strip() for line in output.splitlines() if line.strip()]
            errors = [line for line in lines if line.startswith("Error: ")]
            text = (errors or lines or ["it said nothing"])[-1].removeprefix("Error: ")
        return text if text.endswith(".") else f"{text}."


@contextmanager
def _ministack(tools: _Tools, port: int) -> Iterator[Child]:
    # Only what it needs: its many settings are environment variables, and the user's are not meant
    # for it.
    kept = {name: os.environ[name] for name in ("HOME", "LANG", "LC_ALL") if name in os.environ}
    child = tools.start(
        "ministack",
        ["ministack"],
        kept
        | {
            "PATH": tools.environment["PATH"],
            "TMPDIR": str(tools.scratch),
            "BIND_HOST": HOST,
            "GATEWAY_PORT": str(port),
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "MINISTACK_REGION": REGION,
            # It would end a function's spare processes after five idle minutes, and the next burst
            # would have to start them again.
            "LAMBDA_WARM_TTL_SECONDS": "86400",
        },
    )
    try:
        deadline = time.monotonic() + 30
        while _fault(f"{tools.endpoint}/_ministack/health"):
            if not child.running or time.monotonic() > deadline:
                raise Failure(f"MiniStack did not start; its log is {tools.log('ministack')}.")
            time.sleep(0.05)
        yield child
    finally:
        child.stop()


@contextmanager
def _build_to_ourselves() -> Iterator[None]:
    """The system tests may run beside `make run`, and share the build with it."""
    _BUILT.parent.mkdir(exist_ok=True)
    with _BUILT.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build(tools: _Tools) -> None:
    """Builds unless what lies there was built from these very sources."""
    sources = _fingerprint()
    if _BUILT_FROM.is_file() and _BUILT_FROM.read_text() == sources:
        return
    tools.run("build", ["sam", "build", "--config-env", "local"])
    _BUILT_FROM.write_text(sources)


def _deploy(tools: _Tools, addresses: Mapping[str, str]) -> dict[str, str]:
    """The stack's outputs."""
    command = ["sam", "deploy", "--config-env", "local"]
    tools.run("deploy", [*command, "--parameter-overrides", *_parameters(addresses)])
    cloudformation = boto3.client("cloudformation", endpoint_url=tools.endpoint)
    stack = cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def _parameters(addresses: Mapping[str, str]) -> list[str]:
    """Those of samconfig.toml, to which sam has no way to add, and where our messages go."""
    ours = {
        **addresses,
        "AllowPrivateTargets": "true",
        "EmailFrom": "oncall@example.com",
        "SmsOrigination": "OpsKnight",
        "VoiceOrigination": "+18005550100",
    }
    config = tomllib.loads((ROOT / "samconfig.toml").read_text())
    fixed: list[str] = config["local"]["deploy"]["parameters"]["parameter_overrides"]
    return fixed + [f"{name}={value}" for name, value in ours.items()]


def _keep_secrets(endpoint: str) -> None:
    """Those that the demo's receivers have; what they are for is the inbox."""
    ssm = boto3.client("ssm", endpoint_url=endpoint)
    for name, value in SECRETS.items():
        ssm.put_parameter(Name=name, Value=value, Type="SecureString", Overwrite=True)


def _configure(tools: _Tools) -> FirstService:
    """By the command line's own commands, as after a deploy to AWS."""
    _opsknight(tools, "apply", str(EXAMPLE), "--yes")
    by_service = _opsknight(tools, "keys", "create", "--service", SERVICE, "--integration", TOOL)
    # For the examples of docs/http-api.md, too.
    scopes = [word for scope in SCOPES for word in ("--scope", scope)]
    by_user = _opsknight(tools, "keys", "create", "--user", USER, "--name", "Demo", *scopes)
    # Keys rest nowhere but in the file that `make run` removes.
    tools.path("opsknight").unlink()
    return FirstService(by_service["serviceId"], by_service["secret"], by_user["secret"])


def _opsknight(tools: _Tools, *words: str) -> Any:
    """What a command of the command line says in JSON."""
    where = ["--stack", STACK, "--region", REGION, "--json"]
    return json.loads(tools.run("opsknight", ["opsknight", *words, *where]))


def _warm_up(url: str, tools: _Tools) -> None:
    """Starts as many processes of both functions behind the API as the front ever uses at once.

    Requests that overlap need a process each. So all requests for one function go together, and
    the other function has its turn afterwards.
    """
    # The second one has no key: it is answered all the same.
    for path, status in (("/health", 200), ("/api/incidents", 401)):
        with ThreadPoolExecutor(AT_ONCE) as clients:
            waits = [
                clients.submit(_wait_for_answer, f"{url}{path}", status, tools)
                for _ in range(AT_ONCE)
            ]
        for wait in waits:
            wait.result()


def _wait_for_answer(url: str, status: int, tools: _Tools) -> None:
    deadline = time.monotonic() + 10
    while fault := _fault(url, status):
        if time.monotonic() > deadline:
            raise Failure(
                f"The API is deployed, but GET {url} does not work: {fault}"
                f" The log of AWS is {tools.log('ministack')}."
            )
        time.sleep(0.2)


def _fault(url: str, status: int = 200) -> str:
    """What keeps the address from answering with that status, or nothing."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(url, timeout=20) as answer:
            code, text = answer.status, answer.read(300)
    except urllib.error.HTTPError as refused:
        with refused:
            code, text = refused.code, refused.read(300)
    except OSError as fault:
        return f"{fault}."
    return "" if code == status else f"{code} {text.decode(errors='replace')}"


def _claim(port: Port) -> socket.socket:
    """Listens at once, so that nobody else takes the port while the stack comes up."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port.number))
        listener.listen()
    except OSError as fault:
        listener.close()
        other = port.number + 1 if port.number < 65535 else port.number - 1
        raise Failure(
            f"Port {port.number} on {HOST} cannot be used ({fault.strerror});"
            f" take another one with {port.variable}={other} make run."
        ) from None
    return listener


def _free(port: Port) -> int:
    """A port that a program started in a moment can bind."""
    with closing(_claim(port)) as listener:
        number: int = listener.getsockname()[1]
        return number


def _fingerprint() -> str:
    """Changes with every source of the build, and with what it is built by and for."""
    digest = hashlib.sha256()
    for part in (version("aws-sam-cli"), sys.version, _platform(), str(ROOT)):
        digest.update(part.encode() + b"\0")
    files = [ROOT / "template.yaml", ROOT / "samconfig.toml"]
    for folder in (ROOT / "functions", ROOT / "layers" / "common"):
        files += sorted(
            path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"
        )
    for path in files:
        digest.update(str(path).encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _platform() -> str:
    """This machine in uv's words: MiniStack runs the layer here, not on Lambda."""
    machine = {"arm64": "aarch64", "amd64": "x86_64"}.get(
        platform.machine().lower(), platform.machine().lower()
    )
    return f"{machine}-apple-darwin" if sys.platform == "darwin" else f"{machine}-manylinux2014"


def _listed(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]
