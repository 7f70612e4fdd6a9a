"""Tools that have a preset: one of ours, or of the configuration."""

from typing import Final

from events.integrations.batch import MOST_PARTS, Batch, Left, NotTaken, Sent, TooMany
from opsknight.directory.presets import Preset, Scheme
from opsknight.integrations.drafts import Draft
from opsknight.integrations.reading import Meaningless, Passed, read

# Whatever a proxy adds is none of a preset's business, and keys stand there. So is the secret of a
# tool that sends it as it is.
HIDDEN: Final = frozenset({"authorization", "cookie", "x-api-key"})


def batch(preset: Preset, sent: Sent) -> Batch:
    """Raises TooMany."""
    drafts: list[Draft] = []
    left: list[Left] = []
    not_taken: list[NotTaken] = []
    hidden = HIDDEN | {each.header for each in preset.signatures if each.scheme is Scheme.TOKEN}
    headers = {name: value for name, value in sent.headers.items() if name not in hidden}
    for number, found in enumerate(read(preset, sent.document, headers)):
        if number == MOST_PARTS:
            raise TooMany
        match found:
            case Draft():
                drafts.append(found)
            case Passed(why):
                left.append(Left(f"event {number}", why))
            case Meaningless(why):
                not_taken.append(NotTaken(f"event {number}", why))
    return Batch(drafts, left, not_taken)
