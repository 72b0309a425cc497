"""Uploaded files in the import folder: each under a name of its own, none without its job."""

import asyncio
import hashlib
from pathlib import Path
from typing import Any

import pytest
from tests.support.callers import a_call
from tests.support.fast_clock import FastClock
from tests.support.memory_jobs import MemoryJobs

from botcore.app.home import Home
from botcore.app.jobs.runner import JobRunner
from botcore.app.kept_runs import HomeImports
from botcore.control.handlers.data import DataHandlers
from botcore.control.operations import Upload
from botcore.control.problems import TooMany
from botcore.control.schema.data import UploadData
from botcore.domain.errors import StorageError


class Desk:
    def __init__(self, folder: Path, *, per_owner: int = 5) -> None:
        self.home = Home(folder)
        self.folder = folder / "import"
        jobs = JobRunner(
            keeping=MemoryJobs(), overrides={}, clock=FastClock(10**18), per_owner=per_owner
        )
        nothing: Any = None
        handlers = DataHandlers(folder=HomeImports(self.home), jobs=jobs, remove=nothing)
        self._upload = handlers.upload

    def upload(self, content: bytes, *, name: str = "btc.csv", reference: str = "r1") -> str:
        """Upload a file; return the title of its job."""
        digest = hashlib.sha256(content).hexdigest()
        path = self.home.path / digest
        path.write_bytes(content)
        upload = Upload(path=str(path), size=len(content), sha256=digest)
        request = UploadData(name=name, upload=upload)
        job = asyncio.run(self._upload(a_call(reference=reference), request))
        return job.title

    def names(self) -> list[str]:
        """Return what lies in the folder."""
        return sorted(each.name for each in self.folder.iterdir())


def test_an_upload_that_is_refused_for_its_owners_quota_leaves_nothing(tmp_path: Path) -> None:
    desk = Desk(tmp_path, per_owner=1)
    desk.upload(b"first")

    for content in (b"second", b"third"):
        with pytest.raises(TooMany, match="JOB_QUOTA"):
            desk.upload(content, reference=content.decode())
    with pytest.raises(TooMany, match="JOB_QUOTA"):
        desk.upload(b"first", reference="r4")

    assert desk.names() == ["btc.csv"]
    assert (desk.folder / "btc.csv").read_bytes() == b"first"


def test_another_file_of_the_same_name_gets_another_and_the_same_file_none(tmp_path: Path) -> None:
    desk = Desk(tmp_path)

    titles = [desk.upload(each, reference=str(each)) for each in (b"one", b"two")]
    titles.append(desk.upload(b"two", reference="again"))

    second = f"{hashlib.sha256(b'two').hexdigest()[:8]}-btc.csv"
    assert titles == ["import of btc.csv", f"import of {second}", f"import of {second}"]
    assert desk.names() == sorted(["btc.csv", second])


def test_a_folder_of_that_name_and_a_file_of_the_other_are_not_written_over(
    tmp_path: Path,
) -> None:
    desk = Desk(tmp_path)
    (desk.folder / "btc.csv").mkdir(parents=True)
    second = f"{hashlib.sha256(b'new').hexdigest()[:8]}-btc.csv"

    title = desk.upload(b"new")
    (desk.folder / second).write_bytes(b"not the same")
    with pytest.raises(StorageError, match="UPLOAD_NOT_KEPT"):
        desk.upload(b"new", reference="r2")

    assert title == f"import of {second}"
    assert (desk.folder / second).read_bytes() == b"not the same"
