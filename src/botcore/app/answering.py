"""What is done with every answer of the API: a row for the access log, a count for health."""

from botcore.app.control_store.access_rows import SqlAccessRows
from botcore.app.vitals import ProcessVitals
from botcore.control.access import Actor
from botcore.control.operations import Operation


class AnsweredRows:
    """Takes answers down (`api.ports.AccessRows`).

    Args:
        rows: the access log.
        vitals: counts.
    """

    def __init__(self, rows: SqlAccessRows, vitals: ProcessVitals) -> None:
        self._rows = rows
        self._vitals = vitals

    def accessed(
        self,
        actor: Actor,
        operation: Operation,
        *,
        status: int,
        correlation: str,
        seconds: float,
        size: int,
    ) -> None:
        """Take one call down; never waits."""
        self._vitals.answered(actor, seconds)
        self._rows.accessed(
            actor, operation, status=status, correlation=correlation, seconds=seconds, size=size
        )
