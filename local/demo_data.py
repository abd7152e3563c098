"""What a fresh local run holds: an operator who may call the operator API and read the audit log, prices, one agent."""

import json
from contextlib import suppress
from typing import Any

from local.aws import REGION, client
from local.deploy import ACCOUNT, STAGE
from local.emulator_process import RunningEmulator
from local.ports import HOST
from portcullis.cli.operator import Operator
from portcullis.protocol.notes import KEY_BYTES, VerifierKey

OPERATOR = "portcullis-operator"
AUDITS_BUCKET = ["s3:ListBucket", "s3:ListBucketVersions", "s3:GetBucketObjectLockConfiguration"]
AUDITS_OBJECTS = ["s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectRetention"]
WALLET = "0x70997970c51812dc3a010c7d01b50e0d17dc79c8"
CHAIN = "base"
POLICY = {
    "allowlist": {"wallets": [f"{CHAIN}:{WALLET}"]},
    "limits": {"per_transaction": "500", "daily": "1000"},
    "tiers": {"human_above": "100"},
}


def operator_key(emulator: RunningEmulator, outputs: dict[str, str]) -> dict[str, str]:
    """A fresh access key of the operator's IAM user, who is bound to the operator API and to reading what is locked."""
    iam = client("iam", emulator.endpoint_url)
    _ensure_user(iam)
    method_arns = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{outputs['OperatorApiId']}/{STAGE}/*"
    bucket, evidence = (f"arn:aws:s3:::{outputs[name]}" for name in ("AuditBucket", "EvidenceBucket"))
    for name, grants in {
        "invoke-operator-api": [(["execute-api:Invoke"], method_arns)],
        "read-audit-log": [(AUDITS_BUCKET, bucket), (AUDITS_OBJECTS, f"{bucket}/*")],
        "read-evidence": [(["s3:GetObject", "s3:GetObjectRetention"], f"{evidence}/incidents/*")],
    }.items():
        statements = [{"Effect": "Allow", "Action": actions, "Resource": where} for actions, where in grants]
        policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
        iam.put_user_policy(UserName=OPERATOR, PolicyName=name, PolicyDocument=policy)
    for old in iam.list_access_keys(UserName=OPERATOR)["AccessKeyMetadata"]:
        iam.delete_access_key(UserName=OPERATOR, AccessKeyId=old["AccessKeyId"])
    key = iam.create_access_key(UserName=OPERATOR)["AccessKey"]
    return {"access_key_id": key["AccessKeyId"], "secret_access_key": key["SecretAccessKey"]}


def audit(emulator: RunningEmulator, outputs: dict[str, str]) -> dict[str, str]:
    """Where the audit log lies, and the key that verifies it."""
    encoded = client("kms", emulator.endpoint_url).get_public_key(KeyId=outputs["AuditKeyArn"])["PublicKey"]
    key = VerifierKey(outputs["AuditOrigin"], encoded[-KEY_BYTES:])
    return {"bucket": outputs["AuditBucket"], "origin": key.name, "verifier_key": key.text}


def api_url(port: int) -> str:
    """Where an API answers, stage included."""
    return f"http://{HOST}:{port}/{STAGE}"


def price(caller: Operator) -> None:
    """USDC at one dollar, until it is set again."""
    caller.put("/v1/prices/USDC", {"usd": "1", "expires_at": None})


def agent(caller: Operator, name: str) -> dict[str, Any]:
    """A new agent with an allowlisted wallet and a key."""
    agent = caller.create("/v1/agents", {"name": name, "policy": POLICY})
    key = caller.create(f"/v1/agents/{agent['agent_id']}/keys", {})
    return {
        "agent_id": agent["agent_id"],
        "key_id": key["key_id"],
        "secret": key["secret"],
        "wallet": WALLET,
        "chain": CHAIN,
    }


def _ensure_user(iam: Any) -> None:
    with suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_user(UserName=OPERATOR)
