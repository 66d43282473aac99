"""Compares deployed stacks with their templates: `python -m pipelines.tools.drift`, into out/drift/summary.json.

From ENVIRONMENT, ACCOUNT and REGIONS (separated by spaces), with the role that only reads. Ends with 1 when something
differs, or cannot be told.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict, dataclass
from typing import Any

from pipelines.tools.findings import ROOT
from pipelines.tools.stage import Stage, StageError, variable

OUTPUT = ROOT / "out" / "drift" / "summary.json"
PATIENCE = 600
"""Seconds for one stack."""

EXPECTED = {
    "AWS::ElasticLoadBalancingV2::ListenerRule": "a rollout shifts its weights",
    "AWS::ElasticLoadBalancingV2::Listener": "a rollout shifts the weights of its default action",
}
"""What ECS changes by itself while it rolls out (aws-cdk#36649), and is reported without failing."""

_STATES = ["MODIFIED", "DELETED"]


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One resource that is not as its template says."""

    stack: str
    resource: str
    type: str
    state: str
    properties: tuple[str, ...]
    expected: str = ""


def of_stack(cloudformation: Any, stack: str, *, patience: float = PATIENCE, pause: float = 5.0) -> list[Difference]:
    """What differs. Raises StageError when the detection fails, or does not end."""
    detection = cloudformation.detect_stack_drift(StackName=stack)["StackDriftDetectionId"]
    deadline = time.monotonic() + patience
    while True:
        seen = cloudformation.describe_stack_drift_detection_status(StackDriftDetectionId=detection)
        if seen["DetectionStatus"] == "DETECTION_COMPLETE":
            break
        if seen["DetectionStatus"] == "DETECTION_FAILED":
            raise StageError(f"{stack}: {seen.get('DetectionStatusReason', 'the detection failed')}")
        if time.monotonic() > deadline:
            raise StageError(f"{stack}: the detection did not end within {patience:.0f} s")
        time.sleep(pause)
    pages = _resource_drifts(cloudformation, stack)
    return [
        Difference(
            stack=stack,
            resource=each["LogicalResourceId"],
            type=each["ResourceType"],
            state=each["StackResourceDriftStatus"],
            properties=tuple(part["PropertyPath"] for part in each.get("PropertyDifferences", [])),
            expected=EXPECTED.get(each["ResourceType"], "") if each["StackResourceDriftStatus"] == "MODIFIED" else "",
        )
        for each in pages
    ]


def _resource_drifts(cloudformation: Any, stack: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    more: dict[str, str] = {}
    while True:
        answer = cloudformation.describe_stack_resource_drifts(
            StackName=stack, StackResourceDriftStatusFilters=_STATES, **more
        )
        found += answer["StackResourceDrifts"]
        if not answer.get("NextToken"):
            return found
        more = {"NextToken": answer["NextToken"]}


def main() -> int:
    try:
        stage, regions = Stage.of_environment(), variable("REGIONS").split()
        looked_at, differences = 0, list[Difference]()
        for region in regions:
            cloudformation = stage.client("cloudformation", region)
            for stack in stage.stacks(region):
                looked_at += 1
                differences += of_stack(cloudformation, stack["StackName"])
        if not looked_at:
            raise StageError(f"{stage.account} has no stacks {stage.prefix}… in {', '.join(regions)}")
    except StageError as error:
        print(f"drift: {error}", file=sys.stderr)
        return 1
    wrong = [difference for difference in differences if not difference.expected]
    document = {"ok": not wrong, "stacks": looked_at, "differences": [asdict(each) for each in differences]}
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_text(json.dumps(document, indent=2) + "\n")
    for each in differences:
        told = f"expected: {each.expected}" if each.expected else ", ".join(each.properties)
        print(f"{each.state} {each.stack} {each.resource} ({each.type}) {told}")
    print(f"{looked_at} stacks, {len(wrong)} resources not as their templates say")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
