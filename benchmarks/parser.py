"""How fast Binance's frames become market data: recorded lines through the parser, one JSON line.

    .venv/bin/python benchmarks/parser.py --repeat 5

Lines of `l2-hftbacktest` under `BOTCORE_DATA` (default ../shared/data), as they were recorded: the
mix of a live session. Best of the repeats, processor seconds; the share of a core is that of
15,000 messages a second.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import sys
from collections import defaultdict
from pathlib import Path
from time import process_time

from botcore.venues.live.binance.parsing import Parser

ROOT = Path(__file__).resolve().parent.parent
LIVE_PER_S = 15_000
KINDS = {b"boo": "quotes", b"tra": "trades", b"dep": "depth"}


def recorded(folder: str) -> list[bytes]:
    """Return the frames of a market, in the order in which they were recorded."""
    data = Path(os.environ.get("BOTCORE_DATA") or ROOT.parent / "shared" / "data")
    lines: list[bytes] = []
    for path in sorted((data / "l2-hftbacktest" / folder).glob("*.gz")):
        with gzip.open(path) as file:
            lines += [line.rstrip(b"\n").split(b" ", 1)[1] for line in file]
    return [line for line in lines if line.startswith(b'{"stream"')]


def rate(parser: Parser, lines: list[bytes], repeat: int) -> int:
    """Return messages a processor second, the best of `repeat`."""
    parse, best = parser.parse, float("inf")
    for _ in range(repeat):
        began = process_time()
        for line in lines:
            parse(line, 1)
        best = min(best, process_time() - began)
    return round(len(lines) / best)


def main() -> None:
    """Measure, and print the line."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--repeat", type=int, default=5)
    repeat = arguments.parse_args().repeat
    result: dict[str, object] = {"name": "parser"}
    for folder, is_perpetual in (("spot", False), ("usdm", True)):
        parser, lines = Parser(is_perpetual=is_perpetual), recorded(folder)
        by_kind: dict[str, list[bytes]] = defaultdict(list)
        for line in lines:
            at = line.index(b"@") + 1
            by_kind[KINDS[line[at : at + 3]]].append(line)
        mix = rate(parser, lines, repeat)
        result[folder] = {
            "messages": len(lines),
            "mix_per_s": mix,
            **{f"{kind}_per_s": rate(parser, some, repeat) for kind, some in by_kind.items()},
            "core_frac_at_15000_per_s": round(LIVE_PER_S / mix, 4),
        }
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
