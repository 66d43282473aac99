"""Deploys a preview with the plain CDK CLI and waits until its address answers; deletes it again."""

from __future__ import annotations

import json
import os
import shutil
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
from botocore.exceptions import ClientError

from localcloud import aws, cdk, layout, outputs, supervision
from localcloud.console import LocalCloudError, Steps
from localcloud.previews import leftovers, tree
from localcloud.previews.answers import Answers
from previews import failure as failures
from previews.comment import Failure
from previews.names import PreviewName
from previews.places import ACCESS_QUERY, failure_file

DOMAIN = cdk.PREVIEW_DOMAIN

DEMO_USER = "demo@example.com"
"""Of the template database (`seed_preview`)."""

PATIENCE = 120
"""Seconds for the new release to answer once CloudFormation is done, and for a deletion to end."""

_LAST_PATIENCE = 10.0
"""Seconds for what a deletion leaves to be gone as well."""

_REGION = "us-east-1"
_GONE_AFTER_FAILURE = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED")


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """`keep_data` migrates the database that is there, `reset` makes a new one in any case, `closed` lets in nobody
    without the token."""

    keep_data: bool = False
    reset: bool = False
    closed: bool = False


def up(preview: PreviewName, *, revision: str | None, wanted: Wanted) -> int:
    """Deploy the work tree, or a revision of it. Raises LocalCloudError with what is wrong; the version before, if
    there was one, then serves on."""
    steps = Steps()
    env = environment()
    before = _stack(preview, env)
    _refuse_another_branch(preview, before)
    told = failure_file(layout.REPOSITORY, preview.name)
    told.unlink(missing_ok=True)
    with tree.of(revision, folder=leftovers.folder(preview) / "tree") as folder, _answers(preview, env) as answers:
        with steps.step(f"cdk deploy {stack_name(preview, env)}" + (f" from {revision}" if revision else "")):
            pushed = {"commit": tree.commit(revision), "owner": tree.owner()}
            try:
                _deploy(preview, env, folder, wanted, served_before=_serves(before), **pushed)
            finally:
                # A deployment sets the stack's protection as its template has it, which is off.
                if before and before.get("EnableTerminationProtection"):
                    _protect(preview, env, wanted=True)
        with steps.step(f"wait for {url(preview)}"):
            answered = _wait(preview, env, answers)
    began = psutil.Process().create_time()
    print(f"\nPreview {preview.name} answers after {answered - began:.1f} s; all of it is up after ", end="")
    print(f"{time.time() - began:.1f} s.\n")
    print(_table(preview, env))
    return 0


def down(preview: PreviewName) -> int:
    """Delete the stack and all that it had. Raises LocalCloudError when anything is left."""
    steps = Steps()
    env = environment()
    if _stack(preview, env) is None and not leftovers.of(preview):
        print(f"There is no preview {preview.name}.")
        return 0
    shutil.rmtree(leftovers.folder(preview), ignore_errors=True)
    failure_file(layout.REPOSITORY, preview.name).unlink(missing_ok=True)
    with steps.step(f"delete {stack_name(preview, env)}"):
        cloudformation = aws.client("cloudformation", _REGION)
        if (_stack(preview, env) or {}).get("EnableTerminationProtection"):
            _protect(preview, env, wanted=False)
        cloudformation.delete_stack(StackName=stack_name(preview, env))
        deadline = time.monotonic() + PATIENCE
        while (found := _stack(preview, env)) is not None:
            if found["StackStatus"] == "DELETE_FAILED" or time.monotonic() > deadline:
                reason = found.get("StackStatusReason", "no reason given")
                raise LocalCloudError(
                    f"{found['StackName']} is {found['StackStatus']}: {reason}", remedy="run the same command again"
                )
            time.sleep(0.2)
    with steps.step("look for what is left of it"):
        deadline = time.monotonic() + _LAST_PATIENCE
        # The servers hear of it a moment after the API said that it is gone.
        while (found_left := leftovers.of(preview)) and time.monotonic() < deadline:
            time.sleep(0.5)
    if found_left:
        raise LocalCloudError("left behind:\n  " + "\n  ".join(found_left), remedy="run the same command again")
    return 0


