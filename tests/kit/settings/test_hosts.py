"""Allowed hosts: those of loopback on a port of loopback, unless a setting lists others."""

import pytest

from audit_service.settings import Settings as AuditSettings
from service_kit.settings.base import ServiceSettings, SettingsError
from service_kit.settings.hosts import LOOPBACK, allowed_hosts
from user_service.settings import Settings as UserSettings

BOTH = pytest.mark.parametrize("settings", [UserSettings, AuditSettings])


@pytest.mark.parametrize("bind", ["127.0.0.1:80", "localhost:80", "[::1]:80"])
def test_unset_a_loopback_address_takes_names_of_loopback_alone(bind: str) -> None:
    assert allowed_hosts("", bind) == LOOPBACK == {"localhost", "127.0.0.1", "[::1]"}


def test_another_loopback_address_may_be_called_by_itself_too() -> None:
    assert allowed_hosts("", "127.0.0.2:80") == LOOPBACK | {"127.0.0.2"}


@pytest.mark.parametrize("bind", ["0.0.0.0:80", "[::]:80", "192.0.2.1:80"])
def test_unset_another_address_takes_any_host(bind: str) -> None:
    assert allowed_hosts("", bind) is None


@pytest.mark.parametrize("own", ["127.0.0.1", "0.0.0.0", "[::]", "some.example"])
def test_listed_hosts_are_taken_beside_those_of_loopback_and_its_own(own: str) -> None:
    listed = {"audit.example", "[fd00::1]"}
    assert allowed_hosts("Audit.Example, [fd00::1]", f"{own}:80") == LOOPBACK | listed | {own}


def test_an_asterisk_takes_any_host() -> None:
    assert allowed_hosts("*", "127.0.0.1:80") is None


@BOTH
@pytest.mark.parametrize("text", ["a:80", "http://a", "a,,b", "a b", "::1", "*.example"])
def test_a_list_with_what_is_no_host_is_refused_by_its_variable(
    monkeypatch: pytest.MonkeyPatch, settings: type[ServiceSettings], text: str
) -> None:
    variable = f"{settings.model_config['env_prefix']}HOSTS"
    monkeypatch.setenv(variable, text)
    with pytest.raises(SettingsError, match=variable):
        settings.load()


@BOTH
def test_each_port_of_a_service_goes_by_its_own_address(settings: type[ServiceSettings]) -> None:
    loaded = settings(bind="0.0.0.0:80")
    assert loaded.hosts_on(loaded.bind) is None
    assert loaded.hosts_on("127.0.0.1:81") == LOOPBACK
