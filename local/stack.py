"""The whole system on this machine: MiniStack, the deployed template, a front and an inbox.

`running` starts it for `make run` and for the end-to-end tests. Each step works or raises `Failure`
with a sentence for a person; printing belongs to the caller.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from inbox.mailbox import Message
from inbox.scripts import Control
from inbox.server import Inbox
from local.children import Child
from local.demo import SECRETS, FirstService, configure, console_path, keep_secrets
from local.deployment import build, build_lock, deploy
from local.front import Exchange, Front
from local.health import warm_up
from local.ministack import ministack
from local.ports import HOST, Port
from local.programs import Failure, Programs, discard
from local.week import week


@dataclass(frozen=True)
class Running:
    """A deployed stack that answers."""

    url: str
    """The API, through the front."""
    endpoint: str
    """AWS itself."""
    outputs: Mapping[str, str]
    """The outputs of the stack."""
    first: FirstService | None
    """None for a deployment as `sam deploy` leaves it."""
    ministack: Child
    inbox: Inbox
    """Gets everything that the stack sends."""
    console: str
    """A link that logs somebody in to the console, once."""

    @property
    def service(self) -> FirstService:
        """Raises `Failure` where nothing is configured."""
        if self.first is None:
            raise Failure("Nothing is configured.")
        return self.first


TWILIO = {
    "TwilioAccount": f"AC{'0' * 32}",
    "TwilioSmsFrom": "+18005550100",
    "TwilioVoiceFrom": "+18005550100",
}

Step = Callable[[str], AbstractContextManager[object]]
"""Called with the name of a step; entered for as long as the step takes."""


@contextmanager
def running(
    state: Path,
    *,
    aws: Port,
    front: Port,
    inbox: Port,
    step: Step = nullcontext,
    twilio: bool = False,
    demo: bool = False,
    configured: bool = True,
    watch: Callable[[Exchange], None] = lambda _: None,
    watch_inbox: Callable[[Message], None] = lambda _: None,
) -> Iterator[Running]:
    """Runs everything while the `with` lasts. Call `forget_account` first. `twilio`: whether text
    messages and calls go by Twilio; `demo`: whether a week of incidents has happened before;
    `configured`: whether it has the example's configuration, or nobody and nothing.

    Logs go to `state`. Temporary files go there too, and are removed. The build stays, for all
    runs: it depends on nothing but the sources.
    """
    with ExitStack() as everything:
        listener = everything.enter_context(closing(front.listen()))
        mail = everything.enter_context(closing(inbox.listen()))
        received = everything.enter_context(Inbox(mail, watch=watch_inbox))
        received.scripts.set(Control(path="/webhook/*", secrets=tuple(SECRETS.values())))
        port = aws.find_free()
        endpoint = f"http://{HOST}:{port}"
        scratch = state / "tmp"
        discard(scratch)
        scratch.mkdir(parents=True)
        everything.callback(discard, scratch)
        programs = Programs(state, endpoint, scratch)

        played = everything.enter_context(week(programs)) if demo else None
        with step(f"AWS (MiniStack) at {endpoint}"):
            programs.ministack = everything.enter_context(ministack(programs, port))
        with build_lock():
            with step("sam build"):
                build(programs)
            with step("sam deploy"):
                parameters = {
                    "AllowPrivateTargets": "true",
                    # On this machine a flight would start five processes.
                    "CanaryMinutes": "0",
                    "EmailFrom": "oncall@example.com",
                    "LocalInbox": received.url,
                    "PublicUrl": f"http://{HOST}:{listener.getsockname()[1]}",
                    "SmsOrigination": "OpsKnight",
                    "VoiceOrigination": "+18005550100",
                }
                if twilio:
                    parameters |= TWILIO
                outputs = deploy(programs, parameters)
        first = None
        if configured:
            with step("opsknight apply, keys create"):
                keep_secrets(endpoint)
                first = configure(programs)
        with step("first answers"):
            api_id = outputs["ApiUrl"].removeprefix("http://").partition(".")[0]
            served = everything.enter_context(
                Front(listener, upstream=(HOST, port), api_id=api_id, watch=watch)
            )
            warm_up(served.url, programs)
        # The streams make functions look at all of it: those behind the API are up before.
        if played is not None:
            with step("a week of incidents"):
                played.carry_into(outputs["TableName"])
        link = f"{served.url}{console_path(programs, first)}"
        programs.check_ministack()
        yield Running(served.url, endpoint, outputs, first, programs.ministack, received, link)
