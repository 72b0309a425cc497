"""What people want run: strategies and limits above the settings, in one document beside the store.

The control process writes it, whole or not at all; the engine reads it at each start. What could
not be composed is not run: the engine goes on with what it last composed, and says why.
"""

from typing import Annotated, Any

import msgspec

from botcore.app.home import Home
from botcore.domain.errors import ConfigError

DESIRED = "desired.json"
COMPOSED = "composed.json"
"""The document that the engine last composed from."""
REFUSED = "DESIRED_REFUSED"
"""Code of the alert of an engine that could not take the newest document up."""


class DesiredStrategy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One strategy as somebody wants it run.

    Attributes:
        strategy: its name in the library or the person's folder.
        equity_frac: share of the account's equity at weight 1, over all its instruments.
        parameters: given ones; the rest take their defaults.
        is_active: it is run; else its orders and positions stand, and nobody is asked.
        instruments: None is all that are traded.
    """

    strategy: str
    equity_frac: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.10
    parameters: dict[str, float] = {}
    is_active: bool = True
    instruments: tuple[str, ...] | None = None


class Desired(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is wanted, above the settings.

    Attributes:
        revision: counts up with each change; whoever writes it gives it.
        strategies: by name; one that the settings name too stands in its place, the settings'
            others are kept.
        limits: those that differ from the settings', by their names.
    """

    revision: int = 0
    strategies: dict[str, DesiredStrategy] = {}
    limits: dict[str, Any] = {}


NOTHING = Desired()


def read_desired(home: Home, name: str = DESIRED) -> Desired:
    """Return what is wanted in a home; nothing where there is no document.

    Raises:
        ConfigError: ``DESIRED_MALFORMED``.
    """
    try:
        return msgspec.json.decode((home.state / name).read_bytes(), type=Desired)
    except FileNotFoundError:
        return NOTHING
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ConfigError(
            code="DESIRED_MALFORMED",
            cause=f"{name} cannot be read: {error}",
            fix="change a strategy or a limit once more: the document is written anew",
        ) from error


def write_desired(home: Home, desired: Desired, name: str = DESIRED) -> None:
    """Write what is wanted, whole or not at all.

    Raises:
        StorageError: it cannot be written; the old document stands.
    """
    home.replace(name, msgspec.json.encode(desired), folder=home.state)
