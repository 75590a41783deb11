"""Kafka errors: error of librdkafka, or of a broker → fault. The one table."""

from confluent_kafka import KafkaError

from user_service.sinks.sink import Fault, NotDelivered, Outcome

PURGED = frozenset({KafkaError._PURGE_QUEUE, KafkaError._PURGE_INFLIGHT})

_REFUSED = frozenset(
    {
        KafkaError.INVALID_MSG_SIZE,
        KafkaError.INVALID_RECORD,
        KafkaError.INVALID_TIMESTAMP,
        KafkaError.MSG_SIZE_TOO_LARGE,
        KafkaError.RECORD_LIST_TOO_LARGE,
    }
)
_MISCONFIGURED = frozenset(
    {
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        KafkaError.ILLEGAL_SASL_STATE,
        KafkaError.POLICY_VIOLATION,
        KafkaError.SASL_AUTHENTICATION_FAILED,
        KafkaError.SECURITY_DISABLED,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.TOPIC_EXCEPTION,
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError.UNSUPPORTED_FOR_MESSAGE_FORMAT,
        KafkaError.UNSUPPORTED_SASL_MECHANISM,
        KafkaError.UNSUPPORTED_VERSION,
        KafkaError._AUTHENTICATION,
        KafkaError._INVALID_ARG,
        KafkaError._SSL,
        KafkaError._UNKNOWN_PARTITION,
        KafkaError._UNKNOWN_TOPIC,
    }
)
# The broker did not store the message, and may do so later.
_NOT_NOW = frozenset(
    {
        KafkaError.NOT_ENOUGH_REPLICAS,
        # It refused another message of the same request.
        KafkaError._INVALID_DIFFERENT_RECORD,
    }
)


def fault_of(error: KafkaError) -> Fault:
    """Whose fault an error is."""
    if error.code() in _REFUSED:
        return Fault.REFUSED
    if error.code() in _MISCONFIGURED:
        return Fault.MISCONFIGURED
    return Fault.UNAVAILABLE


def not_delivered(error: KafkaError, *, may_have_been_sent: bool) -> NotDelivered:
    """The failure of a message that was not acknowledged.

    One that timed out may be in a broker's log: librdkafka does not say whether it was sent. It is
    a batch failure where a broker refused it: messages of one request are refused together.
    """
    fault = fault_of(error)
    refused = fault is not Fault.UNAVAILABLE or error.code() in _NOT_NOW
    outcome = Outcome.UNKNOWN if may_have_been_sent and not refused else Outcome.NOT_DELIVERED
    failure = NotDelivered(outcome, f"not acknowledged by Kafka: {error.str()}", fault)
    failure.batch_failure = may_have_been_sent and fault is Fault.REFUSED
    return failure
