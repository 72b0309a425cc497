"""The platform's settings: what is in force, where it comes from, and changing a few of them."""

from enum import StrEnum
from typing import Annotated, Any, Final

import msgspec

from botcore.control.access import Scope
from botcore.control.operations import Act, Confirm, Operation, Page, Query, RouteClass
from botcore.control.schema.values import PAGE_MAX, Cursor, Limit

SettingName = Annotated[
    str, msgspec.Meta(min_length=1, max_length=64, pattern=r"^[a-z0-9_]+(?:\.[a-z0-9_]+)?\Z")
]
"""A setting, or one inside a table after a dot: `log_level`, `rates.standard_per_min`."""


class SettingOrigin(StrEnum):
    """Where the value in force comes from; the later wins."""

    DEFAULT = "default"
    FILE = "settings.toml"
    CHANGED = "changed here"
    ENVIRONMENT = "environment"
    COMMAND_LINE = "command line"


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """One setting.

    Attributes:
        name: a setting of a table has the table's name and a dot before it.
        value: in force since the last start; what is secret in it is cut out.
        default: without any source.
        origin: where the value comes from.
        description: what it is for.
        is_changeable: whether it can be changed here.
        why_not: why it cannot be changed here; empty where it can.
        takes_effect: when a change made here counts.
        pending: value that was set here and is not in force yet; None where there is none.
    """

    name: str
    value: Any
    default: Any
    origin: SettingOrigin
    description: str
    is_changeable: bool
    why_not: str
    takes_effect: str
    pending: Any = None


class ListSettings(Query[Page[Setting]], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """List every setting with its value in force, by name.

    Attributes:
        name: only settings whose name contains this.
        is_changeable: only those that can, or cannot, be changed here.
        limit: how many.
        cursor: `next_cursor` of the page before.
    """

    name: Annotated[str, msgspec.Meta(max_length=64)] = ""
    is_changeable: bool | None = None
    limit: Limit = PAGE_MAX
    cursor: Cursor = ""


class ChangeSetting(Act[Setting], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Change a setting; it counts from the next start of the platform.

    Attributes:
        name: which; those that can be changed here say so in the list.
        value: as text, `debug` or `200`; None gives it back to file and default.
    """

    name: SettingName
    value: Annotated[str, msgspec.Meta(max_length=200)] | None = None


OPERATIONS: Final = (
    Operation(
        name="settings.list",
        request=ListSettings,
        method="GET",
        path="/settings",
        scope=Scope.ADMIN_SYSTEM,
        command=("settings", "list"),
        problems=("CURSOR_MALFORMED",),
        examples=(ListSettings(), ListSettings(is_changeable=True)),
    ),
    Operation(
        name="settings.change",
        request=ChangeSetting,
        method="PUT",
        path="/settings/{name}",
        scope=Scope.ADMIN_SYSTEM,
        command=("settings", "set"),
        positional=("name", "value"),
        confirm=Confirm.ALWAYS,
        has_step_up=True,
        route_class=RouteClass.ACT,
        problems=("NO_SUCH_SETTING", "SETTING_FIXED", "SETTING_REFUSED"),
        examples=(
            ChangeSetting(name="log_level", value="debug"),
            ChangeSetting(name="rates.standard_per_min", value="200"),
            ChangeSetting(name="log_level"),
        ),
    ),
)
