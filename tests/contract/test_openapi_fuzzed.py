"""Every real route, sent what its OpenAPI allows and what it does not: no 5xx, no breach of schema.

`test_rest_conformance.py` fuzzes the door with a small shop behind it; here it is the platform that
is shipped, with its engine, signed in as its owner, on a home that is thrown away.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import allow_header_conformance, positive_data_acceptance
from tests.support.api_platform import ApiPlatform
from tests.support.open_room import UNLIMITED

from botcore.api.openapi import document
from botcore.control.schema import operations

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(300),
    pytest.mark.xdist_group("platform"),
]
# What is right in form may still be refused: the state decides. And which methods a whole site
# knows, the guard says before the route is known.
LEFT_OUT = [positive_data_acceptance, allow_header_conformance]
COSTLY = {"auth.renew-signing-keys"}
"""Not in the short run: each good call computes for a second, and there is nothing to vary."""
UNAVAILABLE = 503
NOWHERE = "http://127.0.0.1:9"
FUZZED = settings(
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate,),  # examples are tested elsewhere, and would begin real backtests
)
whole = schemathesis.openapi.from_dict(document(operations(), version="0.1.0"))
short = whole.include(path_regex="^/api/v1/").exclude(operation_id=sorted(COSTLY))


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiPlatform]:
    rates = {f"rates__{name}": str(value) for name, value in UNLIMITED.items()}
    process = ApiPlatform(
        tmp_path_factory.mktemp("fuzzed") / "home",
        bar_s="1",
        history_days="0.02",
        binance_rest=NOWHERE,
        binance_streams=NOWHERE.replace("http", "ws"),
        binance_archives=NOWHERE,
        **rates,
    )
    process.up()
    try:
        process.wait_until_ready()
        process.an_owner()
        yield process
        assert process.curl("GET", "/health", by=process.local).status == 200, "it lives on"
        verdict = process.curl("GET", "/audit/verification", by=process.local).body
        assert verdict["is_whole"], "and its audit is whole"
    finally:
        process.stop()


def sent(platform: ApiPlatform, case: Any) -> None:
    """Send a case, and hold the answer against the document."""
    answer = case.call(base_url=platform.address, headers={"Authorization": platform.local})
    if answer.status_code == UNAVAILABLE:  # a part may be away, as long as it says which and why
        told = answer.json()
        assert told["code"] not in ("INTERNAL", "STORE_FAILED"), told
        assert told["cause"]
        assert told["fix"]
        PROBLEM.validate(told)
        return
    case.validate_response(answer, excluded_checks=LEFT_OUT)


PROBLEM = jsonschema_rs.validator_for(
    document(operations(), version="0.1.0")["components"]["schemas"]["ProblemBody"]
)


@pytest.mark.requirement("TC-ARCH-003")
@short.parametrize()
@settings(FUZZED, max_examples=4)
def test_every_route_answers_what_its_document_says(platform: ApiPlatform, case: Any) -> None:
    sent(platform, case)


@pytest.mark.slow
@whole.parametrize()
@settings(FUZZED, max_examples=200)
def test_every_route_answers_what_its_document_says_at_length(
    platform: ApiPlatform, case: Any
) -> None:
    sent(platform, case)
