"""Enrolment: one bootstrap, then only by sponsors; secrets shown once; codes single use and few in a row."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from functions.operator_api import request
from portcullis.domain.approvers import ENROLMENT_LIFETIME, LOCK, MAX_ATTEMPTS
from portcullis.domain.times import SECOND
from portcullis.protocol import totp
from tests.functions.deployed import Answer, Deployed, unique
from tests.functions.people import ACCOUNT, People, Person, user
from tests.functions.test_races import SerialService

SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/Approvers/"


@pytest.fixture
def serial(stack: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    """For threads: moto's calls are not serializable, as DynamoDB's are."""
    request.stores.cache_clear()
    monkeypatch.setattr(request, "Service", SerialService)


def events(stack: Deployed) -> list[tuple[int, str]]:
    items = [item for item in stack.items() if item["pk"]["S"] == "APPROVERS" and "type" in item]
    return sorted((int(item["rev"]["N"]), item["type"]["S"]) for item in items)


def states(people: People) -> dict[str, str]:
    listed = people.stack.operator("GET", "/v1/approvers").body["approvers"]
    return {approver["name"]: approver["state"] for approver in listed}


def refused(answer: Answer) -> bool:
    return (answer.status, answer.code) == (403, "forbidden") and "not accepted" in answer.body["detail"]


def test_the_first_approver_is_active_once_a_code_of_the_device_was_given(people: People) -> None:
    alice = people.first()
    assert states(people) == {"alice": "active"}
    (listed,) = people.stack.operator("GET", "/v1/approvers").body["approvers"]
    assert (listed["identity"], listed["sponsor"], listed["approver_id"]) == (alice.arn, None, alice.approver)
    kinds = ["approver.bootstrapped", "approver.device_shown", "approver.confirmed"]
    assert events(people.stack) == list(enumerate(kinds, 1))


def test_there_is_one_bootstrap(people: People) -> None:
    people.first()
    again = people.call(Person("eve", user("eve")), "POST", "/v1/approvers", {"name": "eve"})
    assert (again.status, again.code) == (409, "state_conflict")
    assert states(people) == {"alice": "active"}


def test_racing_bootstraps_enrol_one(people: People, serial: None) -> None:
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: people.stack.operator("POST", "/v1/approvers", {"name": "x"}), range(8)))
    assert sorted(answer.status for answer in answers) == [201] + [409] * 7
    assert events(people.stack) == [(1, "approver.bootstrapped")]


def test_an_unconfirmed_first_approver_gives_way_after_an_hour(people: People) -> None:
    eve = Person("eve", user("eve"))
    assert people.call(eve, "POST", "/v1/approvers", {"name": "eve"}).status == 201
    assert people.call(eve, "POST", "/v1/approvers", {"name": "eve"}).status == 409
    people.clock.ahead += ENROLMENT_LIFETIME // SECOND
    people.first()
    assert states(people) == {"eve": "lapsed", "alice": "active"}


def test_a_bootstrap_is_repeated_under_its_idempotency_key(people: People) -> None:
    headers = {"Idempotency-Key": unique("bootstrap")}
    alice = Person("alice", user("alice"))
    first, second = (people.call(alice, "POST", "/v1/approvers", {"name": "alice"}, headers=headers) for _ in range(2))
    assert (first.status, first.body) == (201, second.body)
    other = people.call(alice, "POST", "/v1/approvers", {"name": "other"}, headers=headers)
    assert (other.status, other.code) == (409, "idempotency_conflict")


def test_the_secret_is_shown_once_to_its_owner_and_stored_nowhere(people: People) -> None:
    alice = people.first()
    bob = Person("bob", user("bob"))
    enrolled = people.speak(alice, "enrolments", name="bob", identity=bob.arn)
    bob.approver = enrolled.body["approver_id"]
    assert "secret" not in enrolled.body
    foreign = people.call(alice, "POST", "/v1/approvers/{approver}/device", {}, approver=bob.approver)
    assert refused(foreign), "a sponsor does not learn the secret of whom they sponsor"
    shown = people.device(bob)
    assert shown.body["uri"].startswith("otpauth://totp/Portcullis%3Abob%20%28test%29?secret=")
    assert people.device(bob).code == "state_conflict"
    assert shown.body["secret"] not in str(people.stack.items())


def test_a_lost_answer_shows_the_secret_again_for_ten_minutes(people: People) -> None:
    alice = Person("alice", user("alice"))
    alice.approver = people.call(alice, "POST", "/v1/approvers", {"name": "alice"}).body["approver_id"]
    headers = {"Idempotency-Key": unique("device")}

    def show() -> Answer:
        path = "/v1/approvers/{approver}/device"
        return people.call(alice, "POST", path, {}, headers=headers, approver=alice.approver)

    first = show()
    assert (first.status, show().body) == (200, first.body)
    people.clock.ahead += 601
    assert show().code == "state_conflict"


def test_enrolling_needs_an_active_sponsors_code(people: People) -> None:
    alice = people.first()
    wanted = {"name": "bob", "identity": user("bob")}
    assert refused(people.speak(alice, "enrolments", people.wrong(alice), **wanted))
    nobody = Person("carol", alice.arn, "ap_" + "0" * 22, alice.secret)
    assert refused(people.speak(nobody, "enrolments", **wanted))
    assert refused(people.speak(Person("eve", user("eve"), alice.approver, alice.secret), "enrolments", **wanted))
    pending = Person("bob", user("bob"))
    pending.approver = people.speak(alice, "enrolments", **wanted).body["approver_id"]
    pending.secret = alice.secret
    assert refused(people.speak(pending, "enrolments", name="carol", identity=user("carol")))
    assert states(people) == {"alice": "active", "bob": "pending"}


def test_a_user_is_enrolled_once_but_a_role_stands_for_several(people: People) -> None:
    alice = people.first()
    twice = people.speak(alice, "enrolments", name="again", identity=alice.arn)
    assert (twice.status, twice.code) == (409, "state_conflict")
    role = f"arn:aws:iam::{ACCOUNT}:role/teams/Approvers"
    bob = people.speak(alice, "enrolments", name="bob", identity=role)
    carol = people.speak(alice, "enrolments", name="carol", identity=f"{SESSION}x")
    assert bob.body["identity"] == carol.body["identity"] == f"arn:aws:iam::{ACCOUNT}:role/Approvers"
    people.activate(Person("bob", f"{SESSION}bob"), bob.body["approver_id"])
    people.activate(Person("carol", f"{SESSION}whatever"), carol.body["approver_id"])
    assert states(people) == {"alice": "active", "bob": "active", "carol": "active"}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"identity": f"arn:aws:iam::{ACCOUNT}:root"}, "identity"),
        ({"identity": f"arn:aws:sts::{ACCOUNT}:federated-user/bob"}, "identity"),
        ({"code": "12345"}, "code"),
        ({"name": ""}, "name"),
        ({"state": "active"}, "state"),
    ],
)
def test_a_malformed_enrolment_is_named(people: People, change: dict[str, Any], named: str) -> None:
    body = {"name": "bob", "identity": user("bob"), "code": "123456", **change}
    answer = people.stack.operator("POST", "/v1/approvers/{approver}/enrolments", body, approver="ap_" + "0" * 22)
    assert (answer.status, answer.body["field"]) == (400, named)


def test_nobody_revokes_themselves_so_the_last_approver_stays(people: People) -> None:
    alice = people.first()
    own = people.speak(alice, "revocations", approver_id=alice.approver)
    assert (own.status, own.code) == (409, "state_conflict")
    bob = people.another(alice)
    revoked = people.speak(bob, "revocations", approver_id=alice.approver)
    assert (revoked.status, revoked.body["state"]) == (200, "revoked")
    assert refused(people.speak(alice, "revocations", approver_id=bob.approver))
    assert states(people) == {"alice": "revoked", "bob": "active"}
    assert events(people.stack)[-1] == (7, "approver.revoked")


def test_two_who_revoke_one_another_leave_one(people: People, serial: None) -> None:
    alice = people.first()
    bob = people.another(alice)
    codes_of = {person.name: people.code(person) for person in (alice, bob)}

    def revoke(pair: tuple[Person, Person]) -> Answer:
        body = {"approver_id": pair[1].approver, "code": codes_of[pair[0].name]}
        return people.stack.operator("POST", "/v1/approvers/{approver}/revocations", body, approver=pair[0].approver)

    for person in (alice, bob):
        people.stack.dynamodb.update_item(
            TableName=people.stack.environment["CORE_TABLE"],
            Key={"pk": {"S": "APPROVERS"}, "sk": {"S": f"AP#{person.approver}"}},
            UpdateExpression="SET #identity = :one",
            ExpressionAttributeNames={"#identity": "identity"},
            ExpressionAttributeValues={":one": {"S": people.stack.caller}},
        )
    with ThreadPoolExecutor(2) as threads:
        answers = list(threads.map(revoke, [(alice, bob), (bob, alice)]))
    assert sorted(answer.status for answer in answers) == [200, 403]
    assert sorted(states(people).values()) == ["active", "revoked"]


def test_a_code_is_good_once(people: People) -> None:
    alice = people.first()
    code = people.code(alice)
    assert people.speak(alice, "enrolments", code, name="bob", identity=user("bob")).status == 201
    assert refused(people.speak(alice, "enrolments", code, name="carol", identity=user("carol")))
    assert states(people) == {"alice": "active", "bob": "pending"}


def test_a_code_older_than_the_last_used_is_refused(people: People) -> None:
    alice = people.first()
    old = people.code(alice)
    assert people.speak(alice, "enrolments", name="bob", identity=user("bob")).status == 201
    assert refused(people.speak(alice, "enrolments", old, name="carol", identity=user("carol")))


def test_five_wrong_codes_lock_for_fifteen_minutes_and_are_put_on_record(people: People) -> None:
    alice = people.first()
    wanted = {"name": "bob", "identity": user("bob")}
    for _ in range(MAX_ATTEMPTS):
        assert refused(people.speak(alice, "enrolments", people.wrong(alice), **wanted))
    assert events(people.stack)[-1] == (4, "approver.locked")
    assert refused(people.speak(alice, "enrolments", **wanted)), "even a right one"
    people.clock.ahead += LOCK // SECOND
    assert people.speak(alice, "enrolments", **wanted).status == 201


def test_a_right_code_starts_the_count_anew(people: People) -> None:
    alice = people.first()
    for name in ("bob", "carol"):
        for _ in range(MAX_ATTEMPTS - 1):
            assert refused(people.speak(alice, "enrolments", people.wrong(alice), name=name, identity=user(name)))
        assert people.speak(alice, "enrolments", name=name, identity=user(name)).status == 201


def test_another_identity_cannot_lock_an_approver_out(people: People) -> None:
    alice = people.first()
    eve = Person("eve", user("eve"), alice.approver, alice.secret)
    for _ in range(MAX_ATTEMPTS + 1):
        assert refused(people.speak(eve, "enrolments", name="x", identity=user("x")))
    assert people.speak(alice, "enrolments", name="bob", identity=user("bob")).status == 201


def test_racing_guesses_have_five_checked(people: People, serial: None, monkeypatch: pytest.MonkeyPatch) -> None:
    alice = people.first()
    wrong, checked, lock = people.wrong(alice), [], threading.Lock()
    matched_step = totp.matched_step

    def counting(*arguments: Any) -> int | None:
        with lock:
            checked.append(arguments)
        return matched_step(*arguments)

    monkeypatch.setattr(totp, "matched_step", counting)
    people.stack.caller = alice.arn
    body = {"name": "bob", "identity": user("bob"), "code": wrong}
    with ThreadPoolExecutor(16) as threads:
        path = "/v1/approvers/{approver}/enrolments"
        answers = list(
            threads.map(lambda _: people.stack.operator("POST", path, body, approver=alice.approver), range(16))
        )
    assert all(refused(answer) for answer in answers)
    assert len(checked) == MAX_ATTEMPTS
