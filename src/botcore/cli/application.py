"""The verbs under one name: ``botcore VERB``."""

from collections.abc import Sequence
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
    worker,
)
from botcore.cli import open as open_verb
from botcore.cli.areas import add_areas
from botcore.cli.target import Target, keep_the_rest_here

HELP = """Bot Core: an autonomous trading platform on your own machine.

It trades play money (a paper account) until you say otherwise."""


def build(arguments: Sequence[str] | None = None) -> typer.Typer:
    """Return the application with every verb.

    Args:
        arguments: of this call: areas it does not name are left empty, so that help is quick;
            None fills them all.
    """
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
    recorded = data.group()
    app.add_typer(recorded, name="data")
    add_areas(app, groups={"data": recorded}, wanted=arguments)
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
    app.command("worker", hidden=True)(worker.worker)
    keep_the_rest_here(app)
    return app


def _shown_version(value: bool) -> None:
    if value:
        version.version()
        raise typer.Exit


def _options(
    context: typer.Context,
    _version: Annotated[
        bool,
        typer.Option("--version", help="Show the version.", callback=_shown_version, is_eager=True),
    ] = False,
    server: Annotated[
        str,
        typer.Option(
            "--server", help="Ask this server instead of this machine; its key: BOTCORE_KEY."
        ),
    ] = "",
    key_file: Annotated[
        str, typer.Option("--key-file", help="File with the API key, instead of BOTCORE_KEY.")
    ] = "",
) -> None:
    """Take the options before the verb."""
    context.obj = Target(server=server, key_file=key_file)
