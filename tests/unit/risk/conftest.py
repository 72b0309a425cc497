"""Every test here runs in the context that money is counted in."""

import decimal
from collections.abc import Iterator

import pytest

from botcore.domain.numbers import use_money_context


@pytest.fixture(autouse=True)
def _money_context() -> Iterator[None]:
    with decimal.localcontext():
        use_money_context()
        yield
