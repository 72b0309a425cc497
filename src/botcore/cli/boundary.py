"""Where every verb ends: an exit code, and an error in one sentence instead of a traceback."""

import contextlib
import os
import sys
import traceback
from collections.abc import Sequence
from types import TracebackType
from typing import Final, NoReturn, Protocol, runtime_checkable

from botcore.app.oneself import keep_to_oneself
from botcore.cli.spoken import in_words_of_the_shell, program
from botcore.domain.errors import BotError, ConfigError

EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 2
EXIT_INTERRUPTED: Final = 130
"""As shells say it: 128 and the number of the signal SIGINT."""
TRACEBACK: Final = "BOTCORE_TRACEBACK"
"""Set to 1, an unexpected error also shows where it came from."""


def main() -> NoReturn:
    """Run the verb that the arguments name, and leave with its exit code.

    Every process of the platform begins here: what it writes is its own account's.
    """
    keep_to_oneself()
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run a verb and return its exit code; errors are said on standard error.

    Args:
        arguments: without the program's own name.
    """
    boundary = Boundary()
    with boundary:
        import typer  # what is missing here is explained, too

        from botcore.cli.application import build

        command = typer.main.get_command(build(arguments))
        outcome = command.main(args=[*arguments], prog_name=program(), standalone_mode=False)
        boundary.exit_code = outcome if isinstance(outcome, int) else 0
    return boundary.exit_code


class Boundary:
    """A `with` block whose errors become a sentence and an exit code; the last one there is.

    Attributes:
        exit_code: of the block, once it has ended.
    """

    def __init__(self) -> None:
        self.exit_code = 0

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _trace: TracebackType | None,
    ) -> bool:
        """Explain what ended the block; what asks the interpreter itself to leave goes on."""
        if isinstance(error, KeyboardInterrupt):
            self.exit_code = EXIT_INTERRUPTED
            return True
        if isinstance(error, Exception):
            self.exit_code = _explained(error)
            return True
        if isinstance(error, SystemExit) and isinstance(error.__context__, BrokenPipeError):
            self.exit_code = 0  # the parser made it of a reader that has gone: see `_explained`
            return True
        return False


@runtime_checkable
class _UsageError(Protocol):
    """What the argument parser raises, in every version of it."""

    exit_code: int

    def format_message(self) -> str: ...


def _explained(error: Exception) -> int:
    if isinstance(error, ImportError):
        return _missing(error)
    import typer

    match error:
        case BotError():
            _say(str(error))
            return EXIT_USAGE if isinstance(error, ConfigError) else EXIT_FAILED
        case typer.Exit():
            return error.exit_code
        case typer.Abort():  # Ctrl+C or the end of the input where an answer was waited for
            return _unanswered()
        case BrokenPipeError():
            # The reader has gone (`botcore logs | head`): nothing is left to say, nor to flush.
            with contextlib.suppress(OSError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        case _UsageError():
            return _wrong_usage(error)
        case _:
            return _unexpected(error)


def _unanswered() -> int:
    print(file=sys.stderr)  # the question stands there without a line's end
    agree = "" if sys.stdin.isatty() else "; in a script, --yes agrees beforehand"
    _say(f"the question was not answered [NOT_ANSWERED] – nothing was done{agree}")
    return EXIT_INTERRUPTED


def _wrong_usage(error: _UsageError) -> int:
    message = error.format_message().strip()
    if message.startswith("Usage:"):  # a bare `botcore`: its help
        print(message, file=sys.stderr)
        return EXIT_USAGE
    context = getattr(error, "ctx", None)
    path = getattr(context, "command_path", program())
    cause, _, hint = message.partition(". ")  # "No such command 'x'. Did you mean 'y'?"
    fix = f"{_begun_small(hint)} see {path} --help".strip()
    _say(f"{_begun_small(cause).rstrip('.')} [USAGE] – {fix}")
    return EXIT_USAGE


def _begun_small(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


def _missing(error: ImportError) -> int:
    _print(  # both programs, whichever was typed
        f"a part of the installation is missing: {error} [INSTALL_INCOMPLETE] – run ./bot up in"
        " the checkout, or install botcore again"
    )
    return EXIT_FAILED


def _unexpected(error: Exception) -> int:
    if os.environ.get(TRACEBACK) == "1":
        traceback.print_exception(error)
    _say(
        f"something unexpected happened: {type(error).__name__}: {error} [UNEXPECTED] – run it"
        f" again with {TRACEBACK}=1 and report what it shows"
    )
    return EXIT_FAILED


def _say(sentence: str) -> None:
    _print(in_words_of_the_shell(sentence))


def _print(sentence: str) -> None:
    print(f"botcore: {' '.join(sentence.split())}", file=sys.stderr)
