"""The budget of false alarms, as a deployment sets it."""

import re

MOST = 100_000
_BUDGET = re.compile(r"(0|[1-9][0-9]{0,2})(\.[0-9]{1,3})?", re.ASCII)


def parse_budget(text: str) -> int:
    """Thousandths of a false alarm per agent and 1,000 requests, from a decimal of 0.001 to 100; else ValueError."""
    whole, _, fraction = text.partition(".")
    budget = int(whole) * 1_000 + int(fraction.ljust(3, "0")) if _BUDGET.fullmatch(text) else 0
    if not 0 < budget <= MOST:
        raise ValueError(f'the alarm budget is {text!r}; expected a decimal from 0.001 to 100 such as "1.0"')
    return budget
