"""Write every generated page from the code: ``python docs/generate.py``.

``--check`` writes nothing and ends with 1 where a page is not what the code says now.
"""

import importlib
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main(arguments: list[str]) -> int:
    """Write the pages, or compare them."""
    sys.path[:0] = [str(ROOT), str(ROOT / "src")]
    pages = importlib.import_module("docs.pages")
    stale = 0
    for name, page in pages.PAGES.items():
        path, text = ROOT / name, page()
        if path.exists() and path.read_text("utf-8") == text:
            continue
        stale += 1
        if "--check" in arguments:
            print(f"{name} is not what the code says: run python docs/generate.py")
        else:
            path.write_text(text, "utf-8")
            print(f"{name} written")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
