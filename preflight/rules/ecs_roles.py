"""Roles that ECS and its tasks assume: who may assume them, what they allow, and when their policies are there."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from preflight.assembly import Resource
from preflight.policies import allows
from preflight.rule import Confidence, Fault, Level, Severity, rule
from preflight.rules.ecs_services import GUIDE, SERVICE, on_fargate, shifts_traffic, task_definition
from preflight.rules.ordering import waits_for
from preflight.rules.role_grants import MANAGED, ROLE, attached_policies, document_allows, policy_documents, verdict
from preflight.values import Node, Text, boolean, entries, target, text

_FUNCTIONS = ("AWS::Lambda::Function", "AWS::Lambda::Version", "AWS::Lambda::Alias")
_ECS = "ecs.amazonaws.com"
_INVOKE = "lambda:InvokeFunction"
# What shifting needs at the least: tasks come into a group, and the rule's weights change.
_BALANCING = ("elasticloadbalancing:RegisterTargets", "elasticloadbalancing:DescribeTargetHealth")
_TROUBLE = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/troubleshooting-blue-green.html"
# AWS's managed policies that are often on such roles, and the actions of interest here that they allow.
_AWS_POLICIES: dict[str, tuple[str, ...]] = {
    "AdministratorAccess": ("*",),
    "PowerUserAccess": ("lambda:*", "elasticloadbalancing:*", "ssmmessages:*"),
    "AWSLambda_FullAccess": ("lambda:*",),
    "service-role/AWSLambdaRole": (_INVOKE,),
    "ElasticLoadBalancingFullAccess": ("elasticloadbalancing:*",),
    "AmazonECS_FullAccess": ("elasticloadbalancing:*",),
    "AmazonECSInfrastructureRolePolicyForLoadBalancers": ("elasticloadbalancing:*",),
    "AmazonSSMManagedInstanceCore": ("ssmmessages:*",),
    "AmazonECSInfrastructureRolePolicyForVolumes": (),
    "service-role/AmazonECSInfrastructureRolePolicyForVolumes": (),
    "service-role/AmazonECSTaskExecutionRolePolicy": (),
    "service-role/AWSLambdaBasicExecutionRole": (),
    "service-role/AWSLambdaVPCAccessExecutionRole": (),
    "AmazonS3ReadOnlyAccess": (),
    "AmazonS3FullAccess": (),
    "CloudWatchAgentServerPolicy": (),
    "CloudWatchLogsFullAccess": (),
    "AWSXRayDaemonWriteAccess": (),
}


def role_allows(role: Resource, action: str) -> bool | None:
    """Whether a policy of the role in this assembly allows the action, on whatever; None where not all is known."""
    answers = [document_allows(document, action) for document in policy_documents(role)]
    answers += [
        _aws_policy_allows(node, action)
        for node in entries(role.get("ManagedPolicyArns"))
        if target(node, MANAGED) is None
    ]
    return verdict(role, answers)


@rule(
    "ECS-13",
    constraint=13,
    severity=Severity.OUTAGE,
    confidence=Confidence.DOCUMENTED,
    title="A lifecycle hook's function returns hookStatus",
    otherwise='Every rollout goes back: "HookStatus must not be null".',
    remedy="Return {'hookStatus': 'SUCCEEDED' | 'FAILED' | 'IN_PROGRESS'}.",
    source=f"{GUIDE}/lambda-lifecycle-hooks.html",
    types=(SERVICE,),
)
def hook_status(service: Resource) -> Iterator[Fault]:
    for hook in _hooks(service):
        function = _function(hook.get("HookTargetArn"))
        code = text(function.get("Code", "ZipFile")) if function else None
        # A handler that only passes on what another module returns need not say the word.
        if function and code and "hookStatus" not in code and "import_module" not in code:
            yield Fault(at="Code.ZipFile", message="hookStatus is nowhere in the code", resource=function)


@rule(
    "ECS-14",
    constraint=14,
    severity=Severity.OUTAGE,
    confidence=Confidence.DOCUMENTED,
    # Which of the two is ready first is a race, and it is mostly won: so this warns.
    level=Level.WARNING,
    title="A service waits for the policies of the roles that ECS uses for it",
    otherwise="ECS may use the role before its policy is attached: the hook or the load balancer is denied, and the "
    "rollout goes back. On deletion the policy may be gone first.",
    remedy="Let the service DependsOn the AWS::IAM::Policy.",
    source="https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-iam-role.html",
    types=(SERVICE,),
    lacks=("DependsOn",),
)
def policies_first(service: Resource) -> Iterator[Fault]:
    roles = [target(node, ROLE) for node in (*_hook_roles(service), *_balancing_roles(service))]
    for role in dict.fromkeys(roles):
        for policy in attached_policies(role) if role and role.stack is service.stack else []:
            if policy.stack is service.stack and not waits_for(service, policy):
                yield Fault(at="DependsOn", message=f"nothing orders it after {policy.logical_id}")


@rule(
    "ECS-14b",
    constraint=14,
    severity=Severity.OUTAGE,
    confidence=Confidence.DOCUMENTED,
    title="A lifecycle hook's role may invoke the hook",
    otherwise='Every rollout goes back: "not authorized to perform: lambda:InvokeFunction".',
    remedy="Allow lambda:InvokeFunction on the function in the role's policy (CDK adds no grant to a role you pass).",
    source=_TROUBLE,
    types=(SERVICE,),
    lacks=(
        "AWS::IAM::Policy",
        "AWS::IAM::RolePolicy",
        "AWS::IAM::ManagedPolicy",
    ),
)
def hook_invoked(service: Resource) -> Iterator[Fault]:
    for node in _hook_roles(service):
        role = target(node, ROLE)
        # A function's own policy can let the role in as well.
        admitted = role and any(other.type == "AWS::Lambda::Permission" for other in role.referrers)
        if role and not admitted and role_allows(role, _INVOKE) is False:
            yield Fault(at="Policies", message=f"no policy allows {_INVOKE}", resource=role)


@rule(
    "ECS-14c",
    constraint=14,
    severity=Severity.OUTAGE,
    confidence=Confidence.DOCUMENTED,
    title="ECS may assume a lifecycle hook's role",
    otherwise='Every rollout goes back: "ECS was unable to assume role".',
    remedy="Let ecs.amazonaws.com assume the role.",
    source=_TROUBLE,
    types=(SERVICE,),
)
def hook_trust(service: Resource) -> Iterator[Fault]:
    yield from _untrusted(_hook_roles(service))


@rule(
    "ECS-15",
    constraint=15,
    severity=Severity.OUTAGE,
    confidence=Confidence.DOCUMENTED,
    title="ECS may assume the infrastructure role",
    otherwise='The rollout goes back: "missing permissions on ECS Infrastructure Role".',
    remedy="Let ecs.amazonaws.com assume the role.",
    source=_TROUBLE,
    types=(SERVICE,),
)
def infrastructure_trust(service: Resource) -> Iterator[Fault]:
    volumes = [
        item.get("ManagedEBSVolume", "RoleArn")
        for item in entries(service.get("VolumeConfigurations"))
        if isinstance(item.value, dict)
    ]
    lattice = [item.get("RoleArn") for item in entries(service.get("VpcLatticeConfigurations"))]
    yield from _untrusted([*_balancing_roles(service), *volumes, *lattice])


@rule(
    "ECS-15b",
    constraint=15,
    severity=Severity.OUTAGE,
    confidence=Confidence.DOCUMENTED,
    title="The infrastructure role may register targets and change listener rules",
    otherwise="No traffic shifts, and the rollout goes back.",
    remedy="Attach AmazonECSInfrastructureRolePolicyForLoadBalancers.",
    source=_TROUBLE,
    types=(SERVICE,),
    lacks=(
        "AWS::IAM::Policy",
        "AWS::IAM::RolePolicy",
        "AWS::IAM::ManagedPolicy",
    ),
)
def infrastructure_policy(service: Resource) -> Iterator[Fault]:
    for node in _balancing_roles(service):
        role = target(node, ROLE)
        if role is None:
            continue
        denied = [action for action in _BALANCING if role_allows(role, action) is False]
        shifts = [role_allows(role, f"elasticloadbalancing:Modify{kind}") for kind in ("Rule", "Listener")]
        if shifts == [False, False]:
            denied.append("elasticloadbalancing:ModifyRule")
        if denied:
            message = f"no policy allows {', '.join(denied)}"
            yield Fault(at="ManagedPolicyArns", message=message, resource=role)


@rule(
    "ECS-15c",
    constraint=15,
    severity=Severity.REFUSED,
    confidence=Confidence.BELIEVED,
    title="Where ECS shifts traffic it has an infrastructure role",
    otherwise="Without RoleArn ECS may not change the listener rules.",
    remedy="Set AdvancedConfiguration.RoleArn.",
    source=f"{GUIDE}/AmazonECSInfrastructureRolePolicyForLoadBalancers.html",
    types=(SERVICE,),
)
def infrastructure_role(service: Resource) -> Iterator[Fault]:
    for node in _balancing_roles(service):
        if node.absent:
            yield Fault(at=str(node), message="no RoleArn")


@rule(
    "ECS-26b",
    constraint=26,
    severity=Severity.REFUSED,
    confidence=Confidence.REPORTED,
    title="ECS Exec on Fargate needs a task role",
    otherwise='CreateService refuses: "a valid taskRoleArn is not being used".',
    remedy="Give the task definition a TaskRoleArn that allows the ssmmessages actions.",
    source="https://github.com/aws-containers/amazon-ecs-exec-checker",
    types=(SERVICE,),
)
def exec_needs_role(service: Resource) -> Iterator[Fault]:
    task = task_definition(service) if boolean(service.get("EnableExecuteCommand")) else None
    if task and on_fargate(service) and task.get("TaskRoleArn").absent:
        yield Fault(at="EnableExecuteCommand", message=f"{task.logical_id} has no TaskRoleArn")


@rule(
    "ECS-26c",
    constraint=26,
    severity=Severity.SILENT,
    confidence=Confidence.DOCUMENTED,
    title="ECS Exec needs a task role that may open its channels",
    otherwise="The service is created, and every ExecuteCommand fails.",
    remedy="Allow ssmmessages:CreateControlChannel, CreateDataChannel, OpenControlChannel and OpenDataChannel.",
    source=f"{GUIDE}/task-iam-roles.html#ecs-exec-required-iam-permissions",
    types=(SERVICE,),
    lacks=(
        "AWS::IAM::Policy",
        "AWS::IAM::RolePolicy",
        "AWS::IAM::ManagedPolicy",
    ),
)
def exec_channels(service: Resource) -> Iterator[Fault]:
    task = task_definition(service) if boolean(service.get("EnableExecuteCommand")) else None
    role = target(task.get("TaskRoleArn"), ROLE) if task else None
    if role and role_allows(role, "ssmmessages:CreateControlChannel") is False:
        message = f"{role.logical_id} does not allow ssmmessages:CreateControlChannel"
        yield Fault(at="EnableExecuteCommand", message=message)


def _hooks(service: Resource) -> list[Node]:
    return entries(service.get("DeploymentConfiguration", "LifecycleHooks"))


def _hook_roles(service: Resource) -> list[Node]:
    return [hook.get("RoleArn") for hook in _hooks(service)]


def _balancing_roles(service: Resource) -> list[Node]:
    if not shifts_traffic(service):
        return []
    advanced = [entry.get("AdvancedConfiguration") for entry in entries(service.get("LoadBalancers"))]
    return [node.get("RoleArn") for node in advanced if isinstance(node.value, dict)]


def _untrusted(nodes: list[Node]) -> Iterator[Fault]:
    for role in dict.fromkeys(target(node, ROLE) for node in nodes):
        if role and allows(role.get("AssumeRolePolicyDocument"), action="sts:AssumeRole", service=_ECS) is False:
            message = f"{_ECS} may not assume {role.logical_id}"
            yield Fault(at="AssumeRolePolicyDocument", message=message, resource=role)


def _function(node: Node) -> Resource | None:
    """The function behind an ARN, also by way of an alias or a version."""
    found = target(node, *_FUNCTIONS)
    if found and found.type != _FUNCTIONS[0]:
        return target(found.get("FunctionName"), _FUNCTIONS[0])
    return found


def _aws_policy_allows(node: Node, action: str) -> bool | None:
    """AWS's own policies by name; of one that is not listed nothing is known."""
    written = node.value.literal if isinstance(node.value, Text) else text(node)
    known = _AWS_POLICIES.get(written.split(":policy/", 1)[-1]) if written else None
    return None if known is None else any(fnmatchcase(action.lower(), pattern.lower()) for pattern in known)
