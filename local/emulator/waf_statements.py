"""WAF's rule statements, evaluated against one request."""

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from local.emulator.waf_rates import RateCounter, aggregation_key
from local.emulator.waf_request import Inspected, field_values, is_oversize, transformed

Statement = Mapping[str, Any]
_SIZES: dict[str, Callable[[int, int], bool]] = {
    "EQ": int.__eq__,
    "NE": int.__ne__,
    "LE": int.__le__,
    "LT": int.__lt__,
    "GE": int.__ge__,
    "GT": int.__gt__,
}
_POSITIONS: dict[str, Callable[[bytes, bytes], bool]] = {
    "EXACTLY": bytes.__eq__,
    "STARTS_WITH": lambda value, wanted: value.startswith(wanted),
    "ENDS_WITH": lambda value, wanted: value.endswith(wanted),
    "CONTAINS": lambda value, wanted: wanted in value,
    "CONTAINS_WORD": lambda value, wanted: bool(re.search(rb"(?<!\w)" + re.escape(wanted) + rb"(?!\w)", value)),
}


class Evaluation:
    """One request against one web ACL: `addresses_of` reads an IP set, `labels` are those of earlier rules."""

    def __init__(
        self, request: Inspected, rates: RateCounter, addresses_of: Callable[[str], Iterable[str]], acl_id: str
    ) -> None:
        self.request = request
        self.labels: set[str] = set()
        self._rates = rates
        self._addresses_of = addresses_of
        self._acl_id = acl_id

    def matches(self, statement: Statement, rule: str) -> bool:
        """Whether the request matches; managed rule groups are AWS's own and never match here."""
        (kind, options), *_ = statement.items()
        if kind == "ManagedRuleGroupStatement":
            return False
        test = getattr(self, f"_{kind}", None)
        if test is None:
            raise ValueError(f"the local WAF has no {kind} (rule {rule})")
        return bool(test(options, rule))

    def _NotStatement(self, options: Statement, rule: str) -> bool:  # noqa: N802
        return not self.matches(options["Statement"], rule)

    def _AndStatement(self, options: Statement, rule: str) -> bool:  # noqa: N802
        return all(self.matches(part, rule) for part in options["Statements"])

    def _OrStatement(self, options: Statement, rule: str) -> bool:  # noqa: N802
        return any(self.matches(part, rule) for part in options["Statements"])

    def _IPSetReferenceStatement(self, options: Statement, _rule: str) -> bool:  # noqa: N802
        address = ipaddress.ip_address(self.request.address)
        ranges = self._addresses_of(options.get("Arn") or options["ARN"])
        return any(address in ipaddress.ip_network(entry, strict=False) for entry in ranges)

    def _RateBasedStatement(self, options: Statement, rule: str) -> bool:  # noqa: N802
        scope = options.get("ScopeDownStatement")
        key = aggregation_key(self.request, options)
        if key is None or (scope and not self.matches(scope, rule)):
            return False
        window = float(options.get("EvaluationWindowSec", 300))
        return self._rates.exceeded((self._acl_id, rule, *key), int(options["Limit"]), window)

    def _SizeConstraintStatement(self, options: Statement, _rule: str) -> bool:  # noqa: N802
        compare = _SIZES[options["ComparisonOperator"]]
        return self._any_value(options, lambda value: compare(len(value), int(options["Size"])))

    def _ByteMatchStatement(self, options: Statement, _rule: str) -> bool:  # noqa: N802
        found = _POSITIONS[options["PositionalConstraint"]]
        wanted = str(options["SearchString"]).encode()
        return self._any_value(options, lambda value: found(value, wanted))

    def _RegexMatchStatement(self, options: Statement, _rule: str) -> bool:  # noqa: N802
        pattern = re.compile(str(options["RegexString"]).encode())
        return self._any_value(options, lambda value: pattern.search(value) is not None)

    def _LabelMatchStatement(self, options: Statement, _rule: str) -> bool:  # noqa: N802
        key = options["Key"]
        if options["Scope"] == "NAMESPACE":
            return any(f"{label}:".startswith(key) or f":{key}" in f":{label}:" for label in self.labels)
        return any(label == key or label.endswith(f":{key}") for label in self.labels)

    def _any_value(self, options: Statement, test: Callable[[bytes], bool]) -> bool:
        field = options["FieldToMatch"]
        oversize = is_oversize(self.request, field)
        if oversize in ("MATCH", "NO_MATCH"):
            return oversize == "MATCH"
        transformations = options.get("TextTransformations") or []
        return any(test(transformed(value, transformations)) for value in field_values(self.request, field))
