"""Reads what is to be judged: a cloud assembly (`cdk.out`), a template, or a folder of templates.

Templates come from anywhere, so their size, depth and aliases are bounded before anything walks through them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from preflight.assembly import Assembly, Stack
from preflight.values import mapping

MAX_BYTES = 16_000_000
_MAX_YAML_BYTES = 4_000_000
_MAX_STACKS = 500
_MAX_DEPTH = 300
_MAX_VALUES = 1_000_000
_SUFFIXES = (".json", ".yaml", ".yml", ".template")


class LoadError(Exception):
    """What could not be read, where, and why; the message is for people."""


def load(path: Path) -> Assembly:
    """Everything at `path`. Raises LoadError with a message that names the file."""
    if path.is_dir():
        return load_assembly(path) if (path / "manifest.json").is_file() else _load_folder(path)
    if not path.is_file():
        raise LoadError(f"{path}: there is no such file or folder")
    assembly = Assembly()
    assembly.stacks.append(_bare_stack(path, assembly))
    return assembly


def load_assembly(folder: Path) -> Assembly:
    """A cloud assembly with its nested assemblies (stages) and nested stacks."""
    assembly = Assembly()
    _add_artifacts(folder, assembly)
    if not assembly.stacks:
        raise LoadError(f"{folder}: its manifest names no stack")
    return assembly


def single(template: Any, *, name: str = "Template", region: str | None = None) -> Assembly:
    """An assembly of one template that is in memory. Raises LoadError where it is none."""
    assembly = Assembly()
    assembly.stacks.append(Stack(name, _checked(template, name), assembly, file=name, region=region))
    return assembly


def _load_folder(folder: Path) -> Assembly:
    assembly = Assembly()
    for file in sorted(found for found in folder.iterdir() if found.suffix in _SUFFIXES and found.is_file()):
        try:
            assembly.stacks.append(_bare_stack(file, assembly))
        except LoadError as error:
            # A folder may hold other JSON and YAML; what calls itself a template has to be one.
            if "Resources" in file.read_text(errors="replace"):
                raise error from None
    if not assembly.stacks:
        raise LoadError(f"{folder}: there is neither a manifest.json nor a template in it")
    return assembly


def _bare_stack(file: Path, assembly: Assembly) -> Stack:
    template, size = read_template(file)
    return Stack(re.sub(r"\.template$", "", file.stem), template, assembly, file=str(file), size=size)


def _add_artifacts(folder: Path, assembly: Assembly) -> None:
    manifest, _ = _read(folder / "manifest.json")
    artifacts = mapping(manifest).get("artifacts")
    if not isinstance(artifacts, dict):
        raise LoadError(f"{folder / 'manifest.json'}: it is no manifest of a cloud assembly")
    names = {key: _stack_name(key, artifact) for key, artifact in artifacts.items() if isinstance(artifact, dict)}
    for key, artifact in artifacts.items():
        if not isinstance(artifact, dict):
            continue
        properties = mapping(artifact.get("properties"))
        if artifact.get("type") == "cdk:cloud-assembly":
            _add_artifacts(_inside(folder, properties.get("directoryName")), assembly)
        elif artifact.get("type") == "aws:cloudformation:stack":
            file = _inside(folder, properties.get("templateFile"))
            template, size = read_template(file, empty=True)
            account, region = _environment(artifact.get("environment"))
            dependencies = artifact.get("dependencies")
            dependencies = dependencies if isinstance(dependencies, list) else []
            stack = Stack(
                names[key],
                template,
                assembly,
                file=str(file),
                region=region,
                account=account,
                termination_protection=properties.get("terminationProtection"),
                depends_on=frozenset(names.get(one, one) for one in dependencies if isinstance(one, str)),
                size=size,
                construct_paths=_construct_paths(folder, artifact),
            )
            assembly.stacks.append(stack)
            _add_nested(folder, stack)


def _construct_paths(folder: Path, artifact: dict[str, Any]) -> dict[str, str]:
    """Construct paths by logical id, from the manifest's metadata: templates carry them only where the CLI asks."""
    entries = artifact.get("metadata")
    if isinstance(name := artifact.get("additionalMetadataFile"), str):
        entries, _ = _read(_inside(folder, name))
    return {
        entry["data"]: path.removeprefix("/")
        for path, written in mapping(entries).items()
        for entry in (written if isinstance(written, list) else ())
        if isinstance(entry, dict) and entry.get("type") == "aws:cdk:logicalId" and isinstance(entry.get("data"), str)
    }


