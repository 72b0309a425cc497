"""Settings: what is misspelt is refused, never ignored."""

from pathlib import Path

import pytest

from botcore.app.settings import load_settings
from botcore.domain.errors import ConfigError


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BOTCORE_HOME", str(tmp_path))
    return tmp_path


def test_the_environment_is_above_the_file_and_arguments_above_both(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "settings.toml").write_text("port = 1001\nseed = 5\n")
    monkeypatch.setenv("BOTCORE_PORT", "1002")

    by_file_and_environment = load_settings()
    by_argument = load_settings(port=1003)

    assert (by_file_and_environment.port, by_file_and_environment.seed) == (1002, 5)
    assert by_argument.port == 1003


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("BOTCORE_PRT", "port"),
        ("BOTCORE_LIMITS__ORDER_FARC", "order_frac"),
        ("BOTCORE_RATES__ORDERS_PRE_S", "orders_per_s"),
    ],
)
def test_a_misspelt_variable_is_refused_with_the_nearest_name(
    name: str, nearest: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "1")

    with pytest.raises(ConfigError) as refused:
        load_settings()

    assert refused.value.code == "SETTING_UNKNOWN"
    assert f"did you mean {nearest!r}" in refused.value.fix


def test_a_misspelt_line_of_the_file_is_refused(home: Path) -> None:
    (home / "settings.toml").write_text("prot = 1001\n")

    with pytest.raises(ConfigError, match="did you mean 'port'"):
        load_settings()


def test_a_file_that_is_not_toml_is_refused(home: Path) -> None:
    (home / "settings.toml").write_text("port: 1\n")

    with pytest.raises(ConfigError) as refused:
        load_settings()

    assert refused.value.code == "SETTINGS_MALFORMED"


def test_a_value_out_of_range_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOTCORE_PORT", "99999")

    with pytest.raises(ConfigError, match="port=") as refused:
        load_settings()

    assert refused.value.code == "SETTING_REFUSED"


def test_variables_of_tests_and_supervision_are_no_settings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BOTCORE_DATA", "/nowhere")
    monkeypatch.setenv("BOTCORE_TEST_POSTGRES_URL", "postgresql:///")

    assert load_settings().port == 8080
