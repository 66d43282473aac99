"""Rules of security groups: how many, what their texts may hold, which repeat each other."""

import re
from collections import Counter
from collections.abc import Iterator

from preflight.assembly import Resource
from preflight.rule import Confidence, Fault, Severity, rule
from preflight.rules.support import group_rules
from preflight.values import Node, Reference, Text, integer, reference, target, text

_GROUP = "AWS::EC2::SecurityGroup"
_SEPARATE = ("AWS::EC2::SecurityGroupIngress", "AWS::EC2::SecurityGroupEgress")
_API = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/"
_PEERS = (
    "SourceSecurityGroupId",
    "DestinationSecurityGroupId",
    "SourceSecurityGroupName",
    "SourcePrefixListId",
    "DestinationPrefixListId",
)


@rule(
    "VPC-49",
    constraint=49,
    severity=Severity.REFUSED,
    confidence=Confidence.BELIEVED,
    title="A security group has at most 60 rules in each direction before its quota is raised",
    otherwise="RulesPerSecurityGroupLimitExceeded, where the account still has the default quota.",
    remedy="Use wider ranges or prefix lists, or have the quota raised. A prefix list counts with its MaxEntries.",
    source="https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html",
    types=(_GROUP,),
)
def rules_per_group(group: Resource) -> Iterator[Fault]:
    for direction in ("Ingress", "Egress"):
        # IPv4 and IPv6 are counted apart; a rule that names a group or a prefix list counts in both.
        ranges = {"CidrIp": 0, "CidrIpv6": 0}
        for _, node in group_rules(group, direction):
            weight = _weight(node)
            for key in ranges:
                other = "CidrIpv6" if key == "CidrIp" else "CidrIp"
                ranges[key] += weight if node.get(other).absent else 0
        if (count := max(ranges.values())) > 60:
            yield Fault(at=f"SecurityGroup{direction}", message=f"{count} {direction.lower()} rules")


def _weight(node: Node) -> int:
    for key in ("SourcePrefixListId", "DestinationPrefixListId"):
        prefixes = target(node.get(key), "AWS::EC2::PrefixList")
        if prefixes is not None:
            return integer(prefixes.get("MaxEntries")) or 1
    return 1


@rule(
    "VPC-206",
    constraint=None,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="Names and descriptions of security groups and their rules keep to EC2's letters",
    otherwise="InvalidParameterValue: the group or rule is refused.",
    remedy="At most 255 of a-z, A-Z, 0-9, spaces and ._-:/()#,@[]+=&;{}!$* (no apostrophe, no arrow); a name not "
    "beginning with sg-.",
    source=_API + "API_IpRange.html",
    types=(_GROUP, *_SEPARATE),
)
def texts(resource: Resource) -> Iterator[Fault]:
    places = [resource.get("Description")]
    if resource.type == _GROUP:
        places = [resource.get("GroupDescription"), resource.get("GroupName")]
        for direction in ("Ingress", "Egress"):
            places += [node.get("Description") for owner, node in group_rules(resource, direction) if owner is resource]
    for node in places:
        known = node.value.literal.replace("\0", "") if isinstance(node.value, Text) else text(node)
        if known is None:
            continue
        if len(known) > 255 or not re.fullmatch(r"[a-zA-Z0-9 ._\-:/()#,@\[\]+=&;{}!$*]*", known):
            yield Fault(at=str(node), message=f"{known[:60]!r}: {_odd(known)}")
        elif node.keys == ("GroupName",) and known.startswith("sg-") and not isinstance(node.value, Text):
            yield Fault(at="GroupName", message=f"name {known} begins with sg-")


def _odd(known: str) -> str:
    odd = "".join(sorted(set(re.sub(r"[a-zA-Z0-9 ._\-:/()#,@\[\]+=&;{}!$*]", "", known))))
    return f"not allowed: {odd!r}" if odd else f"{len(known)} characters"


@rule(
    "VPC-207",
    constraint=None,
    severity=Severity.COST,
    confidence=Confidence.REPORTED,
    title="No two rules of a security group are alike",
    otherwise="EC2 answers InvalidPermission.Duplicate. CloudFormation passes over it within one group, and takes the "
    "rule away for good when one of the two is removed later.",
    remedy="Remove one of them; a description does not make them different.",
    source="https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/1532",
    types=(_GROUP,),
)
def duplicate_rules(group: Resource) -> Iterator[Fault]:
    for direction in ("Ingress", "Egress"):
        seen: Counter[tuple[str, ...]] = Counter()
        for owner, node in group_rules(group, direction):
            key = _identity(node)
            if key is None or owner.attribute("Condition"):
                continue
            seen[key] += 1
            if seen[key] == 2:
                at = str(node) if owner is group else ""
                yield Fault(at=at, message=f"the same {direction.lower()} rule a second time", resource=owner)


def _identity(node: Node) -> tuple[str, ...] | None:
    """What EC2 compares; None where a part is not known."""
    protocol = text(node.get("IpProtocol"))
    if protocol is None:
        return None
    parts = [{"6": "tcp", "17": "udp", "1": "icmp"}.get(protocol, protocol.lower())]
    # For all protocols EC2 ignores the ports.
    for key in ("FromPort", "ToPort") if protocol != "-1" else ():
        port = integer(node.get(key))
        if port is None and not node.get(key).absent:
            return None
        parts.append(str(port))
    for key in ("CidrIp", "CidrIpv6", *_PEERS):
        peer = node.get(key)
        found = reference(peer)
        if isinstance(found, Reference):
            # Ref and GetAtt GroupId of one group are the same peer.
            parts.append(f"{key}:{found.resource.stack.name}/{found.resource.logical_id}")
        elif not peer.absent:
            known = text(peer)
            if known is None:
                return None
            parts.append(f"{key}:{known}")
    return tuple(parts) if len(parts) > 1 else None
