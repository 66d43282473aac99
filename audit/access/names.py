"""ARNs of a template's resources, before anything is deployed.

What only a deployment will know is `${suffix}` at the end of a name that CloudFormation makes up from stack and logical
id, or `${construct/path}` where AWS makes up an id. The same resource always gets the same text, whichever way a
template refers to it, so that texts can be compared as AWS compares ARNs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from preflight.assembly import Resource
from preflight.values import Reference, Text, Unknown

# https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
_ARNS = {
    "AWS::Backup::BackupVault": "arn:aws:backup:{region}:{account}:backup-vault:{name}",
    "AWS::CloudFormation::Stack": "arn:aws:cloudformation:{region}:{account}:stack/{name}",
    "AWS::CloudFront::Distribution": "arn:aws:cloudfront::{account}:distribution/{id}",
    "AWS::CloudWatch::Alarm": "arn:aws:cloudwatch:{region}:{account}:alarm:{name}",
    "AWS::CloudWatch::CompositeAlarm": "arn:aws:cloudwatch:{region}:{account}:alarm:{name}",
    "AWS::CodeBuild::Project": "arn:aws:codebuild:{region}:{account}:project/{name}",
    "AWS::CodePipeline::Pipeline": "arn:aws:codepipeline:{region}:{account}:{name}",
    "AWS::DynamoDB::Table": "arn:aws:dynamodb:{region}:{account}:table/{name}",
    "AWS::EC2::SecurityGroup": "arn:aws:ec2:{region}:{account}:security-group/{id}",
    "AWS::ECR::Repository": "arn:aws:ecr:{region}:{account}:repository/{name}",
    "AWS::ECS::Cluster": "arn:aws:ecs:{region}:{account}:cluster/{name}",
    "AWS::ECS::Service": "arn:aws:ecs:{region}:{account}:service/{name}",
    "AWS::ECS::TaskDefinition": "arn:aws:ecs:{region}:{account}:task-definition/{family}",
    "AWS::ElastiCache::ReplicationGroup": "arn:aws:elasticache:{region}:{account}:replicationgroup:{name}",
    "AWS::ElasticLoadBalancingV2::LoadBalancer": "arn:aws:elasticloadbalancing:{region}:{account}:loadbalancer/{id}",
    "AWS::Events::Rule": "arn:aws:events:{region}:{account}:rule/{name}",
    "AWS::IAM::ManagedPolicy": "arn:aws:iam::{account}:policy/{name}",
    "AWS::IAM::Role": "arn:aws:iam::{account}:role/{name}",
    "AWS::IAM::User": "arn:aws:iam::{account}:user/{name}",
    "AWS::KMS::Key": "arn:aws:kms:{region}:{account}:key/{id}",
    "AWS::Lambda::Function": "arn:aws:lambda:{region}:{account}:function:{name}",
    "AWS::Logs::LogGroup": "arn:aws:logs:{region}:{account}:log-group:{name}",
    "AWS::RDS::DBInstance": "arn:aws:rds:{region}:{account}:db:{name}",
    "AWS::S3::Bucket": "arn:aws:s3:::{name}",
    "AWS::SNS::Topic": "arn:aws:sns:{region}:{account}:{name}",
    "AWS::SQS::Queue": "arn:aws:sqs:{region}:{account}:{name}",
    "AWS::SSM::Parameter": "arn:aws:ssm:{region}:{account}:parameter/{name}",
    "AWS::SecretsManager::Secret": "arn:aws:secretsmanager:{region}:{account}:secret:{name}",
    "AWS::StepFunctions::StateMachine": "arn:aws:states:{region}:{account}:stateMachine:{name}",
}
_REF_IS_ARN = frozenset(
    {
        "AWS::ECS::Service",
        "AWS::ECS::TaskDefinition",
        "AWS::ElasticLoadBalancingV2::LoadBalancer",
        "AWS::IAM::ManagedPolicy",
        "AWS::SNS::Topic",
        "AWS::SecretsManager::Secret",
        "AWS::StepFunctions::StateMachine",
    }
)
_ARN_ATTRIBUTES = frozenset({"Arn", "BackupVaultArn", "RoleArn", "TopicArn", "AlarmArn"})
_LOWER_CASE = frozenset({"AWS::S3::Bucket", "AWS::ECR::Repository", "AWS::RDS::DBInstance"})


def arn(resource: Resource) -> str:
    """The ARN of a resource; of a type that is not listed, a text that stands for this resource alone."""
    pattern = _ARNS.get(resource.type)
    if pattern is None:
        return f"${{{construct(resource)}}}"
    return pattern.format(
        region=resource.stack.region or "${region}",
        account=resource.stack.account or "${account}",
        name=_name(resource),
        id=f"${{{construct(resource)}}}",
        family=_family(resource) if "{family}" in pattern else "",
    )


def construct(resource: Resource) -> str:
    """The construct's path without CDK's last word for what a construct wraps."""
    return resource.construct_path.removesuffix("/Resource").removesuffix("/Default")


def text_of(value: Any) -> str:
    """A resolved value as one text, with ARNs and names of resources written out; `*` for what nothing is known of."""
    if isinstance(value, str):
        return value
    if isinstance(value, Reference):
        return _reference(value)
    if isinstance(value, Text):
        return "".join(map(text_of, value.parts))
    if isinstance(value, Unknown):
        return "*"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _reference(value: Reference) -> str:
    resource = value.resource
    special = _SPECIAL.get((resource.type, value.attribute))
    if special:
        return special(resource)
    if value.attribute == "Ref":
        if resource.type not in _ARNS:
            return f"${{{construct(resource)}}}"
        return arn(resource) if resource.type in _REF_IS_ARN else arn(resource).rpartition(":")[2].rpartition("/")[2]
    if value.attribute in _ARN_ATTRIBUTES:
        return arn(resource)
    return f"${{{construct(resource)}.{value.attribute}}}"


def _attached_secret(attachment: Resource) -> str:
    """`Ref` of a secret's attachment is the secret's ARN."""
    return text_of(attachment.get("SecretId").value)


def _streams(group: Resource) -> str:
    """`Arn` of a log group ends with `:*`, which takes in its streams."""
    return f"{arn(group)}:*"


def _parameter(parameter: Resource) -> str:
    """`Ref` of a parameter is its name, which may be a path."""
    return _own_name(parameter)


_SPECIAL: dict[tuple[str, str], Callable[[Resource], str]] = {
    ("AWS::SSM::Parameter", "Ref"): _parameter,
    ("AWS::SecretsManager::SecretTargetAttachment", "Ref"): _attached_secret,
    ("AWS::Logs::LogGroup", "Arn"): _streams,
    ("AWS::ECS::Service", "Name"): lambda service: arn(service).rpartition("/")[2],
}


def _name(resource: Resource) -> str:
    if resource.type == "AWS::ECS::Service":
        return f"{text_of(resource.get('Cluster').value)}/{_own_name(resource)}"
    if resource.type == "AWS::SSM::Parameter":
        return _own_name(resource).removeprefix("/")  # the ARN has one slash before a path
    return _own_name(resource)


def _own_name(resource: Resource) -> str:
    if resource.name:
        # Secrets Manager adds six characters to any name.
        return f"{resource.name}-${{suffix}}" if resource.type == "AWS::SecretsManager::Secret" else resource.name
    made = f"{resource.stack.name}-{resource.logical_id}"
    if resource.type == "AWS::SecretsManager::Secret":
        made = resource.logical_id
    return f"{made.lower() if resource.type in _LOWER_CASE else made}-${{suffix}}"


def _family(definition: Resource) -> str:
    family = definition.get("Family")
    return f"{text_of(family.value)}:${{revision}}" if not family.absent else f"${{{construct(definition)}}}"
