"""Lambda functions in a VPC: the rights to their network interfaces, and what those hold on to."""

from collections.abc import Iterator

from preflight.assembly import Resource
from preflight.rule import Confidence, Fault, Severity, rule
from preflight.rules.ordering import made_before
from preflight.rules.remembering import shared
from preflight.rules.role_grants import document_allows
from preflight.values import Node, Text, entries, is_unknown, reference, strings, target, text

_FUNCTION = "AWS::Lambda::Function"
_ROLE = "AWS::IAM::Role"
_POLICIES = ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy")
_GUIDE = "https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html"
# AWS's own policies that functions often have, and that give no right to network interfaces.
_WITHOUT_INTERFACES = (
    "AWSLambdaBasicExecutionRole",
    "AWSLambdaDynamoDBExecutionRole",
    "AWSLambdaKinesisExecutionRole",
    "AWSLambdaRole",
    "AWSLambdaSQSQueueExecutionRole",
    "AWSXRayDaemonWriteAccess",
    "AmazonDynamoDBFullAccess",
    "AmazonDynamoDBReadOnlyAccess",
    "AmazonS3FullAccess",
    "AmazonS3ReadOnlyAccess",
    "AmazonSNSFullAccess",
    "AmazonSQSFullAccess",
    "AmazonSSMReadOnlyAccess",
    "CloudWatchLambdaInsightsExecutionRolePolicy",
    "SecretsManagerReadWrite",
)


def _in_vpc(function: Resource) -> bool:
    return bool(entries(function.get("VpcConfig", "SubnetIds")))


def _grants(document: Node) -> bool:
    """Whether a policy document lets the function make its interfaces, or may do so."""
    return document_allows(document, "ec2:CreateNetworkInterface") is not False


@shared
def _granting(role: Resource) -> tuple[Resource, ...]:
    """Policies that are resources of their own, attach themselves to the role and bring the right."""
    found = [each for each in role.referrers if each.type in _POLICIES]
    if role.name is not None:
        by_name = role.stack.assembly.of_type(*_POLICIES)
        found += [each for each in by_name if role.name in _roles(each)]
    return tuple(each for each in found if _grants(each.get("PolicyDocument")))


def _roles(policy: Resource) -> list[str]:
    return strings(policy.get("Roles")) + strings(policy.get("RoleName"))


@shared
def _own(role: Resource) -> bool:
    """Whether the role itself brings the right."""
    if is_unknown(role.get("ManagedPolicyArns")) or is_unknown(role.get("Policies")):
        return True
    for each in entries(role.get("ManagedPolicyArns")):
        policy = target(each, "AWS::IAM::ManagedPolicy")
        literal = each.value.literal if isinstance(each.value, Text) else "" if reference(each) else text(each)
        if policy is not None:
            if _grants(policy.get("PolicyDocument")):
                return True
        elif not literal or literal.rsplit("/", 1)[-1] not in _WITHOUT_INTERFACES:
            return True
    return any(_grants(each.get("PolicyDocument")) for each in entries(role.get("Policies")))


@rule(
    "VPC-50",
    constraint=50,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="The role of a function in a VPC may make network interfaces",
    otherwise="The provided execution role does not have permissions to call CreateNetworkInterface on EC2: the "
    "function is refused.",
    remedy="Give the role AWSLambdaVPCAccessExecutionRole.",
    source=_GUIDE,
    types=(_FUNCTION,),
    lacks=(
        "AWS::IAM::Policy",
        "AWS::IAM::RolePolicy",
        "AWS::IAM::ManagedPolicy",
    ),
)
def interface_rights(function: Resource) -> Iterator[Fault]:
    role = target(function.get("Role"), _ROLE)
    if role is None or not _in_vpc(function):
        return
    if not _own(role) and not _granting(role):
        yield Fault(at="Role", message=f"{role.construct_path} gives no right to network interfaces")


@rule(
    "VPC-50b",
    constraint=50,
    severity=Severity.COST,
    confidence=Confidence.REPORTED,
    title="A function in a VPC depends on the policy that lets it make network interfaces",
    otherwise="CloudFormation may remove the policy before the function: its network interfaces then stay and hold the "
    "subnets and security groups, and the stack ends in DELETE_FAILED.",
    remedy="Let the function depend on the policy (DependsOn), or give the right by ManagedPolicyArns of the role.",
    source="https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/392",
    types=(_FUNCTION,),
    lacks=("DependsOn",),
)
def policy_before_function(function: Resource) -> Iterator[Fault]:
    role = target(function.get("Role"), _ROLE)
    if role is None or not _in_vpc(function) or _own(role):
        return
    policies = [each for each in _granting(role) if each.stack is function.stack]
    before = made_before(function) if policies else frozenset()
    if policies and not any(each.logical_id in before for each in policies):
        yield Fault(at="Role", message=f"does not depend on {policies[0].construct_path}")


@rule(
    "VPC-50c",
    constraint=50,
    severity=Severity.COST,
    confidence=Confidence.REPORTED,
    title="A function in a VPC uses a security group of a stack that lives longer",
    otherwise="Its network interfaces hold the group for 20 to 45 minutes after the function is gone: the stack's "
    "deletion waits for them, or fails.",
    remedy="Keep hooks and custom resources out of the VPC, or share a long-lived security group from another stack.",
    source="https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/392",
    types=(_FUNCTION,),
)
def shared_security_group(function: Resource) -> Iterator[Fault]:
    for place in entries(function.get("VpcConfig", "SecurityGroupIds")):
        group = target(place, "AWS::EC2::SecurityGroup")
        if group is not None and group.stack is function.stack:
            yield Fault(at=str(place), message=f"{group.construct_path} is deleted together with the function")
