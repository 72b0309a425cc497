"""The settings' handlers."""

from typing import Any

from botcore.control.handlers.paging import page_of
from botcore.control.handling import Context, Effect, Handling
from botcore.control.operations import Page, Request
from botcore.control.problems import NotFound, Refused
from botcore.control.schema import settings as s
from botcore.control.settings_port import SettingsDesk
from botcore.domain.errors import ConfigError


class SettingHandlers:
    """Shows settings, and changes those that may be changed here.

    Args:
        desk: has them.
    """

    def __init__(self, *, desk: SettingsDesk) -> None:
        self._desk = desk

    def handlers(self) -> dict[type[Request[Any]], Handling]:
        """Return request type → how it is carried out."""
        return {
            s.ListSettings: Handling(self.list),
            s.ChangeSetting: Handling(self.change, effect=self.effect),
        }

    async def list(self, _context: Context, request: s.ListSettings) -> Page[s.Setting]:
        """List settings."""
        found = [
            each
            for each in await self._desk.all()
            if request.name in each.name and request.is_changeable in (None, each.is_changeable)
        ]
        return page_of(
            found, key=lambda each: each.name, limit=request.limit, cursor=request.cursor
        )

    async def effect(self, _context: Context, request: s.ChangeSetting) -> Effect:
        """Say what would change."""
        setting = await self._changeable(request.name)
        if request.value is None:
            return Effect(
                f"Give the setting {setting.name} back to its file and default; in force it is"
                f" {setting.value!r}; {setting.takes_effect}"
            )
        value = self._checked(request.name, request.value)
        return Effect(
            f"Set {setting.name} from {setting.value!r} to {value!r}; {setting.takes_effect}"
        )

    async def change(self, context: Context, request: s.ChangeSetting) -> s.Setting:
        """Keep a change."""
        before = await self._changeable(request.name)
        if request.value is not None:
            self._checked(request.name, request.value)
        await self._desk.change(request.name, request.value, by=context.actor.name)
        after = await self._one(request.name)
        context.noted.changed(request.name, _next(before), _next(after))
        return after

    def _checked(self, name: str, value: str) -> object:
        try:
            return self._desk.checked(name, value)
        except ConfigError as error:
            raise Refused(code=error.code, cause=error.cause, fix=error.fix) from error

    async def _changeable(self, name: str) -> s.Setting:
        setting = await self._one(name)
        if not setting.is_changeable:
            raise Refused(
                code="SETTING_FIXED",
                cause=f"the setting {name} cannot be changed here: {setting.why_not}",
                fix="write it into settings.toml in the home, and start the platform anew",
            )
        return setting

    async def _one(self, name: str) -> s.Setting:
        for each in await self._desk.all():
            if each.name == name:
                return each
        raise NotFound(
            code="NO_SUCH_SETTING",
            cause=f"there is no setting {name!r}",
            fix="see GET /api/v1/settings",
        )


def _next(setting: s.Setting) -> object:
    """Return the value that a setting has from the next start on."""
    return setting.value if setting.pending is None else setting.pending
