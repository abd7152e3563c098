"""The anomaly function: each request teaches and counts once, whatever comes twice, late, together, or fails."""

import json
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from functions.anomaly import handler as anomaly
from portcullis.aws import addresses, findings, populations, profiles, settings
from portcullis.aws.anomaly import Anomaly
from portcullis.aws.dynamo import Cancelled, Table
from portcullis.aws.wire import Service, Unavailable
from portcullis.domain.detection.findings import RELEASED
from portcullis.domain.detection.observations import observe
from portcullis.domain.detection.population import Population
from portcullis.domain.detection.profile import Profile
from portcullis.domain.detection.recent import SALT_BYTES
from portcullis.domain.detection.watching import watch
from portcullis.domain.times import SECOND, rfc3339
from tests.functions.api_events import load_event
from tests.functions.deployed import Deployed
from tests.unit.domain.builders import NOW
from tests.unit.domain.detection import fleets

Event = dict[str, Any]
BUDGET = 1_000


def agent(number: int) -> str:
    return f"ag_{number:022d}"


def payment(of: str, number: int, usd: str = "12.50", at: int | None = None, **envelope: Any) -> Event:
    """The event file's payment, as another one."""
    (message,) = load_event("anomaly/batch.json")["Records"]
    event: Event = json.loads(message["body"])["detail"]
    instant = NOW + number * 60 * SECOND if at is None else at
    event |= {"id": f"tx_{of[-4:]}{number:018d}#1", "agent": of, "at": rfc3339(instant)} | envelope
    event["data"] |= {"usd": usd, "content_sha256": f"{number:064x}"}
    return event


def denied(event: Event) -> Event:
    """The payment, to somebody whom the policy does not list."""
    violation = {"rule": "destination_not_allowlisted", "detail": "", "severity": 5}
    return event | {"type": "transaction.denied", "data": event["data"] | {"violations": [violation]}}


def batch(*events: Any) -> Event:
    (message,) = load_event("anomaly/batch.json")["Records"]
    outer = json.loads(message["body"])
    bodies = [json.dumps({**outer, "detail": each, "detail-type": each["type"]}) for each in events]
    return {"Records": [{**message, "messageId": f"m{place}", "body": body} for place, body in enumerate(bodies)]}


@pytest.fixture
def tables(stack: Deployed, monkeypatch: pytest.MonkeyPatch) -> Iterator["Tables"]:
    monkeypatch.setenv("ALARM_BUDGET", "1.0")
    anomaly.anomaly.cache_clear()
    tables = Tables(stack)
    tables.profiles.put_if(
        {"pk": "POPULATION#0", "population": fleets.taught().pack(), "version": 1},
        "attribute_not_exists(pk) OR version = :none",
        {":none": 0},
    )
    yield tables
    anomaly.anomaly.cache_clear()


class Tables:
    """What the function left behind."""

    def __init__(self, stack: Deployed) -> None:
        own = settings.anomaly()
        self.stack = stack
        self.service = Service("dynamodb", settings.aws())
        self.core, self.profiles = Table(own.core_table, self.service), Table(own.profiles_table, self.service)

    def profile(self, of: str) -> Profile:
        stored = profiles.read(self.profiles, of)
        assert stored is not None
        return stored.profile

    def events(self) -> list[tuple[str, int]]:
        items = [item for item in self.stack.items() if item.get("type", {}).get("S", "").startswith("finding.")]
        return sorted((item["type"]["S"], int(item["rev"]["N"])) for item in items)

    def findings(self, of: str) -> list[Any]:
        items = [item for item in self.stack.items() if item["pk"]["S"] == findings.partition(of)]
        names = sorted(item["sk"]["S"].removeprefix("FINDING#") for item in items)
        return [findings.read(self.core, of, name) for name in names]


def taught(of: str, number: int = 60) -> list[Event]:
    """A day or two of the usual."""
    return [payment(of, each, f"{10 + each % 7}.00") for each in range(number)]


