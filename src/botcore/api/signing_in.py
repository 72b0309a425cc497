"""The sign-in page: where a one-time link leads, and what a stranger sees who opens another page.

The page itself is the same for everybody and holds no secret. What a link carries stands behind
the ``#`` of its address, which a browser sends to no server: only the page's script reads it.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from botcore.api.assets import Asset
from botcore.api.page import environment_of
from botcore.api.pages import Pages, person_in
from botcore.api.ports import Authenticator
from botcore.api.rest.exchange import Exchange
from botcore.api.rest.routing import Public, Route
from botcore.control.problems import Unauthenticated

PATH: Final = "/sign-in"
_RULE: Final = Public("it is how one signs in; the same page for everybody")


class SigningIn:
    """Draws the page.

    Args:
        assets: its script and its style.
        authenticate: says who is signed in already: he is told so, and led on.
    """

    def __init__(self, assets: Mapping[str, Asset], authenticate: Authenticator) -> None:
        self._template = environment_of(assets).get_template("sign_in.html")
        self._authenticate = authenticate

    def routes(self, pages: Pages) -> list[Route]:
        """Return its route."""
        return [pages.route(PATH, self.page, _RULE)]

    async def page(self, request: Request) -> Response:
        """Draw the page at its own address."""
        exchange = Exchange(request.scope)
        try:
            actor = await self._authenticate(exchange.headers, exchange.address)
        except Unauthenticated:  # what was shown has ended: that is why one is here
            return self._drawn("", HTTPStatus.OK)
        return self._drawn(person_in(actor), HTTPStatus.OK)

    async def in_place(self, request: Request) -> Response:
        """Draw it instead of a page that takes a session; signing in leads back to that one."""
        del request
        return self._drawn("", HTTPStatus.UNAUTHORIZED)

    def _drawn(self, person: str, status: HTTPStatus) -> Response:
        return HTMLResponse(self._template.render(person=person), status)
