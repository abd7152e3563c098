"""Accounts as stored: ``AGENT#<agent> / ACCOUNT``."""

from portcullis.aws.cache import TtlCache
from portcullis.aws.dynamo import Item, Table
from portcullis.domain import windows
from portcullis.domain.account import RECENT_PREFIX, Account
from portcullis.domain.rate import AGENT_TAT, KEY_TAT_PREFIX

CACHE_SECONDS = 15
LISTING_KEY = "AGENTS"
_MAX_CACHED = 1024


class Accounts:
    """Look-ups, kept at most 15 s. The commit's conditions hold whatever is cached here."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._cache: TtlCache[Account] = TtlCache(_MAX_CACHED, CACHE_SECONDS)

    def find(self, agent: str) -> Account | None:
        """The account, at most 15 s old, or None."""
        return self._cache.get(agent) or self.refresh(agent)

    def refresh(self, agent: str) -> Account | None:
        """The account as it is now, or None."""
        account = read(self._table, agent)
        if account is not None:
            self._cache.put(agent, account)
        return account

    def seen(self, agent: str) -> Account | None:
        """The account as this process last saw it, if it did in the last 15 s. Reads nothing."""
        return self._cache.get(agent)

    def keep(self, account: Account) -> None:
        """Remember the state that a refused commit has shown."""
        self._cache.put(account.agent, account)

    def amend(self, account: Account) -> None:
        """Remember the state that a commit has made of the one last seen. It is no younger for that: a busy process has
        to learn, like every other, what others have left on the account for it to tidy up."""
        self._cache.amend(account.agent, account)


def partition(agent: str) -> str:
    """The partition of everything of one agent."""
    return f"AGENT#{agent}"


def primary_key(agent: str) -> Item:
    """Where an account's item stands."""
    return {"pk": partition(agent), "sk": "ACCOUNT"}


def read(table: Table, agent: str) -> Account | None:
    """The account as it is now, or None."""
    item = table.get(primary_key(agent))
    return from_item(item) if item else None


def to_item(account: Account) -> Item:
    """The stored form of a new account, which has no live key yet (a set is never empty)."""
    return {
        **primary_key(account.agent),
        "name": account.name,
        "state": account.state,
        "epoch": account.epoch,
        "rev": account.rev,
        "policy_version": account.policy_version,
        "policy_sha256": account.policy_sha256,
        "status_key": LISTING_KEY,
        "created_at": account.created_at,
    }


def from_item(item: Item) -> Account:
    """The account in an item; windows are the attributes that are named as such."""
    return Account(
        agent=item["pk"].removeprefix("AGENT#"),
        name=item["name"],
        state=item["state"],
        epoch=item["epoch"],
        rev=item["rev"],
        policy_version=item["policy_version"],
        policy_sha256=item["policy_sha256"],
        live_keys=item.get("live_keys", frozenset()),
        created_at=item["created_at"],
        tats={name: item[name] for name in item if name == AGENT_TAT or name.startswith(KEY_TAT_PREFIX)},
        windows={name: value for name, value in item.items() if windows.NAME.fullmatch(name)},
        recent={name: value for name, value in item.items() if name.startswith(RECENT_PREFIX)},
        shadow_sha256=item.get("shadow_sha256"),
        violated_at=item.get("violated_at"),
        incident=item.get("incident"),
        lock=item.get("lock", 0),
    )
