"""What is new between two of the platform's documents, for those who tell events and count."""

from collections import Counter

from botcore.control.views import FillView, PlatformView


def new_fills(before: PlatformView | None, after: PlatformView) -> tuple[FillView, ...]:
    """Return the executions in `after` that `before` did not have, oldest first.

    The documents carry the last executions only: more of them between two documents than one
    carries are not seen.
    """
    known = Counter(before.fills if before is not None else ())
    found = []
    for fill in sorted(after.fills, key=lambda each: each.ts):
        if known[fill]:
            known[fill] -= 1
        else:
            found.append(fill)
    return tuple(found)
