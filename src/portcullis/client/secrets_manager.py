"""Reads one secret of AWS Secrets Manager. Only this module of the SDK knows botocore, and only when used."""

import threading
from typing import Any

from portcullis.client.errors import SecretUnavailableError

CONNECT_SECONDS = 3
READ_SECONDS = 5
ATTEMPTS = 3


class SecretsManagerReader:
    """The current text of the secret ``secret_id`` (a name or an ARN). ``client``: one made elsewhere."""

    def __init__(self, secret_id: str, client: Any = None) -> None:
        self._secret_id = secret_id
        self._client = client
        self._lock = threading.Lock()

    def text(self) -> str | bytes:
        """The secret's text (bytes for a binary one). SecretUnavailableError names AWS's code, and nothing else."""
        try:
            from botocore.exceptions import BotoCoreError, ClientError
        except ModuleNotFoundError:
            raise SecretUnavailableError(
                "Secrets Manager needs botocore: pip install 'portcullis[secrets-manager]'"
            ) from None
        failure = ""
        try:
            with self._lock:
                self._client = self._client or _client(self._secret_id)
            answer = self._client.get_secret_value(SecretId=self._secret_id)
        except ClientError as error:
            failure = str(error.response.get("Error", {}).get("Code", "unknown"))
        except BotoCoreError as error:
            failure = type(error).__name__
        if failure:
            raise SecretUnavailableError(
                f"the secret {self._secret_id}: {failure}. Check its name, the region, and that this identity may "
                "call secretsmanager:GetSecretValue on it."
            )
        text: str | bytes = answer.get("SecretString") or answer.get("SecretBinary") or ""
        return text


def _client(secret_id: str) -> Any:
    from botocore.config import Config
    from botocore.session import Session

    parts = secret_id.split(":")
    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"mode": "standard", "max_attempts": ATTEMPTS},
    )
    # An ARN names its region for certain; else it is that of the environment.
    region = parts[3] if len(parts) > 6 and parts[0] == "arn" else None
    return Session().create_client("secretsmanager", region_name=region, config=config)
