"""docs/reference/strategies.md says what the declarations say."""

from pathlib import Path

from botcore.strategies import LIBRARY
from botcore.strategies._docs import reference_page

PAGE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "strategies.md"


def test_the_reference_page_is_the_generated_text() -> None:
    # Renew it with: python -m botcore.strategies._docs > docs/reference/strategies.md
    assert PAGE.read_text(encoding="utf-8") == reference_page()


def test_the_reference_page_has_every_strategy_parameter_and_sentence() -> None:
    page = reference_page()

    for strategy in LIBRARY.values():
        assert f"\n## {strategy.name}\n" in page
        assert [each.name for each in strategy.parameters if f"| `{each.name}` |" not in page] == []
        assert [text for text in strategy.reasons if text not in page] == []
