"""The door keeps to the OpenAPI document it gives out, whatever it is sent (schemathesis)."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import allow_header_conformance, positive_data_acceptance
from tests.support.rest_shop import OPERATIONS, Counter

HEADERS = {"Authorization": "Bearer bck_owner", "Host": "localhost"}
# What is right in form may still be refused: the state decides. And which methods a whole site
# knows, the guard says before the route is known.
LEFT_OUT = [positive_data_acceptance, allow_header_conformance]
FUZZED = settings(deadline=None, suppress_health_check=list(HealthCheck))

# Cases are made when tests are collected, from a running application.
FOLDER = Path(tempfile.mkdtemp(prefix="botcore-fuzz-"))
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)
CALM = tuple(each for each in OPERATIONS if each.name != "shop.fail")  # its 500 is the point
counter = Counter(FOLDER, operations=CALM)
schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", counter.app, headers=HEADERS)


@pytest.mark.requirement("TC-ARCH-003")
@schema.parametrize()
@settings(FUZZED, max_examples=15)
def test_every_answer_is_one_that_is_described(case: Any) -> None:
    case.call_and_validate(headers=HEADERS, excluded_checks=LEFT_OUT)


@pytest.mark.slow
@schema.parametrize()
@settings(FUZZED, max_examples=500)
def test_every_answer_is_one_that_is_described_at_length(case: Any) -> None:
    case.call_and_validate(headers=HEADERS, excluded_checks=LEFT_OUT)
