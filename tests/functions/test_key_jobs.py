"""Key jobs: every key once, whatever stops them, with exact progress, and agents that go on working meanwhile."""

import itertools
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest

from functions.key_jobs import handler as scheduled
from functions.operator_api import request
from portcullis.aws import key_jobs, key_succession, settings
from portcullis.aws.changes import Actor
from portcullis.aws.dynamo import Table
from portcullis.aws.key_delivery import NOTHING_DELIVERED
from portcullis.aws.key_job_runs import KeyJobs
from portcullis.aws.secrets_manager import SecretsManager
from portcullis.aws.wire import Service
from portcullis.domain.times import HOUR, SECOND
from portcullis.domain.verification import KeyRecord
from tests.functions.api_events import REGION
from tests.functions.deployed import Answer, Deployed
from tests.functions.fleet import caller, fleet, record, successor

ROTATE_ALL: dict[str, Any] = {"action": "rotate", "all": True, "reason": "yearly"}
ROTATE_HIGH: dict[str, Any] = {"action": "rotate", "key_class": "high_value", "reason": "audit"}
REVOKE_HIGH: dict[str, Any] = {"action": "revoke", "key_class": "high_value", "reason": "leak"}


class Context:
    def get_remaining_time_in_millis(self) -> int:
        return 60_000


def now() -> int:
    return time.time_ns() // 1000


def create(stack: Deployed, body: dict[str, Any]) -> str:
    made = stack.operator("POST", "/v1/key-jobs", body)
    assert made.status == 201, made
    return str(made.body["job_id"])


def act(stack: Deployed, job: str, what: str) -> Answer:
    return stack.operator("POST", f"/v1/key-jobs/{{job}}/{what}", job=job)


def shown(stack: Deployed, job: str) -> dict[str, Any]:
    return stack.operator("GET", "/v1/key-jobs/{job}", job=job).body


def listed(stack: Deployed, job: str, status: str = "outstanding") -> list[dict[str, Any]]:
    found, cursor = [], ""
    while True:
        path = f"/v1/key-jobs/{{job}}/keys?status={status}&limit=2{cursor}"
        page = stack.operator("GET", path, job=job).body
        found += page["keys"]
        if page["cursor"] is None:
            return found
        cursor = f"&cursor={page['cursor']}"


def exact(job: dict[str, Any], **expected: int) -> bool:
    """Whether the counts are these, and add up."""
    counts = job["keys"]
    whole = counts["done"] + counts["outstanding"] + counts["failed"] == counts["seen"]
    whole = whole and counts["outstanding"] == sum(job["waiting_for"].values())
    return whole and all(counts[name] == number for name, number in expected.items())


def events(stack: Deployed, type_: str) -> list[dict[str, Any]]:
    return [item for item in stack.items() if item.get("type") == {"S": type_}]


def of_job(event: dict[str, Any], job: str) -> bool:
    return bool(event["data"]["M"]["actor"]["S"] == job)


def own_jobs(stack: Deployed, table: type[Table] = Table, **options: Any) -> KeyJobs:
    """A worker with connections of its own."""
    core = table(stack.environment["CORE_TABLE"], Service("dynamodb", settings.aws()))
    return KeyJobs(core, request.stores().deliveries, **options)


def for_steps(number: int) -> Callable[[], bool]:
    steps = itertools.count()
    return lambda: next(steps) < number


def test_a_class_is_revoked_and_no_other_key(stack: Deployed) -> None:
    leaked = fleet(stack, 3, 2, key_class="high_value")
    others = fleet(stack, 2)
    suspended = fleet(stack, 1, key_class="high_value")
    stack.operator("POST", "/v1/agents/{agent}/suspend", {"reason": "leak"}, agent=suspended[0].agent)
    job = create(stack, REVOKE_HIGH)
    ran = act(stack, job, "run").body

    assert (ran["worked"], ran["state"], ran["agents"]["all_seen"]) == (True, "finished", True)
    assert exact(ran, seen=7, done=7)
    assert {record(key.key_id).state for key in [*leaked, *suspended]} == {"revoked"}
    assert stack.pay(caller(leaked[0])).code == "invalid_credentials"
    assert stack.call(caller(others[0]), "GET", "/v1/whoami").code is None
    assert [item["data"]["M"]["seen"]["N"] for item in events(stack, "key.job_finished")] == ["7"]
    assert act(stack, job, "run").body["worked"] is False


