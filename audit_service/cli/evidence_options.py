"""Options of commands that check what was signed: whose key it is, and which witnesses count."""

from pathlib import Path
from typing import Any

import click

from audit_service.evidence.note_keys import KeyMalformed, VerifierKey, parse_verifier_key
from audit_service.evidence.witness_policy import (
    NO_WITNESSES,
    PolicyMalformed,
    WitnessPolicy,
    parse_policy,
)


class _Key(click.ParamType[VerifierKey]):
    name = "key"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> VerifierKey:
        try:
            return parse_verifier_key(value)
        except KeyMalformed as error:
            self.fail(f"the key {error}", param, ctx)


class _Policy(click.ParamType[WitnessPolicy]):
    name = "file"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> WitnessPolicy:
        try:
            return parse_policy(Path(value).read_bytes())
        except OSError as error:
            self.fail(f"{value}: {error.strerror}", param, ctx)
        except PolicyMalformed as error:
            self.fail(f"{value}: {error}", param, ctx)


vkey_option = click.option(
    "--vkey",
    type=_Key(),
    required=True,
    help="The log's verifier key, from a place that the log's operator does not keep.",
)
policy_option = click.option(
    "--policy",
    type=_Policy(),
    callback=lambda _context, _parameter, policy: policy or NO_WITNESSES,
    help="A file of C2SP's tlog-policy: witnesses that have to have seen the log, too.",
)
