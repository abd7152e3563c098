"""Where the gateway is and which key to use, checked once, before anything is sent."""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from portcullis.client.errors import ConfigurationError
from portcullis.client.signer import Secret, check_credentials

URL, KEY_ID, SECRET = "PORTCULLIS_URL", "PORTCULLIS_KEY_ID", "PORTCULLIS_SECRET"
SECRET_ID, SECRET_FILE = "PORTCULLIS_SECRET_ID", "PORTCULLIS_SECRET_FILE"
_REMEDIES = {
    URL: "Set it to the gateway's address with its stage, such as https://gateway.example.com/live.",
    KEY_ID: 'Set it to the key id (pk_...) that "portcullis keys issue" printed.',
    SECRET: 'Set it to the secret (sk_...) that "portcullis keys issue" printed once; issue a new key if it is lost.',
}
_BASE_PATH = re.compile(r"(/(?!\.{1,2}(/|$))[A-Za-z0-9._~-]+)*", re.ASCII)


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """A checked address, without a trailing slash, and credentials of one stage."""

    url: str
    key_id: str
    secret: Secret = field(repr=False)


def check_settings(
    url: str, key_id: str, secret: str, names: tuple[str, str, str] = ("url", "key_id", "secret")
) -> GatewaySettings:
    """The settings, or ConfigurationError naming the wrong one of ``names``."""
    base = check_url(url, names[0])
    check_credentials(key_id, secret, names[1:])
    return GatewaySettings(base, key_id, Secret(secret))


def from_environment(environ: Mapping[str, str]) -> GatewaySettings:
    """PORTCULLIS_URL, PORTCULLIS_KEY_ID and PORTCULLIS_SECRET."""
    for name, remedy in _REMEDIES.items():
        if not environ.get(name):
            raise ConfigurationError(f"{name} is not set. {remedy}")
    return check_settings(environ[URL], environ[KEY_ID], environ[SECRET], (URL, KEY_ID, SECRET))


def key_pair(environ: Mapping[str, str]) -> tuple[str, Secret] | None:
    """PORTCULLIS_KEY_ID and PORTCULLIS_SECRET; None when neither is set, ConfigurationError when one is."""
    found = environ.get(KEY_ID), environ.get(SECRET)
    if found[0] and found[1]:
        return found[0], Secret(found[1])
    if not any(found):
        return None
    missing = SECRET if found[0] else KEY_ID
    raise ConfigurationError(f"{missing} is not set. {_REMEDIES[missing]}")


def optional(environ: Mapping[str, str], name: str) -> str | None:
    """A variable that may be unset or empty."""
    return environ.get(name) or None


def check_url(url: str, name: str) -> str:
    """A base URL without its trailing slash; ConfigurationError otherwise. Its parts are not repeated: it may hold a
    password by mistake."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ConfigurationError(f"{name}: not a URL. {_REMEDIES[URL]}") from None
    if parts.scheme not in ("https", "http") or not host or any(c.isspace() or not c.isprintable() for c in url):
        raise ConfigurationError(f"{name}: expected an https URL. {_REMEDIES[URL]}")
    if parts.scheme == "http" and not is_loopback(url):
        raise ConfigurationError(f"{name}: plain http is for this machine only. Use https.")
    if parts.username is not None or parts.password is not None or "?" in url or "#" in url:
        raise ConfigurationError(f"{name}: give it without user, query and fragment. {_REMEDIES[URL]}")
    path = parts.path.removesuffix("/")
    if not _BASE_PATH.fullmatch(path):
        raise ConfigurationError(f"{name}: its path may not have %, empty, . or .. segments. {_REMEDIES[URL]}")
    return f"{parts.scheme}://{parts.netloc}{path}"


def is_loopback(url: str) -> bool:
    """Whether the URL's host is this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
