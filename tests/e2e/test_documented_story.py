"""The story of `docs/how-to/use-the-api.md`, told with curl as it stands there."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.platform_process import PlatformProcess

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "how-to" / "use-the-api.md"


def script() -> str:
    """Return the page's commands as one script."""
    blocks = re.findall(r"^```bash\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return "set -euo pipefail\n" + "\n".join(blocks).replace(
        "./bot ", f"{sys.executable} -m botcore "
    )


@pytest.mark.e2e
@pytest.mark.timeout(180)
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_who_types_what_the_page_says_trades_and_revokes_the_key(tmp_path: Path) -> None:
    # One strategy alone, so that cash is left for a person's order.
    alone = '{"macd": {"strategy": "macd", "equity_frac": 0.1}}'
    platform = PlatformProcess(tmp_path / "home", bar_s="1", history_days="0.02", strategies=alone)
    platform.up()
    try:
        platform.seen(lambda view: bool(view.accounts), within_s=60)
        base = platform.url.rstrip("/")
        told = subprocess.run(
            ["bash", "-c", script()],
            cwd=tmp_path,
            env={**platform.env, "BOT": base, "PYTHONPATH": str(ROOT / "src")},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
    finally:
        platform.stop()

    assert told.returncode == 0, f"{told.stdout}\n{told.stderr}"
    assert b'"order_id":"BC-' in (tmp_path / "fills.txt").read_bytes()
    assert '"code":"KEY_' in (tmp_path / "refused.json").read_text()
