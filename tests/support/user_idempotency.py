"""Creations of a user with an Idempotency-Key."""

from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.user_api import post

OZZY = {"name": "Ozzy", "password": "12345"}
KEY = "8e03978e-40d5-43dd-bc93-6894a57f9324"


def ask(client: FlaskClient, key: str = KEY, **other: Any) -> TestResponse:
    """Ask for a new user, once more or for the first time."""
    return post(client, {**OZZY, **other}, {"Idempotency-Key": key})


def same(one: TestResponse, other: TestResponse) -> bool:
    """Whether two responses show the same new user."""
    assert one.status_code == other.status_code == 201
    return (one.data, one.headers["Location"], one.headers["ETag"]) == (
        other.data,
        other.headers["Location"],
        other.headers["ETag"],
    )
