"""The README is true: its settings are the settings, its routes the routes, its commands work."""

import re
from pathlib import Path
from typing import Any

import pytest

import audit_service
import user_service
from audit_service.settings import Settings as AuditSettings
from service_kit.settings.base import ServiceSettings, text_of
from user_service.settings import Settings as UserSettings

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()

ROW = re.compile(r"^\| `(\w+)`(?: \(or `(\w+)`\))? \|(?: `(.+)`)? \| (.*) \|$", re.MULTILINE)


def shown(default: object) -> str:
    return str(default).lower() if isinstance(default, bool) else text_of(default)


@pytest.mark.parametrize("settings", [UserSettings, AuditSettings])
def test_every_setting_is_in_the_table_with_its_default_and_description(
    settings: type[ServiceSettings],
) -> None:
    expected = []
    for field, names in settings.variables().items():
        info = settings.model_fields[field]
        alias = names[1] if len(names) > 1 else ""
        expected.append((names[0], alias, shown(info.default), info.description))
    prefix = settings.model_config["env_prefix"]
    assert [row for row in ROW.findall(README) if row[0].startswith(prefix)] == expected


def test_every_route_is_in_the_readme(tmp_path: Path) -> None:
    apps: list[Any] = [
        audit_service.create_app(AuditSettings(database_url=f"sqlite:///{tmp_path}/events.db")),
        user_service.create_app(UserSettings(database_url=f"sqlite:///{tmp_path}/users.db")),
    ]
    for app in apps:
        for rule in app.url_map.iter_rules():
            path = re.sub(r"<(?:\w+:)?(?:user_)?(\w+)>", r"{\1}", rule.rule)
            for method in rule.methods - {"HEAD", "OPTIONS"}:
                assert f"{method} {path}" in README, f"{method} {path}"
    for app in apps:
        app.close()


def test_every_make_target_of_the_readme_exists() -> None:
    targets = set(re.findall(r"make (\w+)", README))
    assert {"run", "test", "check", "install"} <= targets
    for target in targets:
        assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE), target


def test_the_curl_line_is_the_one_that_make_run_prints() -> None:
    (curl,) = re.findall(r"^curl -X POST .*$", README, re.MULTILINE)
    printed = re.search(r"^ *curl -X POST .*$", MAKEFILE, re.MULTILINE)
    assert printed is not None
    assert printed[0].strip().replace("http://%s", "http://localhost:3000") == curl
