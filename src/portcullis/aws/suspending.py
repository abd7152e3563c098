"""The change that stops an agent, whoever asks for it: nothing approved or held survives the epoch.

Apart from what else operators do with agents, because what contains them needs no policy.
"""

from collections.abc import Sequence
from typing import Any

from portcullis.aws import changes
from portcullis.aws.changes import Change
from portcullis.domain.account import SUSPENDED, Account
from portcullis.domain.rate import key_tat


def suspension(account: Account, reason: str, others: Sequence[dict[str, Any]] = (), **sets: str) -> Change:
    """State, epoch and live keys in one; ``sets`` are told with it. Of a suspended one it is a new epoch."""
    epoch = account.epoch + 1
    names = {f"#tat{number}": key_tat(name) for number, name in enumerate(sorted(account.live_keys))}
    return Change(
        "agent.suspended",
        {"reason": reason, "epoch": epoch, **sets},
        others=others,
        sets={"state": SUSPENDED, "epoch": epoch, **sets},
        clauses=changes.remove("live_keys", "#lock", *names),
        names=names | {"#lock": "lock"},
    )