def _add_nested(folder: Path, parent: Stack) -> None:
    if len(parent.assembly.stacks) > _MAX_STACKS:
        raise LoadError(f"{folder}: more than {_MAX_STACKS} stacks; does a template nest itself?")
    for logical_id, resource in parent.all_resources.items():
        asset = mapping(resource.raw.get("Metadata")).get("aws:asset:path")
        if resource.type != "AWS::CloudFormation::Stack" or not isinstance(asset, str):
            continue
        file = _inside(folder, asset)
        if not file.is_file():
            continue
        template, size = read_template(file)
        stack = Stack(
            f"{parent.name}-{logical_id}",
            template,
            parent.assembly,
            file=str(file),
            region=parent.region,
            account=parent.account,
            size=size,
            parameter_values=mapping(resource.get("Parameters").value),
            parent=parent,
        )
        parent.nested[logical_id] = stack
        parent.assembly.stacks.append(stack)
        _add_nested(folder, stack)


def _stack_name(key: str, artifact: dict[str, Any]) -> str:
    name = mapping(artifact.get("properties")).get("stackName")
    return name if isinstance(name, str) else key


def _inside(folder: Path, name: Any) -> Path:
    """A file that the manifest names; it may not lead out of the assembly."""
    if not isinstance(name, str):
        raise LoadError(f"{folder / 'manifest.json'}: a stack without a template file")
    try:
        found = (folder / name).resolve()
    except (OSError, ValueError, RuntimeError):
        raise LoadError(f"{folder / 'manifest.json'}: no file can have the name {name[:100]!r}") from None
    if not found.is_relative_to(folder.resolve().parent):
        raise LoadError(f"{folder / 'manifest.json'}: {name} is outside of the assembly")
    return found


def _environment(written: Any) -> tuple[str | None, str | None]:
    found = re.fullmatch(r"aws://([^/]+)/([^/]+)", written) if isinstance(written, str) else None
    if not found:
        return None, None
    return tuple(None if part.startswith("unknown-") else part for part in found.groups())  # type: ignore[return-value]


def read_template(file: Path, *, empty: bool = False) -> tuple[dict[str, Any], int]:
    """A template, JSON or YAML, and its size in bytes; `empty` allows one without resources. Raises LoadError."""
    content, size = _read(file)
    return _checked(content, str(file), empty=empty), size


def _checked(content: Any, file: str, *, empty: bool = False) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise LoadError(f"{file}: a template is a mapping, this is {_kind(content)}")
    # A snippet may bring them all.
    resources = content.get("Resources", {} if empty or "Transform" in content else None)
    if not isinstance(resources, dict):
        raise LoadError(f"{file}: it has no mapping called Resources")
    for name, resource in resources.items():
        if str(name).startswith(("Fn::ForEach::", "Fn::Transform")):
            continue
        if not isinstance(resource, dict) or not isinstance(resource.get("Type"), str):
            raise LoadError(f"{file}: resource {str(name)[:100]} has no Type")
    _bounded(content, file)
    return content


def _bounded(content: Any, file: str) -> None:
    """Refuses what would take too long to walk: YAML aliases can make a small file very large."""
    pending, values = [(content, 1)], 1
    while pending:
        value, depth = pending.pop()
        children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        values += len(children)
        if values > _MAX_VALUES:
            raise LoadError(f"{file}: it holds more than {_MAX_VALUES:,} values")
        if depth > _MAX_DEPTH and children:
            raise LoadError(f"{file}: it is nested more than {_MAX_DEPTH} levels deep")
        pending.extend((child, depth + 1) for child in children)


