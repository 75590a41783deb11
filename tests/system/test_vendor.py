"""Files of others are as recorded, with their licences, and nothing lies beside them."""

import io
import json
import tarfile
import zipfile
from hashlib import sha256
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

from tools import vendor

CHART = b"export {}\n"
LICENCE = b"All may"


def digest(content: bytes) -> str:
    return sha256(content).hexdigest()


def write_record(root: Path, licence: str = "MIT", chart: bytes = CHART) -> None:
    (root / "vendor.toml").write_text(
        f'[[package]]\nname = "chart"\nversion = "1.0.0"\nlicence = "{licence}"\nfolder = "page"\n'
        f'[package.files]\n"chart.js" = {{ of = "dist/chart.js", sha256 = "{digest(chart)}" }}\n'
        f'"LICENSE.txt" = {{ of = "LICENSE", sha256 = "{digest(LICENCE)}" }}\n'
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_record(tmp_path)
    (tmp_path / "page").mkdir()
    (tmp_path / "page" / "chart.js").write_bytes(CHART)
    (tmp_path / "page" / "LICENSE.txt").write_bytes(LICENCE)
    return tmp_path


@pytest.fixture
def tarball(tmp_path: Path) -> Path:
    members = {
        "package.json": json.dumps({"license": "MIT"}).encode(),
        "dist/chart.js": CHART,
        "LICENSE": LICENCE,
    }
    path = tmp_path / "chart.tgz"
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members.items():
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return path


def test_the_files_of_this_repository_are_those_that_it_records() -> None:
    assert list(vendor.faults(vendor.ROOT)) == []


def test_nothing_is_found_where_all_is_as_recorded(root: Path) -> None:
    assert list(vendor.faults(root)) == []


def test_an_altered_file_is_found(root: Path) -> None:
    (root / "page" / "chart.js").write_bytes(CHART + b"\n")
    assert list(vendor.faults(root)) == ["page/chart.js is not the file that vendor.toml records"]


def test_a_missing_file_is_found(root: Path) -> None:
    (root / "page" / "chart.js").unlink()
    assert list(vendor.faults(root)) == ["page/chart.js is missing"]


@pytest.mark.parametrize("name", ["other.js", "parts/chart.js", ".hidden"])
def test_a_file_that_nobody_recorded_is_found(root: Path, name: str) -> None:
    path = root / "page" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(CHART)
    assert list(vendor.faults(root)) == [f"page/{name} is not in vendor.toml"]


def test_a_package_without_its_licence_is_found(root: Path) -> None:
    record = root / "vendor.toml"
    record.write_text("\n".join(record.read_text().splitlines()[:-1]))
    (root / "page" / "LICENSE.txt").unlink()
    assert list(vendor.faults(root)) == ["chart comes without its licence"]


def test_recorded_files_are_taken_from_a_package(root: Path, tarball: Path) -> None:
    (package,) = vendor.recorded(root)
    expected = {Path("page/chart.js"): CHART, Path("page/LICENSE.txt"): LICENCE}
    assert vendor.contents(package, tarball) == expected


def test_a_file_of_another_digest_is_refused_and_its_digest_told(root: Path, tarball: Path) -> None:
    write_record(root, chart=b"before")
    (package,) = vendor.recorded(root)
    with pytest.raises(vendor.VendorMismatch, match=f"page/chart.js: {digest(CHART)}"):
        vendor.contents(package, tarball)


def test_a_package_whose_licence_changed_is_refused(root: Path, tarball: Path) -> None:
    write_record(root, licence="Apache-2.0")
    (package,) = vendor.recorded(root)
    with pytest.raises(vendor.VendorMismatch, match="its licence is MIT"):
        vendor.contents(package, tarball)


def test_a_wheel_has_all_that_is_served_and_none_of_the_tests(tmp_path: Path) -> None:
    (wheel,) = WheelBuilder(str(vendor.ROOT)).build(directory=str(tmp_path), versions=["standard"])
    names = set(zipfile.ZipFile(wheel).namelist())
    served = {
        str(path.relative_to(vendor.ROOT))
        for folder in ("audit_service", "user_service", "service_kit")
        for path in (vendor.ROOT / folder).rglob("*")
        if path.suffix in {".js", ".css", ".html", ".svg", ".png", ".ico", ".txt"}
    }
    assert "service_kit/http/scripts/api_docs.js" in served
    assert served <= names
    assert not [name for name in names if name.startswith("tests/")]
