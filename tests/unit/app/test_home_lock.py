import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from botcore.app.home_lock import HomeLock, is_locked
from botcore.domain.errors import ConfigError, StorageError


def test_a_second_start_is_told_the_url_and_the_process_of_the_first(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with HomeLock(home):
        run = {"pid": 4242, "url": "http://127.0.0.1:8080"}
        (home / "run.json").write_text(json.dumps(run))

        with pytest.raises(ConfigError) as refused:
            HomeLock(home).acquire()

    assert refused.value.code == "ALREADY_RUNNING"
    assert "already running: http://127.0.0.1:8080, pid 4242" in refused.value.cause
    assert "stop" in refused.value.fix


@pytest.mark.parametrize("run", [None, "", "{", "[1]", "{}"])
def test_without_a_readable_run_file_the_lock_itself_tells_the_process(
    tmp_path: Path, run: str | None
) -> None:
    if run is not None:
        (tmp_path / "run.json").write_text(run)
    with HomeLock(tmp_path), pytest.raises(ConfigError, match=f"pid {os.getpid()}"):
        HomeLock(tmp_path).acquire()


def test_a_lock_that_was_let_go_can_be_taken_again(tmp_path: Path) -> None:
    lock = HomeLock(tmp_path)
    for _ in range(2):
        lock.acquire()
        lock.release()
        lock.release()

    with HomeLock(tmp_path):
        assert (tmp_path / "lock").read_text() == str(os.getpid())


def test_a_look_tells_a_holder_and_hinders_no_other_look(tmp_path: Path) -> None:
    assert not is_locked(tmp_path)

    with HomeLock(tmp_path):
        while_held = is_locked(tmp_path)
    with (tmp_path / "lock").open() as looked_at:
        fcntl.flock(looked_at, fcntl.LOCK_SH)
        beside_a_look = is_locked(tmp_path)

    assert (while_held, beside_a_look) == (True, False)
    assert (tmp_path / "lock").read_text() == str(os.getpid())  # a look writes nothing


def test_a_killed_holder_holds_nothing(tmp_path: Path) -> None:
    script = f"""
import pathlib, time
from botcore.app.home_lock import HomeLock
HomeLock(pathlib.Path({str(tmp_path)!r})).acquire()
print("held", flush=True)
time.sleep(600)
"""
    holder = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    with holder.stdout as said:
        assert said.readline() == b"held\n"
        with pytest.raises(ConfigError, match=f"pid {holder.pid}"):
            HomeLock(tmp_path).acquire()
        holder.kill()
        holder.wait()

    with HomeLock(tmp_path):
        pass


def test_the_home_is_made_for_its_owner_only(tmp_path: Path) -> None:
    home = tmp_path / "a" / "home"

    with HomeLock(home):
        assert home.stat().st_mode & 0o777 == 0o700
        assert (home / "lock").stat().st_mode & 0o777 == 0o600


def test_a_home_that_cannot_be_made_is_told_with_its_path(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(StorageError) as refused:
        HomeLock(tmp_path / "file" / "home").acquire()

    assert str(tmp_path / "file") in refused.value.cause
    assert refused.value.fix