def handled(*events: Event) -> list[str]:
    """The messages that are to come again."""
    return [each["itemIdentifier"] for each in anomaly.handler(batch(*events), None)["batchItemFailures"]]


def test_a_payment_out_of_the_ordinary_opens_a_finding_and_tells_of_it(tables: Tables) -> None:
    one = agent(1)
    assert handled(*taught(one)) == []
    assert tables.events() == []
    theft = payment(one, 60, "90000.00", ip="198.51.100.9")
    assert handled(theft) == []
    (finding,) = tables.findings(one)
    assert finding.evidence == (theft["id"],)
    assert "unusual_payment" in {signal.name for signal in finding.signals}
    assert "this $90000.00" in finding.signals[0].detail
    assert tables.events() == [("finding.opened", 1)]
    assert tables.profile(one).episode.finding == finding.id  # type: ignore[union-attr]


def test_what_comes_twice_changes_nothing(tables: Tables) -> None:
    one = agent(1)
    events = [*taught(one), payment(one, 60, "90000.00")]
    handled(*events)
    before = tables.profile(one).pack(), tables.findings(one)
    random.Random(1).shuffle(events)
    assert handled(*events, *events) == []
    anomaly.anomaly.cache_clear()
    assert handled(*events[:10]) == []
    assert (tables.profile(one).pack(), tables.findings(one)) == before


def test_more_of_it_is_counted_and_told_no_more_than_there_is_news(tables: Tables) -> None:
    one = agent(1)
    handled(*taught(one))
    start = NOW + 61 * 60 * SECOND
    for number in range(30):
        handled(denied(payment(one, 100 + number, at=start + number * SECOND)))
    (finding,) = tables.findings(one)
    assert finding.count == 30
    assert len(tables.events()) == finding.rev <= 6


def test_a_released_finding_is_joined_no_more(tables: Tables) -> None:
    one = agent(1)
    handled(*taught(one), payment(one, 60, "90000.00"))
    (finding,) = tables.findings(one)
    tables.core.update_if(
        findings.primary_key(one, finding.id),
        {
            "UpdateExpression": "SET #s = :s",
            "ExpressionAttributeNames": {"#s": "state"},
            "ExpressionAttributeValues": {":s": {"S": RELEASED}},
        },
    )
    handled(payment(one, 61, "95000.00"))
    first, second = tables.findings(one)
    assert (first.count, second.count) == (1, 1)
    assert tables.profile(one).episode.finding == second.id  # type: ignore[union-attr]