def _protect(preview: PreviewName, env: str, *, wanted: bool) -> None:
    """What a kept preview is told apart by."""
    aws.client("cloudformation", _REGION).update_termination_protection(
        StackName=stack_name(preview, env), EnableTerminationProtection=wanted
    )


def keep(preview: PreviewName, *, wanted: bool) -> None:
    """Let it live longer, or no longer."""
    _protect(preview, environment(), wanted=wanted)


def is_kept(preview: PreviewName) -> bool:
    return bool((_stack(preview, environment()) or {}).get("EnableTerminationProtection"))


def stack_name(preview: PreviewName, env: str) -> str:
    return f"SpendSmart-{env.capitalize()}-{preview.stack}"


def url(preview: PreviewName) -> str:
    https = outputs.value("LoadBalancerUrl").startswith("https")
    port = layout.ports().listener(443 if https else 80)
    return f"{'https' if https else 'http'}://{preview.host(DOMAIN)}:{port}"


def address(preview: PreviewName) -> str:
    """Its URL by this machine's address, for requests with its host name: not every resolver knows names below
    localhost."""
    return url(preview).replace(preview.host(DOMAIN), layout.LOOPBACK)


def password(env: str) -> str:
    """Of the people that every preview begins with."""
    shared = _outputs(f"SpendSmart-{env.capitalize()}-Previews")
    secret = aws.client("secretsmanager", _REGION).get_secret_value(SecretId=shared["PreviewPasswordSecret"])
    return str(secret["SecretString"])


def token(preview: PreviewName, env: str) -> str:
    """What lets people in; empty where everybody gets in."""
    secret = _outputs(stack_name(preview, env)).get("PreviewAccessToken")
    if not secret:
        return ""
    return str(aws.client("secretsmanager", _REGION).get_secret_value(SecretId=secret)["SecretString"])


def environment() -> str:
    """The environment that this local cloud holds. Raises LocalCloudError where it carries no previews."""
    claimed = layout.home() / "environment"
    if not claimed.exists() or not supervision.running():
        raise LocalCloudError("the local cloud is not running", remedy="run: make up ENV=preview")
    env = claimed.read_text()
    stack = f"SpendSmart-{env.capitalize()}-Previews"
    if _described(stack) is None:
        raise LocalCloudError(
            f"{layout.home()} holds the environment {env}, which carries no previews",
            remedy="run: make destroy, then make up ENV=preview; or both beside each other: "
            f"LOCALCLOUD_HOME=.local-preview LOCALCLOUD_BASE_PORT={layout.ports().base + 1000} make up ENV=preview",
        )
    return env


def _stack(preview: PreviewName, env: str) -> dict[str, Any] | None:
    return _described(stack_name(preview, env))


def _described(name: str) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = aws.client("cloudformation", _REGION).describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in error.response["Error"]["Message"]:
            return None
        raise
    return None if found["StackStatus"] == "DELETE_COMPLETE" else found


def status(name: str) -> str:
    """A stack's; DELETE_COMPLETE of one that is gone."""
    return str((_described(name) or {}).get("StackStatus", "DELETE_COMPLETE"))


def _outputs(name: str) -> dict[str, str]:
    return {each["OutputKey"]: each["OutputValue"] for each in (_described(name) or {}).get("Outputs", [])}


def _serves(stack: dict[str, Any] | None) -> bool:
    return stack is not None and stack["StackStatus"] not in _GONE_AFTER_FAILURE


def _refuse_another_branch(preview: PreviewName, stack: dict[str, Any] | None) -> None:
    """Two branches get one name only where somebody names the second after the first one's short name."""
    tags = {tag["Key"]: tag["Value"] for tag in (stack or {}).get("Tags", [])}
    branch = tags.get("PreviewBranch", preview.tag)
    if branch not in (preview.tag, preview.name) and preview.branch != preview.name:
        raise LocalCloudError(
            f"preview {preview.name} is of the branch {branch}, not of {preview.branch}",
            remedy=f"choose another name, or delete that one: make preview-down NAME={preview.name}",
        )


