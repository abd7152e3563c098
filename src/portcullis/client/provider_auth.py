"""Signing for httpx with a key that is looked up for every attempt."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Generator

import httpx

from portcullis.client.httpx_auth import apply
from portcullis.client.message_auth import MessageRequestSigner, ed25519_signer
from portcullis.client.secrets import Credentials, Provider
from portcullis.client.signer import Clock, Nonce, Signed, Signer, random_nonce


class ProviderAuth(httpx.Auth):
    """``httpx.Client(auth=ProviderAuth(provider))``: as PortcullisAuth, with the provider's key of the moment.

    When the gateway answers ``invalid_credentials``, the provider is told, and if it then has another key, the request
    is sent once more, signed with that. That is safe for every request: the gateway did nothing for the first one.
    """

    requires_request_body = True
    requires_response_body = True

    def __init__(self, provider: Provider, *, clock: Clock = time.time, nonce: Nonce = random_nonce) -> None:
        self._provider = provider
        self._clock = clock
        self._nonce = nonce

    def __repr__(self) -> str:
        return f"ProviderAuth({self._provider!r})"

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """One signed request, or two when the key was rotated meanwhile."""
        used = self._provider.current()
        self._sign(request, used)
        answer = yield request
        if not _refused_key(answer):
            return
        self._provider.invalidate(used)
        fresh = self._provider.current()
        if not fresh.same(used):
            self._sign(request, fresh)
            yield request

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """The same with the provider's reads on another thread, for they block."""
        await request.aread()
        flow = self.auth_flow(request)
        following = await asyncio.to_thread(_advance, flow, None)
        while following is not None:
            answer = yield following
            await answer.aread()
            following = await asyncio.to_thread(_advance, flow, answer)

    def _sign(self, request: httpx.Request, credentials: Credentials) -> None:
        apply(self._signed(request, request.url.raw_path.decode("ascii"), credentials), request)

    def _signed(self, request: httpx.Request, target: str, credentials: Credentials) -> Signed:
        key_id, secret = credentials.key_id, credentials.secret.reveal()
        if not credentials.has_private_key:
            signer = Signer(key_id, secret, clock=self._clock, nonce=self._nonce)
            return signer.sign(request.method, target, request.content)
        messages = MessageRequestSigner(key_id, ed25519_signer(secret.encode()), clock=self._clock, nonce=self._nonce)
        return messages.sign(request.method, target, request.content, request.headers.get_list("host"))


def _advance(
    flow: Generator[httpx.Request, httpx.Response, None], answer: httpx.Response | None
) -> httpx.Request | None:
    try:
        return next(flow) if answer is None else flow.send(answer)
    except StopIteration:
        return None


def _refused_key(answer: httpx.Response) -> bool:
    if answer.status_code != 401:
        return False
    try:
        problem = json.loads(answer.content)
    except (ValueError, RecursionError):
        return False
    return isinstance(problem, dict) and problem.get("code") == "invalid_credentials"
