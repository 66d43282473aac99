"""What a role of the assembly may do and who may assume it, with every policy that the assembly attaches to it."""

from __future__ import annotations

from preflight.assembly import Assembly, Resource
from preflight.policies import Statement, allows, statements
from preflight.rules.remembering import remembered
from preflight.values import Node, entries, is_unknown, target, text

ROLE = "AWS::IAM::Role"
MANAGED = "AWS::IAM::ManagedPolicy"
# AWS's own policies that are common on execution roles, by what they allow of what the rules ask about.
KNOWN_POLICIES: dict[str, frozenset[str]] = {
    "service-role/AWSLambdaBasicExecutionRole": frozenset(),
    "service-role/AWSLambdaVPCAccessExecutionRole": frozenset({"ec2:createnetworkinterface"}),
    "service-role/AWSLambdaENIManagementAccess": frozenset({"ec2:createnetworkinterface"}),
    "service-role/AWSLambdaSQSQueueExecutionRole": frozenset({"sqs:receivemessage"}),
    "service-role/AWSLambdaDynamoDBExecutionRole": frozenset({"dynamodb:getrecords"}),
    "service-role/AWSLambdaKinesisExecutionRole": frozenset({"kinesis:getrecords"}),
    "service-role/AmazonECSTaskExecutionRolePolicy": frozenset(),
    "AWSXRayDaemonWriteAccess": frozenset(),
    "AWSXrayWriteOnlyAccess": frozenset(),
    "CloudWatchLambdaInsightsExecutionRolePolicy": frozenset(),
    "AmazonSSMReadOnlyAccess": frozenset(),
}


def role_of(given: Node) -> Resource | None:
    """The role that a property points to, when it is in the assembly."""
    return target(given, ROLE)


def assumed_by(role: Resource, service: str) -> bool | None:
    """Whether its trust policy lets the service assume it; None where that cannot be decided."""
    document = role.get("AssumeRolePolicyDocument")
    return None if document.absent else allows(document, action="sts:AssumeRole", service=service)


def allows_action(role: Resource, action: str) -> bool | None:
    """Whether some policy lets the role do this, on whatever resource; None where one of them cannot be read."""
    return remembered(role, action, lambda: _allows_action(role, action))


def _allows_action(role: Resource, action: str) -> bool | None:
    undecided = False
    for document in policy_documents(role):
        if is_unknown(document) or is_unknown(document.get("Statement")):
            undecided = True
        for statement in statements(document):
            if _lets(statement, action):
                return True
            undecided = undecided or statement.undecided
    for entry in entries(role.get("ManagedPolicyArns")):
        known = _known_policy(entry)
        if known is None and target(entry, MANAGED) is None:
            undecided = True
        elif known is not None and action.lower() in known:
            return True
    return None if undecided or is_unknown(role.get("ManagedPolicyArns")) or is_unknown(role.get("Policies")) else False


def _lets(statement: Statement, action: str) -> bool:
    return not statement.undecided and statement.effect == "Allow" and statement.covers(action)


def _known_policy(entry: Node) -> frozenset[str] | None:
    value = entry.value
    arn = value if isinstance(value, str) else getattr(value, "literal", "")
    return KNOWN_POLICIES.get(arn.split(":policy/", 1)[-1]) if ":iam::aws:policy/" in arn else None


def policy_documents(role: Resource) -> list[Node]:
    """The documents of its inline policies and of every policy of the assembly that is attached to it."""
    found = [policy.get("PolicyDocument") for policy in entries(role.get("Policies"))]
    managed = (target(entry, MANAGED) for entry in entries(role.get("ManagedPolicyArns")))
    found += [policy.get("PolicyDocument") for policy in managed if policy is not None]
    assembly = role.stack.assembly
    return found + remembered(assembly, "policies of roles", lambda: _attachments(assembly)).get(role, [])


def _attachments(assembly: Assembly) -> dict[Resource, list[Node]]:
    found: dict[Resource, list[Node]] = {}
    for policy in assembly.of_type("AWS::IAM::Policy", MANAGED, "AWS::IAM::RolePolicy"):
        for entry in [*entries(policy.get("Roles")), policy.get("RoleName")]:
            if not entry.absent and (role := target(entry, ROLE)) is not None:
                found.setdefault(role, []).append(policy.get("PolicyDocument"))
    return found


def trusts(role: Resource) -> set[str]:
    """The services, as far as known, that may assume the role."""
    return {
        name
        for statement in statements(role.get("AssumeRolePolicyDocument"))
        for entry in entries(statement.node.get("Principal", "Service"))
        if (name := text(entry)) is not None
    }
