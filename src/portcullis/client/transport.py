"""One attempt over httpx, sync or async, as a value: an Answer or a Fault."""

import httpx

from portcullis.client.exchange import Answer, Call, Fault, Outcome

_TRANSIENT = (httpx.TimeoutException, httpx.NetworkError, httpx.RemoteProtocolError)


def send_once(client: httpx.Client, call: Call, seconds: float) -> Outcome:
    """Blocking. The client's auth signs."""
    try:
        response = client.request(call.method, call.path, content=call.body, headers=call.headers, timeout=seconds)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return _fault(error)
    return _answer(response)


async def send_once_async(client: httpx.AsyncClient, call: Call, seconds: float) -> Outcome:
    """On an event loop."""
    try:
        response = await client.request(
            call.method, call.path, content=call.body, headers=call.headers, timeout=seconds
        )
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return _fault(error)
    return _answer(response)


def _answer(response: httpx.Response) -> Answer:
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Answer(response.status_code, headers, response.content)


def _fault(error: Exception) -> Fault:
    # The kind only: httpx's error holds the request, and with it the signature.
    return Fault(type(error).__name__, isinstance(error, _TRANSIENT))
