"""Versions of the application to rehearse with: its source with one module of `planted/` added.

Every source made here is a release of its own, even of the same version: it carries the moment it was made.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from localcloud import layout
from localcloud.console import LocalCloudError

PLANTED = Path(__file__).resolve().parent / "planted"

_INNERMOST = '\nMIDDLEWARE.append("spendsmart.rehearsed.Middleware")\n'
_OUTERMOST = '\nMIDDLEWARE.insert(0, "spendsmart.rehearsed.Middleware")\n'
"""What goes to the end of the settings. The outermost middleware alone sees health checks."""

_NEEDED = ("app.py", "cdk.json", "app_src", "config", "infra", "pipelines", "preflight", "scripts", "stacks")
"""What `cdk deploy` reads of the repository."""

_LINKED = (".venv", "node_modules")


@dataclass(frozen=True, kw_only=True)
class Version:
    """`module` of `planted/` is added as a middleware, `outermost` or innermost.

    With `migration` there is another migration, of accounts;
    `raises` names a whole number in the environment's file in `config/`, which becomes one more.
    """

    name: str
    says: str
    module: str = "good"
    outermost: bool = False
    migration: bool = False
    raises: str = ""


VERSIONS = {
    version.name: version
    for version in (
        Version(name="good", says="says in each answer how long it took"),
        Version(name="5xx", says="answers 20 % of requests with 500", module="errors"),
        Version(name="slow", says="takes five times as long to answer", module="slow"),
        Version(name="leak", says="keeps a database connection of each request", module="leak"),
        Version(name="health", says="never becomes healthy", module="unready", outermost=True),
        Version(name="migration", says="has a migration that PostgreSQL refuses", migration=True),
        Version(
            name="no-image",
            says="is the same application; its workers are scaled a little later",
            module="",
            raises="backlog_per_task",
        ),
        Version(name="smoke", says="is healthy, but nobody can log in", module="no_login"),
    )
}


def check_out(version: Version | None, *, env: str, folder: Path, source: Path = layout.REPOSITORY) -> Path:
    """A copy of what the CDK app in `source` is made of, with `version` in its application (None: as it is); `folder`.

    Raises LocalCloudError when `source` is not complete, or when the configuration has no such number to raise.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in _NEEDED:
        original = source / name
        if original.is_dir():
            shutil.copytree(original, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
        elif original.is_file():
            shutil.copy2(original, folder / name)
        else:
            raise LocalCloudError(f"{original} is missing", remedy="run this in a whole checkout of the repository")
    for name in _LINKED:
        (folder / name).symlink_to((layout.REPOSITORY / name).resolve())
    if version is None:
        return folder
    apply(version, folder / "app_src", made_at=datetime.now(UTC))
    if version.raises:
        _raise(folder / "config" / f"{env}.toml", version.raises)
    return folder


def _raise(file: Path, key: str) -> None:
    text, changed = re.subn(rf"(?m)^{key} = (\d+)", lambda found: f"{key} = {int(found[1]) + 1}", file.read_text())
    if not changed:
        raise LocalCloudError(f"{file.name} has no whole number {key}")
    file.write_text(text)


def apply(version: Version, application: Path, *, made_at: datetime) -> None:
    """Change the application's source below `application` into `version`."""
    if not version.module:
        return
    module = (PLANTED / f"{version.module}.py").read_text()
    stamp = f"\n# {version.name}, made {made_at.isoformat()}\n"
    (application / "spendsmart" / "rehearsed.py").write_text(module + stamp)
    with (application / "spendsmart" / "settings.py").open("a") as settings:
        settings.write(_OUTERMOST if version.outermost else _INNERMOST)
    if version.migration:
        migrations = application / "accounts" / "migrations"
        latest = max(path.stem for path in migrations.glob("[0-9]*.py"))
        text = (PLANTED / "migration.py").read_text().replace('LATEST = ""', f'LATEST = "{latest}"')
        (migrations / "9999_from_the_future.py").write_text(text)
