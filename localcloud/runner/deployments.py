"""What the runner needs to know of a service's deployments beyond DescribeServices: strategies and target groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from localcloud import aws
from localcloud.runner.targets import Ports


@dataclass
class Deployments:
    """Those of one region. Neither a revision nor a deployment's strategy ever changes, so each is asked for once."""

    region: str
    _strategies: dict[str, str] = field(default_factory=dict)
    _ports: dict[str, Ports] = field(default_factory=dict)

    def shifts_traffic(self, service: Mapping[str, Any]) -> bool:
        """Whether ECS, and not the runner, says how many tasks each deployment of the service has."""
        arn = service.get("currentServiceDeployment")
        if not arn:
            return _strategy(service) != "ROLLING"
        if arn not in self._strategies:
            ecs = aws.client("ecs", self.region)
            described = ecs.describe_service_deployments(serviceDeploymentArns=[arn])["serviceDeployments"]
            self._strategies[arn] = _strategy(described[0]) if described else "ROLLING"
        return self._strategies[arn] != "ROLLING"

    def ports(self, service: Mapping[str, Any]) -> dict[str, Ports]:
        """Container ports by target group of the tasks of each of the service's deployments that has a revision."""
        if not service.get("loadBalancers"):
            return {}
        ids = {deployment["id"]: _revision_arn(service, deployment) for deployment in service["deployments"]}
        unknown = [arn for arn in ids.values() if arn not in self._ports]
        if unknown:
            ecs = aws.client("ecs", self.region)
            for revision in ecs.describe_service_revisions(serviceRevisionArns=unknown)["serviceRevisions"]:
                self._ports[revision["serviceRevisionArn"]] = _ports_of(revision)
        return {name: self._ports[arn] for name, arn in ids.items() if arn in self._ports}


def _strategy(described: Mapping[str, Any]) -> str:
    return str((described.get("deploymentConfiguration") or {}).get("strategy") or "ROLLING")


def _revision_arn(service: Mapping[str, Any], deployment: Mapping[str, Any]) -> str:
    """The last part of a revision's ARN is that of its deployment's id."""
    path = str(service["serviceArn"]).replace(":service/", ":service-revision/", 1)
    return f"{path}/{deployment['id'].rsplit('/', 1)[-1]}"


def _ports_of(revision: Mapping[str, Any]) -> Ports:
    balancers = [each for each in revision.get("loadBalancers", []) if each.get("targetGroupArn")]
    resolved = (revision.get("resolvedConfiguration") or {}).get("loadBalancers", [])
    return {
        used["targetGroupArn"]: balancer["containerPort"] for used, balancer in zip(resolved, balancers, strict=True)
    }
