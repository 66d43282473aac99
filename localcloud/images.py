"""Images of the process runtime: a copy of the build context under its tag, with what the Dockerfile says of a run.

The CDK CLI builds and pushes image assets with whatever program `CDK_DOCKER` names; `localcloud/docker` calls here.
"""

from __future__ import annotations

import json
import secrets
import shlex
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path

from localcloud import layout


class ImageNotFoundError(Exception):
    """No image of that name was ever built here."""


@dataclass(frozen=True, kw_only=True)
class Image:
    """An image: `folder` is the copy of its context, the rest is from the last stage of its Dockerfile."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    entry_point: tuple[str, ...] = ()
    command: tuple[str, ...] = ()


def _store() -> Path:
    return layout.folder("images")


def name_of(reference: str) -> str:
    """The file name of an image: its tag or digest, which CDK makes from the content."""
    last = reference.rsplit("/", 1)[-1]
    return last.replace("@sha256:", ":").rsplit(":", 1)[-1]


def load(reference: str) -> Image:
    """The image that a task definition names. Raises ImageNotFoundError."""
    described = _store() / f"{name_of(reference)}.json"
    if not described.exists():
        raise ImageNotFoundError(f"CannotPullContainerError: {reference}: no such image was pushed to the local cloud")
    found = json.loads(described.read_text())
    return Image(
        folder=Path(found["folder"]),
        environment=found["environment"],
        entry_point=tuple(found["entry_point"]),
        command=tuple(found["command"]),
    )


def build(context: Path, *, dockerfile: Path, tag: str) -> Image:
    """Copy the context and note what the Dockerfile's last stage sets.

    Each build has a folder of its own: tasks of an earlier build under the same name go on undisturbed.
    """
    name = name_of(tag)
    folder = _store() / f"{name}-{secrets.token_hex(4)}"
    shutil.copytree(context, folder, symlinks=True)
    environment, entry_point, command = _last_stage(dockerfile.read_text())
    image = Image(folder=folder, environment=environment, entry_point=entry_point, command=command)
    _describe(name, image)
    return image


def tag(existing: str, new: str) -> None:
    """Give an image a second name. Raises ImageNotFoundError."""
    _describe(name_of(new), load(existing))


def exists(reference: str) -> bool:
    return (_store() / f"{name_of(reference)}.json").exists()


def prune(*, in_use: set[str]) -> list[str]:
    """Delete every image whose name is not in use, and every folder that no image needs; the names deleted."""
    deleted = []
    needed = set()
    for described in _store().glob("*.json"):
        if described.stem in in_use:
            needed.add(load(described.stem).folder)
        else:
            described.unlink()
            deleted.append(described.stem)
    for folder in _store().iterdir():
        if folder.is_dir() and folder not in needed:
            shutil.rmtree(folder, ignore_errors=True)
    return sorted(deleted)


def _describe(name: str, image: Image) -> None:
    content = {**asdict(image), "folder": str(image.folder)}
    layout.write_private(_store() / f"{name}.json", json.dumps(content, indent=1))


def _last_stage(dockerfile: str) -> tuple[dict[str, str], tuple[str, ...], tuple[str, ...]]:
    """ENV, ENTRYPOINT and CMD as a run of the image sees them: those of its last stage and the stages it comes from."""
    stages: dict[str, tuple[dict[str, str], tuple[str, ...], tuple[str, ...]]] = {}
    environment: dict[str, str] = {}
    entry_point: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    name = ""
    for instruction, rest in _instructions(dockerfile):
        if instruction == "FROM":
            words = rest.split()
            base = next((word for word in words if not word.startswith("--")), "")
            environment, entry_point, command = stages.get(base.lower(), ({}, (), ()))
            environment = dict(environment)
            name = words[-1].lower() if len(words) > 2 and words[-2].upper() == "AS" else ""
        elif instruction == "ENV":
            environment |= _pairs(rest)
        elif instruction == "ENTRYPOINT":
            entry_point, command = _form(rest), ()
        elif instruction == "CMD":
            command = _form(rest)
        if name:
            stages[name] = (environment, entry_point, command)
    return environment, entry_point, command


def _instructions(dockerfile: str) -> list[tuple[str, str]]:
    text = "\n".join(line for line in dockerfile.splitlines() if not line.lstrip().startswith("#"))
    found = []
    for line in text.replace("\\\n", " ").splitlines():
        word, _, rest = line.strip().partition(" ")
        if word:
            found.append((word.upper(), rest.strip()))
    return found


def _pairs(text: str) -> dict[str, str]:
    words = shlex.split(text)
    if words and "=" not in words[0]:
        # The old form: ENV NAME the rest is its value
        return {words[0]: text.split(None, 1)[1] if len(words) > 1 else ""}
    return dict(word.split("=", 1) for word in words if "=" in word)


def _form(text: str) -> tuple[str, ...]:
    """The exec form is a JSON array; the shell form runs under /bin/sh."""
    if text.startswith("["):
        return tuple(json.loads(text))
    return ("/bin/sh", "-c", text)
