import os
import subprocess
import sys

from botcore.kernel.random import stream


def test_e100_a_stream_depends_on_the_seed_and_on_its_name_alone() -> None:
    first = stream(7, "venue.latency").integers(0, 2**63, 4).tolist()

    stream(7, "another.component").random(100)
    again = stream(7, "venue.latency").integers(0, 2**63, 4).tolist()

    assert again == first
    assert stream(8, "venue.latency").integers(0, 2**63, 4).tolist() != first
    assert stream(7, "venue.fees").integers(0, 2**63, 4).tolist() != first


def test_e100_a_stream_is_the_same_in_processes_with_different_hash_seeds() -> None:
    script = "from botcore.kernel.random import stream; print(stream(7, 'a').integers(0, 2**63))"

    drawn = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    }

    assert drawn == {f"{stream(7, 'a').integers(0, 2**63)}\n".encode()}