def test_a_rotation_is_asked_of_whoever_can_make_it(stack: Deployed) -> None:
    by_itself, by_hand = fleet(stack, 1, self_rotation=True), fleet(stack, 2)
    job = create(stack, ROTATE_ALL)
    ran = act(stack, job, "run").body

    assert ran["waiting_for"] == {"hand": 3, "agent": 1, "secrets_manager": 0, "gateway": 0}
    assert exact(ran, done=0, failed=0)
    assert {entry["key_id"]: entry["waits_for"] for entry in listed(stack, job)}.items() >= {
        (by_itself[0].key_id, "agent"),
        (by_hand[0].key_id, "hand"),
        (by_hand[1].key_id, "hand"),
    }
    assert (record(by_hand[0].key_id).due_at or 0) > 0


def test_a_key_is_done_once_it_has_a_successor_and_ends_as_early_as_the_job_says(stack: Deployed) -> None:
    (key,) = fleet(stack, 1, key_class="high_value", self_rotation=True)
    body = {"action": "rotate", "key_class": "high_value", "overlap_seconds": 60, "reason": "audit"}
    job = create(stack, body)
    assert exact(act(stack, job, "run").body, outstanding=1)
    new = successor(key)
    key_succession.succeed(request.stores().table, Actor("agent", "", now()), key.key_id, new, 24 * HOUR)

    finished = act(stack, job, "run").body
    assert finished["state"] == "finished"
    assert exact(finished, seen=1, done=1)
    assert now() < (record(key.key_id).ends_at or 0) <= now() + 60 * SECOND
    assert record(new.key_id).due_at is None  # what its parent was asked for is behind it


def test_what_was_made_after_the_job_is_not_touched(stack: Deployed) -> None:
    fleet(stack, 1, key_class="high_value")
    job = create(stack, REVOKE_HIGH)
    late = fleet(stack, 1, key_class="high_value", created_at=now())
    assert exact(act(stack, job, "run").body, seen=1, done=1)
    assert record(late[0].key_id).state == "active"


