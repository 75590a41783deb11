"""What an error of librdkafka, or of a broker through it, says of an event: the one table."""

from confluent_kafka import KafkaError

from user_service.sinks.sink import Fault, NotDelivered, Outcome

PURGED = frozenset({KafkaError._PURGE_QUEUE, KafkaError._PURGE_INFLIGHT})  # noqa: SLF001 - named so

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
        KafkaError._AUTHENTICATION,  # noqa: SLF001
        KafkaError._INVALID_ARG,  # noqa: SLF001
        KafkaError._SSL,  # noqa: SLF001
        KafkaError._UNKNOWN_PARTITION,  # noqa: SLF001
        KafkaError._UNKNOWN_TOPIC,  # noqa: SLF001
    }
)
# The broker did not take it, and may yet.
_NOT_NOW = frozenset(
    {
        KafkaError.NOT_ENOUGH_REPLICAS,
        # Another message of the same request was the one that it refused.
        KafkaError._INVALID_DIFFERENT_RECORD,  # noqa: SLF001
    }
)


def fault_of(error: KafkaError) -> Fault:
    """Whose fault it is."""
    if error.code() in _REFUSED:
        return Fault.REFUSED
    if error.code() in _MISCONFIGURED:
        return Fault.MISCONFIGURED
    return Fault.UNAVAILABLE


def not_delivered(error: KafkaError, *, may_have_been_sent: bool) -> NotDelivered:
    """What a message that was not acknowledged means for its event.

    A message that timed out may be in a broker's log: librdkafka does not tell whether it was
    sent. `batch_failure` where a broker refused it: what is sent together is refused together.
    """
    fault = fault_of(error)
    told = fault is not Fault.UNAVAILABLE or error.code() in _NOT_NOW
    outcome = Outcome.UNKNOWN if may_have_been_sent and not told else Outcome.NOT_DELIVERED
    failure = NotDelivered(outcome, f"not acknowledged by Kafka: {error.str()}", fault)
    failure.batch_failure = may_have_been_sent and fault is Fault.REFUSED
    return failure
