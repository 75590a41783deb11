"""Policies: what the specification's text allows, and who is enough."""

import itertools

import pytest

from audit_service.evidence.note_keys import generate_key
from audit_service.evidence.witness_policy import PolicyMalformed, WitnessPolicy, parse_policy
from tests.support.evidence_witness import key_of

LOG = generate_key("log.example").verifier
KEYS = [key_of(generate_key(f"witness.example/{name}")) for name in "abcdef"]
X1, X2, X3, Y1, Y2, Y3 = KEYS
# The example of the specification, with keys.
EXAMPLE = f"""\
log {LOG}

witness X1 {X1}
witness X2 {X2} https://witness.example/x2/
witness X3 {X3}
group X-witnesses 2 X1 X2 X3

  # The others
witness\tY1   {Y1}
witness Y2 {Y2}
witness Y3 {Y3}
group Y-witnesses any Y1 Y2 Y3

group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
"""


def test_the_example_of_the_specification_is_met_by_two_of_x_and_one_of_y() -> None:
    policy = parse_policy(EXAMPLE.encode())
    assert (policy.logs, policy.witness_keys) == ((LOG,), tuple(KEYS))
    assert [w.url for w in policy.witnesses][:2] == [None, "https://witness.example/x2/"]
    for size in range(len(KEYS) + 1):
        for some in itertools.combinations(KEYS, size):
            enough = len({X1, X2, X3} & set(some)) >= 2 and bool({Y1, Y2, Y3} & set(some))
            assert policy.is_met(some) is enough


def test_no_witness_is_needed_where_the_quorum_is_none() -> None:
    policy = parse_policy(b"quorum none")
    assert policy == WitnessPolicy()
    assert policy.is_met([])


def test_a_quorum_may_be_one_witness() -> None:
    policy = parse_policy(f"witness one {X1}\nwitness two {X2}\nquorum one\n".encode())
    assert policy.is_met([X1])
    assert not policy.is_met([X2])


def test_names_are_octets() -> None:
    lines = f"witness K {X1}\nwitness ".encode(), b"\xe2\x84\xaa \xff"
    policy = parse_policy(
        lines[0] + b"\xe2\x84\xaa " + str(X2).encode() + b"\n# \xff\nquorum \xe2\x84\xaa\n"
    )
    assert policy.is_met([X2])
    assert not policy.is_met([X1])


ONE = f"witness one {X1}\n"
TWO = f"{ONE}witness two {X2}\n"
WRONG = [
    ("", "has no quorum"),
    (ONE, "has no quorum"),
    ("quorum one\n", "line 1: one is not defined"),
    (f"{ONE}quorum one\nquorum one\n", "line 3: there is a quorum already"),
    ("quorum\n", "is no line"),
    ("quorum none none\n", "is no line"),
    ("sink one\n", "is no line"),
    (f"log {LOG}\nlog {LOG} url\nquorum none\n", "line 2: the log is there already"),
    (f"log {X1}\nquorum none\n", "line 1: the key is not one of a log"),
    (f"witness one {LOG}\nquorum one\n", "line 1: the key is not one of a witness"),
    (f"{ONE}witness two {X1}\nquorum one\n", "line 2: the witness is there already"),
    (f"{ONE}witness one {X2}\nquorum one\n", "line 2: one is defined already"),
    (f"witness none {X2}\nquorum none\n", "line 1: none is defined already"),
    ("witness one key\nquorum one\n", "line 1: is no <name>"),
    (f"witness one {X1} url more\nquorum one\n", "is no line"),
    (f"{TWO}group g 3 one two\nquorum g\n", "line 3: a threshold"),
    (f"{TWO}group g 0 one two\nquorum g\n", "line 3: a threshold"),
    (f"{TWO}group g 01 one two\nquorum g\n", "line 3: a threshold"),
    (f"{TWO}group g some one two\nquorum g\n", "line 3: a threshold"),
    (f"{TWO}group g all\nquorum g\n", "line 3: is no line"),
    (f"{TWO}group g all g\nquorum g\n", "line 3: g is not defined"),
    (f"{TWO}group g all none\nquorum g\n", "line 3: none is not defined"),
    (f"{TWO}group g all one one\nquorum g\n", "line 3: one is a member already"),
    (f"{TWO}group g any one\ngroup h any one\nquorum h\n", "line 4: one is a member already"),
    (f"{TWO}group one any two\nquorum one\n", "line 3: one is defined already"),
    ("quorum none\r\n", "control characters"),
    ("quorum\x0bnone\n", "control characters"),
    ("# \x7f\nquorum none\n", "control characters"),
]


# Keys are random: no name of a test has one.
@pytest.mark.parametrize(("text", "reason"), WRONG, ids=[reason for _, reason in WRONG])
def test_what_is_no_policy_is_refused_with_its_line(text: str, reason: str) -> None:
    with pytest.raises(PolicyMalformed, match=reason):
        parse_policy(text.encode())


def test_32_of_each_are_read() -> None:
    lines = []
    for i in range(32):
        lines.append(f"log {generate_key(f'log.example/{i}').verifier}")
        lines.append(f"witness w{i} {key_of(generate_key(f'witness.example/{i}'))}")
        lines.append(f"group g{i} any w{i}{f' g{i - 1}' if i else ''}")
    policy = parse_policy("\n".join([*lines, "quorum g31"]).encode())
    assert len(policy.logs) == len(policy.witnesses) == len(policy.groups) == 32
    assert policy.is_met([policy.witness_keys[0]])
