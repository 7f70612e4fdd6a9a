"""Messages that somebody asks for about themselves, which the deployment sends: codes and tests."""

from collections.abc import Sequence

from opsknight.directory.entries import User
from opsknight.directory.receivers import Receiver
from opsknight.notification.delivery import Delivery, delivery_id
from opsknight.notification.requested import deliveries_of_code, deliveries_of_test
from opsknight.runtime.queues import Queue
from opsknight.runtime.wakeups import delivery_wakeup
from opsknight.views import directory_answers as answers
from opsknight.views import directory_models as models
from opsknight_cli.session import CommandError
from opsknight_cli.terminal import holding
from opsknight_cli.terminal.invocation import Invocation


def sending(invocation: Invocation) -> Queue:
    """Where messages to people go. Raises CommandError while nothing is sent."""
    if (spell := holding.current(invocation)) is not None:
        raise CommandError(f"Nothing is sent. {holding.sentence(spell)}")
    if invocation.deployment.pages is None:
        name = invocation.deployment.name
        raise CommandError(f"{name} has no output PagesHighUrl: deploy this version first.")
    return invocation.deployment.pages


def send_code(invocation: Invocation, me: User, method: Receiver) -> models.CodeAnswer:
    code_id = invocation.session.id("code")
    masked = answers.masked(method.channel, method.to)
    planned = deliveries_of_code(code_id, me, method, masked, invocation.session.now())
    return _send(invocation, code_id, planned)


def send_test(invocation: Invocation, me: User, method: Receiver) -> models.CodeAnswer:
    test_id = invocation.session.id("test")
    planned = deliveries_of_test(test_id, me, [method], invocation.session.now())
    return _send(invocation, test_id, planned)


def _send(invocation: Invocation, its_id: str, planned: Sequence[Delivery]) -> models.CodeAnswer:
    session, table, pages = invocation.session, invocation.deployment.table, sending(invocation)
    for each in planned:
        table.plan_delivery(each, session.deadline())
        pages.enqueue_all([delivery_wakeup(each, session.now())], session.now())
    return answers.code(its_id, planned[-1])


def sent_code(invocation: Invocation, me: User, method: Receiver, code_id: str) -> Delivery:
    """The message that brought a code of this id to the method. Raises CommandError."""
    table, deadline = invocation.deployment.table, invocation.session.deadline()
    found = table.delivery(code_id, delivery_id("p", code_id, me.id, method.id), deadline)
    if found is None or not code_id.startswith("code_"):
        raise CommandError(f"No code {code_id} was sent to {method.to or method.name}.")
    return found
