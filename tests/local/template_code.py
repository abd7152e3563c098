"""Functions that show what they were given, or fail in the way a header asks for."""

AUTHORIZER = """
import time
class Broken(Exception):
    pass
def handler(event, context):
    mode = event["headers"].get("x-mode", "allow")
    if mode == "raise":
        raise Broken("a secret of the implementation")
    if mode == "unauthorized":
        raise Exception("Unauthorized")
    if mode == "slow":
        time.sleep(5)
    effect = "Deny" if mode == "deny" else "Allow"
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": event["methodArn"]}
    import json
    seen = json.dumps({k: event.get(k) for k in ("requestContext", "headers", "multiValueHeaders",
        "queryStringParameters", "multiValueQueryStringParameters", "path")})
    return {"principalId": "me", "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
            "context": {"code": "nonce_replayed", "detail": "Use a new nonce.", "seen": seen, "number": 7}}
"""
ECHO = """
import json, os, sys, time
print("import time line")
def handler(event, context):
    headers = event.get("headers") or {}
    if headers.get("x-mode2") == "fail":
        raise ValueError("an internal detail")
    if headers.get("x-mode2") == "nonsense":
        return "nonsense"
    if headers.get("x-mode2") == "sleep":
        time.sleep(0.3)
    print("handling", context.aws_request_id)
    body = {"event": event, "environ": dict(os.environ), "path": sys.path, "pid": os.getpid(),
            "modules": sorted(sys.modules), "left": context.get_remaining_time_in_millis()}
    return {"statusCode": 200, "headers": {"X-Answer": "yes"}, "body": json.dumps(body)}
"""
TRIVIAL = """
def handler(event, context):
    return {"statusCode": 200, "body": "{}"}
"""
ENRICH = """
def handler(records, context):
    out = []
    for record in records:
        image = record["dynamodb"]["NewImage"]
        if image["type"]["S"] == "poison":
            raise ValueError("cannot enrich")
        out.append({"id": image["pk"]["S"], "type": image["type"]["S"]})
    return out
"""
