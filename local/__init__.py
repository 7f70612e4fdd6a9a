"""OpsKnight on one machine: an AWS stand-in with the real template, and a front for any client.

`make run`, the system tests and the bench share this. Nothing here is deployed, and nothing here
decides how an event is answered.
"""
