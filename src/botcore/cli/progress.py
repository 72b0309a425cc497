"""How far a long verb is: a line on standard error, so that a file gets the result alone."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def bars_done(verb: str) -> Iterator[Callable[[int, int], None]]:
    """Draw a progress bar, and give what tells it: done and in all."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TimeRemainingColumn

    progress = Progress(
        verb,
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    with progress:
        task = progress.add_task("", total=None)

        def told(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        yield told
