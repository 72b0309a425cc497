"""Signing in as a person does, in a real browser against the real sign-in, with virtual time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from tests.support.browser import Browser, Page, browsing
from tests.support.sign_in_desk import GOOD, OTHER
from tests.support.sign_in_server import SignInServer, sign_in_server

from botcore.control.access import Role
from botcore.control.schema.users import DisableUser, InviteUser, ListUserSessions, ResetUser

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]
EQUITY = "10,123.45"


@pytest.fixture(scope="module")
def one_browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browsing(tmp_path_factory.mktemp("browser")) as running:
        yield running


@pytest.fixture
def browser(one_browser: Browser) -> Iterator[Browser]:
    yield one_browser
    one_browser.close_pages()


@pytest.fixture
def server() -> Iterator[SignInServer]:
    with sign_in_server() as served:
        yield served


@pytest.fixture
def owned(server: SignInServer) -> SignInServer:
    """A server whose owner, alice, has a password."""
    server.do(server.desk.owner("alice"))
    return server


def sign_in(page: Page, username: str = "alice", password: str = GOOD) -> None:
    page.fill("#password-username", username)
    page.fill("#password-password", password)
    page.press("Enter")


def refused_by_its_rules(page: Page) -> list[str]:
    """What a page's own rules forbade, or its script got wrong; answers of the server are none."""
    return [
        said for said in page.said if json.loads(said).get("entry", {}).get("source") != "network"
    ]


# --- links


def test_the_first_link_makes_the_owner_and_leads_to_the_account(
    server: SignInServer, browser: Browser
) -> None:
    page = browser.page()
    page.open(server.link())
    page.wait_for_text("Make the owner's account")
    page.fill("#register-username", "alice")
    page.fill("#register-password", GOOD)
    page.click("#register-stay")
    page.press("Tab")
    page.press("Enter")

    shown = page.wait_for_text(EQUITY)

    assert page.address() == server.url
    assert "alice Sign out" in shown
    (cookie,) = page.cookies()
    name = f"botcore_refresh_{server.url.rstrip('/').rpartition(':')[2]}"
    assert (cookie["name"], cookie["httpOnly"], cookie["sameSite"]) == (name, True, "Strict")
    assert not cookie["session"]  # it stays: the box was ticked
    assert page.run("document.cookie + JSON.stringify(sessionStorage)") == "{}"
    assert refused_by_its_rules(page) == []
    (session,) = server.ask(ListUserSessions(user="alice")).items
    assert session.device.startswith("Chrome on ")


def test_a_link_is_good_once_and_says_so(owned: SignInServer, browser: Browser) -> None:
    link = owned.link()
    first, second = browser.page(), browser.page()
    first.open(link)
    first.wait_for_text(EQUITY)

    second.open(link)
    said = second.wait_for_text("This link was used before")

    assert "./bot open" in said
    assert "LINK_USED" in said
    assert "./bot user sessions NAME" in said
    second.open(owned.link())  # another, in the same window
    second.wait_for_text(EQUITY)


def test_a_link_ends_after_five_minutes_and_says_so(owned: SignInServer, browser: Browser) -> None:
    link = owned.link()
    owned.desk.pass_s(301)
    page = browser.page()

    page.open(link)
    said = page.wait_for_text("This link has expired")

    assert "was good for 5 minutes" in said
    assert "./bot open" in said
    assert "LINK_EXPIRED" in said
    page.click('[data-act="password"]')
    sign_in(page)
    page.wait_for_text(EQUITY)


def test_the_token_leaves_the_address_at_once_and_outlives_a_reload(
    server: SignInServer, browser: Browser
) -> None:
    page = browser.page()
    page.open(server.link())
    page.wait_for_text("Make the owner's account")

    assert page.address() == f"{server.url}sign-in"
    page.call("Page.reload")
    page.wait_for_text("Make the owner's account")
    page.fill("#register-username", "alice")
    page.fill("#register-password", GOOD)
    page.press("Enter")
    page.wait_for_text(EQUITY)
    assert page.run("history.state") is None


def test_the_first_link_that_ends_while_one_types_says_so(
    server: SignInServer, browser: Browser
) -> None:
    page = browser.page()
    page.open(server.link())
    page.wait_for_text("Make the owner's account")
    page.fill("#register-username", "alice")
    page.fill("#register-password", GOOD)
    server.desk.pass_s(301)

    page.press("Enter")

    page.wait_for_text("This link has expired")


