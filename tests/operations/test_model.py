"""Link, payment and settlement against a model of them, through random sequences of verbs on the real store."""

from collections.abc import Callable

from tests.chaos.machine import explore


def test_no_sequence_of_verbs_parts_the_store_from_the_model(new_database: Callable[[], str]) -> None:
    explored = explore(new_database(), sequences=30, steps=30, seed=1)
    assert explored.sequences >= 30
    assert explored.steps > 30 * 20
    assert explored.refused > 30, "verbs that are not possible were tried as well"
    assert explored.books
    assert all(told == received for told, received in explored.books.values())
