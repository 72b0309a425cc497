"""docs/reference/indicators.md says what the registry says."""

from pathlib import Path

from botcore.indicators import INDICATORS
from botcore.indicators._docs import reference_page

PAGE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "indicators.md"


def test_the_reference_page_is_the_generated_text() -> None:
    # Renew it with: python -m botcore.indicators._docs > docs/reference/indicators.md
    assert PAGE.read_text(encoding="utf-8") == reference_page()


def test_the_reference_page_has_a_section_for_each_indicator() -> None:
    page = reference_page()

    assert [name for name in INDICATORS if f"\n## {name}\n" not in page] == []