def test_what_an_observation_costs(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    one = agent(1)
    handled(*taught(one, 50))
    call, calls = Service.json_call, list[str]()

    def counted(self: Service, target: str, version: str, payload: dict[str, Any]) -> dict[str, Any]:
        calls.append(target.partition(".")[2])
        return call(self, target, version, payload)

    monkeypatch.setattr(Service, "json_call", counted)
    handled(payment(one, 60), payment(one, 61))
    assert calls == ["GetItem", "PutItem"]
    calls.clear()
    handled(payment(one, 62, "90000.00"))
    assert calls == ["GetItem", "TransactWriteItems"]
    calls.clear()
    handled(payment(one, 63, "90000.00"))
    assert calls == ["GetItem", "GetItem", "TransactWriteItems"]


def test_a_batch_ten_times_as_large_is_judged_as_well(tables: Tables) -> None:
    agents = [agent(number) for number in range(10)]
    assert handled(*(event for of in agents for event in taught(of, 100))) == []
    assert {tables.profile(of).behaviour.seen for of in agents} == {100}


def test_what_cannot_be_read_poisons_nothing(tables: Tables, capsys: pytest.CaptureFixture[str]) -> None:
    one = agent(1)
    odd = batch(payment(one, 1), payment(one, 2), payment(one, 3))
    odd["Records"][0]["body"] = "{"
    odd["Records"][1]["body"] = odd["Records"][1]["body"].replace('"v": 1', '"v": 2')
    assert anomaly.handler(odd, None) == {"batchItemFailures": []}
    assert tables.profile(one).behaviour.seen == 1
    assert capsys.readouterr().out.count('"EventRejected":1') == 2


def test_one_agent_that_fails_fails_alone(tables: Tables, capsys: pytest.CaptureFixture[str]) -> None:
    one, other = agent(1), agent(2)
    handled(payment(one, 1))
    stored = tables.profiles.get({"pk": f"AGENT#{one}"})
    assert stored is not None
    tables.profiles.put_if(stored | {"profile": b"\xff" + stored["profile"][1:]}, "version = :v", {":v": 1})
    assert handled(payment(one, 2), payment(other, 1), payment(one, 3)) == ["m0", "m2"]
    assert tables.profile(other).behaviour.seen == 1
    assert "profile format ff is not known here" in capsys.readouterr().out


def test_unverified_events_and_moves_by_others_teach_nothing(tables: Tables) -> None:
    one = agent(1)
    later = payment(one, 1) | {"rev": 2, "id": "tx_1#2"}
    assert handled(payment(one, 2, verified=False), later) == []
    assert tables.profiles.get({"pk": f"AGENT#{one}"}) is None


def test_addresses_of_usual_requests_are_kept_and_those_of_flagged_ones_are_not(tables: Tables) -> None:
    one = agent(1)
    handled(*taught(one))
    handled(payment(one, 60, "90000.00", ip="198.51.100.9"), payment(one, 61, ip="2001:db8::1"))
    in_use = {
        name: addresses.in_use(tables.profiles, name, NOW)
        for name in ("203.0.113.7", "2001:db8::ffff", "198.51.100.9", "2001:db8:0:1::1")
    }
    assert list(in_use.values()) == [True, True, False, False]
    assert not addresses.in_use(tables.profiles, "203.0.113.7", NOW + 42 * 86_400 * SECOND)


def test_racing_batches_lose_nothing_and_count_nothing_twice(tables: Tables) -> None:
    agents = [agent(number) for number in range(50)]
    dice = random.Random(7)
    everything = [payment(of, number, f"{dice.uniform(5, 40):.2f}") for of in agents for number in range(12)]
    batches: list[list[Event]] = [[] for _ in range(64)]
    for place, event in enumerate(everything):
        # Three in a row stand together, then the next batch has the agent; one in four comes there as well.
        first = (place // 12 + place % 12 // 3) % 64
        for target in {first, (first + (dice.random() < 0.25)) % 64}:
            batches[target].append(event)
    for each in batches:
        dice.shuffle(each)

    def work(events: list[Event]) -> list[Any]:
        judge = Anomaly(settings.anomaly(), settings.aws())
        by_agent = {of: [event for event in events if event["agent"] == of] for of in agents}
        return [
            judge.judge(of, [seen for seen in map(observe, own) if seen]).judged for of, own in by_agent.items() if own
        ]

    with ThreadPoolExecutor(8) as pool:
        judged = sum(sum(each) for each in pool.map(work, batches))
    assert judged == len(everything)
    for of in agents:
        _same(tables.profile(of), [event for event in everything if event["agent"] == of])


def _same(profile: Profile, events: list[Event]) -> None:
    """Counts as if the events had come one after the other; moments within the documented 5 %."""
    sequential = Profile.new(bytes(SALT_BYTES))
    for event in events:
        seen = observe(event)
        assert seen is not None
        watch(sequential, None, Population.new(), [seen], BUDGET)
    had, wanted = profile.behaviour, sequential.behaviour
    assert (had.seen, had.hours, had.endpoints, had.at) == (wanted.seen, wanted.hours, wanted.endpoints, wanted.at)
    assert had.weight == pytest.approx(wanted.weight)
    assert had.mean == pytest.approx(wanted.mean, rel=0.05)


def test_a_crash_after_the_commit_counts_nothing_twice(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    one = agent(1)
    handled(*taught(one))
    theft = payment(one, 60, "90000.00")
    transact = Table.transact

    def lost(self: Table, *actions: dict[str, Any]) -> None:
        transact(self, *actions)
        raise Unavailable("the answer was lost")

    with monkeypatch.context() as patch:
        patch.setattr(Table, "transact", lost)
        assert handled(theft) == ["m0"]
    assert handled(theft) == []
    (finding,) = tables.findings(one)
    assert finding.count == 1
    assert tables.profile(one).behaviour.seen == 61


def test_a_crash_before_the_commit_leaves_nothing_behind(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    one = agent(1)
    handled(*taught(one))
    before = tables.profile(one).pack()

    def down(*_: Any) -> None:
        raise Unavailable("DynamoDB is down")

    with monkeypatch.context() as patch:
        patch.setattr(Table, "transact", down)
        assert handled(payment(one, 60, "90000.00")) == ["m0"]
    assert tables.profile(one).pack() == before
    assert tables.findings(one) == []
    assert handled(payment(one, 60, "90000.00")) == []
    assert [finding.count for finding in tables.findings(one)] == [1]


def test_whoever_was_not_first_judges_again(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    one = agent(1)
    handled(*taught(one))
    transact, other = Table.transact, Anomaly(settings.anomaly(), settings.aws())
    storms = iter(range(5))

    def contended(self: Table, *actions: dict[str, Any]) -> None:
        if (number := next(storms, None)) is not None:
            with monkeypatch.context() as inner:
                inner.setattr(Table, "transact", transact)
                seen = observe(payment(one, 70 + number))
                assert seen is not None
                other.judge(one, [seen])
        transact(self, *actions)

    with monkeypatch.context() as patch:
        patch.setattr(Table, "transact", contended)
        assert handled(payment(one, 60, "90000.00")) == []
    assert tables.profile(one).behaviour.seen == 66
    assert [finding.count for finding in tables.findings(one)] == [1]


def test_a_profile_that_stays_contended_comes_again(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portcullis.aws.changes.DEADLINE_SECONDS", 0.05)
    one = agent(1)
    handled(*taught(one))

    def refused(*_: Any) -> None:
        raise Cancelled([])

    monkeypatch.setattr(Table, "transact", refused)
    assert handled(payment(one, 60, "90000.00"), payment(agent(2), 1)) == ["m0"]


def test_shards_together_hold_all_that_processes_learnt(tables: Tables) -> None:
    def learn(seed: int) -> None:
        table = Table(settings.anomaly().profiles_table, Service("dynamodb", settings.aws()))
        one = populations.Populations(table, source=random.Random(seed))
        for _ in range(5):
            delta = Population.new()
            delta.noted[0] = float(populations.MOST_EVENTS)
            one.learn(delta, populations.MOST_EVENTS)
            one.flush()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(learn, range(12)))
    merged = populations.Populations(tables.profiles).current()
    assert merged.noted[0] == 12 * 5 * populations.MOST_EVENTS + fleets.taught().noted[0]


def test_little_is_stored_when_it_is_old_and_fresh_statistics_are_read_again(tables: Tables) -> None:
    now = [0.0]
    one = populations.Populations(tables.profiles, clock=lambda: now[0])
    other = populations.Populations(tables.profiles, clock=lambda: now[0])
    before = other.current().noted[0]
    delta = Population.new()
    delta.noted[0] = 3.0
    one.learn(delta, 3)
    one.flush()
    now[0] = populations.LONGEST
    assert populations.Populations(tables.profiles).current().noted[0] == before
    one.flush()
    assert other.current().noted[0] == before
    now[0] = populations.FRESH
    assert other.current().noted[0] == one.current().noted[0] == before + 3