def test_an_invitation_makes_an_account_and_a_taken_name_is_told(
    owned: SignInServer, browser: Browser
) -> None:
    invitation = owned.ask(InviteUser(role=Role.VIEWER))
    page = browser.page()
    page.open(invitation.url)
    page.wait_for_text("You were invited")
    page.fill("#register-username", "alice")
    page.fill("#register-password", OTHER)
    page.press("Enter")
    page.wait_for_text("USERNAME_TAKEN")
    assert page.run("document.activeElement.id") == "register-username"

    page.fill("#register-username", "bob")
    page.press("Enter")

    assert "bob Sign out" in page.wait_for_text(EQUITY)


def test_a_link_that_resets_takes_a_new_password(owned: SignInServer, browser: Browser) -> None:
    link = owned.ask(ResetUser(user="alice"))
    page = browser.page()
    page.open(link.url)
    page.wait_for_text("For alice. The old one ends with it.")
    page.fill("#reset-password", "password")
    page.press("Enter")
    page.wait_for_text("PASSWORD_COMMON")

    page.fill("#reset-password", OTHER)
    page.press("Enter")
    page.wait_for_text(EQUITY)

    page.click("[data-sign-out]")
    page.wait_for_text("You are signed out.")
    sign_in(page, password=OTHER)
    page.wait_for_text(EQUITY)


# --- passwords and second factors


def test_one_signs_out_and_in_again_with_the_password(
    owned: SignInServer, browser: Browser
) -> None:
    page = browser.page()
    page.open(owned.link())
    page.wait_for_text(EQUITY)

    page.click("[data-sign-out]")
    said = page.wait_for_text("You are signed out.")

    assert EQUITY not in said
    sessions = owned.ask(ListUserSessions(user="alice")).items
    assert [each.methods for each in sessions] == [("pwd",)]  # the one of its making: ours ended
    assert page.cookies() == []
    sign_in(page)
    page.wait_for_text(EQUITY)
    (cookie,) = page.cookies()
    assert cookie["session"]  # it ends with the browser


def test_who_signs_out_is_told_so_though_the_page_asks_again_meanwhile(
    owned: SignInServer, browser: Browser
) -> None:
    page = browser.page()
    page.open(owned.link("alice"))
    page.wait_for_text("Equity account paper")

    # The answer to the sign-out comes after those that say that nobody is signed in any more.
    page.run("""(() => {
      const real = window.fetch;
      let refused = 0, hear = () => {};
      const heard = new Promise((done) => { hear = done; });
      window.fetch = async (...asked) => {
        const answer = await real(...asked);
        if (answer.status === 401 && ++refused === 2) hear();
        if (String(asked[0]).endsWith("/logout")) await heard;
        return answer;
      };
    })()""")
    page.click("[data-sign-out]")

    page.wait_for_text("You are signed out.")


def test_a_wrong_password_is_told_with_what_to_do(owned: SignInServer, browser: Browser) -> None:
    page = browser.page()
    page.open(f"{owned.url}sign-in")
    sign_in(page, password="not this one")

    said = page.wait_for_text("SIGN_IN_INCORRECT")

    assert "The username or the password is wrong." in said
    assert "./bot user reset" in said
    assert page.run("document.activeElement.id") == "password-password"
    assert page.run("document.activeElement.getAttribute('aria-invalid')") == "true"
    assert page.cookies() == []
    page.run("document.activeElement.select()")
    page.call("Input.insertText", text=GOOD)
    page.press("Enter")
    page.wait_for_text(EQUITY)


def test_who_tries_too_often_is_told_how_long_to_wait(
    owned: SignInServer, browser: Browser
) -> None:
    page = browser.page()
    page.open(f"{owned.url}sign-in")
    for _ in range(6):
        page.wait_for("!document.querySelector('#password button[type=submit]').disabled")
        sign_in(page, password="not this one")
        page.wait_for("!document.querySelector('[aria-busy]')")

    said = page.wait_for_text("SIGN_IN_SLOWED")

    assert "Wait " in said
    assert page.run("document.querySelector('#password button[type=submit]').disabled") is True


def test_a_second_factor_is_asked_for_and_a_recovery_code_stands_in(
    owned: SignInServer, browser: Browser
) -> None:
    grant = owned.do(owned.desk.user("bob", Role.TRADER))
    totp, recovery = owned.do(owned.desk.with_factor(grant))
    page = browser.page()
    page.open(f"{owned.url}sign-in")
    sign_in(page, "bob")
    page.wait_for_text("For bob.")
    page.fill("#code-code", "000 000")
    page.press("Enter")
    page.wait_for_text("CODE_WRONG")
    page.fill("#code-code", owned.desk.code(totp))
    page.press("Enter")
    page.wait_for_text(EQUITY)

    page.click("[data-sign-out]")
    page.wait_for_text("You are signed out.")
    sign_in(page, "bob")
    page.click('[data-act="recovery"]')
    page.fill("#code-code", recovery[0])
    page.press("Enter")

    page.wait_for_text(EQUITY)


