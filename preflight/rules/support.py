"""What several topics ask of a template: what is the same, which rules guard a group, which policies a bucket has."""

from collections.abc import Iterator
from typing import Any

from preflight.assembly import Assembly, Resource
from preflight.rules.attachments import Attachments, attached
from preflight.rules.remembering import remembered, shared
from preflight.values import Node, Text, entries, integer, target, text


def written(node: Node) -> Any:
    """What the template says there, before functions are resolved."""
    value: Any = node.resource.raw.get("Properties")
    for key in node.keys:
        if isinstance(value, dict):
            value = value.get(key)
        else:
            value = value[key] if isinstance(value, list) and isinstance(key, int) and key < len(value) else None
    return value


def as_json(node: Node) -> list[str]:
    """What a text of JSON may be: itself, or with stand-ins for what only the deployment will know.

    An unknown part may be a number, a piece of a string, or whole members: a text is bad if it is bad with each.
    """
    if isinstance(node.value, Text):
        return [node.value.literal.replace("\0", stand_in) for stand_in in ("0", '"x":0', '"x"', "")]
    written = text(node)
    return [] if written is None else [written]


def repeated_zones(places: list[Node]) -> Iterator[tuple[Node, str]]:
    """The subnets in a list that are in the zone of an earlier one (or are an earlier one), each with the reason."""
    seen: dict[str, Resource] = {}
    for place in places:
        subnet = target(place, "AWS::EC2::Subnet")
        if subnet is None or subnet.attribute("Condition"):
            continue
        marks = [f"{subnet.stack.name}/{subnet.logical_id}", *zone_marks(subnet)]
        earlier = next((seen[mark] for mark in marks if mark in seen), None)
        if earlier is subnet:
            yield place, f"{subnet.construct_path} is named twice"
        elif earlier is not None:
            yield place, f"{subnet.construct_path} is in the same zone as {earlier.construct_path}"
        seen.update((mark, seen.get(mark, subnet)) for mark in marks)


def zone_marks(subnet: Resource) -> list[str]:
    """Texts that are equal for two subnets that are known to be in one zone."""
    marks = []
    for key in ("AvailabilityZone", "AvailabilityZoneId"):
        node = subnet.get(key)
        if node.known:
            marks.append(f"{key} {node.value}")
        elif not node.absent:
            marks.append(f"{subnet.stack.name} {key} {written(node)}")
    return marks


def exclusive(one: Resource, other: Resource) -> bool:
    """Whether two resources stand under different conditions, so that perhaps never both are created."""
    conditions = one.attribute("Condition"), other.attribute("Condition")
    return all(conditions) and conditions[0] != conditions[1]


def bucket_policies(bucket: Resource) -> list[Resource]:
    """The policies of a bucket, wherever in the assembly."""
    return _bucket_policies(bucket.stack.assembly).of(bucket)


def policies_unclear(bucket: Resource) -> bool:
    """Whether some policy is of a bucket that only the deployment will know: perhaps of this one."""
    return _bucket_policies(bucket.stack.assembly).unclear


def _bucket_policies(assembly: Assembly) -> Attachments:
    policies = ("AWS::S3::BucketPolicy", "Bucket")
    return remembered(assembly, "bucket policies", lambda: attached(assembly, "AWS::S3::Bucket", policies))


@shared
def group_rules(group: Resource, direction: str) -> tuple[tuple[Resource, Node], ...]:
    """The rules of a security group ("Ingress" or "Egress"), inline and separate, with the resource each is in."""
    inline = [(group, node) for node in entries(group.get(f"SecurityGroup{direction}"))]
    separate = [
        (each, each.get())
        for each in group.referrers
        if each.type == f"AWS::EC2::SecurityGroup{direction}" and target(each.get("GroupId")) is group
    ]
    return (*inline, *separate)


def covers_port(node: Node, port: int) -> bool | None:
    """Whether a rule lets TCP through on a port; None where that is not known."""
    protocol = text(node.get("IpProtocol"))
    if protocol is None:
        return None
    if protocol == "-1":
        return True
    if protocol.lower() not in ("tcp", "6"):
        return False
    low, high = integer(node.get("FromPort")), integer(node.get("ToPort"))
    if low == -1 or (node.get("FromPort").absent and node.get("ToPort").absent):
        return True
    return None if low is None or high is None else low <= port <= high
