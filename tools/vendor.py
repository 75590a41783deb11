"""Files of others that the repository has: fetched from npm, and compared with what is recorded.

    python -m tools.vendor fetch | check

`vendor.toml` has each package's name, version and licence, and each file's SHA-256. No address is
recorded: npm knows its registry.
"""

import json
import subprocess
import sys
import tarfile
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import click

ROOT: Final = Path(__file__).parents[1]
RECORD: Final = "vendor.toml"


class VendorMismatch(Exception):
    """A package or file that is not what is recorded of it."""


@dataclass(frozen=True, slots=True)
class VendoredFile:
    """`path`: below the root; `member`: its path in the package; `digest`: SHA-256 in hex."""

    path: Path
    member: str
    digest: str


@dataclass(frozen=True, slots=True)
class VendoredPackage:
    """`licence`: as the package itself names it, an SPDX expression."""

    name: str
    version: str
    licence: str
    folder: Path
    files: Sequence[VendoredFile]


def recorded(root: Path) -> Sequence[VendoredPackage]:
    """What the record below `root` has."""
    packages = tomllib.loads((root / RECORD).read_text())["package"]
    return [
        VendoredPackage(
            *(each["name"], each["version"], each["licence"], folder := Path(each["folder"])),
            [
                VendoredFile(folder / name, file["of"], file["sha256"])
                for name, file in each["files"].items()
            ],
        )
        for each in packages
    ]


def faults(root: Path) -> Iterator[str]:
    """What differs between the record and the files below `root`."""
    packages = recorded(root)
    files = [file for package in packages for file in package.files]
    for file in files:
        path = root / file.path
        if not path.is_file():
            yield f"{file.path} is missing"
        elif _digest(path.read_bytes()) != file.digest:
            yield f"{file.path} is not the file that {RECORD} records"
    known = {file.path for file in files}
    for folder in sorted({package.folder for package in packages}):
        for path in sorted((root / folder).rglob("*")):
            if path.is_file() and path.relative_to(root) not in known:
                yield f"{path.relative_to(root)} is not in {RECORD}"
    for package in packages:
        if not any("LICENSE" in file.member for file in package.files):
            yield f"{package.name} comes without its licence"


def contents(package: VendoredPackage, tarball: Path) -> dict[Path, bytes]:
    """Contents of the package's files, by their paths. Raises VendorMismatch."""
    with tarfile.open(tarball) as archive:
        licence = json.loads(_read(archive, "package.json")).get("license")
        if licence != package.licence:
            raise VendorMismatch(f"{package.name}: its licence is {licence}")
        found = {file: _read(archive, file.member) for file in package.files}
    wrong = [
        f"{file.path}: {_digest(content)}"
        for file, content in found.items()
        if _digest(content) != file.digest
    ]
    if wrong:
        raise VendorMismatch("other digests than recorded:\n" + "\n".join(wrong))
    return {file.path: content for file, content in found.items()}


def _read(archive: tarfile.TarFile, member: str) -> bytes:
    try:
        file = archive.extractfile(f"package/{member}")
    except KeyError:
        file = None
    if file is None:
        raise VendorMismatch(f"there is no {member} in the package")
    return file.read()


def _digest(content: bytes) -> str:
    return sha256(content).hexdigest()


def _pack(package: VendoredPackage, folder: str) -> Path:
    """The package's tarball, fetched by npm into an empty folder."""
    command = ["npm", "pack", "--silent", "--ignore-scripts", f"{package.name}@{package.version}"]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    (tarball,) = Path(folder).glob("*.tgz")
    return tarball


@click.group()
def main() -> None:
    """Look after the files of others."""


@main.command()
def fetch() -> None:
    """Write all recorded files anew, from npm."""
    for package in recorded(ROOT):
        with TemporaryDirectory() as folder:
            try:
                found = contents(package, _pack(package, folder))
            except (VendorMismatch, OSError, subprocess.CalledProcessError) as error:
                sys.exit(f"{package.name} {package.version}: {error}")
        (ROOT / package.folder).mkdir(parents=True, exist_ok=True)
        for path, content in found.items():
            (ROOT / path).write_bytes(content)


@main.command()
def check() -> None:
    """Exit with 1 where a file is missing, altered, or not recorded."""
    if found := list(faults(ROOT)):
        sys.exit("\n".join(found))


if __name__ == "__main__":
    main()
