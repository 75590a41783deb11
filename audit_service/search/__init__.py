"""Search: what is asked of the log as an expression, and the records that match it.

`matches` is the one truth about it: whatever else finds records only proposes them.
"""

from audit_service.search.expressions import All, Expression, matches
from audit_service.search.filters import InvalidFilters, read_filters
from audit_service.search.find import Search
from audit_service.search.index.reader import SearchIndex
from audit_service.search.paging import Budget, Found, Order

__all__ = [
    "All",
    "Budget",
    "Expression",
    "Found",
    "InvalidFilters",
    "Order",
    "Search",
    "SearchIndex",
    "matches",
    "read_filters",
]
