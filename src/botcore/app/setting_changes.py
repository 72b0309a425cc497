"""Settings as control shows them; and changes, kept in the control store and in a file of the home.

The store says who changed what and when; the file, written whole from it, is what the next start
reads, before there is a store.
"""

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from pydantic import BaseModel, ValidationError, create_model
from pydantic.fields import FieldInfo

from botcore.app.home import Home
from botcore.app.settings import (
    CHANGEABLE,
    CHANGES_FILE,
    LimitSettings,
    RateSettings,
    Settings,
    set_outside,
)
from botcore.control.schema.settings import Setting, SettingOrigin
from botcore.domain.errors import ConfigError
from botcore.kernel.clock import Clock
from botcore.observability.redaction import redacted
from botcore.storage.control import SettingChange, SettingStore

_TABLES: Final[Mapping[str, type[BaseModel]]] = {"limits": LimitSettings, "rates": RateSettings}
_NEXT_START: Final = "at the next start of the platform"
_FROM_FILE: Final = "at the next start, from settings.toml on the machine"
_GUARDS: Final = (
    "host",
    "port",
    "allowed_hosts",
    "allowed_origins",
    "trusted_proxies",
    "tls_certificate",
    "tls_key",
    "tls_1_2_because",
    "allow_plain_http",
    "control_url",
    "metrics_host",
    "metrics_port",
    "rates.sign_in_",
    "rates.strangers_",
    "rates.all_strangers",
    "rates.connections_",
    "rates.tiers",
)
_ELSEWHERE: Final = {
    "strategies": "strategies are made and changed with `strategies …`",
    "limits": "limits are changed with `risk set-limits`",
    "protections": "what locks entries is part of the account's rules",
}


class SettingDesk:
    """Keeps the contract of `control.settings_port.SettingsDesk`.

    Args:
        settings: in force in this process.
        home: has the files.
        store: of changes.
        clock: dates them.
    """

    def __init__(
        self, settings: Settings, home: Home, *, store: SettingStore, clock: Clock
    ) -> None:
        self._settings = settings
        self._home = home
        self._store = store
        self._clock = clock

    async def all(self) -> Sequence[Setting]:
        """Return every setting."""
        changes = await self._changes()
        outside = set_outside(self._home.path)
        return [
            self._setting(name, field, value, changes, outside)
            for name, field, value in _every(self._settings)
        ]

    def checked(self, name: str, value: str) -> object:
        """Return what a value would be.

        Raises:
            ConfigError: it is refused.
        """
        table, _, inner = name.rpartition(".")
        field = (_TABLES[table] if table else Settings).model_fields[inner]
        one = create_model("Setting", **{inner: (field.annotation, field)})  # type: ignore[call-overload]  # pydantic's own way of saying fields
        try:
            return getattr(one.model_validate_strings({inner: value}), inner)
        except ValidationError as error:
            raise ConfigError(
                code="SETTING_REFUSED",
                cause=f"setting {name}={value!r}: {error.errors()[0]['msg']}",
                fix="see what GET /api/v1/settings says of it",
            ) from error

    async def change(self, name: str, value: str | None, *, by: str) -> None:
        """Keep a change for the next start; None gives the setting back.

        Raises:
            ConfigError: the value is refused.
            StorageError: it cannot be kept.
        """
        kept = None if value is None else json.dumps(self.checked(name, value))
        change = SettingChange(name=name, value=kept, author=by, created_at=self._clock.now_ns())
        await self._store.add([change])
        await self.export()

    async def export(self) -> None:
        """Write the file from the store.

        Raises:
            StorageError: the store cannot be read, or the file not written.
        """
        document: dict[str, Any] = {}
        for name, value in sorted((await self._changes()).items()):
            table, _, inner = name.rpartition(".")
            into = document.setdefault(table, {}) if table else document
            into[inner] = value
        text = json.dumps(document, indent=1).encode()
        await asyncio.to_thread(self._home.replace, CHANGES_FILE, text)

    async def _changes(self) -> dict[str, Any]:
        """Return name → value of what is changed and not given back."""
        newest = await self._store.newest()
        return {
            name: json.loads(change.value)
            for name, change in newest.items()
            if change.value is not None and name in CHANGEABLE
        }

    def _setting(
        self,
        name: str,
        field: FieldInfo,
        value: Any,  # noqa: ANN401  # of any setting
        changes: Mapping[str, Any],
        outside: tuple[frozenset[str], frozenset[str]],
    ) -> Setting:
        default = _plain(field.get_default(call_default_factory=True))
        is_changeable = name in CHANGEABLE
        shown = _plain(value)
        in_environment, in_file = outside
        if name in in_environment:
            origin = SettingOrigin.ENVIRONMENT
        elif name in changes and shown == changes[name]:
            origin = SettingOrigin.CHANGED
        elif name in in_file:
            origin = SettingOrigin.FILE
        else:
            origin = SettingOrigin.DEFAULT if shown == default else SettingOrigin.COMMAND_LINE
        pending = changes.get(name)
        return Setting(
            name=name,
            value=shown,
            default=default,
            origin=origin,
            description=field.description or "",
            is_changeable=is_changeable,
            why_not="" if is_changeable else _why_not(name),
            takes_effect=_NEXT_START if is_changeable else _FROM_FILE,
            pending=pending if pending != shown else None,
        )


def _every(settings: Settings) -> Iterator[tuple[str, FieldInfo, Any]]:
    """Yield name, declaration and value of each setting."""
    for name, field in Settings.model_fields.items():
        value = getattr(settings, name)
        if name not in _TABLES:
            yield name, field, value
            continue
        for inner, inner_field in _TABLES[name].model_fields.items():
            yield f"{name}.{inner}", inner_field, getattr(value, inner)


def _plain(value: Any) -> Any:  # noqa: ANN401  # of any setting
    """Return a value as JSON has it, without secrets."""
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json")
    elif isinstance(value, Mapping):
        value = {str(key): _plain(each) for key, each in value.items()}
    elif isinstance(value, tuple | list):
        value = [_plain(each) for each in value]
    elif not (value is None or isinstance(value, bool | int | float | str)):
        value = str(value)
    return redacted(value)


def _why_not(name: str) -> str:
    table = name.partition(".")[0]
    if table in _ELSEWHERE:
        return _ELSEWHERE[table]
    if name.startswith(_GUARDS):
        return "it guards who can reach the platform: only who sits at the machine may"
    return "it is part of what the home is, and is set before it starts"
