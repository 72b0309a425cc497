"""Every process of the platform keeps what it writes to its own account; the command line does too.

It is the first thing a process does, so it loads nothing.
"""

import os


def keep_to_oneself() -> None:
    """Let what this process writes be its account's alone, and its memory be written nowhere.

    A home that was there before may be open to others, and so may the folder that an export is
    written into; an image of the memory (a core file) would hold every key.
    """
    os.umask(0o077)
    try:
        import resource
    except ImportError:  # there is no such limit on Windows
        return
    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, most))
