"""`python -m bench`: every measurement, as tables."""

from bench.bundles import RUNS, measure


def main() -> None:
    print(f"Function bundles, and start-up as the median of {RUNS} fresh processes")
    print(f"  {'function':<14}{'zipped':>10}{'unzipped':>11}{'files':>7}{'start-up':>11}")
    for row in measure():
        sizes = f"{row.zipped / 1e6:>7.2f} MB{row.unzipped / 1e6:>8.2f} MB{row.files:>7}"
        print(f"  {row.function:<14}{sizes}{row.init_ms:>8.1f} ms")


main()
