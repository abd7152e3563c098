"""The web ACL in front of a stage."""

import pytest

from tests.local.conftest import Deployed

PATH = "/local/trivial"


def test_block_list(deployed: Deployed) -> None:
    answer = deployed.agent("GET", PATH, [("X-Forwarded-For", "203.0.113.9")])
    assert (answer.status, answer.json()["code"]) == (403, "blocked")
    assert answer.json()["request_id"] == answer.headers["x-amzn-requestid"]
    assert answer.headers["content-type"] == "application/problem+json"
    assert deployed.agent("GET", PATH, [("X-Forwarded-For", "203.0.113.10")]).status == 200


def test_only_the_first_forwarded_address_counts(deployed: Deployed) -> None:
    assert deployed.agent("GET", PATH, [("X-Forwarded-For", "203.0.113.10, 203.0.113.9")]).status == 200


def test_block_list_changed_at_run_time(deployed: Deployed) -> None:
    name, set_id, scope = deployed.outputs["Blocked"].split("|")
    waf = deployed.client("wafv2")
    known = {"Name": name, "Id": set_id, "Scope": scope}
    before = waf.get_ip_set(**known)
    later = [*before["IPSet"]["Addresses"], "192.0.2.0/24"]
    waf.update_ip_set(**known, Addresses=later, LockToken=before["LockToken"])
    assert deployed.agent("GET", PATH, [("X-Forwarded-For", "192.0.2.77")]).status == 403


@pytest.mark.parametrize(("size", "status"), [(16384, 200), (16385, 403)])
def test_body_over_the_inspection_limit(deployed: Deployed, size: int, status: int) -> None:
    answer = deployed.agent("POST", "/local/echo", [("X-Forwarded-For", f"198.51.100.{size % 200}")], b"x" * size)
    assert answer.status == status


def test_rate_per_address_and_key(deployed: Deployed) -> None:
    def statuses(address: str, key: str | None, count: int) -> list[int]:
        headers = [("X-Forwarded-For", address)] + ([("X-API-Key", key)] if key else [])
        return [deployed.agent("GET", PATH, headers).status for _ in range(count)]

    assert statuses("198.51.100.1", "victim", 12) == [200] * 10 + [403] * 2
    assert statuses("198.51.100.2", "victim", 1) == [200]
    assert statuses("198.51.100.1", "another", 1) == [200]
    assert statuses("198.51.100.1", None, 12) == [200] * 12


def test_the_firewall_stands_before_the_emulators_own_url_forms(deployed: Deployed) -> None:
    from tests.local.http import send

    path = f"/_aws/execute-api/{deployed.outputs['AgentApiId']}/local/trivial"
    blocked = send(deployed.ports.endpoint, "GET", path, [("X-Forwarded-For", "203.0.113.9")])
    assert blocked.status == 403
