"""Settings: one file for the machine and the environment above it; nothing else reads either.

Order, the later wins: defaults, ``<home>/settings.toml``, what was changed in the running platform
(``<home>/settings-changes.json``, a few settings only), environment (``BOTCORE_…``), the command
line.
"""

import hashlib
import json
import os
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    JsonConfigSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from botcore.app.protection_settings import ProtectionSettings, fix_of
from botcore.domain.errors import ConfigError
from botcore.domain.parameters import did_you_mean

SETTINGS_FILE = "settings.toml"
CHANGES_FILE = "settings-changes.json"
"""Written by the api process alone (`app/setting_changes.py`)."""
GIVEN_ON = "BOTCORE_SUPERVISOR_GIVES"
"""Names of settings that the supervisor puts into its children's environment without having found
them in its own."""
PREFIX = "BOTCORE_"
_NOT_SETTINGS = tuple(
    PREFIX + name
    for name in (
        "DATA",
        "REQUIRE_DATA",
        "TEST",
        "FAILPOINT",
        "SUPERVISOR",
        "BENCH",
        "TRACEBACK",
        "KEY",
        "PROGRAM",
    )
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


class RateSettings(BaseModel):
    """What callers of the API may ask for, and how much of the machine connections may take."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    standard_per_min: int = Field(
        default=100,
        ge=1,
        description="of a user or key, for each of reads, market data, research, acts",
    )
    standard_burst: int = Field(default=40, ge=4, description="of these at once")
    pro_per_min: int = Field(default=1_000, ge=1, description="the same in the tier pro")
    pro_burst: int = Field(default=200, ge=4, description="of these at once")
    service_per_min: int = Field(default=10_000, ge=1, description="the same in the tier service")
    service_burst: int = Field(default=1_000, ge=4, description="of these at once")
    orders_per_s: int = Field(
        default=10, ge=1, description="orders of a user; cancelling has as much again of its own"
    )
    orders_burst: int = Field(default=20, ge=1, description="of these at once")
    global_per_s: int = Field(default=1_000, ge=1, description="everybody together")
    global_burst: int = Field(default=1_000, ge=1, description="of these at once")
    reserved_frac: float = Field(
        default=0.1,
        ge=0,
        lt=1,
        description="of the global burst only orders, acts and sign-in may use",
    )
    strangers_per_min: int = Field(
        default=100, ge=1, description="of an address that is not signed in"
    )
    strangers_burst: int = Field(default=40, ge=4, description="of these at once")
    all_strangers_per_s: int = Field(default=200, ge=1, description="of all strangers together")
    all_strangers_burst: int = Field(default=400, ge=4, description="of these at once")
    sign_in_per_min: int = Field(default=20, ge=1, description="attempts to sign in of an address")
    sign_in_burst: int = Field(default=10, ge=1, description="of these at once")
    concurrent: int = Field(
        default=32, ge=1, description="requests of a user carried out at a time"
    )
    payers_max: int = Field(
        default=65_536, ge=1, description="buckets kept in memory for each limit"
    )
    lag_ms_max: float = Field(
        default=100.0,
        gt=0,
        description="event loop lag p99 above which reads and research are slowed",
    )
    decision_ms_max: float = Field(
        default=1.0, gt=0, description="the engine's decision latency p99 above which they are"
    )
    shed_step_s: int = Field(
        default=5, ge=1, description="seconds to each halving, and to each step back"
    )
    tiers: dict[str, Literal["standard", "pro", "service"]] = Field(
        default={},
        description="by name in the audit: person:alice, key:ab12cd34; others are standard",
    )
    connections_per_address: int = Field(
        default=256,
        ge=1,
        description="connections of one address; this machine's have no such bound",
    )
    connections_max: int = Field(default=12_000, ge=1, description="connections at all")


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
    region: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}$",
        description="where it runs, as people call it; health shows it",
    )
    host: str = Field(default="127.0.0.1", description="address the page listens on")
    port: int = Field(
        default=8080, ge=0, le=65535, description="its port; the next free one is taken"
    )
    allowed_hosts: tuple[str, ...] = Field(
        (), description="further host names under which the page may be asked for"
    )
    public_url: str = Field(
        default="",
        pattern=r"^(https?://[^\s/?#@]+/?)?$",
        description="address under which people reach the page, as https://bot.example; where"
        " sign-in links lead. Its host belongs into allowed_hosts",
    )
    allowed_origins: tuple[str, ...] = Field(
        (), description="other web sites whose pages may use the API, as https://dash.example"
    )
    trusted_proxies: tuple[str, ...] = Field(
        (), description="addresses or networks of proxies whose X-Forwarded-For is believed"
    )
    tls_certificate: Path | None = Field(
        default=None, description="PEM file of the certificate chain; with it only HTTPS is spoken"
    )
    tls_key: Path | None = Field(
        default=None, description="PEM file of its key, readable by its owner (or group) only"
    )
    tls_1_2_because: str = Field(
        default="",
        max_length=200,
        description="why TLS 1.2 is spoken beside 1.3: the client that knows nothing newer",
    )
    allow_plain_http: bool = Field(
        default=False,
        description="listen beyond this machine without TLS; only behind a proxy that adds it",
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
    protections: dict[str, ProtectionSettings] = Field(
        default_factory=dict, description="what locks entries for a time, by name; none by default"
    )
    rates: RateSettings = RateSettings()
    token_algorithm: Literal["RS256", "Ed25519"] = Field(
        default="RS256", description="signs access tokens: RSA of 3072 bits, or EdDSA"
    )
    control_url: str = Field(
        default="",
        description="database of users, audit and jobs; control.db of the home by default",
    )
    log_level: str = Field(
        default="info",
        pattern="^(debug|info|warning|error)$",
        description="the lowest level that is written",
    )
    log_days: int = Field(default=7, ge=1, le=365, description="days of the log to search in")
    log_bytes: int = Field(
        default=256 << 20, ge=1 << 20, description="most bytes of the log to search in"
    )
    metrics_host: str = Field(
        default="127.0.0.1", description="address of metrics_port; who reaches it needs no key"
    )
    metrics_port: int | None = Field(
        default=None,
        ge=1,
        le=65535,
        description="port of its own for /metrics; none serves it at the page's, to keys with"
        " read:metrics",
    )
    memory_optimized: bool = Field(
        default=False, description="keep fewer decisions and curve points in memory"
    )
    tape_bytes: int = Field(
        default=1 << 30, ge=1 << 20, description="most bytes of recorded market data"
    )

    def control_url_in(self, home: Path) -> str:
        """Return the database URL of the control store: a file of the home by default."""
        return self.control_url or f"sqlite:///{home / 'control.db'}"

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
        """Environment above the files of the home that environment or arguments name."""
        del dotenv_settings, file_secret_settings
        named = init_settings().get("home") or env_settings().get("home")
        home = Path(named or Path.home() / ".botcore").expanduser()
        return (
            init_settings,
            env_settings,
            _Changes(settings_cls, home / CHANGES_FILE),
            TomlConfigSettingsSource(settings_cls, home / SETTINGS_FILE),
        )


class _Changes(JsonConfigSettingsSource):
    """What was changed in the running platform; only what may be is read."""

    def __call__(self) -> dict[str, Any]:
        return only_changeable(super().__call__())


CHANGEABLE: frozenset[str] = frozenset(
    {"log_level", "log_days", "log_bytes", "tape_bytes", "memory_optimized"}
    | {
        f"rates.{name}"
        for name in RateSettings.model_fields
        if not name.startswith(("sign_in_", "tiers", "connections_", "strangers_", "all_strangers"))
    }
)
"""Settings that the running platform may change for its next start: none that guards who comes in,
none that makes an account what it is."""


def only_changeable(document: dict[str, Any]) -> dict[str, Any]:
    """Return what of a document of settings may be changed in the running platform."""
    found: dict[str, Any] = {}
    for name, value in document.items():
        if name in CHANGEABLE and name in Settings.model_fields:
            found[name] = value
        elif name in _TABLES and isinstance(value, dict):
            inner = {key: each for key, each in value.items() if f"{name}.{key}" in CHANGEABLE}
            if inner:
                found[name] = inner
    return found


def set_outside(home: Path) -> tuple[frozenset[str], frozenset[str]]:
    """Return which settings the environment sets, and which the settings file of a home does.

    Args:
        home: whose file.
    """
    names = {name.removeprefix(PREFIX).lower() for name in os.environ if name.startswith(PREFIX)}
    given_on = os.environ.get(GIVEN_ON, "").split(",")
    in_environment = {name.replace("__", ".") for name in names} - set(given_on)
    try:
        document = tomllib.loads((home / SETTINGS_FILE).read_text("utf-8"))
    except (OSError, ValueError):
        document = {}
    in_file = set(document)
    for table in _TABLES:
        in_file |= {f"{table}.{name}" for name in document.get(table, ())}
    return frozenset(in_environment), frozenset(in_file)


_TABLES: dict[str, type[BaseModel]] = {"limits": LimitSettings, "rates": RateSettings}


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
    except json.JSONDecodeError as error:
        raise ConfigError(
            code="SETTINGS_CHANGES_MALFORMED",
            cause=f"{CHANGES_FILE} is damaged: {error}",
            fix="delete it; the platform writes it anew at the next change of a setting",
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(
            code="SETTINGS_MALFORMED",
            cause=f"{SETTINGS_FILE} is not TOML: {error}",
            fix="correct the line, or delete the file to begin with the defaults",
        ) from error


def _refuse_unknown(name: str) -> None:
    top, _, nested = name.partition("__")
    known = list(Settings.model_fields)
    if top in _TABLES and nested:
        top, known = nested, list(_TABLES[top].model_fields)
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
        if name in ("strategies", "protections") or name in _TABLES:
            continue
        default = "~/.botcore" if name == "home" else field.default
        text = "" if default in ((), None) else str(default)
        if field.description:
            lines.append(f"# {field.description}")
        lines.append(f"#BOTCORE_{name.upper()}={text}")
    lines.append("# risk limits, fractions of equity")
    for name, value in LimitSettings().model_dump().items():
        lines.append(f"#BOTCORE_LIMITS__{name.upper()}={value}")
    lines.append("# what callers of the API may ask for")
    for name, field in RateSettings.model_fields.items():
        default = "" if field.default == {} else field.default
        lines.append(f"#BOTCORE_RATES__{name.upper()}={default}")
    return "\n".join(lines) + "\n"


def _refused(error: ValidationError) -> ConfigError:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        fix = fix_of(first) or did_you_mean(where.split(".")[-1], list(Settings.model_fields))
        return ConfigError(code="SETTING_UNKNOWN", cause=f"there is no setting {where!r}", fix=fix)
    return ConfigError(
        code="SETTING_REFUSED",
        cause=f"setting {where}={first.get('input')!r}: {first['msg']}",
        fix=fix_of(first) or f"correct it in {SETTINGS_FILE}, the environment or the command line",
    )
