"""URL of the users' database."""

from sqlalchemy.engine import URL, make_url


def parse_url(url: str) -> URL:
    """The URL of a database of ours; `postgres://`, as platforms write it, is one.

    Raises ArgumentError where it is no URL.
    """
    scheme, separator, rest = url.partition("://")
    return make_url(f"{'postgresql' if scheme == 'postgres' else scheme}{separator}{rest}")
