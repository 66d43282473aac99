"""Deploys a checked-out version as a developer would: plain `cdk deploy --all`, run in that folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from localcloud import cdk, outputs


@dataclass(frozen=True, kw_only=True)
class Strategy:
    """How the web service is to roll; the alarms look at whole minutes, one after the other."""

    name: str
    canary_minutes: int = 3
    bake_minutes: int = 1

    @property
    def context(self) -> dict[str, str]:
        """Values that override the environment's configuration, for `cdk -c`."""
        return {
            "rollout.strategy": self.name,
            "rollout.canary_minutes": str(self.canary_minutes),
            "rollout.bake_minutes": str(self.bake_minutes),
            "rollout.alarm_minutes": "1",
            # A laptop at work is slow by itself: that the new version is slower than the old one is what counts.
            "rollout.p99_seconds": "30",
        }


def deploy(folder: Path, *, env: str, strategy: Strategy) -> None:
    """Deploy what `folder` holds. Raises LocalCloudError with what the CLI said when it does not come to stay."""
    context = {"env": env, **strategy.context}
    cdk.run(
        [
            *("deploy", "--all", "--require-approval", "never", "--concurrency", "6", "--no-notices"),
            *(word for key, value in context.items() for word in ("-c", f"{key}={value}")),
            *("--outputs-file", str(outputs.path())),
        ],
        tree=folder,
    )


def command(*, env: str, strategy: Strategy) -> str:
    """What a developer would type to deploy with this strategy."""
    context = {"env": env, **strategy.context}
    return "npx cdk deploy --all " + " ".join(f"-c {key}={value}" for key, value in context.items())


def release_in(folder: Path) -> str:
    """The release that the assembly synthesized in `folder` would deploy; empty when there is none."""
    for path in (folder / "cdk.out").glob("*.template.json"):
        for resource in json.loads(path.read_text()).get("Resources", {}).values():
            if resource["Type"] == "AWS::ECS::TaskDefinition":
                for container in resource["Properties"]["ContainerDefinitions"]:
                    for variable in container.get("Environment", []):
                        if variable["Name"] == "RELEASE":
                            return str(variable["Value"])
    return ""
