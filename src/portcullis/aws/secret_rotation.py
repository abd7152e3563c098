"""One step of a rotation, for any kind of secret, and the check that takes up what was left pending."""

from portcullis.aws.secrets_manager import SecretsManager
from portcullis.domain.secret_rotation import (
    CREATE,
    CURRENT,
    FINISH,
    PENDING,
    SET,
    STEPS,
    TEST,
    Abandoned,
    Call,
    Kind,
    RefusedStep,
    Secret,
    is_due,
)


def rotate(secrets: SecretsManager, kind: Kind, call: Call) -> None:
    """Do a step, or nothing when it is done already; RefusedStep when it cannot be done."""
    secret = secrets.describe(call.secret)
    if not is_due(secret, call) or secret is None:
        return
    try:
        _do(secrets, kind, secret, call)
    except Abandoned:
        secrets.unstage(secret.arn, call.token)
        raise


def take_up(secrets: SecretsManager, kind: Kind, secret: Secret) -> None:
    """Bring a rotation to its end that Secrets Manager has given up, or is still at: each step may come twice."""
    token = secret.staged(PENDING)
    for step in STEPS if token else ():
        rotate(secrets, kind, Call(step, secret.arn, str(token)))


def _do(secrets: SecretsManager, kind: Kind, secret: Secret, call: Call) -> None:
    pending = secrets.text(secret.arn, call.token)
    if call.step == CREATE:
        if pending is None:
            secrets.put(secret.arn, kind.create(secret, call.token, _current(secrets, secret)), call.token, PENDING)
        return
    if pending is None:
        raise RefusedStep(f"createSecret has to come before {call.step}")
    if call.step == SET:
        kind.set(secret, call.token, _current(secrets, secret), pending)
    elif call.step == TEST:
        kind.test(secret, pending)
    elif call.step == FINISH:
        _finish(secrets, kind, secret, call.token, pending)


def _finish(secrets: SecretsManager, kind: Kind, secret: Secret, token: str, text: str) -> None:
    """Hand out what has just passed its test, then let the old one end. The label goes last, so that a crash shows."""
    if CURRENT not in secret.stages[token]:
        kind.test(secret, text)
        secrets.make_current(secret.arn, token, secret.staged(CURRENT))
    kind.finish(secret, text)
    secrets.unstage(secret.arn, token)


def _current(secrets: SecretsManager, secret: Secret) -> str:
    token = secret.staged(CURRENT)
    text = secrets.text(secret.arn, token) if token else None
    if text is None:
        raise RefusedStep("the secret has no current version")
    return text
