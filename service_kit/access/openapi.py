"""Access in the OpenAPI document: how a token comes, and the scope of each route."""

import re
from typing import Any, Final

from apiflask import APIFlask

from service_kit.access.authenticator import ACCESS_TOKEN
from service_kit.access.guard import OPEN, Access

_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")
_ANSWERS: Final = {
    "401": {"description": "There is no token, or none that holds"},
    "403": {"description": "The token lacks the scope, or a page of another site sends this"},
}


def describe(
    app: APIFlask, access: Access, cookie: str, query_paths: frozenset[str] = frozenset()
) -> None:
    """Have the document say it; `cookie`: that of a session; `query_paths`: see Kinds.

    Where access is not controlled it says the scopes, of which none is needed.
    """
    schemes = {
        "token": {"type": "http", "scheme": "bearer"},
        "session": {"type": "apiKey", "in": "cookie", "name": cookie},
    }
    if query_paths:
        schemes["query"] = {"type": "apiKey", "in": "query", "name": ACCESS_TOKEN}
    described = app.spec_callback or (lambda spec: spec)
    by_route = {
        (_PARAMETER.sub(r"{\1}", rule.rule), method.lower()): access.scopes.get(rule.endpoint)
        for rule in app.url_map.iter_rules()
        for method in rule.methods or ()
    }

    def process(spec: Any) -> Any:
        spec = described(spec)
        spec.setdefault("components", {})["securitySchemes"] = schemes
        for path, operations in spec["paths"].items():
            for method, operation in operations.items():
                scope = by_route.get((path, method))
                if scope in {None, OPEN}:
                    continue
                operation["x-scope"] = str(scope)
                if access.is_controlled:
                    operation["security"] = [
                        {name: []} for name in schemes if name != "query" or path in query_paths
                    ]
                    operation["responses"].update(_ANSWERS)
        return spec

    app.spec_processor(process)
