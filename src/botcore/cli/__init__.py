"""The command line: arguments in, calls of `botcore.app` out, answers in words and exit codes.

One verb a file. Nothing heavy is imported before the verb that needs it runs.
"""

from botcore.cli.boundary import main

__all__ = ["main"]
