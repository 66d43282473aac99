"""What a role of the assembly may do and who may assume it, with every policy that the assembly attaches to it."""

from __future__ import annotations

from preflight.assembly import Assembly, Resource
from preflight.policies import allows, statements
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
    answers = [document_allows(document, action) for document in policy_documents(role)]
    for entry in entries(role.get("ManagedPolicyArns")):
        if target(entry, MANAGED) is None:
            known = _known_policy(entry)
            answers.append(None if known is None else action.lower() in known)
    return verdict(role, answers)


def verdict(role: Resource, answers: list[bool | None]) -> bool | None:
    """What the answers of its single policies come to: one that allows is enough, an open one leaves it open."""
    if True in answers:
        return True
    open_ended = is_unknown(role.get("ManagedPolicyArns")) or is_unknown(role.get("Policies"))
    return None if open_ended or None in answers else False


def document_allows(document: Node, action: str) -> bool | None:
    """Whether a statement allows the action, on whatever; None where one of them is decided by the deployment."""
    found = statements(document)
    if any(each.effect == "Allow" and not each.undecided and each.covers(action) for each in found):
        return True
    open_ended = is_unknown(document) or is_unknown(document.get("Statement"))
    return None if open_ended or any(each.undecided for each in found) else False


def _known_policy(entry: Node) -> frozenset[str] | None:
    value = entry.value
    arn = value if isinstance(value, str) else getattr(value, "literal", "")
    return KNOWN_POLICIES.get(arn.split(":policy/", 1)[-1]) if ":iam::aws:policy/" in arn else None


def policy_documents(role: Resource) -> list[Node]:
    """The documents of its inline policies and of every policy of the assembly that is attached to it."""
    found = [policy.get("PolicyDocument") for policy in entries(role.get("Policies"))]
    managed = (target(entry, MANAGED) for entry in entries(role.get("ManagedPolicyArns")))
    found += [policy.get("PolicyDocument") for policy in managed if policy is not None]
    return found + [policy.get("PolicyDocument") for policy in attached_policies(role)]


def attached_policies(role: Resource) -> list[Resource]:
    """Policies that are resources of their own and attach themselves to the role."""
    assembly = role.stack.assembly
    return remembered(assembly, "policies of roles", lambda: _attachments(assembly)).get(role, [])


def _attachments(assembly: Assembly) -> dict[Resource, list[Resource]]:
    found: dict[Resource, dict[Resource, None]] = {}
    for policy in assembly.of_type("AWS::IAM::Policy", MANAGED, "AWS::IAM::RolePolicy"):
        for entry in [*entries(policy.get("Roles")), policy.get("RoleName")]:
            if not entry.absent and (role := target(entry, ROLE)) is not None:
                found.setdefault(role, {})[policy] = None
    return {role: list(policies) for role, policies in found.items()}


def trusts(role: Resource) -> set[str]:
    """The services, as far as known, that may assume the role."""
    return {
        name
        for statement in statements(role.get("AssumeRolePolicyDocument"))
        for entry in entries(statement.node.get("Principal", "Service"))
        if (name := text(entry)) is not None
    }
