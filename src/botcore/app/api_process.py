"""The page's process: the newest view over HTTP. It reads and commands; it holds no money state."""

import os

import uvicorn

import botcore
from botcore.api import create_app
from botcore.app.channel import Remote
from botcore.app.home import Home
from botcore.app.settings import Settings
from botcore.kernel.heart import SUPERVISOR_FD, Heart
from botcore.observability.metrics import Metrics


def run_api(settings: Settings, *, events: str, commands: str, port: int) -> None:
    """Serve the page until SIGTERM."""
    home = Home(settings.home)
    remote = Remote(events=events, commands=commands, token=home.token())
    remote.start()
    app = create_app(
        remote,
        allowed_hosts=settings.allowed_hosts,
        version=botcore.__version__,
        metrics=Metrics(version=botcore.__version__),
    )
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=3,
    )
    server = uvicorn.Server(config)

    def end() -> None:
        """Without its supervisor nobody would ever stop it, and it would keep the port."""
        server.should_exit = True

    fd = os.environ.get(SUPERVISOR_FD)
    heart = None if fd is None else Heart(int(fd), on_orphaned=end)
    if heart is not None:
        heart.start()
    try:
        server.run()
    finally:
        if heart is not None:
            heart.stop()
        remote.close()
