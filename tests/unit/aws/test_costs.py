"""What a warm payment without contention costs, counted from the calls that are made."""

from bench.decisions import Cost, warm_cost


def test_a_warm_payment_is_two_round_trips_and_five_write_units() -> None:
    assert warm_cost() == Cost(round_trips=2, write_units=5)