def _read(file: Path) -> tuple[Any, int]:
    try:
        size = file.stat().st_size
        if size > MAX_BYTES:
            raise LoadError(f"{file}: {size:,} bytes; CloudFormation takes templates up to 1 MB, we read {MAX_BYTES:,}")
        text = file.read_bytes().decode()
    except OSError as error:
        raise LoadError(f"{file}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise LoadError(f"{file}: it is not UTF-8 ({error.reason} at byte {error.start})") from None
    if text.lstrip("\ufeff \t\r\n").startswith("{"):
        return _json(text.lstrip("\ufeff"), file), size
    if size > _MAX_YAML_BYTES:
        raise LoadError(f"{file}: {size:,} bytes of YAML; CloudFormation takes templates up to 1 MB")
    return _yaml(text, file), size


def _json(text: str, file: Path) -> Any:
    try:
        return json.loads(text)
    except RecursionError:
        raise LoadError(f"{file}: it is nested too deeply") from None
    except ValueError as error:
        try:
            return _yaml(text, file)  # flow-style YAML also begins with a brace
        except LoadError:
            raise LoadError(f"{file}: it is not JSON: {error}") from None


def _yaml(text: str, file: Path) -> Any:
    try:
        _shallow(yaml.parse(text, Loader=TemplateLoader), file)
        return yaml.load(text, Loader=TemplateLoader)  # noqa: S506  (a safe loader)
    except yaml.YAMLError as error:
        raise LoadError(f"{file}: it is not YAML: {' '.join(str(error).split())[:300]}") from None
    except (ValueError, RecursionError) as error:
        raise LoadError(f"{file}: it cannot be read: {str(error)[:300]}") from None


def _shallow(events: Iterator[Any], file: Path) -> None:
    """libyaml composes by recursion in C, which ends the process when it runs out of stack: depth is counted first."""
    depth = 0
    for event in events:
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _MAX_DEPTH:
                raise LoadError(f"{file}: it is nested more than {_MAX_DEPTH} levels deep")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


class TemplateLoader(yaml.CSafeLoader):
    """Safe YAML with CloudFormation's short tags; dates stay texts, keys are texts.

    Of a key given twice the last one counts, as with CloudFormation and in JSON:
    https://github.com/go-to-k/cdk-real-drift/issues/1074 (cfn-lint says so of each, E0000).
    """


def _short_form(loader: Any, suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = _mapping_of(loader, node)
    if suffix in ("Ref", "Condition"):
        return {suffix: value}
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {f"Fn::{suffix}": value}


def _mapping_of(loader: Any, node: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key_node, value_node in node.value:
        if key_node.tag == "tag:yaml.org,2002:merge":
            raise yaml.constructor.ConstructorError(
                None, None, "CloudFormation supports no merge keys (<<)", key_node.start_mark
            )
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, str | int | float | bool):
            raise yaml.constructor.ConstructorError(None, None, "a key that is no text", key_node.start_mark)
        found[str(key)] = loader.construct_object(value_node, deep=True)
    return found


def _number(loader: Any, node: Any) -> Any:
    """YAML 1.1 reads 1:30 to the base of sixty, which takes for ever on a long one; nobody means that in a template."""
    value = loader.construct_scalar(node)
    if ":" in value or len(value) > 64:
        return value
    kind = "int" if node.tag.endswith(":int") else "float"
    return getattr(loader, f"construct_yaml_{kind}")(node)


TemplateLoader.add_constructor("tag:yaml.org,2002:int", _number)
TemplateLoader.add_constructor("tag:yaml.org,2002:float", _number)
TemplateLoader.add_multi_constructor("!", _short_form)
TemplateLoader.add_constructor("tag:yaml.org,2002:map", _mapping_of)
TemplateLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def _kind(content: Any) -> str:
    names = {list: "a list", str: "a text", type(None): "empty"}
    return names.get(type(content), f"a {type(content).__name__}")
