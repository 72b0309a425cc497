"""What all pages have in common: that they are paid for by the address they are shown at."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.testclient import TestClient
from tests.support.limits import limits_of
from tests.support.rest_shop import Counter

from botcore.app.settings import RateSettings
from botcore.domain.ids import SECOND_NS
from botcore.kernel.clock import ManualClock

HTML = {"Accept": "text/html,application/xhtml+xml"}
COLD = ("/", "/static/page.css", "/static/page.js", "/static/icon.svg", "/fragment")
DOCUMENTS = ("/api/v1/docs", "/api/v1/openapi.json", "/api/v1/ws-schema.json")


class Shop:
    """A counter with small budgets for pages, and callers from anywhere."""

    def __init__(self, folder: Path, rates: RateSettings) -> None:
        self.clock = ManualClock(10**18)
        self.counter = Counter(folder, limits=limits_of(rates, clock=self.clock))

    def at(self, address: str, *, is_owner: bool = False) -> TestClient:
        headers = {"Authorization": "Bearer bck_owner"} if is_owner else {}
        return TestClient(
            self.counter.app,
            base_url="http://localhost",
            headers=headers,
            client=(address, 50_000),
        )


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path, RateSettings(pro_per_min=60, pro_burst=4, service_burst=20))


@pytest.mark.parametrize(
    "path",
    ["/", "/sign-in", "/view.json", "/fragment", "/static/page.css", "/metrics", "/api/v1/docs"],
)
def test_each_page_is_refused_to_an_address_that_asks_too_often(shop: Shop, path: str) -> None:
    caller = shop.at("192.0.2.7")

    answers = [caller.get(path) for _ in range(5)]

    assert [answer.status_code == 429 for answer in answers] == [False] * 4 + [True]
    refused = answers[-1]
    assert refused.json()["code"] == "RATE_LIMITED"
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.headers["retry-after"] == "1"
    assert refused.headers["ratelimit-remaining"] == "0"


def test_a_browser_is_told_in_a_sentence(shop: Shop) -> None:
    caller = shop.at("192.0.2.7")

    for _ in range(5):
        answer = caller.get("/sign-in", headers=HTML)

    assert answer.status_code == 429
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert "the limit pages of 60 in each 60 seconds, 4 at once, is used up" in answer.text
    assert answer.headers["retry-after"] == "1"


def test_another_address_and_a_later_second_are_answered(shop: Shop) -> None:
    caller = shop.at("192.0.2.7", is_owner=True)
    for _ in range(5):
        caller.get("/")

    elsewhere = shop.at("192.0.2.8", is_owner=True).get("/")
    shop.clock.advance(SECOND_NS)
    later = caller.get("/")

    assert (elsewhere.status_code, later.status_code) == (200, 200)


def test_who_is_refused_is_not_looked_up(shop: Shop) -> None:
    caller = shop.at("192.0.2.7", is_owner=True)
    for _ in range(4):
        caller.get("/")
    asked = len(shop.counter.keeper.seen)

    answer = caller.get("/")

    assert answer.status_code == 429
    assert len(shop.counter.keeper.seen) == asked


def test_probes_are_always_answered(shop: Shop) -> None:
    caller = shop.at("192.0.2.7")

    assert {caller.get(path).status_code for path in ("/livez", "/readyz") * 50} == {200}


def test_this_machine_has_the_budget_of_a_service(shop: Shop) -> None:
    for address in ("127.0.0.1", "::1"):
        caller = shop.at(address)
        assert [caller.get("/sign-in").status_code for _ in range(21)] == [200] * 20 + [429]


def test_a_cold_load_and_ten_open_pages_fit_the_budget_as_it_is_set(tmp_path: Path) -> None:
    shop = Shop(tmp_path, RateSettings())
    caller = shop.at("192.0.2.7", is_owner=True)

    cold = {caller.get(path).status_code for path in COLD * 10}
    open_pages = set()
    for _ in range(60):
        shop.clock.advance(SECOND_NS)
        open_pages |= {caller.get("/fragment").status_code for _ in range(10)}

    assert (cold, open_pages) == ({200}, {200})


@pytest.mark.parametrize("path", DOCUMENTS)
def test_the_documentation_is_compressed_for_who_takes_it(tmp_path: Path, path: str) -> None:
    caller = Shop(tmp_path, RateSettings()).at("192.0.2.7", is_owner=True)

    plain = caller.get(path, headers={"Accept-Encoding": "identity"})
    packed = caller.get(path, headers={"Accept-Encoding": "gzip"})

    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < len(plain.content) / 2
    assert packed.content == plain.content
    assert packed.headers["vary"] == "accept-encoding, authorization"


@pytest.mark.parametrize("path", DOCUMENTS)
def test_the_documentation_is_not_sent_again_to_who_has_it(tmp_path: Path, path: str) -> None:
    shop = Shop(tmp_path, RateSettings())
    caller = shop.at("192.0.2.7", is_owner=True)
    first = caller.get(path)

    again = caller.get(path, headers={"If-None-Match": first.headers["etag"]})
    stranger = shop.at("192.0.2.8").get(path, headers={"If-None-Match": first.headers["etag"]})

    assert first.headers["cache-control"] == "private, no-cache"
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert stranger.status_code == 401
