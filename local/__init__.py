"""Runs OpsKnight on one machine, for `make run` and the end-to-end tests: the real template in an
AWS stand-in (MiniStack), behind a plain address.

Nothing in here is deployed, and nothing in here decides how an event is answered.
"""
