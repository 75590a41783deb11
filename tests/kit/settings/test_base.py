"""Settings from variables: all that is wrong is named, what is secret is not shown."""

import re
from pathlib import Path

import pytest
from pydantic import AliasChoices, Field
from pydantic_settings import SettingsConfigDict

from audit_service.settings import Settings as AuditSettings
from service_kit.settings.base import ServiceSettings, SettingsError
from service_kit.settings.bind_address import host_and_port
from service_kit.settings.redaction import redact
from user_service.settings import Settings as UserSettings

BOTH = pytest.mark.parametrize("settings", [UserSettings, AuditSettings])


class Trial(ServiceSettings):
    """A service's settings, with one of its own and one that a platform may give."""

    model_config = SettingsConfigDict(env_prefix="TRIAL_")

    url: str = Field(
        default="http://default/",
        min_length=3,
        validation_alias=AliasChoices("TRIAL_URL", "PLATFORM_URL"),
    )


def problems() -> list[str]:
    with pytest.raises(SettingsError) as caught:
        Trial.load()
    return caught.value.problems


def test_every_wrong_setting_is_named_at_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    wrong = {
        "TRIAL_BIND": "nowhere",
        "TRIAL_WORKERS": "none",
        "TRIAL_THREADS": "0",
        "TRIAL_LOG_FORMAT": "xml",
        "TRIAL_LOG_LEVEL": "loud",
        "TRIAL_MIGRATE": "perhaps",
        "TRIAL_URL_FILE": str(tmp_path / "missing"),
    }
    for name, value in wrong.items():
        monkeypatch.setenv(name, value)
    named = [problem.split(":")[0] for problem in problems()]
    assert sorted(named) == sorted(name.removesuffix("_FILE") for name in wrong)


def test_the_error_says_all_of_it_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIAL_BIND", "nowhere")
    monkeypatch.setenv("TRIAL_WORKERS", "a\nb")
    with pytest.raises(SettingsError) as caught:
        Trial.load()
    assert re.fullmatch("TRIAL_BIND: must be .*; TRIAL_WORKERS: .*", str(caught.value))


@pytest.mark.parametrize("content", ["http://file/", "http://file/\n", "http://file/\r\n"])
def test_a_file_gives_its_content_less_the_line_end(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str
) -> None:
    (tmp_path / "url").write_bytes(content.encode())
    monkeypatch.setenv("TRIAL_URL_FILE", str(tmp_path / "url"))
    assert Trial.load().url == "http://file/"


def test_a_file_may_give_any_setting(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "threads").write_text("5\n")
    monkeypatch.setenv("TRIAL_THREADS_FILE", str(tmp_path / "threads"))
    assert Trial.load().threads == 5


@pytest.mark.parametrize(
    ("text", "size"),
    [("auto", "auto"), ("0", 0), ("4096", 4096), ("500MB", 500_000_000), ("2 GiB", 2**31)],
)
@BOTH
def test_a_disk_reserve_is_a_number_of_bytes_or_auto(
    settings: type[ServiceSettings], text: str, size: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"{settings.model_config['env_prefix']}DISK_RESERVE", text)
    assert settings.load().disk_reserve == size


@pytest.mark.parametrize("text", ["", "-1", "much", "5%", "2 elephants"])
def test_a_disk_reserve_that_is_no_size_is_named(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRIAL_DISK_RESERVE", text)
    (problem,) = problems()
    assert problem.startswith("TRIAL_DISK_RESERVE: must be auto, or a number of bytes")


def test_the_variable_wins_over_its_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "url").write_text("http://file/")
    monkeypatch.setenv("TRIAL_URL_FILE", str(tmp_path / "url"))
    monkeypatch.setenv("TRIAL_URL", "http://variable/")
    assert Trial.load().url == "http://variable/"


def test_a_file_that_cannot_be_read_is_named_and_never_passed_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TRIAL_URL_FILE", str(tmp_path / "missing"))
    (problem,) = problems()
    assert problem.startswith("TRIAL_URL: cannot read ")
    assert "TRIAL_URL_FILE" in problem
    assert "No such file" in problem


def test_a_file_that_is_not_text_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "url").write_bytes(b"\xff\xfe")
    monkeypatch.setenv("TRIAL_URL_FILE", str(tmp_path / "url"))
    (problem,) = problems()
    assert "not UTF-8" in problem


def test_a_wrong_content_of_a_file_is_named_and_not_repeated(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "url").write_text("s3")
    monkeypatch.setenv("TRIAL_URL_FILE", str(tmp_path / "url"))
    (problem,) = problems()
    assert problem.startswith("TRIAL_URL: ")
    assert "s3" not in problem


def test_settings_do_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Trial().threads = 3


