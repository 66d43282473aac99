"""`python -m audit write --env prod`: evidence for auditors; `python -m audit verify FOLDER`: is it still what it was?

Ends with 0 when everything holds, 1 when something does not, 2 when the question could not be put.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from datetime import UTC, datetime
from pathlib import Path

from audit.assembly import AuditError
from audit.making import Order, about, make
from audit.model import Report, State
from audit.opinions.explained import FILE, explanations, idle
from audit.outputs.document import counts, stamp
from audit.outputs.files import write
from audit.signing import MANIFEST, signing_key, verify

ROOT = Path(__file__).resolve().parents[1]


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        return _COMMANDS[options.command](options)
    except AuditError as error:
        print(f"audit: {error}", file=sys.stderr)
        return 2


def _write(options: argparse.Namespace) -> int:
    report = make(
        Order(
            environment=options.env,
            assembly=options.assembly,
            root=ROOT,
            made_at=options.now,
            commit=options.commit,
            tree=options.tree,
            uncommitted=options.uncommitted,
            beside=tuple(folder for folder in options.beside if folder.resolve() != options.assembly.resolve()),
            cache=options.cache,
            against=options.against,
            key=options.key,
        )
    )
    inputs = {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(options.assembly.glob("*.template.json"))
    }
    sealed = about(report, inputs) | {"made_at": stamp(report.made_at), "tree": options.tree}
    folder = options.output / options.env
    fingerprint = write(report, folder, root=ROOT, about=sealed, key=signing_key(ROOT))
    print("\n".join(_lines(report)))
    print(f"for people: {folder / 'index.html'}   signed by {fingerprint}")
    return 0 if report.ok else 1


def _lines(report: Report) -> list[str]:
    """The tools' verdicts, what is broken, and the figures."""
    lines = [
        f"{tool.state:8} {tool.name}"
        + (f": {tool.failed} fail" if tool.failed else "")
        + (f", {tool.acknowledged} acknowledged" if tool.acknowledged else "")
        + (f" ({'; '.join(tool.because)})" if tool.state is State.NOT_RUN else "")
        for tool in report.tools
    ]
    lines += [f"failed   {store.path}: {one.name}: {one.evidence}" for store in report.stores
              for one in store.statements if one.state is State.FAILED]  # fmt: skip
    lines += [f"{one.state:8} {one.name}: {one.said}" for one in report.recovery]
    lines += [f"fault    {fault}" for fault in report.faults]
    figures = counts(report)
    lines.append(
        f"{report.environment}: {figures['resources']} resources, {figures['findings_failed']} findings fail, "
        f"{figures['findings_acknowledged']} acknowledged, {figures['stores']} data stores"
        + ("" if report.complete else "; incomplete, as not everything was run")
    )
    if report.difference:
        lines.append(f"{len(report.difference.changes)} changes since {report.difference.made_at}")
    return lines


def _verify(options: argparse.Namespace) -> int:
    verdict = verify(options.folder, key=options.key)
    for fault in verdict.faults:
        print(f"✗ {fault}")
    if not verdict.ok:
        print(f"{options.folder}: not what was signed")
        return 1
    print(f"{options.folder}: every file is as {MANIFEST} says, which was signed by {verdict.fingerprint}")
    if not verdict.trusted:
        print("Whose key that is, this does not show: compare the fingerprint, or name a key you trust with --key.")
    return 0


def _explained(options: argparse.Namespace) -> int:
    """Over all environments: in one alone, an explanation may well have nothing to explain."""
    left = idle(explanations(), options.folders)
    for one in left:
        print(f"✗ {one.tool} {one.rule} at {', '.join(one.where)}: no finding any more. Take it out of {FILE.name}")
    return 1 if left else 0


_COMMANDS = {"write": _write, "verify": _verify, "explained": _explained}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m audit", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("write", help="write out/audit/<env>/ from a synthesized assembly")
    one.add_argument("--env", required=True, help="prod, staging, dev, preview, or pipeline for the tooling account")
    one.add_argument("--assembly", type=Path, required=True, help="the cloud assembly, synthesized with validation")
    one.add_argument("--beside", type=Path, nargs="*", default=[], help="assemblies to look for ways from")
    one.add_argument("--output", type=Path, default=ROOT / "out" / "audit")
    one.add_argument("--against", type=Path, help="folder of an earlier report")
    one.add_argument("--commit", default="", help="the commit that was synthesized")
    one.add_argument("--tree", default="", help="digest of the repository's files, as `make scan` records it")
    one.add_argument("--uncommitted", action="store_true", help="the files are not those of the commit")
    one.add_argument("--cache", type=Path, help="folder in which other tools' answers to the same templates are kept")
    one.add_argument("--key", type=Path, help="public key that the earlier report has to be signed with")
    one.add_argument("--now", type=_moment, default=datetime.now(tz=UTC), help="the time of the report, ISO 8601")
    two = commands.add_parser("verify", help="whether a report is what was signed")
    two.add_argument("folder", type=Path)
    two.add_argument("--key", type=Path, help="public key (PEM) that has to have signed it")
    three = commands.add_parser("explained", help="whether each explanation of explained.toml still explains something")
    three.add_argument("folders", type=Path, nargs="+", help="reports of all environments")
    return parser


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


if __name__ == "__main__":
    sys.exit(main())