@pytest.fixture
def secrets_manager(stack: Deployed) -> Any:
    return boto3.client(
        "secretsmanager",
        endpoint_url=stack.endpoint,
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def test_secrets_manager_is_asked_once_and_a_secret_that_is_gone_is_a_failure(
    stack: Deployed, secrets_manager: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rotate(self: SecretsManager, secret: str, token: str, **settings: Any) -> None:
        secrets_manager.rotate_secret(SecretId=secret, ClientRequestToken=token)

    monkeypatch.setattr(SecretsManager, "rotate", rotate)  # moto wants a function of Lambda's to be there
    there, gone = fleet(stack, 2, key_class="high_value", delivered=True)
    name = f"portcullis/test/agents/{there.agent}"
    secrets_manager.create_secret(Name=name, SecretString="{}")
    job = create(stack, ROTATE_HIGH)
    for _ in range(2):
        ran = act(stack, job, "run").body

    assert exact(ran, outstanding=1, failed=1)
    assert ran["waiting_for"]["secrets_manager"] == 1
    (failed,) = listed(stack, job, "failed")
    assert (failed["key_id"], failed["error"]) == (gone.key_id, NOTHING_DELIVERED)
    assert len(secrets_manager.list_secret_version_ids(SecretId=name, IncludeDeprecated=True)["Versions"]) == 2


class Crash(Exception):
    """The process died."""


class Mortal(Table):
    """Dies at one of its writes: before it, or after it without having heard of it."""

    def __init__(self, name: str, service: Service) -> None:
        super().__init__(name, service)
        self.left, self.after = 0, False

    def _raw(self, operation: str, payload: dict[str, Any]) -> dict[str, Any]:
        if operation not in ("TransactWriteItems", "UpdateItem", "PutItem"):
            return super()._raw(operation, payload)
        self.left -= 1
        if self.left == 0 and not self.after:
            raise Crash
        answer = super()._raw(operation, payload)
        if self.left == 0:
            raise Crash
        return answer


def run_mortal(stack: Deployed, job: str, left: int, *, after: bool) -> bool:
    """Whether the run lived."""
    worker = own_jobs(stack, Mortal)
    assert isinstance(worker.table, Mortal)
    worker.table.left, worker.table.after = left, after
    try:
        worker.run(job, lambda: True)
    except Crash:
        return False
    return True


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("body", [REVOKE_HIGH, ROTATE_HIGH], ids=["revoke", "rotate"])
def test_a_crash_at_any_write_skips_no_key_and_does_none_twice(
    stack: Deployed, body: dict[str, Any], after: bool
) -> None:
    rotating = body["action"] == "rotate"
    for left in itertools.count(1):
        keys = fleet(stack, 2, key_class="high_value")
        job = create(stack, body)
        lived = run_mortal(stack, job, left, after=after)
        own_jobs(stack, clock=lambda: now() + key_jobs.LEASE + SECOND).run(job, lambda: True)

        expected = {"outstanding": 2, "done": 0} if rotating else {"done": 2}
        assert exact(shown(stack, job), seen=2, failed=0, **expected)
        told = [
            item["key"]["S"] for item in events(stack, "key.due" if rotating else "key.revoked") if of_job(item, job)
        ]
        assert [told.count(key.key_id) for key in keys] == [1, 1]
        if lived:
            assert left > 5, "it has more writes than that"
            return
        empty_table(stack)


def empty_table(stack: Deployed) -> None:
    """Take everything out of the way of the next round: moto copies a whole table for each transaction."""
    for item in stack.items():
        key = {name: item[name] for name in ("pk", "sk")}
        stack.dynamodb.delete_item(TableName=stack.environment["CORE_TABLE"], Key=key)


def test_two_never_work_at_once(stack: Deployed) -> None:
    keys = fleet(stack, 6, key_class="high_value")
    job = create(stack, REVOKE_HIGH)
    with ThreadPoolExecutor(4) as threads:
        worked = list(threads.map(lambda _: own_jobs(stack).run(job, for_steps(3)), range(8)))
    assert any(worked)
    while shown(stack, job)["state"] == "running":
        act(stack, job, "run")
    assert exact(shown(stack, job), seen=6, done=6)
    assert len(events(stack, "key.revoked")) == len(keys)


def test_a_slow_worker_whose_lease_was_taken_writes_nothing_more(stack: Deployed) -> None:
    fleet(stack, 4, key_class="high_value")
    job = create(stack, REVOKE_HIGH)
    steps = itertools.count()

    def overtaken() -> bool:
        if next(steps) == 2:
            own_jobs(stack, clock=lambda: now() + key_jobs.LEASE + SECOND).run(job, lambda: True)
        return True

    own_jobs(stack).run(job, overtaken)
    assert shown(stack, job)["state"] == "finished"
    assert exact(shown(stack, job), seen=4, done=4)


def test_the_schedule_goes_on_with_what_nobody_drives(stack: Deployed) -> None:
    fleet(stack, 2, key_class="high_value")
    jobs = [create(stack, REVOKE_HIGH), create(stack, ROTATE_ALL)]
    assert scheduled.handler({}, Context()) == {"worked": 2, "failed": 0}
    assert [shown(stack, job)["state"] for job in jobs] == ["finished", "running"]
    assert act(stack, jobs[1], "cancel").body["state"] == "cancelled"
    assert scheduled.handler({}, Context()) == {"worked": 0, "failed": 0}
    again = act(stack, jobs[0], "cancel")
    assert (again.status, again.code) == (409, "state_conflict")
    page = stack.operator("GET", "/v1/key-jobs?limit=1").body
    assert [each["job_id"] for each in page["jobs"]] == [jobs[1]]
    rest = stack.operator("GET", f"/v1/key-jobs?cursor={page['cursor']}").body
    assert [each["job_id"] for each in rest["jobs"]] == [jobs[0]]


def test_an_agent_that_cannot_be_read_holds_up_no_other(stack: Deployed) -> None:
    broken, *others = fleet(stack, 3, key_class="high_value")
    stack.dynamodb.update_item(
        TableName=stack.environment["CORE_TABLE"],
        Key={"pk": {"S": f"KEY#{broken.key_id}"}, "sk": {"S": "KEY"}},
        UpdateExpression="REMOVE scopes",
    )
    ran = act(stack, create(stack, REVOKE_HIGH), "run").body
    assert (ran["state"], ran["agents"]["unreadable"]) == ("finished", 1)
    assert exact(ran, seen=len(others), done=len(others))


def test_a_job_is_made_once_and_what_it_asks_is_checked(stack: Deployed) -> None:
    headers = {"Idempotency-Key": "key-job-idempotent-1"}
    first, second = (stack.operator("POST", "/v1/key-jobs", REVOKE_HIGH, headers=headers) for _ in range(2))
    assert first.body == second.body
    other = stack.operator("POST", "/v1/key-jobs", {**REVOKE_HIGH, "reason": "other"}, headers=headers)
    assert other.code == "idempotency_conflict"
    assert len(events(stack, "key.job_created")) == 1
    for job in ("kj_" + "0" * 22, "nonsense"):
        assert stack.operator("GET", "/v1/key-jobs/{job}", job=job).code == "not_found"
        assert act(stack, job, "run").code == "not_found"
        assert act(stack, job, "cancel").code == "not_found"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"key_class": "high_value"}, "key_class"),
        ({"all": None}, "key_class"),
        ({"action": "delete"}, "action"),
        ({"overlap_seconds": 29}, "overlap_seconds"),
        ({"action": "revoke", "overlap_seconds": 60}, "overlap_seconds"),
        ({"generation": "0"}, "generation"),
        ({"reason": ""}, "reason"),
        ({"hand": True}, "hand"),
    ],
)
def test_a_body_that_asks_for_something_else_is_refused(stack: Deployed, change: dict[str, Any], field: str) -> None:
    refused = stack.operator("POST", "/v1/key-jobs", {**ROTATE_ALL, **change})
    assert (refused.status, refused.code) == (400, "malformed_request")
    assert refused.body["field"] == field


