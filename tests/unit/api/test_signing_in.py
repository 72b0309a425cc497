"""The sign-in page: who gets it, what stands in it, and what runs there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from tests.support.rest_shop import Counter
from tests.unit.api.test_page import _contrast

from botcore.control.access import Role

HTML = {"Accept": "text/html,application/xhtml+xml"}


@pytest.fixture
def counter(tmp_path: Path) -> Counter:
    return Counter(tmp_path)


@pytest.fixture
def stranger(counter: Counter) -> TestClient:
    return counter.client(None)


def test_a_stranger_gets_it_at_its_own_address(stranger: TestClient) -> None:
    answer = stranger.get("/sign-in", headers=HTML)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert 'data-person=""' in answer.text


def test_a_stranger_gets_it_in_the_place_of_a_page_that_takes_a_session(
    stranger: TestClient,
) -> None:
    own = stranger.get("/sign-in", headers=HTML)

    for path in ("/", "/api/v1/docs"):
        answer = stranger.get(path, headers=HTML)
        assert answer.status_code == 401
        assert answer.text == own.text


def test_a_script_of_a_stranger_gets_a_problem_and_no_page(stranger: TestClient) -> None:
    answer = stranger.get("/fragment", headers={"Accept": "*/*"})

    assert (answer.status_code, answer.json()["code"]) == (401, "NOT_SIGNED_IN")


def test_who_is_signed_in_is_named_and_a_session_that_ended_is_nobody(counter: Counter) -> None:
    named = counter.client(Role.TRADER).get("/sign-in", headers=HTML)
    ended = counter.client(None).get("/sign-in", headers={**HTML, "Authorization": "Bearer gone"})

    assert 'data-person="trader"' in named.text
    assert ended.status_code == 200
    assert 'data-person=""' in ended.text


def test_the_page_names_its_reader_and_lets_him_out(counter: Counter) -> None:
    for path in ("/", "/fragment"):
        html = counter.client(Role.VIEWER).get(path, headers=HTML).text
        assert re.search(r"<span>viewer</span> <button [^>]*data-sign-out>Sign out</button>", html)


def test_it_is_only_read_there(stranger: TestClient) -> None:
    answer = stranger.post("/sign-in", data={"username": "alice", "password": "x"})

    assert answer.status_code == 405


def test_its_rules_let_no_script_in_but_its_own_file(stranger: TestClient) -> None:
    answer = stranger.get("/sign-in", headers=HTML)
    policy = answer.headers["content-security-policy"]

    assert "default-src 'none'" in policy
    assert "require-trusted-types-for 'script'" in policy
    assert "unsafe" not in policy
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-frame-options"] == "DENY"
    assert re.findall(r"<script([^>]*)>(.*?)</script>", answer.text)[0][1] == ""
    assert answer.text.count("<script") == 1
    assert not re.search(r"\son\w+=|style=|javascript:|<style", answer.text)
    addresses = re.findall(r'(?:src|href|action)="([^"]*)"', answer.text)
    assert addresses
    assert all(address.startswith("/static/") for address in addresses)


def test_its_script_makes_no_markup_of_text_and_keeps_nothing(stranger: TestClient) -> None:
    script = stranger.get("/static/sign_in.js").text

    for sink in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert sink not in script
    for keeper in ("localStorage", "sessionStorage", "indexedDB", "document.cookie"):
        assert keeper not in script
    assert "access_token" not in script


def test_password_managers_find_their_fields(stranger: TestClient) -> None:
    html = stranger.get("/sign-in", headers=HTML).text
    forms = dict(
        re.findall(r'<section id="(\w+)"(?:(?!</section>).)*?<form(.*?)</form>', html, re.DOTALL)
    )

    def completed(form: str) -> list[str]:
        return re.findall(r'autocomplete="([a-z-]+)"', forms[form])[1:]

    assert completed("password") == ["username", "current-password"]
    assert completed("register") == ["username", "new-password"]
    assert completed("reset") == ["username", "new-password"]
    assert completed("code") == ["one-time-code"]
    assert "onpaste" not in html
    assert 'method="post"' in html  # without its script no password gets into an address


def test_every_field_has_a_label_and_every_reference_a_target(stranger: TestClient) -> None:
    html = stranger.get("/sign-in", headers=HTML).text
    ids = re.findall(r'\sid="([^"]+)"', html)

    assert len(ids) == len(set(ids))
    for attribute in ("for", "aria-labelledby", "aria-describedby", "aria-controls"):
        assert set(re.findall(rf'{attribute}="([^"]+)"', html)) <= set(ids)
    for field in re.findall(r"<input [^>]*>", html):
        name = re.search(r'\sid="([^"]+)"', field)
        assert "aria-hidden" in field or (name and f'for="{name[1]}"' in html)
    assert html.count("<main") == html.count("<h1>") == 1
    assert '<html lang="en">' in html


@pytest.mark.parametrize(
    "sentence",
    [
        "<code>./bot open</code>, on the machine that Bot Core runs on",
        "Nothing is mailed: the owner resets it there with <code>./bot user reset NAME</code>",
        "Signing in needs JavaScript",
        "Stay signed in",
    ],
)
def test_it_says_how_one_gets_in(stranger: TestClient, sentence: str) -> None:
    assert sentence in stranger.get("/sign-in", headers=HTML).text


def test_its_own_colours_can_be_seen(stranger: TestClient) -> None:
    # WCAG 2.2, 1.4.11: what bounds a field has a contrast of 3 to both sides; text on a button 4.5.
    page = stranger.get("/static/page.css").text
    own = stranger.get("/static/sign_in.css").text
    themes = re.findall(r":root \{(.*?)\}", page, re.DOTALL)
    fields = re.findall(r":root \{(.*?)\}", own, re.DOTALL)

    assert len(themes) == len(fields) == 2
    for theme, field in zip(themes, fields, strict=True):
        colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", theme + field))
        assert _contrast(colours["field"], colours["card"]) >= 3
        assert _contrast(colours["field"], colours["ground"]) >= 3
        assert _contrast(colours["enough"], colours["card"]) >= 3
        assert _contrast(colours["card"], colours["accent"]) >= 4.5
        assert _contrast(colours["accent"], colours["card"]) >= 4.5
