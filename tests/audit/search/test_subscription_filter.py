"""Filters of the CloudEvents Subscriptions API: what each dialect asks for, and what is none."""

import pytest

from audit_service.log import Record
from audit_service.search import matches, subscription_filter
from tests.support.log_processes import event

RECORD = Record(1, 0, None, event("1", type="com.example.paid", subject="42"))


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ('{"exact":{"type":"com.example.paid"}}', True),
        ('{"exact":{"type":"com.example.paid","subject":"43"}}', False),
        ('{"exact":{"absent":"x"}}', False),
        ('{"prefix":{"type":"com.","subject":"4"}}', True),
        ('{"suffix":{"type":".paid"}}', True),
        ('{"suffix":{"type":".made"}}', False),
        ('{"not":{"exact":{"subject":"42"}}}', False),
        ('{"not":{"exact":{"absent":"x"}}}', True),
        ('{"any":[{"exact":{"subject":"1"}},{"exact":{"subject":"42"}}]}', True),
        ('{"all":[{"exact":{"subject":"1"}},{"exact":{"subject":"42"}}]}', False),
        ('[{"prefix":{"type":"com."}},{"exact":{"subject":"42"}}]', True),
        ('[{"prefix":{"type":"com."}},{"exact":{"subject":"43"}}]', False),
    ],
)
def test_a_dialect_means_what_its_specification_says(text: str, *, holds: bool) -> None:
    assert matches(RECORD, subscription_filter.parse(text)) is holds


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("{", "must be JSON"),
        ("1", "object with one member"),
        ("{}", "object with one member"),
        ('{"exact":{"a":"b"},"prefix":{"a":"b"}}', "object with one member"),
        ('{"sql":"type = 1"}', "dialect that is not known"),
        ('{"exact":{}}', "object of attributes"),
        ('{"exact":{"$.user":"b"}}', "that of no attribute"),
        ('{"not":{"prefix":{"a=b":"c"}}}', "that of no attribute"),
        ('{"exact":{"type":1}}', "must be a string"),
        ('{"exact":{"type":""}}', "must be a string"),
        ('{"all":[]}', "not empty"),
        ("[]", "not empty"),
        ('{"any":{"exact":{"a":"b"}}}', "not empty"),
        ('{"not":' * 16 + '{"exact":{"a":"b"}}' + "}" * 16, "nested"),
        ('{"exact":{"a":"' + "x" * 4096 + '"}}', "4096 bytes"),
    ],
)
def test_what_is_no_filter_is_refused_by_its_rule(text: str, rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        subscription_filter.parse(text)


def test_a_filter_may_be_sixteen_deep() -> None:
    text = '{"not":' * 14 + '{"exact":{"subject":"42"}}' + "}" * 14
    assert matches(RECORD, subscription_filter.parse(text))
