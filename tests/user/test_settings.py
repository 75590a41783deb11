"""Settings of the user service: sources, defaults, refusals."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from service_kit.settings.base import SettingsError
from user_service.settings import Settings


def test_without_any_variable_the_defaults_are_those_of_the_readme() -> None:
    settings = Settings.load()
    assert settings.bind == "127.0.0.1:3000"
    assert settings.database_url == "sqlite:///data/users.db"
    assert settings.sink == "http://localhost:8080/"
    assert settings.delivery == "direct"
    assert settings.delivery_timeout == 2.5
    assert settings.event_source == "github.com/eminetto/post-cloudevents"
    assert settings.threads == 16
    assert (settings.argon2_memory_kib, settings.argon2_iterations) == (19456, 2)


with_aliases = pytest.mark.parametrize(
    ("name", "alias", "urls"),
    [
        ("USER_SERVICE_SINK", "K_SINK", ("http://ours/", "http://theirs/")),
        ("USER_SERVICE_DATABASE_URL", "DATABASE_URL", ("sqlite:///a.db", "postgresql://db/users")),
    ],
)


def _loaded(name: str) -> object:
    return getattr(Settings.load(), name.removeprefix("USER_SERVICE_").lower())


@with_aliases
def test_the_variable_that_a_platform_injects_is_the_fallback(
    monkeypatch: pytest.MonkeyPatch, name: str, alias: str, urls: tuple[str, str]
) -> None:
    ours, theirs = urls
    monkeypatch.setenv(alias, theirs)
    assert _loaded(name) == theirs
    monkeypatch.setenv(name, ours)
    assert _loaded(name) == ours


@with_aliases
def test_a_wrong_value_is_named_by_the_variable_that_has_it(
    monkeypatch: pytest.MonkeyPatch, name: str, alias: str, urls: tuple[str, str]
) -> None:
    monkeypatch.setenv(alias, "mysql://x")
    with pytest.raises(SettingsError) as caught:
        Settings.load()
    (problem,) = caught.value.problems
    assert problem.startswith(f"{alias}: must ")


@with_aliases
def test_a_file_takes_the_place_of_its_variable_in_the_order_of_the_names(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, alias: str, urls: tuple[str, str]
) -> None:
    ours, theirs = urls
    (tmp_path / "ours").write_text(ours + "\n")
    (tmp_path / "theirs").write_text(theirs + "\n")
    monkeypatch.setenv(f"{alias}_FILE", str(tmp_path / "theirs"))
    assert _loaded(name) == theirs
    monkeypatch.setenv(f"{name}_FILE", str(tmp_path / "ours"))
    assert _loaded(name) == ours
    monkeypatch.setenv(alias, "ignored, since the own name comes first, file or not")
    assert _loaded(name) == ours
    monkeypatch.setenv(name, theirs)
    assert _loaded(name) == theirs


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("USER_SERVICE_SINK", ""),
        ("USER_SERVICE_SINK", "localhost:8080"),
        ("USER_SERVICE_SINK", "ftp://localhost/"),
        ("USER_SERVICE_SINK", "http://"),
        ("USER_SERVICE_SINK", "http:///path"),
        ("USER_SERVICE_SINK", "http://local host/"),
        ("USER_SERVICE_SINK", "http://localhost:port/"),
        ("USER_SERVICE_SINK", "http://localhost:0/"),
        ("USER_SERVICE_SINK", "http://localhost:65536/"),
        ("USER_SERVICE_SINK", "http://[::1/"),
        ("USER_SERVICE_SINK", "http://localhost/\nx"),
        ("USER_SERVICE_SINK", "kafka://127.0.0.1:9092"),
        ("USER_SERVICE_SINK", "kafka://127.0.0.1:9092/a/b"),
        ("USER_SERVICE_SINK", "kafka://me:s3cret@127.0.0.1/audit"),
        ("USER_SERVICE_SINK", "kafka://127.0.0.1/audit?acks=0"),
        ("USER_SERVICE_KAFKA_MODE", "batched"),
        ("USER_SERVICE_DATABASE_URL", ""),
        ("USER_SERVICE_DATABASE_URL", "data/users.db"),
        ("USER_SERVICE_DATABASE_URL", "mysql://localhost/users"),
        ("USER_SERVICE_DATABASE_URL", "sqlite://"),
        ("USER_SERVICE_DATABASE_URL", "sqlite:///:memory:"),
        ("USER_SERVICE_DATABASE_URL", "postgresql://localhost:port/users"),
        ("USER_SERVICE_DELIVERY", "outbox-or-so"),
        ("USER_SERVICE_DELIVERY_TIMEOUT", "0"),
        ("USER_SERVICE_DELIVERY_TIMEOUT", "-1"),
        ("USER_SERVICE_DELIVERY_TIMEOUT", "nan"),
        ("USER_SERVICE_DELIVERY_TIMEOUT", "inf"),
        ("USER_SERVICE_DELIVERY_TIMEOUT", "2.5s"),
        ("USER_SERVICE_EVENT_SOURCE", ""),
        ("USER_SERVICE_EVENT_SOURCE", "not a reference"),
        ("USER_SERVICE_EVENT_SOURCE", "%zz"),
        ("USER_SERVICE_PASSWORD_MIN_LENGTH", "0"),
        ("USER_SERVICE_PASSWORD_MIN_LENGTH", "1025"),
        ("USER_SERVICE_ARGON2_MEMORY_KIB", "7"),
        ("USER_SERVICE_ARGON2_ITERATIONS", "0"),
        ("USER_SERVICE_THREADS", "3"),
    ],
)
def test_a_wrong_value_is_refused_by_name_and_not_repeated(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        Settings.load()
    (problem,) = caught.value.problems
    assert problem.startswith(f"{name}: ")
    assert "\n" not in problem


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("USER_SERVICE_SINK", "http://localhost"),
        ("USER_SERVICE_SINK", "https://me:secret@sink.example:8443/in?x=1"),
        ("USER_SERVICE_SINK", "http://[::1]:8080/"),
        ("USER_SERVICE_SINK", "kafka://a,b:9093/audit?security.protocol=SSL"),
        ("USER_SERVICE_DATABASE_URL", "sqlite:////var/lib/users.db"),
        ("USER_SERVICE_DATABASE_URL", "postgresql://me:secret@db/users"),
        ("USER_SERVICE_EVENT_SOURCE", "urn:x:y"),
    ],
)
def test_a_right_value_is_accepted_as_it_is(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    assert _loaded(name) == value


def test_passwords_are_masked_where_settings_are_shown() -> None:
    shown = Settings(
        sink="https://me:s3cret@sink/", database_url="postgresql://me:pa%2Fss%40w%3Frd@db/users"
    ).shown()
    assert shown["USER_SERVICE_SINK"] == "https://me:***@sink/"
    assert shown["USER_SERVICE_DATABASE_URL"] == "postgresql://me:***@db/users"


def test_the_passwords_of_a_topic_come_from_files_and_are_masked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "password").write_text("s3cret-word\n")
    monkeypatch.setenv("USER_SERVICE_SINK", "kafka://a/t?ssl.key.password=s3cret-word")
    monkeypatch.setenv("USER_SERVICE_KAFKA_PASSWORD_FILE", str(tmp_path / "password"))
    monkeypatch.setenv("USER_SERVICE_KAFKA_KEY_PASSWORD_FILE", str(tmp_path / "password"))
    settings = Settings.load()
    assert settings.kafka_password.get_secret_value() == "s3cret-word"
    assert settings.kafka_key_password.get_secret_value() == "s3cret-word"
    assert "s3cret-word" not in repr((settings.shown(), settings.kafka_password))


def test_settings_are_given_by_their_field_names_in_code() -> None:
    assert Settings(sink="http://x/", database_url="sqlite:///x.db").sink == "http://x/"


def test_a_field_that_does_not_exist_is_refused_in_code() -> None:
    with pytest.raises(ValidationError):
        # mypy sees the mistake, too.
        Settings(snik="http://x/")  # type: ignore[call-arg]
