"""A gateway to test an agent against: an httpx transport that verifies signatures as the real one does, in either
scheme, and decides as it is told.

    fake = FakeGateway()
    gateway = Gateway(fake.url, fake.key_id, fake.secret, transport=fake.transport)

Steps, order and codes are those of the authorizer and the agent API (docs/errors.md). Its keys are made up; nothing
here may stand in for a gateway outside a test.
"""

import json
import secrets
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx

from portcullis.client.fake_settlement import moved
from portcullis.client.fake_transactions import Entry, decided, lease_end, transaction_content, transaction_id
from portcullis.client.fake_verification import FakeVerifier
from portcullis.client.results import Violation
from portcullis.protocol import problems
from portcullis.protocol.strict_json import MAX_BODY_BYTES, MalformedInput, check_content_type

STAGE = "test"


@dataclass(frozen=True, slots=True)
class Recorded:
    """One request as it arrived, in order: ``code`` is "ok" or that of its refusal; ``json`` is None without a body."""

    method: str
    path: str
    key_id: str | None
    idempotency_key: str | None
    json: Any
    code: str


class FakeGateway:
    """One agent ``agent_id`` with a key (``key_id``, ``secret``), below ``url``. ``clock`` in unix seconds.

    ``transport`` serves httpx.Client and httpx.AsyncClient. ``requests`` is what arrived. New transactions are approved
    unless a script says otherwise: hold, deny, refuse and lose_answer each apply to the next request they fit.
    """

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        self.url = f"https://fake-gateway.invalid/{STAGE}"
        self.agent_id = "ag_" + "0" * 22
        self.requests: list[Recorded] = []
        self.transport = httpx.MockTransport(self.handle)
        self._clock = clock
        self._verifier = FakeVerifier(STAGE, clock)
        self._entries: dict[str, Entry] = {}
        self._script: deque[dict[str, Any]] = deque()
        self._refusals: deque[tuple[str, dict[str, Any], dict[str, str]]] = deque()
        self._lost = 0
        self.key_id, self.secret = self.issue_key()

    def issue_key(self, *, self_rotation: bool = False) -> tuple[str, str]:
        """A further key id and secret of the agent."""
        return self._verifier.issue(self_rotation=self_rotation)

    def register_public_key(self, public_key: str, *, self_rotation: bool = False) -> str:
        """The key id of a further key of the agent, which signs with Ed25519; ``public_key`` in PEM or base64url."""
        return self._verifier.register(public_key, self_rotation=self_rotation)

    def revoke_key(self, key_id: str) -> None:
        """From now on the key, and what replaced it, is refused with ``invalid_credentials``."""
        self._verifier.revoke(key_id)

    def make_due(self, key_id: str) -> None:
        """From now on the key is due, before its class would have it rotated."""
        self._verifier.make_due(key_id)

    def approve(self) -> None:
        """The next new transaction is approved."""
        self._script.append({"status": "approved"})

    def hold(self, *, by: str = "human", seconds: int = 3600) -> None:
        """The next new transaction is held for ``by``, for so many seconds."""
        self._script.append({"status": "pending_approval", "by": by, "seconds": seconds})

    def deny(self, *violations: Violation) -> None:
        """The next new transaction is denied for these reasons; without any, for its destination."""
        default = Violation("destination_not_allowlisted", "The destination is not on the agent's allowlist.", 5)
        self._script.append({"status": "denied", "violations": violations or (default,)})

    def refuse(self, code: str, *, headers: dict[str, str] | None = None, **members: Any) -> None:
        """The next verified request is refused with this code of docs/errors.md, and nothing happens."""
        if code not in problems.PROBLEMS:
            raise ValueError(f"unknown code {code}; docs/errors.md lists them")
        self._refusals.append((code, members, headers or {}))

    def lose_answer(self) -> None:
        """The next verified request is carried out, but its answer never arrives (httpx.ReadError)."""
        self._lost += 1

    def handle(self, request: httpx.Request) -> httpx.Response:
        """One request in, the answer out; what ``transport`` calls."""
        key_id, code = self._verifier.judge(request)
        losing, scripted = code is None and self._lost > 0, code is None and self._refusals
        if scripted:
            code, members, headers = self._refusals.popleft()
            answer = _problem(code, headers, **members)
        else:
            answer = _problem(code) if code else self._accept(request, key_id or "")
        self._record(request, key_id, answer)
        if losing:
            self._lost -= 1
            raise httpx.ReadError("the answer was lost, as the test asked", request=request)
        return answer

    def _accept(self, request: httpx.Request, key_id: str) -> httpx.Response:
        body = request.read()
        try:
            check_content_type(request.headers.get_list("Content-Type"), body)
            return _problem("too_large") if len(body) > MAX_BODY_BYTES else self._serve(request, key_id)
        except MalformedInput as error:
            return _problem("malformed_request", detail=str(error), field=error.field)

    def _serve(self, request: httpx.Request, key_id: str) -> httpx.Response:
        path = request.url.raw_path.decode("ascii").partition("?")[0].removeprefix(f"/{STAGE}")
        if (request.method, path) == ("GET", "/v1/whoami"):
            return _answer(200, self._identity(key_id))
        if (request.method, path) == ("GET", "/v1/keys"):
            return _answer(200, {"keys": self._verifier.listed(key_id)})
        if (request.method, path) == ("POST", "/v1/keys/rotate"):
            return self._rotate(request, key_id)
        if (request.method, path) == ("POST", "/v1/transactions"):
            return self._create(request, key_id)
        if (request.method, path) == ("GET", "/v1/transactions"):
            return self._list(request.url.params.get("status"))
        txid, _, action = path.removeprefix("/v1/transactions/").partition("/")
        entry = self._entries.get(txid) if path.startswith("/v1/transactions/") else None
        if entry is None or (request.method == "POST") != bool(action):
            return _problem("not_found")
        return self._move(entry, action, request) if action else _answer(200, entry.described)

    def _list(self, status: str | None) -> httpx.Response:
        entries = reversed(self._entries.values())
        found = [entry.described for entry in entries if status in (None, entry.described["status"])]
        return _answer(200, {"transactions": found, "cursor": None})

    def _move(self, entry: Entry, action: str, request: httpx.Request) -> httpx.Response:
        outcome = moved(entry, action, json.loads(request.read() or b"{}"), lease_end(self._clock()))
        if isinstance(outcome, str):
            return _problem(outcome)
        self._entries[outcome.described["id"]] = outcome
        return _answer(200, outcome.described)

    def _rotate(self, request: httpx.Request, key_id: str) -> httpx.Response:
        outcome = self._verifier.rotate(key_id, request.headers.get("Idempotency-Key", ""), request.read())
        return _problem(outcome) if isinstance(outcome, str) else _answer(201, outcome)

    def _identity(self, key_id: str) -> dict[str, Any]:
        scopes = ["transactions:create", "transactions:read"]
        identity = {"agent_id": self.agent_id, "name": "fake", "state": "active", "key_id": key_id}
        return {**identity, "scopes": scopes, "policy_version": 1}

    def _create(self, request: httpx.Request, key_id: str) -> httpx.Response:
        key = request.headers.get("Idempotency-Key", "")
        content = transaction_content(key, request.read())
        entry = self._entries.get(transaction_id(self.agent_id, key))
        if entry is not None and entry.content != content:
            return _problem("idempotency_conflict")
        if entry is None:
            script = self._script.popleft() if self._script else {"status": "approved"}
            entry = decided(script, content, self.agent_id, key_id, key, self._clock())
            self._entries[entry.described["id"]] = entry
        if entry.described["status"] == "denied":
            members = {"transaction_id": entry.described["id"], "violations": entry.described["violations"]}
            return _problem("policy_denied", **members)
        return _answer({"approved": 201, "pending_approval": 202}.get(entry.described["status"], 200), entry.described)

    def _record(self, request: httpx.Request, key_id: str | None, answer: httpx.Response) -> None:
        try:
            content = json.loads(request.read()) if request.read() else None
        except (ValueError, RecursionError):
            content = None
        key_id, key = key_id or request.headers.get("X-API-Key"), request.headers.get("Idempotency-Key")
        code = "ok" if answer.is_success else answer.json()["code"]
        self.requests.append(Recorded(request.method, request.url.path, key_id, key, content, code))


def _answer(status: int, body: dict[str, Any]) -> httpx.Response:
    return httpx.Response(status, json=body, headers=problems.SECURITY_HEADERS)


def _problem(code: str, headers: dict[str, str] | None = None, **members: Any) -> httpx.Response:
    problem = problems.PROBLEMS[code]
    body = json.dumps(problems.problem_body(code, f"fake-{secrets.token_hex(8)}", **members))
    waiting = {"Retry-After": str(problems.RETRY_AFTER_SECONDS)} if problem.status in (429, 503) else {}
    sent = {**problems.SECURITY_HEADERS, "Content-Type": problems.CONTENT_TYPE, **waiting, **(headers or {})}
    return httpx.Response(problem.status, content=body, headers=sent)
