"""Page: the log as people look at it, in HTML on top of what the API has.

Without scripts it is whole but for the histogram and what is live. The modules in `assets/` take
over from there: the view is its URL, the list comes from `GET /v1/events`, the histogram from
`/v1/stats`, what arrives from `/v1/events/stream`, the detail from the very markup that is here.

Scripts and tests hold on to:

- `#search` with `input[name=search]` and `#completions`; `#chips`, `#periods`, `#choices`
- `#histogram`, `#pause`, `#new`, `#banner`, `#announcement` (a live region), `#status`
- `#scroller` around `table#events`; a row is `tr[data-position]`, a cell `[data-cell=NAME]`, with
  `a.open` in that of time, and `a.only` and `a.not` in those of values; `#end` after the last one
- `aside#detail` with `article[data-position]`; `button[data-copies=ID]` copies an element's text
- `#first` for an empty log; `dialog#keys`; `#rejected`, a table of its own
- `performance.mark("rows-shown")` once the rows of a view are in the document
"""

from collections.abc import Callable, Mapping
from typing import Any

from audit_service.api.rejected_actions import RejectedActions
from audit_service.page import refused, rejected, views
from audit_service.page.at_root import browsers_at_root
from audit_service.page.layout import Layout
from audit_service.search import Search
from service_kit.concurrency import Runner
from service_kit.http.app import ServiceApp
from service_kit.http.assets import Assets, in_package


def register(
    app: ServiceApp,
    search: Search,
    actions: RejectedActions,
    status: Callable[[], Mapping[str, Any]],
    *,
    is_signed: Callable[[int], bool],
    run: Runner,
    is_controlled: bool,
) -> None:
    """Have an application serve the page, at its root too.

    `status`: see Layout; `is_signed`: whether a checkpoint covers the event at a position; `run`:
    what compresses a file, once; `is_controlled`: whether access is.
    """
    assets = Assets("page_assets", "/page", in_package("audit_service.page", "assets"))
    app.register_blueprint(assets.blueprint(run))
    layout = Layout(assets, status, is_controlled)
    for routes in (views.blueprint(search, is_signed, layout), rejected.blueprint(actions, layout)):
        refused.register(routes, layout)
        app.register_blueprint(routes)
    app.wrap(browsers_at_root)
