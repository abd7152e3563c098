"""What operators name rather than spell out: trust levels with their limits, and sets of merchant categories."""

from portcullis.domain.times import DAY

LEVELS = ("low", "medium", "high")
LIMITS = {
    "low": {"per_transaction": "50.00", "daily": "100.00"},
    "medium": {"per_transaction": "500.00", "daily": "1000.00"},
}
"""In USD. Those of high trust are the operator's to set."""
CLEAN_PERIOD = 30 * DAY
"""How long an agent has to go without a violation before a higher level is proposed. No level ever rises by itself."""

CATEGORY_SETS = {
    "compute": frozenset({"cloud", "gpu", "hosting", "inference", "storage"}),
    "data": frozenset({"api", "dataset", "market-data", "search"}),
    "retail": frozenset({"books", "clothing", "electronics", "groceries", "home"}),
    "services": frozenset({"delivery", "freelance", "software", "subscription"}),
    "travel": frozenset({"car-rental", "flights", "hotels", "rail"}),
}


def next_level(level: str) -> str | None:
    """The level above, None from the highest."""
    position = LEVELS.index(level) + 1
    return LEVELS[position] if position < len(LEVELS) else None
