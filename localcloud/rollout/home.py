"""After rehearsals: traffic back on the target group that a rolling service registers its tasks in.

Strategies that shift traffic end on one of two groups, by turns. A rolling deployment knows the first one alone: with
the rule on the second, whoever deploys one next would cut everybody off (docs/pipeline.md, "From canary or blue-green
back to rolling"). One more deployment of what runs, all at once, turns it round.
"""

from __future__ import annotations

import time
from typing import Any

from localcloud import aws, outputs
from localcloud.console import LocalCloudError

PATIENCE = 300.0
"""Seconds that the deployment may take."""


def return_to_the_first_group() -> bool:
    """Whether there was anything to do. Raises LocalCloudError when the deployment does not succeed."""
    cluster, name = outputs.find("ClusterName"), outputs.value("WebServiceName")
    ecs = aws.client("ecs", cluster.region)
    service = ecs.describe_services(cluster=cluster.value, services=[name])["services"][0]
    balancer = next((each for each in service.get("loadBalancers", []) if "advancedConfiguration" in each), None)
    if balancer is None or _weight(balancer, cluster.region):
        return False
    configuration = {**service["deploymentConfiguration"], "strategy": "BLUE_GREEN", "bakeTimeInMinutes": 0}
    configuration.pop("canaryConfiguration", None)
    ecs.update_service(
        cluster=cluster.value, service=name, forceNewDeployment=True, deploymentConfiguration=configuration
    )
    deadline = time.monotonic() + PATIENCE
    while not _weight(balancer, cluster.region) or _deploying(ecs, cluster.value, name):
        if time.monotonic() > deadline:
            raise LocalCloudError(
                f"traffic is not back on the first target group after {PATIENCE:.0f} s",
                remedy="run make rollout once more before a rolling strategy is deployed",
            )
        time.sleep(1)
    return True


def _deploying(ecs: Any, cluster: str, service: str) -> bool:
    active = ["PENDING", "IN_PROGRESS", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"]
    return bool(ecs.list_service_deployments(cluster=cluster, service=service, status=active)["serviceDeployments"])


def _weight(balancer: dict[str, Any], region: str) -> int:
    """The weight of the first target group in the production rule."""
    arn = balancer["advancedConfiguration"]["productionListenerRule"]
    rule = aws.client("elbv2", region).describe_rules(RuleArns=[arn])["Rules"][0]
    groups = rule["Actions"][0]["ForwardConfig"]["TargetGroups"]
    return next((int(each["Weight"]) for each in groups if each["TargetGroupArn"] == balancer["targetGroupArn"]), 0)
