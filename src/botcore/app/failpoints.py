"""Tests of crashes: a process of ours ends, stops or sleeps at a named place, if it is told to."""

import os

from botcore.kernel import failpoint

FAILPOINT = "BOTCORE_FAILPOINT"
"""Environment variable: ``<name>:<n>:kill|stop|sleep:<seconds>``."""


def arm_if_told() -> None:
    """Arm the failpoint that the environment names, if it names one."""
    if spec := os.environ.get(FAILPOINT):
        failpoint.arm(spec)
