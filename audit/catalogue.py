"""The rules of cdk-nag's packs, with the controls that they are evidence for, from the installed package itself.

A pack's report names only what it has found. What it has looked for is read here, so that a rule without a finding can
be told from one that had nothing to look at. The sources are JavaScript that TypeScript's compiler has written, one
property a line; `tests/audit/test_catalogue.py` fails where a new version is written in another way.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from audit.assembly import AuditError
from audit.pack.rule import PACK
from audit.pack.rules import all_rules

PACKS = {
    "AwsSolutions": "aws-solutions",
    "NIST.800.53.R5": "nist-800-53-r5",
    "HIPAA.Security": "hipaa-security",
    "PCI.DSS.321": "pci-dss-321",
}
"""The packs that a synth runs, by the name in their reports, and the file that holds each."""

FRAMEWORKS = {
    "AwsSolutions": "AWS Solutions",
    "NIST.800.53.R5": "NIST SP 800-53 Rev. 5",
    "HIPAA.Security": "HIPAA Security Rule (45 CFR Part 164)",
    "PCI.DSS.321": "PCI DSS 3.2.1",
    PACK: "Promises of this platform",
}
NIST = FRAMEWORKS["NIST.800.53.R5"]
"""The framework whose controls the rules of our own pack name."""

_APPLIED = re.compile(r"this\.applyRule\(\{(.*?)\n\s*\}\);", re.DOTALL)
_TEXT = r"""\s*(?P<quote>['"`])(?P<text>(?:\\.|(?!(?P=quote)).)*)(?P=quote)"""
_RULE = re.compile(r"rule:\s*(?P<group>\w+?)_\d+\.(?P<name>\w+)")
_CONTROLS = re.compile(r"\s*-?\s*\(Control IDs?: (?P<ids>.*)\)\.?\s*$")
_CLASS = re.compile(r"instanceof (?P<module>aws_\w+?)_\d+\.Cfn(?P<name>\w+)")


@dataclass(frozen=True, kw_only=True)
class Listed:
    """One rule as a pack lists it.

    `classes` are the CDK classes that it looks at, (`aws_s3`, `Bucket`); empty where it looks at whole templates.
    """

    pack: str
    id: str
    title: str
    why: str
    controls: tuple[str, ...]
    classes: frozenset[tuple[str, str]]


def version() -> str:
    return importlib.metadata.version("cdk-nag")


@cache
def rules() -> tuple[Listed, ...]:
    """Every rule of every pack. Raises AuditError where the package is written in another way than is known here."""
    files = _sources()
    found = tuple(rule for pack, name in PACKS.items() for rule in _pack(pack, files[f"packs/{name}.js"], files))
    if missing := [pack for pack in PACKS if sum(rule.pack == pack for rule in found) < 50]:
        raise AuditError(
            f"cdk-nag {version()}: no rules were understood of {', '.join(missing)}; see audit/catalogue.py"
        )
    return found + tuple(
        Listed(pack=PACK, id=rule.id, title=rule.title, why=rule.why, controls=rule.controls, classes=frozenset())
        for rule in all_rules()
    )


def _sources() -> dict[str, str]:
    """cdk-nag's JavaScript, by the path below its `lib`. The module is not imported: that would start Node.js."""
    spec = importlib.util.find_spec("cdk_nag")
    if spec is None or spec.origin is None:
        raise AuditError("cdk-nag is not installed: make setup")
    (archive,) = (Path(spec.origin).parent / "_jsii").glob("cdk-nag@*.tgz")
    with tarfile.open(archive) as tar:
        return {
            member.name.removeprefix("package/lib/"): stream.read().decode()
            for member in tar
            if member.name.startswith(("package/lib/packs/", "package/lib/rules/")) and member.name.endswith(".js")
            if (stream := tar.extractfile(member))
        }


def _pack(pack: str, source: str, files: dict[str, str]) -> Iterator[Listed]:
    for applied in _APPLIED.finditer(source):
        block = applied[1]
        rule = _RULE.search(block)
        if rule is None:
            continue
        info = _property(block, "info")
        controls = _CONTROLS.search(info)
        suffix = _property(block, "ruleSuffixOverride") or rule["name"]
        code = files.get(f"rules/{rule['group']}/{rule['name']}.js", "")
        yield Listed(
            pack=pack,
            id=f"{pack}-{suffix}",
            title=_CONTROLS.sub("", info).rstrip(". "),
            why=_property(block, "explanation"),
            controls=_identifiers(controls["ids"]) if controls else (),
            classes=frozenset((found["module"], found["name"]) for found in _CLASS.finditer(code)),
        )


def _property(block: str, name: str) -> str:
    found = re.search(rf"^\s*{name}:{_TEXT}", block, re.MULTILINE | re.DOTALL)
    return re.sub(r"\\(.)", r"\1", found["text"]) if found else ""


def _identifiers(written: str) -> tuple[str, ...]:
    """`AC-2(1), CM-6a` as identifiers, each once; the package forgets a closing bracket here and there."""
    names = (one.strip().rstrip(".") for one in written.split(",") if one.strip())
    return tuple(dict.fromkeys(name + ")" * (name.count("(") - name.count(")")) for name in names))


def types_of(listed: Listed, present: set[str]) -> tuple[str, ...]:
    """Those of the CloudFormation types `present` in an assembly that the rule looks at."""
    wanted = {(module.removeprefix("aws_"), name.lower()) for module, name in listed.classes}
    return tuple(sorted(kind for kind in present if _class_of(kind) in wanted))


def _class_of(kind: str) -> tuple[str, str]:
    _, _, rest = kind.partition("::")
    service, _, name = rest.partition("::")
    return service.lower(), name.lower()
