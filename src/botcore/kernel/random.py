"""Chance: one independent stream for each component, the same on every machine.

Kept out of ``botcore.kernel`` itself, because NumPy takes longer to load than the rest of it.
"""

from zlib import crc32

import numpy as np


def stream(seed: int, component: str) -> np.random.Generator:
    """Return the random stream of `component` in a run with `seed`.

    A stream depends on its name alone, so that adding a component moves no other (trap E100).
    The name goes through CRC-32 and never through ``hash()``, which differs between processes.

    Args:
        seed: of the run, not negative.
        component: a stable name such as ``venue.latency``.
    """
    return np.random.Generator(
        np.random.PCG64(np.random.SeedSequence([seed, crc32(component.encode())]))
    )
