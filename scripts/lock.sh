#!/usr/bin/env bash
# Pin what pyproject.toml asks for: exact versions and hashes, for every platform and Python >= 3.11.
# One version of each package for every Python, so that numbers and types are the same on all.
# Run it after a change to the dependencies; `--upgrade` takes newer versions, else pins stay.
set -euo pipefail
cd "$(dirname "$0")/.."

compile() {
  .venv/bin/python -m uv pip compile --quiet --generate-hashes --no-header --universal \
    --python-version 3.11 --fork-strategy fewest --no-emit-index-url --no-emit-find-links "$@" \
    >/dev/null
}

compile "$@" pyproject.toml -o requirements/base.txt
# The tools stand on the same versions the platform runs with.
compile "$@" pyproject.toml --group dev --constraint requirements/base.txt -o requirements/dev.txt
# The installer that `bot` fetches first, by pip, into the environment.
echo uv | compile "$@" --no-annotate - -o requirements/uv.txt
