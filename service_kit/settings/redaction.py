"""Redaction of passwords in text."""

import re

# Up to the last @, since a password may hold any character: better too much hidden than too little.
_URL_PASSWORD = re.compile(r"(?<=://)([^/?#\s@:]*):\S*@")
_QUERY_PASSWORD = re.compile(r"([?&][^=&]*(?:password|secret|token|key\.pem))=[^&]*", re.IGNORECASE)


def redact(text: str) -> str:
    """The text without the password of any URL in it."""
    return _QUERY_PASSWORD.sub(r"\1=***", _URL_PASSWORD.sub(r"\1:***@", text))
