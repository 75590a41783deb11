"""Schemas of bodies, apart from a service."""

from pydantic import ValidationError

from tests.support.processor_time import is_linear
from user_service.api.schemas import CreateUserRequest


def test_a_name_is_refused_in_linear_time() -> None:
    def create(name: str) -> None:
        try:
            CreateUserRequest(name=name, password="p")
        except ValidationError as error:
            raise ValueError from error

    assert is_linear(create, lambda length: "a" + "\u0301\u0323" * (length // 2), 4000)
