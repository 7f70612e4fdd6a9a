"""The contact of all that messages come from, as a telephone reads it."""

from opsknight_cli.contact import card, origins

PARAMETERS = {
    "EmailFrom": "OpsKnight <oncall@example.com>",
    "SmsOrigination": "+4915112345678",
    "VoiceOrigination": "+4915112345678",
    "TwilioSmsFrom": "+447700900001,+447700900002",
    "TwilioVoiceFrom": "",
}


def test_it_holds_each_number_and_address_once() -> None:
    assert origins(PARAMETERS) == (
        ["+4915112345678", "+447700900001", "+447700900002"],
        ["oncall@example.com"],
    )


def test_a_sender_id_or_a_pool_is_no_number() -> None:
    assert origins({"SmsOrigination": "OPSKNIGHT", "TwilioSmsFrom": "Acme", "EmailFrom": ""}) == (
        [],
        [],
    )


def test_a_telephone_can_read_it() -> None:
    lines = card(*origins(PARAMETERS)).split("\r\n")
    assert (lines[0], lines[1], lines[-2:]) == ("BEGIN:VCARD", "VERSION:3.0", ["END:VCARD", ""])
    found = [line.partition(":") for line in lines[2:-2]]
    assert [value for name, _, value in found if name.startswith("TEL")] == [
        "+4915112345678",
        "+447700900001",
        "+447700900002",
    ]
    assert {"FN", "N"} <= {name for name, _, _ in found}, "both are required"