@pytest.mark.parametrize(
    ("bind", "host", "port"),
    [
        ("127.0.0.1:3000", "127.0.0.1", 3000),
        ("0.0.0.0:1", "0.0.0.0", 1),
        ("localhost:65535", "localhost", 65535),
        ("[::1]:8080", "::1", 8080),
    ],
)
def test_an_address_is_host_and_port(
    monkeypatch: pytest.MonkeyPatch, bind: str, host: str, port: int
) -> None:
    monkeypatch.setenv("TRIAL_BIND", bind)
    assert host_and_port(Trial.load().bind) == (host, port)


@pytest.mark.parametrize(
    "bind",
    ["", "x", ":80", "x:", "x:0", "x:65536", "::1:80", "x:80/", "http://x:80", "a b:80", "a..b:80"],
)
def test_a_bind_that_is_no_address_is_refused(monkeypatch: pytest.MonkeyPatch, bind: str) -> None:
    monkeypatch.setenv("TRIAL_BIND", bind)
    assert problems() == ["TRIAL_BIND: must be host:port, for example 127.0.0.1:8080"]


# Variables that are no settings


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("USER_SERVICE_SINKS", "USER_SERVICE_SINK"),
        ("USER_SERVICE_DATABASE", "USER_SERVICE_DATABASE_URL"),
        ("USER_SERVICE_THREAD", "USER_SERVICE_THREADS"),
        ("USER_SERVICE_SINK_FILES", "USER_SERVICE_SINK_FILE"),
    ],
)
def test_a_variable_that_is_no_setting_is_warned_of_with_the_nearest(
    name: str, nearest: str
) -> None:
    (warning,) = UserSettings.unknown_variables({name: "x"})
    assert warning == f"{name} is not a setting; the nearest is {nearest}"


@BOTH
def test_every_setting_and_its_file_is_known(settings: type[ServiceSettings]) -> None:
    names = [name for names in settings.variables().values() for name in names]
    environ = {name: "x" for own in names for name in (own, f"{own}_FILE")}
    assert settings.unknown_variables(environ) == []


def test_variables_of_others_are_no_concern() -> None:
    assert UserSettings.unknown_variables({"AUDIT_SERVICE_X": "", "USER": "", "SERVICE": ""}) == []


@BOTH
def test_variables_that_kubernetes_injects_for_a_service_of_the_name_pass_silently(
    settings: type[ServiceSettings],
) -> None:
    prefix = settings.model_config["env_prefix"]
    injected = [
        "SERVICE_HOST",
        "SERVICE_PORT",
        "SERVICE_PORT_HTTP",
        "PORT",
        "PORT_3000_TCP",
        "PORT_3000_TCP_PROTO",
        "PORT_3000_TCP_PORT",
        "PORT_3000_TCP_ADDR",
        "PORT_53_UDP_ADDR",
    ]
    assert settings.unknown_variables({f"{prefix}{name}": "x" for name in injected}) == []


@BOTH
def test_no_setting_is_named_like_what_kubernetes_injects(settings: type[ServiceSettings]) -> None:
    for names in settings.variables().values():
        for name in names:
            assert not re.search(r"_(PORT|HOST)(_|$)", name)


@BOTH
def test_every_setting_has_a_default_and_a_description(settings: type[ServiceSettings]) -> None:
    for name, field in settings.model_fields.items():
        assert not field.is_required(), name
        assert field.description, name


# What is secret


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://localhost:8080/", "http://localhost:8080/"),
        ("http://me@localhost:8080/", "http://me@localhost:8080/"),
        ("http://me:s3cret@localhost:8080/x", "http://me:***@localhost:8080/x"),
        ("http://:s3cret@localhost/", "http://:***@localhost/"),
        ("postgresql://me:s3/cr?e#t@db/users", "postgresql://me:***@db/users"),
        ("postgresql://me:s3@cr:et@db/users", "postgresql://me:***@db/users"),
        (
            "postgresql://db/users?user=me&password=s3cret",
            "postgresql://db/users?user=me&password=***",
        ),
        (
            "postgresql://db/users?sslpassword=s3cret&x=1",
            "postgresql://db/users?sslpassword=***&x=1",
        ),
        ("sqlite:///data/users.db", "sqlite:///data/users.db"),
        ("16", "16"),
    ],
)
def test_a_password_in_a_url_is_masked_and_nothing_else_is(text: str, shown: str) -> None:
    assert redact(text) == shown


def test_every_setting_is_shown_by_its_variable_with_passwords_masked() -> None:
    shown = Trial(url="http://me:s3cret@sink/").shown()
    assert shown["TRIAL_URL"] == "http://me:***@sink/"
    assert set(shown) == {names[0] for names in Trial.variables().values()}
    assert "s3cret" not in repr(shown)
