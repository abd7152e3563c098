"""The page for clients after the common guide, on the local stack: "before" is refused as said, "after" passes."""

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.journey.deployment import Agent, Deployment

PAGE = (Path(__file__).parents[2] / "docs/clients-from-the-common-guide.md").read_text()
START, *SNIPPETS = re.findall(r"```python\n# (.+?)\n(.+?)```", PAGE, re.DOTALL)


@pytest.fixture(scope="module")
def agent(deployment: Deployment) -> Agent:
    return deployment.agent()


def answered(deployment: Deployment, agent: Agent, code: str, monkeypatch: pytest.MonkeyPatch) -> requests.Response:
    monkeypatch.setenv("PORTCULLIS_URL", deployment.agent_url)
    monkeypatch.setenv("PORTCULLIS_KEY_ID", agent.key_id)
    monkeypatch.setenv("PORTCULLIS_SECRET", agent.secret)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    namespace: dict[str, Any] = {}
    exec(f"{START[1]}\n{code}", namespace)  # noqa: S102 the page's own code is what is tested
    answer = namespace["answer"]
    assert isinstance(answer, requests.Response)
    return answer


@pytest.mark.parametrize(("promise", "code"), SNIPPETS)
def test_the_snippet_gets_the_answer_that_it_promises(
    deployment: Deployment, agent: Agent, monkeypatch: pytest.MonkeyPatch, promise: str, code: str
) -> None:
    status, _, problem = promise.partition(": ")[2].partition(" ")
    answer = answered(deployment, agent, code, monkeypatch)
    assert (answer.status_code, answer.json().get("code", "")) == (int(status), problem), answer.text


def test_a_retry_signed_anew_pays_once(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    agent = deployment.agent()
    (code,) = [code for promise, code in SNIPPETS if promise == "after: 201" and "for attempt" in code]
    identifier = answered(deployment, agent, code, monkeypatch).json()["id"]
    (recorded,) = deployment.transactions(agent)
    assert recorded["sk"]["S"] == f"TX#{identifier}"


def test_every_fault_has_a_before_and_an_after() -> None:
    kinds = [promise.partition(":")[0] for promise, _ in SNIPPETS]
    assert START[0] == "start"
    assert kinds == ["before", "after"] * 5 + ["after"]
    refusals = [promise.rpartition(" ")[2] for promise, _ in SNIPPETS if promise.startswith("before")]
    assert refusals == [
        "missing_credentials", "body_digest_mismatch", "invalid_credentials", "nonce_replayed", "invalid_credentials",
    ]  # fmt: skip
    assert all(one != other for one, other in pairwise(code for _, code in SNIPPETS))
