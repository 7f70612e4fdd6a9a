"""Scenes on a terminal: what people see and change of themselves."""

import re

from harness.account import Scripted
from harness.processes import LINK_KEY
from tests.integration.play import Night, Play

OWN = """\
users:
  ada: {email: ada@example.com, role: ADMIN, name: Ada Lovelace}
  ben:
    email: ben@example.com
    role: RESPONDER
    contact_methods: {phone: {channel: sms, to: "+4915100000000"}}
    rules: {HIGH: [{method: phone, after: 2m}]}
teams:
  web: {members: {ada: , ben: }}
services:
  checkout: {team: web}
"""


def me(play: Play) -> None:
    """Who has what of themselves, and how they change it."""
    account = Scripted(play.shell.world)
    account.answers["ssm.GetParameter"] = {"Parameter": {"Value": LINK_KEY.hex()}}
    play.shell.account = account
    play.types("apply", "-", "--yes", "--json", stdin=OWN)
    play.forget()
    night = Night(play.shell, "")
    play.types("me", "methods", "--as", "ada")
    play.types("me", "rules", "--as", "ada")
    said = play.types("me", "add", "sms", "+49 151 12345678", "--name", "Mobile", "--as", "ada")
    [waiting, code_id] = re.findall(r"(?:addr|code)_\w+", said.out)
    play.types("me", "methods", "--as", "ada")
    night.goes_by(seconds=1)
    code = night.pipeline.listener.heard[-1].message.code or ""
    play.types("me", "confirm", waiting, code_id, "0000 0000", "--as", "ada", code=1)
    play.types("me", "confirm", waiting, code_id, code, "--as", "ada")
    play.replace(re.compile(code), "<code>")
    play.types("me", "methods", "--as", "ada")
    rules = ["--set", "HIGH=sms", "--set", "HIGH=email after 5m"]
    play.types("me", "rules", *rules, "--as", "ada")
    play.types("me", "rules", "--json", "--as", "ada")
    play.types("me", "rules", "--set", "HIGH:sms", "--as", "ada", code=64)
    play.types("me", "remove", "sms", "--as", "ada", code=1)
    play.types("me", "rename", "sms", "Telephone", "--as", "ada")
    play.types("me", "test", "sms", "--as", "ada")
    play.types("me", "code", "smms", "--as", "ada", code=1)
    play.types("me", "code", "sms", "--as", "ada")
    play.types("me", "methods", "--as", "ben")
    play.types("me", "rules", "--as", "ben")
    play.types("me", "add", "ntfy", "https://ntfy.example.com/ben", "--as", "ben", code=1)
    play.types("me", "methods", code=1)
