"""How each service is asked whether a name is taken."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from preflight.account.api import Account


@dataclass(frozen=True, kw_only=True)
class Lookup:
    """One call: by name, where the service can be asked so, and otherwise the list of all names."""

    service: str
    operation: str
    arguments: Callable[[str, str], dict[str, Any]] = lambda _name, _number: {}
    """From the name and the account's number; nothing for calls that list everything."""
    absent: tuple[str, ...] = ()
    """The error codes that say that there is no such thing."""
    key: str = ""
    """Where the answer holds the things found; empty when the answer itself says that there is one."""
    name: str = ""
    """Where a found thing has its name, for calls that may find others, too."""
    folded: bool = False
    """Names that differ in case only are the same name."""
    alive: Callable[[Mapping[str, Any]], bool] = lambda _: True
    """Whether a thing that was found still holds its name."""

    def taken(self, account: Account, region: str, name: str) -> str | None:
        """What holds the name, or None when it is free."""
        number = account.number(region) if self.service in _NEED_NUMBER else ""
        arguments = self.arguments(name, number)
        if not self.key:
            found = account.ask(self.service, self.operation, region=region, absent=self.absent, **arguments)
            return "exists" if found is not None and self.alive(found) else None
        things = account.every(self.service, self.operation, self.key, region=region, absent=self.absent, **arguments)
        for thing in things:
            held = _at(thing, self.name)
            if self.alive(thing if isinstance(thing, Mapping) else {}) and self._same(held, name):
                return "exists"
        return None

    def _same(self, held: Any, name: str) -> bool:
        if held is None:
            return True
        held = str(held)
        # A topic or a pipeline is listed by its ARN, of which the name is the last part.
        return held == name or held.rsplit(":", 1)[-1] == name or (self.folded and held.lower() == name.lower())


_NEED_NUMBER = frozenset({"budgets"})


def _at(thing: Any, path: str) -> Any:
    for part in filter(None, path.split(".")):
        thing = thing.get(part) if isinstance(thing, Mapping) else None
    return thing if path else (thing if isinstance(thing, str) else None)


