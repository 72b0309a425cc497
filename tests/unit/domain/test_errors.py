"""Errors: code, cause, fix and the remedy that self-healing obeys."""

import pickle

import pytest

from botcore.domain import errors
from botcore.domain.errors import BotError, InvariantBroken, OutcomeUnknown, Remedy, VenueError

REMEDIES: dict[type[BotError], Remedy] = {
    errors.ConfigError: Remedy.HALT,
    errors.DataError: Remedy.RESYNC,
    errors.VenueError: Remedy.RETRY,
    errors.OutcomeUnknown: Remedy.RECONCILE,
    errors.StorageError: Remedy.RESTART,
    errors.ModelError: Remedy.RETRY,
    errors.InvariantBroken: Remedy.HALT,
}


def test_every_class_of_the_tree_declares_its_remedy() -> None:
    classes = {
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, BotError) and value is not BotError
    }

    assert classes == set(REMEDIES)
    assert {cls: cls.remedy for cls in classes} == REMEDIES


def test_an_unknown_outcome_is_a_venue_error_that_is_not_retried() -> None:
    assert issubclass(OutcomeUnknown, VenueError)
    assert OutcomeUnknown.remedy is not VenueError.remedy


def test_an_error_reads_as_cause_code_and_fix() -> None:
    error = InvariantBroken(code="A_CODE", cause="this happened", fix="do that")

    assert str(error) == "this happened [A_CODE] – do that"


@pytest.mark.parametrize("cls", list(REMEDIES))
def test_an_error_survives_the_way_between_processes(cls: type[BotError]) -> None:
    error = pickle.loads(pickle.dumps(cls(code="A_CODE", cause="this", fix="that")))

    assert type(error) is cls
    assert (error.code, error.cause, error.fix) == ("A_CODE", "this", "that")