def test_a_disabled_account_is_told(owned: SignInServer, browser: Browser) -> None:
    owned.do(owned.desk.user("bob", Role.TRADER))
    owned.ask(DisableUser(user="bob"))
    page = browser.page()
    page.open(f"{owned.url}sign-in")

    sign_in(page, "bob")

    assert "Ask the owner of this server." in page.wait_for_text("ACCOUNT_DISABLED")


def test_a_platform_that_does_not_answer_is_told(owned: SignInServer, browser: Browser) -> None:
    page = browser.page()
    page.open(f"{owned.url}sign-in")
    page.call("Network.emulateNetworkConditions", offline=True, latency=0,
              downloadThroughput=-1, uploadThroughput=-1)  # fmt: skip

    sign_in(page)

    assert "./bot status" in page.wait_for_text("NO_ANSWER")


# --- sessions that end


def test_a_session_that_ends_leads_to_the_sign_in_and_back(
    owned: SignInServer, browser: Browser
) -> None:
    page = browser.page()
    page.open(owned.link())
    page.wait_for_text(EQUITY)
    page.open(f"{owned.url}?from=here#orders")

    owned.do(owned.desk.identity.sessions.revoke_all(alice_of(owned), "test"))
    page.wait_for_text("You were signed out")
    sign_in(page)

    page.wait_for_text(EQUITY)
    assert page.address() == f"{owned.url}?from=here#orders"


def test_signing_out_in_one_window_ends_the_other(owned: SignInServer, browser: Browser) -> None:
    page = browser.page()
    page.open(owned.link())
    page.wait_for_text(EQUITY)
    beside = browser.page(beside=page)
    beside.open(owned.url)
    beside.wait_for_text(EQUITY)

    page.click("[data-sign-out]")

    beside.wait_for_text("You signed out in another window.")


def test_a_page_opened_by_a_stranger_comes_back_after_signing_in(
    owned: SignInServer, browser: Browser
) -> None:
    page = browser.page()
    page.open(f"{owned.url}api/v1/docs")
    page.wait_for_text("Sign in to see this page.")
    assert page.address() == f"{owned.url}api/v1/docs"

    sign_in(page)

    page.wait_for_text("How a call is made")
    assert page.address() == f"{owned.url}api/v1/docs"


def test_the_way_back_never_leads_to_another_site(owned: SignInServer, browser: Browser) -> None:
    page = browser.page()
    page.open(owned.link())
    page.wait_for_text(EQUITY)

    for elsewhere in (
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "/.//evil.example/",
        "javascript:alert(1)",
        "http:",
        "/sign-in#link=lnk_x",
    ):
        page.open(f"{owned.url}sign-in")
        page.open(f"{owned.url}sign-in#why=ended&to={quote(elsewhere, safe='')}")
        page.click('[data-act="on"]')
        page.wait_for("!location.pathname.startsWith('/sign-in')")
        assert page.address().startswith(owned.url), elsewhere
    page.open(f"{owned.url}sign-in#to={quote('/api/v1/docs#orders.list', safe='')}")
    page.click('[data-act="on"]')
    page.wait_for("location.pathname !== '/sign-in'")
    assert page.address() == f"{owned.url}api/v1/docs#orders.list"


def test_two_platforms_of_one_machine_do_not_sign_each_other_out(
    owned: SignInServer, browser: Browser
) -> None:
    page = browser.page()
    with sign_in_server() as another:
        another.do(another.desk.owner("bob"))
        page.open(owned.link())
        page.wait_for_text("alice Sign out")
        page.open(another.link())
        page.wait_for_text("bob Sign out")

        page.open(owned.url)

        page.wait_for_text("alice Sign out")


def test_who_is_signed_in_already_is_led_on(owned: SignInServer, browser: Browser) -> None:
    page = browser.page()
    page.open(owned.link())
    page.wait_for_text(EQUITY)
    page.open(f"{owned.url}sign-in")
    page.wait_for_text("As alice.")

    page.click('[data-act="on"]')
    page.wait_for_text(EQUITY)
    page.open(f"{owned.url}sign-in")
    page.click('[data-act="out"]')

    page.wait_for_text("You are signed out.")
    page.wait_for_text("Username")