LOOKUPS: dict[str, Lookup] = {
    "AWS::Logs::LogGroup": Lookup(
        service="logs",
        operation="DescribeLogGroups",
        arguments=lambda name, _: {"logGroupNamePrefix": name},
        key="logGroups",
        name="logGroupName",
    ),
    "AWS::Logs::DeliverySource": Lookup(
        service="logs", operation="DescribeDeliverySources", key="deliverySources", name="name"
    ),
    "AWS::Logs::DeliveryDestination": Lookup(
        service="logs", operation="DescribeDeliveryDestinations", key="deliveryDestinations", name="name"
    ),
    "AWS::IAM::Role": Lookup(
        service="iam", operation="GetRole", arguments=lambda name, _: {"RoleName": name}, absent=("NoSuchEntity",)
    ),
    "AWS::IAM::ManagedPolicy": Lookup(
        service="iam",
        operation="ListPolicies",
        arguments=lambda *_: {"Scope": "Local"},
        key="Policies",
        name="PolicyName",
        folded=True,
    ),
    "AWS::CloudWatch::Alarm": Lookup(
        service="cloudwatch",
        operation="DescribeAlarms",
        arguments=lambda name, _: {"AlarmNames": [name], "AlarmTypes": ["MetricAlarm", "CompositeAlarm"]},
        key="MetricAlarms",
        name="AlarmName",
    ),
    "AWS::CloudWatch::CompositeAlarm": Lookup(
        service="cloudwatch",
        operation="DescribeAlarms",
        arguments=lambda name, _: {"AlarmNames": [name], "AlarmTypes": ["MetricAlarm", "CompositeAlarm"]},
        key="CompositeAlarms",
        name="AlarmName",
    ),
    "AWS::SSM::Parameter": Lookup(
        service="ssm",
        operation="DescribeParameters",
        arguments=lambda name, _: {"ParameterFilters": [{"Key": "Name", "Option": "Equals", "Values": [name]}]},
        key="Parameters",
        name="Name",
    ),
    "AWS::SecretsManager::Secret": Lookup(
        service="secretsmanager",
        operation="DescribeSecret",
        arguments=lambda name, _: {"SecretId": name},
        absent=("ResourceNotFoundException",),
    ),
    "AWS::KMS::Alias": Lookup(service="kms", operation="ListAliases", key="Aliases", name="AliasName"),
    "AWS::RDS::DBInstance": Lookup(
        service="rds",
        operation="DescribeDBInstances",
        arguments=lambda name, _: {"DBInstanceIdentifier": name.lower()},
        absent=("DBInstanceNotFound", "DBInstanceNotFoundFault"),
        key="DBInstances",
    ),
    "AWS::RDS::DBCluster": Lookup(
        service="rds",
        operation="DescribeDBClusters",
        arguments=lambda name, _: {"DBClusterIdentifier": name.lower()},
        absent=("DBClusterNotFoundFault",),
        key="DBClusters",
    ),
    "AWS::RDS::DBSubnetGroup": Lookup(
        service="rds",
        operation="DescribeDBSubnetGroups",
        arguments=lambda name, _: {"DBSubnetGroupName": name.lower()},
        absent=("DBSubnetGroupNotFoundFault",),
        key="DBSubnetGroups",
    ),
    "AWS::RDS::DBParameterGroup": Lookup(
        service="rds",
        operation="DescribeDBParameterGroups",
        arguments=lambda name, _: {"DBParameterGroupName": name.lower()},
        absent=("DBParameterGroupNotFound", "DBParameterGroupNotFoundFault"),
        key="DBParameterGroups",
    ),
    "AWS::ElastiCache::ReplicationGroup": Lookup(
        service="elasticache",
        operation="DescribeReplicationGroups",
        arguments=lambda name, _: {"ReplicationGroupId": name.lower()},
        absent=("ReplicationGroupNotFoundFault",),
        key="ReplicationGroups",
    ),
    "AWS::ElastiCache::User": Lookup(
        service="elasticache",
        operation="DescribeUsers",
        arguments=lambda name, _: {"UserId": name.lower()},
        absent=("UserNotFound", "UserNotFoundFault"),
        key="Users",
    ),
    "AWS::ElastiCache::UserGroup": Lookup(
        service="elasticache",
        operation="DescribeUserGroups",
        arguments=lambda name, _: {"UserGroupId": name.lower()},
        absent=("UserGroupNotFound", "UserGroupNotFoundFault"),
        key="UserGroups",
    ),
    "AWS::ElastiCache::SubnetGroup": Lookup(
        service="elasticache",
        operation="DescribeCacheSubnetGroups",
        arguments=lambda name, _: {"CacheSubnetGroupName": name.lower()},
        absent=("CacheSubnetGroupNotFoundFault",),
        key="CacheSubnetGroups",
    ),
    "AWS::ECS::Cluster": Lookup(
        service="ecs",
        operation="DescribeClusters",
        arguments=lambda name, _: {"clusters": [name]},
        key="clusters",
        name="clusterName",
        # A deleted cluster is described as INACTIVE for a while; its name is free.
        alive=lambda cluster: cluster.get("status") != "INACTIVE",
    ),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": Lookup(
        service="elbv2",
        operation="DescribeLoadBalancers",
        arguments=lambda name, _: {"Names": [name]},
        absent=("LoadBalancerNotFound",),
        key="LoadBalancers",
    ),
    "AWS::ElasticLoadBalancingV2::TargetGroup": Lookup(
        service="elbv2",
        operation="DescribeTargetGroups",
        arguments=lambda name, _: {"Names": [name]},
        absent=("TargetGroupNotFound",),
        key="TargetGroups",
    ),
    "AWS::Lambda::Function": Lookup(
        service="lambda",
        operation="GetFunctionConfiguration",
        arguments=lambda name, _: {"FunctionName": name},
        absent=("ResourceNotFoundException",),
    ),
    "AWS::SNS::Topic": Lookup(service="sns", operation="ListTopics", key="Topics", name="TopicArn"),
    "AWS::SQS::Queue": Lookup(
        service="sqs",
        operation="GetQueueUrl",
        arguments=lambda name, _: {"QueueName": name},
        absent=("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"),
    ),
    "AWS::ECR::Repository": Lookup(
        service="ecr",
        operation="DescribeRepositories",
        arguments=lambda name, _: {"repositoryNames": [name]},
        absent=("RepositoryNotFoundException",),
        key="repositories",
    ),
    "AWS::ECR::PullThroughCacheRule": Lookup(
        service="ecr",
        operation="DescribePullThroughCacheRules",
        arguments=lambda name, _: {"ecrRepositoryPrefixes": [name]},
        absent=("PullThroughCacheRuleNotFoundException",),
        key="pullThroughCacheRules",
    ),
    "AWS::DynamoDB::Table": Lookup(
        service="dynamodb",
        operation="DescribeTable",
        arguments=lambda name, _: {"TableName": name},
        absent=("ResourceNotFoundException",),
    ),
    "AWS::Events::Rule": Lookup(
        service="events",
        operation="DescribeRule",
        arguments=lambda name, _: {"Name": name},
        absent=("ResourceNotFoundException",),
    ),
    "AWS::Events::EventBus": Lookup(
        service="events",
        operation="DescribeEventBus",
        arguments=lambda name, _: {"Name": name},
        absent=("ResourceNotFoundException",),
    ),
    "AWS::CodeBuild::Project": Lookup(
        service="codebuild",
        operation="BatchGetProjects",
        arguments=lambda name, _: {"names": [name]},
        key="projects",
        name="name",
    ),
    "AWS::CodePipeline::Pipeline": Lookup(
        service="codepipeline", operation="ListPipelines", key="pipelines", name="name"
    ),
    "AWS::Backup::BackupVault": Lookup(
        service="backup", operation="ListBackupVaults", key="BackupVaultList", name="BackupVaultName"
    ),
    "AWS::Budgets::Budget": Lookup(
        service="budgets",
        operation="DescribeBudget",
        arguments=lambda name, number: {"AccountId": number, "BudgetName": name},
        absent=("NotFoundException",),
    ),
    "AWS::CloudFront::CachePolicy": Lookup(
        service="cloudfront",
        operation="ListCachePolicies",
        arguments=lambda *_: {"Type": "custom"},
        key="CachePolicyList.Items",
        name="CachePolicy.CachePolicyConfig.Name",
    ),
    "AWS::CloudFront::OriginRequestPolicy": Lookup(
        service="cloudfront",
        operation="ListOriginRequestPolicies",
        arguments=lambda *_: {"Type": "custom"},
        key="OriginRequestPolicyList.Items",
        name="OriginRequestPolicy.OriginRequestPolicyConfig.Name",
    ),
    "AWS::CloudFront::ResponseHeadersPolicy": Lookup(
        service="cloudfront",
        operation="ListResponseHeadersPolicies",
        arguments=lambda *_: {"Type": "custom"},
        key="ResponseHeadersPolicyList.Items",
        name="ResponseHeadersPolicy.ResponseHeadersPolicyConfig.Name",
    ),
    "AWS::CloudFront::OriginAccessControl": Lookup(
        service="cloudfront",
        operation="ListOriginAccessControls",
        key="OriginAccessControlList.Items",
        name="Name",
    ),
    "AWS::CloudFront::KeyGroup": Lookup(
        service="cloudfront", operation="ListKeyGroups", key="KeyGroupList.Items", name="KeyGroup.KeyGroupConfig.Name"
    ),
    "AWS::CloudFront::PublicKey": Lookup(
        service="cloudfront", operation="ListPublicKeys", key="PublicKeyList.Items", name="Name"
    ),
    "AWS::CloudFront::Function": Lookup(
        service="cloudfront", operation="ListFunctions", key="FunctionList.Items", name="Name"
    ),
}
