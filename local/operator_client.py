"""Calls the operator API as an operator does: with the client of the command line."""

from collections.abc import Iterator
from contextlib import contextmanager

from local.aws import REGION
from local.errors import LocalRunError
from portcullis.aws.operator_signing import Credentials
from portcullis.cli.failure import Failure
from portcullis.cli.operator import Operator
from portcullis.cli.target import Target


@contextmanager
def operator(url: str, access_key_id: str, secret_access_key: str) -> Iterator[Operator]:
    """The operator API at ``url`` (``http://127.0.0.1:PORT/STAGE``) for one access key; refusals end the command."""
    caller = Operator(Target(url, REGION, Credentials(access_key_id, secret_access_key)))
    try:
        yield caller
    except Failure as failure:
        raise LocalRunError(f"the operator API: {failure}") from None
    finally:
        caller.close()
