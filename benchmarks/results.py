"""Sections of ``RESULTS.md``: each benchmark owns the text between its two markers.

Writing one section leaves every other byte of the file as it was, so that benchmarks run on
different days keep their own results, each with its own machine and commit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

RESULTS = Path(__file__).resolve().parent / "RESULTS.md"
_HEAD = """# Results

Written by `python benchmarks/run.py`; do not edit between the markers. How to run: `README.md`.
"""


@dataclass(frozen=True, slots=True)
class Section:
    """One benchmark's results: ``name`` makes the markers, ``body`` is Markdown.

    ``problems`` are what makes them unfit to be kept: a contestant that did not run.
    """

    name: str
    title: str
    body: str
    problems: tuple[str, ...] = ()


def write_section(section: Section, path: Path = RESULTS) -> None:
    """Replace the section in the file, or append it where it is not there yet."""
    text = path.read_text() if path.exists() else _HEAD
    begin, end = f"<!-- begin {section.name} -->", f"<!-- end {section.name} -->"
    block = f"{begin}\n## {section.title}\n\n{section.body.strip()}\n{end}"
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    if pattern.search(text):
        text = pattern.sub(lambda _: block, text)  # a function: the block may hold backslashes
    else:
        text = f"{text.rstrip()}\n\n{block}\n"
    path.write_text(text)


def table(header: Sequence[str], rows: Iterable[Sequence[object]], numbers_from: int = 1) -> str:
    """Return a Markdown table; columns from ``numbers_from`` on are aligned to the right."""
    rule = ["---" if i < numbers_from else "---:" for i in range(len(header))]
    lines = [header, rule, *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)
