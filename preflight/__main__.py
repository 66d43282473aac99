"""`python -m preflight PATH`: judge a cloud assembly, a template, or a folder of templates.

Ends with 0 when nothing stands, 1 when an error does, 2 when the input cannot be read.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from preflight import report, sources
from preflight.account import command
from preflight.account import report as account_report
from preflight.account.answer import Answer
from preflight.engine import Result, run
from preflight.loading import LoadError, load


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    options = _parser().parse_args(arguments)
    if options.rules:
        print(report.rules_table())
        return 0
    if options.path is None:
        print(
            "preflight: say what to judge: a cdk.out folder or a template (python -m preflight PATH)", file=sys.stderr
        )
        return 2
    try:
        assembly = load(options.path)
    except LoadError as error:
        print(f"preflight: {error}", file=sys.stderr)
        return 2
    result = run(assembly)
    answers = command.ask(assembly) if options.account else None
    lines = sources.read(options.path)
    document = _document(result, answers, lines)
    written = json.dumps(document, indent=2) if options.format == "json" else _written(result, answers, lines, options)
    if options.output:
        _write(options.output, written)
    else:
        print(written)
    if options.summary:
        _write(options.summary, json.dumps(document, indent=2))
    return 0 if document["ok"] else 1


def _written(result: Result, answers: list[Answer] | None, lines: dict[str, str], options: argparse.Namespace) -> str:
    if options.format == "sarif":
        return json.dumps(report.as_sarif(result, lines), indent=2)
    written = report.as_text(result, lines, undecided=options.undecided)
    return written if answers is None else f"{written}\n\n{account_report.as_table(answers)}"


def _document(result: Result, answers: list[Answer] | None, lines: dict[str, str]) -> dict[str, Any]:
    document = report.as_json(result, lines)
    if answers is not None:
        document["account"] = account_report.as_json(answers)
        document["ok"] = document["ok"] and account_report.ok(answers)
    return document


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text + "\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="preflight", description="What AWS would refuse, although it synthesizes.")
    parser.add_argument("path", type=Path, nargs="?", help="a cdk.out folder, a template, or a folder of templates")
    parser.add_argument("--format", choices=("text", "json", "sarif"), default="text")
    parser.add_argument("--output", type=Path, help="write the report to this file instead of the terminal")
    parser.add_argument("--summary", type=Path, help="write the JSON report to this file as well")
    parser.add_argument(
        "--account", action="store_true", help="ask the AWS account of the environment's credentials, too"
    )
    parser.add_argument("--undecided", action="store_true", help="list the places that no rule could decide")
    parser.add_argument("--rules", action="store_true", help="print every rule as a Markdown table")
    return parser


if __name__ == "__main__":
    sys.exit(main())
