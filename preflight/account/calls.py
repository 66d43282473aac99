"""Every AWS API call that a check may make, with the IAM actions it needs.

A call that is not in this table is refused before it is sent, so that the table, the generated policy and what is
really called cannot drift apart.
"""

from __future__ import annotations

from collections.abc import Mapping

READ_ONLY_PREFIXES = ("Describe", "Get", "List", "Head", "BatchGet")

_SAME_NAME = """
acm              DescribeCertificate
backup           DescribeRegionSettings ListBackupVaults
ce               GetAnomalyMonitors
cloudformation   DescribeStacks ListExports ListStackResources
cloudfront       ListCachePolicies ListDistributions ListFunctions ListKeyGroups ListOriginAccessControls
cloudfront       ListOriginRequestPolicies ListPublicKeys ListResponseHeadersPolicies
cloudtrail       DescribeTrails GetTrailStatus
cloudwatch       DescribeAlarms GetMetricStatistics
codebuild        BatchGetProjects
codeconnections  GetConnection
codepipeline     ListPipelines
codestar-connections GetConnection
dynamodb         DescribeTable
ec2              DescribeAddresses DescribeAvailabilityZones DescribeInstanceTypeOfferings DescribeInternetGateways
ec2              DescribeManagedPrefixLists DescribeRegions DescribeSecurityGroupRules DescribeVpcEndpointServices
ec2              DescribeVpcEndpoints DescribeVpcs
ecr              DescribePullThroughCacheRules DescribeRepositories
ecs              DescribeClusters DescribeServices
elasticache      DescribeCacheEngineVersions DescribeCacheSubnetGroups DescribeEngineDefaultParameters
elasticache      DescribeReplicationGroups DescribeUserGroups DescribeUsers
elbv2            DescribeAccountLimits DescribeListeners DescribeLoadBalancers DescribeRules DescribeTargetGroups
events           DescribeEventBus DescribeRule
iam              GetAccountSummary GetRole ListPolicies ListRoles
kms              DescribeKey ListAliases
lambda           GetAccountSettings GetFunctionConcurrency GetFunctionConfiguration
logs             DescribeDeliveryDestinations DescribeDeliverySources DescribeLogGroups DescribeResourcePolicies
rds              DescribeAccountAttributes DescribeDBClusters DescribeDBEngineVersions DescribeDBInstances
rds              DescribeDBParameterGroups DescribeDBSubnetGroups DescribeEngineDefaultParameters
rds              DescribeOrderableDBInstanceOptions
route53          GetHostedZone ListResourceRecordSets
secretsmanager   DescribeSecret
service-quotas   GetAWSDefaultServiceQuota GetServiceQuota
sns              ListTopics
sqs              GetQueueUrl
ssm              DescribeParameters GetParameter
wafv2            ListIPSets ListRegexPatternSets ListRuleGroups ListWebACLs
"""
"""botocore's name of a service, and operations whose IAM action has the operation's own name."""

_PREFIXES = {"elbv2": "elasticloadbalancing", "service-quotas": "servicequotas"}
"""IAM's name of a service, where it is another one."""

_OTHER_NAME: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("budgets", "DescribeBudget"): ("budgets:ViewBudget",),
    ("s3", "HeadBucket"): ("s3:ListBucket",),
    # Anyone with valid credentials may ask who they are.
    ("sts", "GetCallerIdentity"): (),
}

CALLS: Mapping[tuple[str, str], tuple[str, ...]] = {
    (service, operation): (f"{_PREFIXES.get(service, service)}:{operation}",)
    for service, *operations in map(str.split, _SAME_NAME.strip().splitlines())
    for operation in operations
} | dict(_OTHER_NAME)
"""(botocore's service name, operation) to the IAM actions it needs."""


SCOPED: Mapping[str, tuple[str, ...]] = {
    # Values of other parameters are none of the checks' business: whether they exist is seen by describing them.
    "ssm:GetParameter": (
        "arn:aws:ssm:*:*:parameter/cdk-bootstrap/*",
        "arn:aws:ssm:*::parameter/aws/service/*",
    ),
}
"""Actions that the policy allows on some resources only."""


def policy() -> dict[str, object]:
    """An IAM policy with exactly the actions that the checks need."""
    actions = sorted({action for needed in CALLS.values() for action in needed} - SCOPED.keys())
    # Most actions know no resource level, and what exists is what a check wants to find out.
    statements: list[dict[str, object]] = [
        {"Sid": "PreflightReadsTheAccount", "Effect": "Allow", "Action": actions, "Resource": "*"}
    ]
    statements += [
        {"Sid": f"PreflightReadsSome{index}", "Effect": "Allow", "Action": action, "Resource": list(resources)}
        for index, (action, resources) in enumerate(SCOPED.items(), start=1)
    ]
    return {"Version": "2012-10-17", "Statement": statements}
