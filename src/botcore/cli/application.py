"""The verbs under one name: ``botcore VERB``."""

from typing import Annotated

import typer

from botcore.cli import (
    api,
    backtest,
    cancel_all,
    clean,
    data,
    dev,
    doctor,
    engine,
    flatten,
    kill,
    logs,
    pause,
    replay,
    restart,
    resume,
    rewind,
    start,
    status,
    stop,
    strategy,
    up,
    version,
)
from botcore.cli import open as open_verb

HELP = """Bot Core: an autonomous trading platform on your own machine.

It trades play money (a paper account) until you say otherwise."""


def build() -> typer.Typer:
    """Return the application with every verb."""
    app = typer.Typer(
        name="botcore",
        help=HELP,
        add_completion=False,
        no_args_is_help=True,
        rich_markup_mode=None,  # drawing the help in colours would take longer than the rest
        pretty_exceptions_enable=False,
    )
    app.callback()(_options)
    app.command("up")(up.up)
    app.command("start")(start.start)
    app.command("stop")(stop.stop)
    app.command("restart")(restart.restart)
    app.command("status")(status.status)
    app.command("logs")(logs.logs)
    app.command("open")(open_verb.open_page)
    app.command("clean")(clean.clean)
    app.command("dev")(dev.dev)
    app.add_typer(backtest.group(), name="backtest")
    app.add_typer(strategy.group(), name="strategy")
    app.add_typer(data.group(), name="data")
    app.command("replay")(replay.replay)
    app.command("parity")(replay.parity)
    app.command("rewind")(rewind.rewind)
    app.command("doctor")(doctor.doctor)
    app.command("pause")(pause.pause)
    app.command("resume")(resume.resume)
    app.command("cancel-all")(cancel_all.cancel_all)
    app.command("kill")(kill.kill)
    app.command("flatten")(flatten.flatten)
    app.command("version")(version.version)
    app.command("engine", hidden=True)(engine.engine)
    app.command("api", hidden=True)(api.api)
    return app


def _shown_version(value: bool) -> None:
    if value:
        version.version()
        raise typer.Exit


def _options(
    _version: Annotated[
        bool,
        typer.Option("--version", help="Show the version.", callback=_shown_version, is_eager=True),
    ] = False,
) -> None:
    """Take the options before the verb."""
