"""The page: the whole of it, the part that is renewed each second, and its files."""

from collections.abc import Mapping
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response

from botcore.api.assets import Asset
from botcore.api.curve import HEIGHT, WIDTH, curve_of
from botcore.api.pages import Pages, reader_of
from botcore.api.rest.routing import Public, Route, Shown
from botcore.control import wording
from botcore.control.access import Scope
from botcore.control.ports import Platform
from botcore.control.views import encode_view

REFRESH_WITHOUT_SCRIPT_S: Final = 3
_WEEK_S: Final = 7 * 86_400


def page_routes(
    pages: Pages, platform: Platform, assets: Mapping[str, Asset], *, version: str
) -> list[Route]:
    """Return the routes."""
    templates = _environment(assets, version)

    async def page(request: Request) -> Response:
        drawn = _drawn(platform, reader_of(request))
        return HTMLResponse(templates.get_template("page.html").render(drawn))

    async def fragment(request: Request) -> Response:
        drawn = _drawn(platform, reader_of(request))
        return HTMLResponse(templates.get_template("fragment.html").render(drawn))

    async def document(request: Request) -> Response:
        del request
        view = platform.view()
        if view is None:
            return JSONResponse({"status": "starting"}, status_code=503)
        age = {"Botcore-View-Age-Seconds": f"{platform.view_age_s():.3f}"}
        return Response(encode_view(view), media_type="application/json", headers=age)

    async def static(request: Request) -> Response:
        asset = assets.get(request.path_params["name"])
        if asset is None:
            return PlainTextResponse("there is no such file\n", status_code=404)
        is_marked = request.query_params.get("v") == asset.mark
        cache = f"public, max-age={_WEEK_S}, immutable" if is_marked else "no-cache"
        return Response(
            asset.content, media_type=asset.media_type, headers={"Cache-Control": cache}
        )

    account = Shown(Scope.READ_ACCOUNT)
    return [
        pages.route("/", page, account),
        pages.route("/fragment", fragment, account),
        pages.route("/view.json", document, account),
        pages.route("/static/{name}", static, Public("the same files that everybody can download")),
    ]


def _drawn(platform: Platform, reader: str) -> dict[str, object]:
    """Return what the templates draw; `reader` is who is signed in, or empty."""
    age_s, view = platform.view_age_s(), platform.view()  # the age first: never shown as younger
    state = wording.condition(view, age_s)
    return {
        "view": view,
        "age_s": age_s,
        "state": state,
        "title": wording.title(view, state),
        "reader": reader,
    }


def environment_of(assets: Mapping[str, Asset]) -> Environment:
    """Return what draws templates; they find the address of an asset as ``static[name]``."""
    environment = Environment(
        loader=PackageLoader("botcore.api"),
        autoescape=True,  # of everything, whatever its name ends in
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["static"] = {
        name: f"/static/{name}?v={asset.mark}" for name, asset in assets.items()
    }
    return environment


def _environment(assets: Mapping[str, Asset], version: str) -> Environment:
    environment = environment_of(assets)
    environment.globals |= {
        "build": f"{version}-{'-'.join(sorted(asset.mark for asset in assets.values()))}",
        "refresh_without_script_s": REFRESH_WITHOUT_SCRIPT_S,
        "curve_of": curve_of,
        "curve_width": WIDTH,
        "curve_height": HEIGHT,
        "feed_age_s": wording.feed_age_s,
        "clock_time": wording.clock_time,
        "undecided": wording.undecided,
    }
    environment.filters |= {
        "amount": wording.amount,
        "signed_amount": wording.signed_amount,
        "price": wording.price,
        "quantity": wording.quantity,
        "percent": wording.percent,
        "signed_percent": wording.signed_percent,
        "duration": wording.duration,
        "direction": wording.direction,
        "date_time": wording.date_time,
        "newest_first": _newest_first,
    }
    return environment


def _newest_first(entries: tuple[object, ...]) -> list[object]:
    return sorted(entries, key=lambda entry: getattr(entry, "ts", 0), reverse=True)