def test_a_session_that_stays_is_renewed_by_looking_at_the_page(
    owned: SignInServer, browser: Browser
) -> None:
    page = browser.page()
    page.open(f"{owned.url}sign-in")
    page.click("#password-stay")
    sign_in(page)
    page.wait_for_text(EQUITY)
    (before,) = page.cookies()
    page.wait_for("localStorage.getItem('botcore-renewed')")
    owned.desk.pass_s(6 * 86_400)
    page.run("localStorage.setItem('botcore-renewed', '1')")  # long ago

    page.open(owned.url)
    page.wait_for("Number(localStorage.getItem('botcore-renewed')) > 1")
    page.wait_for_text(EQUITY)
    owned.desk.pass_s(2 * 86_400)  # more than a week after signing in
    page.open(owned.url)

    page.wait_for_text(EQUITY)
    (after,) = page.cookies()
    assert before["value"] != after["value"]


# --- for everybody


def test_it_is_signed_in_by_keyboard_alone(owned: SignInServer, browser: Browser) -> None:
    page = browser.page()
    page.open(f"{owned.url}sign-in")
    page.wait_for("document.activeElement.id === 'password-username'")
    reached = []
    page.call("Input.insertText", text="alice")
    for _ in range(4):
        page.press("Tab")
        reached.append(page.run("document.activeElement.id || document.activeElement.textContent"))
        if reached[-1] == "password-password":
            page.call("Input.insertText", text=GOOD)
        if reached[-1] == "password-stay":
            page.press("Space")

    assert reached == ["password-password", "Show", "password-stay", "Sign in"]
    assert page.run("document.getElementById('password-stay').checked") is True
    page.press("Enter")
    page.wait_for_text(EQUITY)


def test_a_password_can_be_looked_at_and_its_length_is_told(
    server: SignInServer, browser: Browser
) -> None:
    page = browser.page()
    page.open(server.link())
    page.wait_for_text("Make the owner's account")
    told = []
    for text in ("short", "longenough", "🔑" * 15):
        page.fill("#register-password", text)
        told.append(page.run("document.querySelector('#register [data-length]').textContent"))

    assert told == [
        "5 characters: 8 are the least, 15 are better.",
        "10 characters: long enough if it is hard to guess; 15 are better.",
        "15 characters: good.",
    ]
    assert page.run("document.getElementById('register-password').type") == "password"
    page.click('#register [data-act="peek"]')
    assert page.run("document.getElementById('register-password').type") == "text"
    assert page.run("document.activeElement.id") == "register-password"


@pytest.mark.parametrize("is_dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [375, 1280])
def test_it_fits_and_can_be_pictured(
    server: SignInServer, browser: Browser, tmp_path: Path, width: int, is_dark: bool
) -> None:
    page = browser.page(width=width, is_dark=is_dark)
    page.open(server.link())
    page.wait_for_text("Make the owner's account")

    page.picture(tmp_path / "sign-in.png")

    assert page.run("document.documentElement.scrollWidth") == width
    assert (tmp_path / "sign-in.png").stat().st_size > 10_000
    assert refused_by_its_rules(page) == []


def test_the_account_with_its_reader_fits_a_phone(owned: SignInServer, browser: Browser) -> None:
    page = browser.page(width=375)
    page.open(owned.link())

    page.wait_for_text("alice Sign out")

    assert page.run("document.documentElement.scrollWidth") == 375


def test_every_field_has_a_name_and_every_button_words(
    server: SignInServer, browser: Browser
) -> None:
    page = browser.page()
    page.open(f"{server.url}sign-in")
    page.wait_for_text("Sign in")
    page.call("Accessibility.enable")
    page.run("document.querySelectorAll('section').forEach((each) => each.hidden = false)")

    nodes = page.call("Accessibility.getFullAXTree")["nodes"]

    named = {"textbox", "button", "checkbox", "heading"}
    found = [
        (node["role"]["value"], node.get("name", {}).get("value", ""))
        for node in nodes
        if not node.get("ignored") and node.get("role", {}).get("value") in named
    ]
    assert ("textbox", "Username") in found
    assert ("textbox", "Six-digit code") in found
    assert ("checkbox", "Stay signed in") in found
    assert [role for role, name in found if not name.strip()] == []


def alice_of(server: SignInServer) -> str:
    """Return the id of the owner."""
    user = server.desk.identity.people.named("alice")
    assert user is not None
    return user.id
