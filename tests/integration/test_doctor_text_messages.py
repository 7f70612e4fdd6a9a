"""What `doctor` says about text messages: who replied STOP, and where no reply arrives."""

from harness.amazon import Amazon
from harness.world import World, deadline
from opsknight.directory.entries import Role, User
from opsknight.directory.receivers import Channel, Receiver
from opsknight.health.findings import Verdict
from opsknight.store.replies import Replies
from opsknight_cli.doctor import text_messages
from tests.integration.test_texts import TOPIC, two_way


def person(name: str, number: str, *others: Channel) -> User:
    known = [Receiver(id="sms", name="SMS", channel=Channel.SMS, to=number)]
    known += [Receiver(id=str(each), name="x", channel=each, to="x") for each in others]
    return User(
        id=f"user_{name}",
        name=name.capitalize(),
        email=f"{name}@example.com",
        role=Role.RESPONDER,
        contact_methods=tuple(known),
    )


PEOPLE = [person("ada", "+491"), person("ben", "+492", Channel.EMAIL), person("cleo", "+3581")]


def test_whoever_replied_stop_is_named_and_worse_if_they_have_nothing_else(world: World) -> None:
    replies = Replies(world.table)
    assert list(text_messages.stopped(PEOPLE, world.table, deadline())) == []
    replies.opt_out("+491", "m1", world.clock(), deadline())
    replies.opt_out("+492", "m1", world.clock(), deadline())
    ada, ben = text_messages.stopped(PEOPLE, world.table, deadline())
    assert (ada.verdict, "no page reaches them" in ada.said) == (Verdict.FAILED, True)
    assert (ben.verdict, ben.said.startswith("Ben replied STOP")) == (Verdict.WARNING, True)


def test_countries_without_a_two_way_number_are_named() -> None:
    phone = Amazon("pinpoint-sms-voice-v2", [{"PhoneNumbers": [two_way()]}])
    [found] = text_messages.replies(PEOPLE, phone.client(), TOPIC)
    assert "+358" in found.said
    assert "+49" not in found.said
    none = Amazon("pinpoint-sms-voice-v2", [{"PhoneNumbers": [two_way(TwoWayEnabled=False)]}])
    assert list(text_messages.replies(PEOPLE, none.client(), TOPIC)) == []
