"""A browser without a window, driven over its own debugging protocol: real clicks and keys."""

from __future__ import annotations

import base64
import itertools
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest
from websockets.sync.client import ClientConnection, connect

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
START_S = 30.0
WAIT_S = 20.0
_SAID = ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")


class Browser:
    """One browser; each page has cookies and storage of its own unless it is made beside another.

    Args:
        folder: for its profile.
    """

    def __init__(self, folder: Path) -> None:
        program = next(filter(None, map(shutil.which, PROGRAMS)), None)
        if program is None:
            pytest.skip(f"needs a browser: none of {', '.join(PROGRAMS)} is installed")
        self._profile = folder / "profile"
        self._process = subprocess.Popen(
            [
                program,
                "--headless=new",
                "--no-sandbox",  # tests may run as root in a container
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--hide-scrollbars",
                "--no-first-run",
                "--force-color-profile=srgb",
                f"--user-data-dir={self._profile}",
                "--remote-debugging-port=0",
                "about:blank",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._open = ExitStack()
        self._connection: ClientConnection | None = None
        self._ids = itertools.count(1)
        self._pages: dict[str, Page] = {}

    def __enter__(self) -> Self:
        port_file = self._profile / "DevToolsActivePort"
        end = time.monotonic() + START_S
        while not port_file.exists() or port_file.read_text().count("\n") < 1:
            assert time.monotonic() < end, "the browser did not start"
            time.sleep(0.05)
        port, path = port_file.read_text().splitlines()[:2]
        self._connection = self._open.enter_context(
            connect(f"ws://127.0.0.1:{port}{path}", max_size=None)
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()
        self._process.terminate()
        self._process.wait(START_S)

    def call(self, method: str, session: str = "", **parameters: Any) -> dict[str, Any]:
        """Say something to the browser, and return its answer."""
        assert self._connection is not None
        number = next(self._ids)
        message = {"id": number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        self._connection.send(json.dumps(message))
        while True:
            heard = json.loads(self._connection.recv(timeout=WAIT_S))
            if heard.get("id") == number:
                assert "error" not in heard, (method, heard["error"])
                result: dict[str, Any] = heard["result"]
                return result
            page = self._pages.get(heard.get("sessionId", ""))
            if page is not None and heard.get("method") in _SAID:
                page.said.append(json.dumps(heard["params"]))

    def close_pages(self) -> None:
        """Close every page, and forget its cookies."""
        for context in {page.context for page in self._pages.values()}:
            self.call("Target.disposeBrowserContext", browserContextId=context)
        self._pages.clear()

    def page(self, *, beside: Page | None = None, width: int = 1280, is_dark: bool = False) -> Page:
        """Open an empty page.

        Args:
            beside: shares its cookies; None for a browser nobody has used.
            width: of the window, pixels; below 600 it is a phone.
            is_dark: what the reader prefers.
        """
        context = (
            self.call("Target.createBrowserContext")["browserContextId"]
            if beside is None
            else beside.context
        )
        target = self.call("Target.createTarget", url="about:blank", browserContextId=context)
        attached = self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        page = Page(self, attached["sessionId"], context)
        self._pages[attached["sessionId"]] = page
        for area in ("Page", "Runtime", "Log", "Network"):
            page.call(f"{area}.enable")
        page.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=900,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        page.call(
            "Emulation.setEmulatedMedia",
            features=[
                {"name": "prefers-color-scheme", "value": "dark" if is_dark else "light"},
                {"name": "prefers-reduced-motion", "value": "reduce"},
            ],
        )
        return page


class Page:
    """One page.

    Attributes:
        context: cookies and storage that it shares with those beside it.
        said: what was written on its console, as JSON: refusals of its own rules too.
    """

    def __init__(self, browser: Browser, session: str, context: str) -> None:
        self._browser = browser
        self._session = session
        self.context = context
        self.said: list[str] = []

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Say something to the page, and return its answer."""
        return self._browser.call(method, self._session, **parameters)

    def open(self, url: str) -> None:
        """Go to an address as if it were typed in, and wait until it is there."""
        self.run("window.botcoreWasHere = true")
        self.call("Page.navigate", url=url)
        if "#" in url:  # the same page with another fragment is not loaded again
            self.wait_for("document.readyState === 'complete'")
        else:
            self.wait_for("!window.botcoreWasHere && document.readyState === 'complete'")

    def run(self, script: str) -> Any:
        """Run a script in the page, and return what it comes to."""
        answer = self.call(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait_for(self, script: str) -> Any:
        """Wait until a script comes to something, and return that."""
        end = time.monotonic() + WAIT_S
        while True:
            try:
                found = self.run(script)
            except AssertionError:  # between two pages there is none
                found = None
            if found:
                return found
            assert time.monotonic() < end, f"never: {script}\n{self.text()}\n{self.said}"
            time.sleep(0.05)

    def text(self) -> str:
        """What can be read on it now, on one line."""
        return " ".join(str(self.run("document.body.innerText")).split())

    def wait_for_text(self, words: str) -> str:
        """Wait until these words can be read; return all that can."""
        self.wait_for(
            f"document.body.innerText.replace(/\\s+/g, ' ').includes({json.dumps(words)})"
        )
        return self.text()

    def address(self) -> str:
        """Where it is."""
        return str(self.run("location.href"))

    def click(self, selector: str) -> None:
        """Click on the middle of the first element that can be seen, once the page is there."""
        box = self.wait_for(
            f"""(() => {{
                if (document.readyState !== "complete") return null;
                const found = [...document.querySelectorAll({json.dumps(selector)})]
                    .find((each) => each.offsetParent !== null && !each.disabled);
                if (!found) return null;
                found.scrollIntoView({{block: "center"}});
                const box = found.getBoundingClientRect();
                return [box.x + box.width / 2, box.y + box.height / 2];
            }})()"""
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.call(
                "Input.dispatchMouseEvent",
                type=kind,
                x=box[0],
                y=box[1],
                button="left",
                clickCount=1,
            )

    def fill(self, selector: str, text: str) -> None:
        """Put the text into a field, in the place of what stands there, as by pasting it."""
        self.click(selector)
        self.run("document.activeElement.select()")
        self.call("Input.insertText", text=text)

    def press(self, key: str) -> None:
        """Press and let go of a key: ``Enter``, ``Tab``, ``Space``, ``/``."""
        known = {"Enter": (13, "\r"), "Tab": (9, ""), "Space": (32, " "), "/": (191, "/")}
        code, text = known[key]
        common = {
            "key": " " if key == "Space" else key,
            "code": key,
            "windowsVirtualKeyCode": code,
        }
        self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **common)
        self.call("Input.dispatchKeyEvent", type="keyUp", **common)

    def cookies(self) -> list[dict[str, Any]]:
        """Every cookie it would send, those too that scripts cannot read."""
        found: list[dict[str, Any]] = self.call("Network.getCookies")["cookies"]
        return found

    def picture(self, path: Path) -> None:
        """Keep a picture of all of it."""
        height = self.run("Math.ceil(document.documentElement.scrollHeight)")
        width = self.run("document.documentElement.clientWidth")
        shot = self.call(
            "Page.captureScreenshot",
            format="png",
            captureBeyondViewport=True,
            clip={"x": 0, "y": 0, "width": width, "height": height, "scale": 1},
        )
        path.write_bytes(base64.b64decode(shot["data"]))


@contextmanager
def browsing(folder: Path) -> Iterator[Browser]:
    """Run a browser."""
    with Browser(folder) as browser:
        yield browser
