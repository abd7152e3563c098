"""Two people for the local run's game day: IAM users of their own, enrolled as approvers, each with a device."""

import json
from base64 import b32decode
from contextlib import closing
from pathlib import Path
from typing import Any

from local.aws import REGION, client
from local.deploy import ACCOUNT, STAGE
from local.errors import LocalRunError
from local.home import Home
from portcullis.aws.operator_signing import Credentials
from portcullis.cli.failure import Failure
from portcullis.cli.operator import Operator
from portcullis.cli.responders import Responder
from portcullis.cli.target import Target
from portcullis.protocol import totp

FLEET = ("GET/v1/lockdown", "POST/v1/lockdown/run")
"""For who lifts a lockdown, which goes on until it is done."""
REVIEWER, CONFIRMER = "portcullis-reviewer", "portcullis-confirmer"


def enrolled(run: dict[str, Any], home: Home) -> Path:
    """The file that tells of both, made when first needed. It goes with the run's folder."""
    if not home.responders.exists():
        try:
            people = _enrol(run)
        except Failure as failure:
            raise LocalRunError(f"the game day's two approvers cannot be enrolled: {failure}") from None
        home.responders.touch(mode=0o600, exist_ok=False)
        home.responders.write_text(json.dumps([_entry(person) for person in people]))
    return home.responders


def _enrol(run: dict[str, Any]) -> list[Responder]:
    target = Target(run["operator_url"], REGION, Credentials("", ""))
    reviewer, confirmer = (_user(run, name) for name in (REVIEWER, CONFIRMER))
    _allow(run, REVIEWER, "POST/v1/approvers")
    with closing(_as(reviewer, target)) as operator:
        reviewer.approver_id = operator.create("/v1/approvers", {"name": REVIEWER})["approver_id"]
    _activate(run, REVIEWER, reviewer, target)
    identity = f"arn:aws:iam::{ACCOUNT}:user/{CONFIRMER}"
    sponsored = reviewer.post(target, "enrolments", {"name": CONFIRMER, "identity": identity})
    confirmer.approver_id = sponsored["approver_id"]
    _activate(run, CONFIRMER, confirmer, target)
    return [reviewer, confirmer]


def _activate(run: dict[str, Any], name: str, person: Responder, target: Target) -> None:
    _allow(run, name, f"POST/v1/approvers/{person.approver_id}/*", "GET/v1/agents/*", "GET/v1/incidents/*", *FLEET)
    with closing(_as(person, target)) as operator:
        shown = operator.create(f"/v1/approvers/{person.approver_id}/device", {})["secret"]
    person.secret, person.last_step = b32decode(shown), 0
    person.post(target, "confirm", {})


def _as(person: Responder, target: Target) -> Operator:
    return Operator(Target(target.url, target.region, person.credentials))


def _user(run: dict[str, Any], name: str) -> Responder:
    """An IAM user who may do nothing yet."""
    iam = client("iam", run["endpoint_url"])
    try:
        iam.create_user(UserName=name)
    except iam.exceptions.EntityAlreadyExistsException:
        raise LocalRunError(f"{name} exists, and their device is not known here: make down, then again") from None
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return Responder("", b"", Credentials(key["AccessKeyId"], key["SecretAccessKey"]))


def _allow(run: dict[str, Any], name: str, *paths: str) -> None:
    """Let this user call these methods of the operator API, and nothing else."""
    api = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{run['outputs']['OperatorApiId']}/{STAGE}"
    where = [f"{api}/{path}" for path in paths]
    statement = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": where}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    client("iam", run["endpoint_url"]).put_user_policy(UserName=name, PolicyName="approve", PolicyDocument=document)


def _entry(person: Responder) -> dict[str, Any]:
    return {
        "approver_id": person.approver_id,
        "totp_secret": totp.base32(person.secret),
        "access_key_id": person.credentials.access_key,
        "secret_access_key": person.credentials.secret_key,
        "last_step": person.last_step,
    }
