"""`python -m bench`: every measurement, as tables."""

from bench import decisions
from bench.bundles import RUNS, measure


def main() -> None:
    print(f"Function bundles, and start-up as the median of {RUNS} fresh processes")
    print(f"  {'function':<14}{'zipped':>10}{'unzipped':>11}{'files':>7}{'start-up':>11}")
    for row in measure():
        sizes = f"{row.zipped / 1e6:>7.2f} MB{row.unzipped / 1e6:>8.2f} MB{row.files:>7}"
        print(f"  {row.function:<14}{sizes}{row.init_ms:>8.1f} ms")
    print(f"\nDecisions in memory, {decisions.DECISIONS} of each; loading as the median of {decisions.LOADS}")
    print(f"  {'entries':<14}{'p50':>10}{'p99':>11}{'loading':>12}")
    for decided in decisions.measure():
        print(f"  {decided.entries:<14}{decided.p50_us:>7.1f} µs{decided.p99_us:>8.1f} µs{decided.load_ms:>9.2f} ms")
    cost = decisions.warm_cost()
    print("\nA warm transaction without contention, counted from its calls")
    print(f"  {cost.round_trips} round trips, {cost.write_units} write units")


main()
