"""Filter expressions in JSON: dialects of the CloudEvents Subscriptions API, section 3.2.4.

`exact`, `prefix`, `suffix`, `all`, `any` and `not`, as another system has them.
"""

from collections.abc import Mapping
from typing import Any as Value
from typing import Final

import orjson

from audit_service.events.attributes import is_name
from audit_service.search.expressions import All, Any, Attribute, Comparison, Expression, Not

MOST_BYTES: Final = 4096
MOST_DEPTH: Final = 16

_COMPARISONS: Final = {each.value: each for each in Comparison}


def parse(text: str) -> Expression:
    """The expression of a JSON text: an object, or an array of such that all hold.

    Raises ValueError.
    """
    if len(text.encode(errors="surrogatepass")) > MOST_BYTES:
        raise ValueError(f"must have {MOST_BYTES} bytes at most")
    try:
        value = orjson.loads(text)
    except ValueError:
        raise ValueError("must be JSON") from None
    return _every(value, MOST_DEPTH) if type(value) is list else _expression(value, MOST_DEPTH)


def _expression(value: Value, depth: int) -> Expression:
    if depth == 0:
        raise ValueError(f"must not be nested more than {MOST_DEPTH} deep")
    if type(value) is not dict or len(value) != 1:
        raise ValueError("must be an object with one member, its dialect")
    ((dialect, operand),) = value.items()
    if dialect in _COMPARISONS:
        return _attributes(operand, _COMPARISONS[dialect])
    if dialect == "not":
        return Not(_expression(operand, depth - 1))
    if dialect not in {"all", "any"}:
        known = ", ".join([*_COMPARISONS, "all", "any", "not"])
        raise ValueError(f"has a dialect that is not known; these are: {known}")
    every = _every(operand, depth)
    return every if dialect == "all" else Any(every.parts)


def _every(operand: Value, depth: int) -> All:
    if type(operand) is not list or not operand:
        raise ValueError("`all` and `any` must have an array of expressions that is not empty")
    return All([_expression(each, depth - 1) for each in operand])


def _attributes(operand: Value, comparison: Comparison) -> Expression:
    if not isinstance(operand, Mapping) or not operand:
        raise ValueError(f"`{comparison.value}` must have an object of attributes and values")
    if any(type(value) is not str or value == "" for value in operand.values()):
        raise ValueError(f"a value of `{comparison.value}` must be a string that is not empty")
    if not all(map(is_name, operand)):
        raise ValueError(f"`{comparison.value}` has a name that is that of no attribute")
    return All([Attribute(name, value, comparison) for name, value in operand.items()])