def answer(stack: Deployed, key: KeyRecord) -> str | None:
    """The code with which a request signed with this key is refused, if it is."""
    return stack.call(caller(key), "GET", "/v1/whoami").code


def rotate_due(stack: Deployed, held: list[KeyRecord]) -> list[KeyRecord]:
    """What the agents' own software does when it sees that their keys are due."""
    due = {item["pk"]["S"].removeprefix("KEY#") for item in stack.items() if "N" in item.get("due_at", {})}
    return [rotated(key) if key.key_id in due else key for key in held]


def rotated(key: KeyRecord) -> KeyRecord:
    new, actor = successor(key, generation="1"), Actor(key.agent, "", now())
    key_succession.succeed(request.stores().table, actor, key.key_id, new, 24 * HOUR, once=True)
    return new


def test_a_fleet_moves_to_a_new_root_while_it_works_and_the_job_is_interrupted(stack: Deployed) -> None:
    held = fleet(stack, 15, self_rotation=True)
    assert stack.operator("POST", "/v1/root/generation", {"generation": "1"}).status == 200
    job = create(stack, {"action": "rotate", "generation": "before_current", "reason": "new root"})
    run_mortal(stack, job, 20, after=True)
    halfway = shown(stack, job)["keys"]["seen"]
    assert 0 < halfway < 15

    resumed = own_jobs(stack, clock=lambda: now() + key_jobs.LEASE + SECOND)
    refused = []
    while shown(stack, job)["agents"]["all_seen"] is False:
        resumed.run(job, for_steps(5))
        held = rotate_due(stack, held)
        refused += [code for key in held[::8] if (code := answer(stack, key))]
    assert exact(shown(stack, job), seen=16)
    resumed.run(job, lambda: True)
    held = rotate_due(stack, held)
    resumed.run(job, lambda: True)
    refused += [code for key in held[::4] if (code := answer(stack, key))]

    assert refused == []
    assert {key.key_id.removeprefix("pk_test_")[0] for key in held} == {"1"}
    assert exact(shown(stack, job), done=15, outstanding=1)  # the model of the fleet, which is rotated by hand
    assert shown(stack, job)["waiting_for"]["hand"] == 1
    assert len(events(stack, "key.rotated")) == 15
