"""Each rule is broken in turn, in a copy, and the tests that carry its id must fail."""

import ast
from collections import Counter
from collections.abc import Iterator

import pytest
from tests.mutations.bench import Bench
from tests.mutations.catalogue import (
    ROOT,
    Mutation,
    mutations,
    rules_to_watch,
    unbreakable,
)

CATALOGUE = mutations()
TESTS_FAILED = 1
"""pytest's exit code; 2 is an interruption such as an import that fails, 5 is no test at all."""
BROKEN_PROGRAM = ("NameError", "UnboundLocalError", "ImportError", "AttributeError", "TypeError")
"""What a mutation that breaks the program instead of the rule ends in."""


def _name(mutation: Mutation) -> str:
    return f"{mutation.rule}-{mutation.what}".replace(" ", "_")


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with Bench(tmp_path_factory.mktemp("bench") / "tree") as opened:
        yield opened
        answer = opened.run_killers()
        assert answer.exit_code == 0, f"these fail also when nothing is broken:\n{answer.output}"


@pytest.mark.slow
@pytest.mark.timeout(600)  # the last one runs all that failed once more
@pytest.mark.parametrize("mutation", CATALOGUE, ids=_name)
def test_the_tests_of_a_rule_fail_when_the_code_breaks_it(mutation: Mutation, bench: Bench) -> None:
    answer = bench.run_mutated(mutation)

    assert answer.exit_code is not None, f"did not end:\n{answer.output}"
    assert answer.exit_code == TESTS_FAILED, f"survived or did not run:\n{answer.output}"
    assert answer.failed, answer.output
    assert all(mutation.keyword in failed for failed in answer.failed), answer.failed
    assert not any(error.startswith(BROKEN_PROGRAM) for error in answer.errors), answer.output
    assert all(mutation.says in error for error in answer.errors), answer.output


def test_every_rule_is_broken_or_says_why_it_cannot_be() -> None:
    broken = {mutation.rule for mutation in CATALOGUE}
    excused = {each.rule for each in unbreakable()}

    assert sorted(set(rules_to_watch()) - broken - excused) == []
    assert sorted(broken & excused) == []
    assert sorted((broken | excused) - set(rules_to_watch())) == []
    assert all(each.reason for each in unbreakable())


def test_the_catalogue_follows_the_code() -> None:
    texts = {m.path: (ROOT / m.path).read_text("utf-8") for m in CATALOGUE}
    parsed = {path: ast.dump(ast.parse(text)) for path, text in texts.items()}

    for mutation in CATALOGUE:
        mutated = mutation.applied_to(texts[mutation.path])

        assert ast.dump(ast.parse(mutated)) != parsed[mutation.path], _name(mutation)


def test_no_mutation_stands_there_twice() -> None:
    names = Counter(_name(mutation) for mutation in CATALOGUE)
    changes = Counter((m.rule, m.file, m.old, m.new) for m in CATALOGUE)

    assert [name for name, count in (names | changes).items() if count > 1] == []


def test_a_stale_entry_is_refused_by_name() -> None:
    stale = Mutation(
        rule="E3", what="gone", file="a.py", old="one", new="two", tests=("unit/test_a.py",)
    )

    with pytest.raises(ValueError, match=r"stale: E3 \(gone\) .* stands 0 times"):
        stale.applied_to("nothing of it")
    with pytest.raises(ValueError, match="stands 2 times"):
        stale.applied_to("one and one")
