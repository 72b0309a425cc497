"""Garbage of a process that runs for weeks: what its start has made is looked at no more."""

import gc


def start_is_over() -> None:
    """Take what there is now for lasting; the collector looks at what comes later alone.

    A start leaves some hundred thousand modules, classes and schemas behind. Each full collection
    would walk them all, for tens of milliseconds in the middle of a decision or an answer.
    """
    gc.collect()
    gc.freeze()
