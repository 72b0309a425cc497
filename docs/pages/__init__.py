"""The generated pages: each a function without arguments that returns the text of one file."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from botcore.app.settings import env_example
from botcore.indicators import _docs as indicators
from botcore.observability import _docs as metrics
from botcore.observability.rules import rules_page
from botcore.strategies import _docs as strategies
from docs.pages import (
    api,
    assumptions,
    cli,
    errors,
    facts,
    performance,
    readme,
    requirements,
    settings,
    traps,
    websocket,
)

PAGES: Final[Mapping[str, Callable[[], str]]] = MappingProxyType(
    {
        ".env.example": env_example,
        "README.md": readme.page,
        "deploy/prometheus/rules/botcore.yml": rules_page,
        "docs/reference/api.md": api.page,
        "docs/reference/assumptions.md": assumptions.page,
        "docs/reference/cli.md": cli.page,
        "docs/reference/errors.md": errors.page,
        "docs/reference/facts.md": facts.page,
        "docs/reference/indicators.md": indicators.reference_page,
        "docs/reference/metrics.md": metrics.reference_page,
        "docs/reference/performance.md": performance.page,
        "docs/reference/openapi.json": api.openapi,
        "docs/reference/requirements.md": requirements.page,
        "docs/reference/settings.md": settings.page,
        "docs/reference/strategies.md": strategies.reference_page,
        "docs/reference/traps.md": traps.page,
        "docs/reference/websocket.json": websocket.page,
        "src/botcore/api/openapi/codes.json": api.codes,
    }
)
"""Path from the root of the repository → its text."""
