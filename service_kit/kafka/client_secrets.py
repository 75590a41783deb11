"""Secrets of a Kafka client: settings that are not for a URL."""

from typing import Annotated, Protocol

from pydantic import Field, SecretStr

SaslPassword = Annotated[SecretStr, Field(description="`sasl.password` of librdkafka")]
KeyPassword = Annotated[SecretStr, Field(description="`ssl.key.password` of librdkafka")]


class KafkaSettings(Protocol):
    """Settings with the secrets among them."""

    kafka_password: SaslPassword
    kafka_key_password: KeyPassword


def secrets_of(settings: KafkaSettings) -> dict[str, str]:
    """The secrets as options of librdkafka; some may be empty."""
    return {
        "sasl.password": settings.kafka_password.get_secret_value(),
        "ssl.key.password": settings.kafka_key_password.get_secret_value(),
    }
