"""Settings: one file for the machine and the environment above it; nothing else reads either.

Order, the later wins: defaults, ``<home>/settings.toml``, environment (``BOTCORE_…``), the command
line.
"""

import hashlib
import os
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from botcore.domain.errors import ConfigError
from botcore.domain.parameters import did_you_mean

SETTINGS_FILE = "settings.toml"
PREFIX = "BOTCORE_"
_NOT_SETTINGS = tuple(
    PREFIX + name
    for name in ("DATA", "REQUIRE_DATA", "TEST", "FAILPOINT", "SUPERVISOR", "BENCH", "TRACEBACK")
)
"""What the environment may hold beside settings: for tests, benchmarks and the supervisor."""


class StrategySettings(BaseModel):
    """One strategy to run: its name in the library, its share of equity, its parameters."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    strategy: str
    equity_frac: float = Field(default=0.10, gt=0, le=1)
    parameters: dict[str, float] = {}


class LimitSettings(BaseModel):
    """The account's limits; fractions of equity (0.15 is 15 %)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    order_frac: float = Field(default=0.15, gt=0)
    instrument_frac: float = Field(default=0.40, gt=0)
    strategy_frac: float = Field(default=1.0, gt=0)
    account_frac: float = Field(default=1.0, gt=0)
    price_band_frac: float = Field(default=0.05, gt=0)
    daily_loss_frac: float = Field(default=0.05, gt=0)
    drawdown_frac: float = Field(default=0.20, gt=0)
    orders_per_s: int = Field(default=10, ge=1)


DEFAULT_STRATEGIES: dict[str, StrategySettings] = {
    name: StrategySettings(strategy=name)
    for name in ("rsi", "macd", "bollinger", "volume-breakout", "ema-cross", "ensemble")
}


class Settings(BaseSettings):
    """Everything a person can set."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True
    )

    home: Path = Field(
        default_factory=lambda: Path.home() / ".botcore",
        description="where all state lives: stores, tape, logs, settings.toml",
    )
    host: str = Field(default="127.0.0.1", description="address the page listens on")
    port: int = Field(
        default=8080, ge=0, le=65535, description="its port; the next free one is taken"
    )
    allowed_hosts: tuple[str, ...] = Field(
        (), description="further host names under which the page may be asked for"
    )
    cash: Decimal = Field(default=Decimal(10_000), gt=0, description="USDT of a new paper account")
    seed: int = Field(
        default=1, ge=0, description="of the simulated market; fixed at the first start"
    )
    feed: Literal["simulated", "auto", "binance", "tape"] = Field(
        default="simulated",
        description="where prices come from; auto is binance if it answers, else simulated",
    )
    feed_instruments: tuple[str, ...] = Field(
        (), description="what a tape or an exchange gives; empty is all of a tape, or BTC ETH SOL"
    )
    feed_timeframe: str = Field(default="1m", description="length of a tape's bars")
    feed_from: str | None = Field(
        default=None, description="where a tape begins, UTC; behind history_days of it by default"
    )
    feed_speed: float = Field(
        default=60.0, gt=0, le=100_000, description="of a tape: 60 plays an hour a minute"
    )
    binance_rest: str = Field(
        default="https://api.binance.com", description="where Binance's public routes are"
    )
    binance_streams: str = Field(
        default="wss://stream.binance.com:9443", description="where its public streams are"
    )
    binance_archives: str = Field(
        default="https://data.binance.vision", description="where its archives are"
    )
    bar_s: float = Field(
        default=15.0, ge=1, le=3600, description="length of the simulated bars, seconds"
    )
    history_days: float = Field(
        2.0, gt=0, le=30, description="simulated history before the first bar, days"
    )
    strategies: dict[str, StrategySettings] = Field(
        default_factory=lambda: dict(DEFAULT_STRATEGIES),
        description="strategies by name; each has a share of the account's equity",
    )
    limits: LimitSettings = LimitSettings()
    log_level: str = Field(default="info", pattern="^(debug|info|warning|error)$")
    memory_optimized: bool = Field(
        default=False, description="keep fewer decisions and curve points in memory"
    )
    tape_bytes: int = Field(
        default=1 << 30, ge=1 << 20, description="most bytes of recorded market data"
    )

    @property
    def market_folder(self) -> str:
        """Name of the account's folder in the home; empty for the simulated market's.

        Another tape, or another start of it, is another account: its clock does not go back.
        """
        if self.feed != "tape":
            return self.feed if self.feed == "binance" else ""
        what = f"{sorted(self.feed_instruments)} {self.feed_timeframe} {self.feed_from}"
        return f"tape-{hashlib.sha256(what.encode()).hexdigest()[:8]}"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment above the file of the home that environment or arguments name."""
        del dotenv_settings, file_secret_settings
        home = init_settings().get("home") or env_settings().get("home")
        file = Path(home or Path.home() / ".botcore") / SETTINGS_FILE
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, file)


def load_settings(**given: Any) -> Settings:  # each field checks its own
    """Read the settings.

    Args:
        given: values from the command line; None is not given.

    Raises:
        ConfigError: a name is unknown, a value is refused, or the file is not TOML.
    """
    for name in os.environ:
        if name.startswith(PREFIX) and not name.startswith(_NOT_SETTINGS):
            _refuse_unknown(name.removeprefix(PREFIX).lower())
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        raise _refused(error) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(
            code="SETTINGS_MALFORMED",
            cause=f"{SETTINGS_FILE} is not TOML: {error}",
            fix="correct the line, or delete the file to begin with the defaults",
        ) from error


def _refuse_unknown(name: str) -> None:
    top, _, nested = name.partition("__")
    known = list(Settings.model_fields)
    if top == "limits" and nested:
        top, known = nested, list(LimitSettings.model_fields)
    if top not in known:
        raise ConfigError(
            code="SETTING_UNKNOWN",
            cause=f"the environment sets {PREFIX}{name.upper()}, which is no setting",
            fix=did_you_mean(top, known),
        )


def env_example() -> str:
    """Return the text of ``.env.example``, generated from the settings' declaration."""
    lines = ["# Every setting with its default. Generated; `./bot test` keeps it current."]
    for name, field in Settings.model_fields.items():
        if name in ("strategies", "limits"):
            continue
        default = "~/.botcore" if name == "home" else field.default
        text = "" if default in ((), None) else str(default)
        if field.description:
            lines.append(f"# {field.description}")
        lines.append(f"#BOTCORE_{name.upper()}={text}")
    lines.append("# risk limits, fractions of equity")
    for name, value in LimitSettings().model_dump().items():
        lines.append(f"#BOTCORE_LIMITS__{name.upper()}={value}")
    return "\n".join(lines) + "\n"


def _refused(error: ValidationError) -> ConfigError:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        fix = did_you_mean(where.split(".")[-1], list(Settings.model_fields))
        return ConfigError(code="SETTING_UNKNOWN", cause=f"there is no setting {where!r}", fix=fix)
    return ConfigError(
        code="SETTING_REFUSED",
        cause=f"setting {where}={first.get('input')!r}: {first['msg']}",
        fix=f"correct it in {SETTINGS_FILE}, the environment or the command line",
    )
