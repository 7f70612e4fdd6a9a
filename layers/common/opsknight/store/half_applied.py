"""How an apply ends that stopped half way, and how far it came. Whoever hears of one tells those
whose time on call the written part has changed: the rest may never come.
"""

from opsknight.store.calls import Unavailable


class Overtaken(Exception):
    """Somebody else has changed the configuration since it was read. The first `done` steps were
    written; no reference dangles.
    """

    def __init__(self, done: int) -> None:
        super().__init__(f"overtaken after {done} steps")
        self.done = done


class Interrupted(Unavailable):
    """DynamoDB took no more in time. The first `done` steps were written; so may be those that were
    under way, if their answer was lost. No reference dangles.
    """

    def __init__(self, done: int, cause: Unavailable) -> None:
        super().__init__(str(cause))
        self.done = done


class Refused(Exception):
    """DynamoDB took a part, and refuses the rest for good: credentials that expired meanwhile, a
    right that is missing. The first `done` steps were written; no reference dangles. What it
    refuses from the start passes untouched.
    """

    def __init__(self, done: int, cause: Exception) -> None:
        super().__init__(f"AWS answered with an error: {cause}")
        self.done = done
