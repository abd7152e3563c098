"""`python -m bench`: every measurement, as tables."""

from bench import audit, decisions, evidence
from bench.audit_claims import CLAIMED, WINDOW_SECONDS, claimed
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
    _audit_log()
    done = evidence.measure()
    print(f"\nEvidence of one agent among seven, in {done.entries:,} entries; whichever log it is of, by entry")
    each = {"export": done.write_seconds, "verify": done.verify_seconds}
    print("  " + ", ".join(f"{name} {seconds / done.entries * 1e6:.1f} µs" for name, seconds in each.items()))
    print(f"  {done.file_bytes / done.entries:.0f} B in the file, {done.memory_bytes / done.entries:.0f} B of memory")


def _audit_log() -> None:
    print("\nThe audit log per entry by batch size; segments are gzip, partial files are kept for five days")
    columns = ("tree", "commit and publish", "segment", "files", "partial", "S3 puts")
    print(f"  {'batch':<7}" + "".join(f"{column:>20}" for column in columns))
    rows = audit.append()
    for row in rows:
        times = f"{row.tree_us:>17.1f} µs{row.whole_us:>17.1f} µs"
        sizes = "".join(f"{size:>18,.0f} B" for size in (row.segment_bytes, row.full_bytes, row.partial_bytes))
        print(f"  {row.batch:<7}{times}{sizes}{row.puts:>20.3f}")
    print("  Dollars per million events (S3, KMS, Lambda; a year of storage); queue and claims come on top")
    for row in rows:
        parts = ", ".join(f"{name} {dollars:.2f}" for name, dollars in row.dollars.items())
        print(f"  {row.batch:<7}{sum(row.dollars.values()):>8.2f}  ({parts}) + {row.delivery_dollars:.2f}")
    print(
        f"  Claims, of events that come in {WINDOW_SECONDS} seconds; a second delivery of the same batch in parentheses"
    )
    for batch in CLAIMED:
        once, again = claimed(batch), claimed(batch, deliveries=2)
        units, calls = f"{once.units:.3f} write units per event", f"{once.calls:.1f} calls per batch"
        print(f"  {batch:<7}{units}, {calls} ({again.units - once.units:.3f}, {again.calls - once.calls:.1f})")
    print(f"  An inclusion proof among a million entries has {audit.proof_hashes(audit.MILLION)} hashes of 32 bytes")
    for what, entries in (("payments", audit.payments()), ("revoked keys", audit.revocations())):
        size = sum(map(len, entries)) / len(entries)
        print(
            f"  Entries of {size:.0f} bytes ({what}) verified per second of a core; as a share of what the hashes allow"
        )
        for verified in audit.verify(entries):
            print(f"    {verified.what:<36}{verified.per_second:>12,.0f}{verified.share:>7.2f}")
    print(f"    Such a line is appended in {audit.chained():.1f} µs.")
    print("    To prove one such line takes all of them, and whoever can write the file can write all of it anew.")


main()