def _deploy(
    preview: PreviewName,
    env: str,
    folder: Path,
    wanted: Wanted,
    *,
    served_before: bool,
    commit: str,
    owner: str,
) -> None:
    context = {"env": env, "preview": preview.branch, "preview.domain": DOMAIN}
    context |= {f"preview.{name}": said for name, said in (("commit", commit), ("owner", owner)) if said}
    if wanted.closed:
        context["preview.access"] = "token"
    if wanted.keep_data:
        context["preview.data"] = "keep"
    if wanted.reset:
        context["preview.reset"] = str(int(time.time()))
    assembly, began = leftovers.folder(preview) / "assembly", datetime.now(UTC)
    # Two seconds of a synth; preflight looks at the template all the same, and the pipeline validates it.
    os.environ.setdefault("CDK_VALIDATION", "false")
    try:
        cdk.run(
            [
                # Straight to the stack: nobody reviews the changes of a preview, and a change set takes seconds more.
                *("deploy", stack_name(preview, env), "--method", "direct", "--require-approval", "never"),
                *("--no-notices", "--output", str(assembly)),
                *(word for key, value in context.items() for word in ("-c", f"{key}={value}")),
            ],
            tree=folder,
        )
    except cdk.CdkError as error:
        failure = _failure(preview, env, error, since=began, commit=commit)
        _clear_what_never_was(preview, env)
        _tell(preview, failure)
        serves = "the version before serves on" if served_before else "there was none before, and nothing is left of it"
        raise LocalCloudError(f"{error}\n{preview.name}: {serves}", remedy=error.remedy) from error


def _failure(preview: PreviewName, env: str, error: cdk.CdkError, *, since: datetime, commit: str) -> Failure:
    if "Synthesis time" not in error.output:
        return failures.of_tool(failures.SYNTHESIS, str(error), commit=commit)
    if "Failed to build asset" in error.output:
        return failures.of_tool(failures.IMAGE, str(error), commit=commit)
    pages = aws.client("cloudformation", _REGION).get_paginator("describe_stack_events")
    try:
        events = [event for page in pages.paginate(StackName=stack_name(preview, env)) for event in page["StackEvents"]]
    except ClientError:
        events = []
    return failures.of_deployment(failures.reasons(events, since=since), str(error), commit=commit)


def _tell(preview: PreviewName, failure: Failure) -> None:
    """Leave word for the preview's comment, until the next push."""
    file = failure_file(layout.REPOSITORY, preview.name)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(asdict(failure)))


def _clear_what_never_was(preview: PreviewName, env: str) -> None:
    """A first deployment that failed leaves an empty stack, which CloudFormation cannot update."""
    found = _stack(preview, env)
    if found and found["StackStatus"] in _GONE_AFTER_FAILURE:
        down(preview)
    elif not found:
        shutil.rmtree(leftovers.folder(preview), ignore_errors=True)


def _answers(preview: PreviewName, env: str) -> Answers:
    return Answers(f"{address(preview)}/readyz", host=preview.host(DOMAIN), token=lambda: token(preview, env))


def _wait(preview: PreviewName, env: str, answers: Answers) -> float:
    """When the release that was deployed first answered, and was ready to (Unix time). Raises LocalCloudError."""
    wanted = _outputs(stack_name(preview, env))["PreviewRelease"]
    asked, deadline = time.time(), time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if (since := answers.since(wanted, asked=asked)) is not None:
            return since
        time.sleep(0.1)
    raise LocalCloudError(
        f"{url(preview)} does not answer with release {wanted[:12]} after {PATIENCE} s; it last said: {answers.last}",
        remedy=f"read its log: make logs PART=Preview-{preview.name}",
    )


def _table(preview: PreviewName, env: str) -> str:
    given = _outputs(stack_name(preview, env))
    lines = [
        ("address", f"{url(preview)}/?{ACCESS_QUERY}={key}" if (key := token(preview, env)) else url(preview)),
        ("branch", preview.branch + ("" if preview.branch == preview.name else f" as {preview.name}")),
        ("release", given["PreviewRelease"][:12]),
        ("login", f"{DEMO_USER}  {password(env)}"),
        ("database", given["PreviewDatabase"]),
        ("then", f"make preview NAME={preview.name} RESET=1 · make preview-down NAME={preview.name}"),
    ]
    return "\n".join(f"  {name:<9} {text}" for name, text in lines)
