"""Draws the architecture from the synthesized templates, as a Mermaid diagram for the README.

    scripts/cdk synth --quiet -c env=prod && .venv/bin/python scripts/architecture.py cdk.out

Prints the diagram; `--write README.md` puts it between the file's markers instead. Every box and every figure in it
comes from a template, and an arrow is there only where a resource refers to another or a security group lets it in.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BEGIN, END = "<!-- architecture: begin -->", "<!-- architecture: end -->"


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One resource of the assembly; `text` is its JSON, for finding what it refers to."""

    stack: str
    id: str
    type: str
    properties: dict[str, Any]

    @property
    def text(self) -> str:
        return json.dumps(self.properties)


class Assembly:
    """All resources of a cloud assembly, and the region of each stack."""

    def __init__(self, folder: Path) -> None:
        manifest = json.loads((folder / "manifest.json").read_text())
        self.regions: dict[str, str] = {}
        self.resources: list[Resource] = []
        for name, artifact in manifest["artifacts"].items():
            if artifact["type"] != "aws:cloudformation:stack":
                continue
            stack = name.split("-")[-1]
            self.regions[stack] = artifact["environment"].rsplit("/", 1)[1]
            template = json.loads((folder / artifact["properties"]["templateFile"]).read_text())
            for logical_id, resource in template.get("Resources", {}).items():
                properties = resource.get("Properties", {})
                self.resources.append(
                    Resource(stack=stack, id=logical_id, type=resource["Type"], properties=properties)
                )

    def of(self, kind: str, *, stack: str | None = None) -> list[Resource]:
        return [r for r in self.resources if r.type == kind and stack in {None, r.stack}]


def diagram(assembly: Assembly) -> str:
    """The diagram's text."""
    lines = ["flowchart LR", '  people(["people"])']
    primary = assembly.regions["Service"]
    others = sorted({region for region in assembly.regions.values() if region != primary})
    lines += _edge(assembly)
    lines.append(f'  subgraph primary["{primary}"]')
    lines += [
        f"  {line}" for line in (*_ingress(assembly), *_services(assembly), *_data(assembly), *_storage(assembly))
    ]
    lines.append("  end")
    for region in others:
        lines += _copies(assembly, region)
    lines += _arrows(assembly)
    return "\n".join(lines)


def _edge(assembly: Assembly) -> list[str]:
    if not assembly.of("AWS::CloudFront::Distribution"):
        return []
    rules = sum(len(acl.properties["Rules"]) for acl in assembly.of("AWS::WAFv2::WebACL", stack="Edge"))
    return [f'  cdn["CloudFront<br/>WAF, {rules} rules"]']


def _ingress(assembly: Assembly) -> list[str]:
    acls = assembly.of("AWS::WAFv2::WebACL", stack="RegionalWaf")
    waf = f"<br/>WAF, {len(acls[0].properties['Rules'])} rules" if acls else ""
    zones = len(_subnets(assembly, "Public"))
    return [f'  alb["Application Load Balancer<br/>{zones} zones{waf}"]']


def _subnets(assembly: Assembly, kind: str) -> list[Resource]:
    return [s for s in assembly.of("AWS::EC2::Subnet") if f"Vpc{kind}Subnet" in s.id]


def _services(assembly: Assembly) -> list[str]:
    lines = [f'  subgraph private["private subnets, {len(_subnets(assembly, "Private"))} zones"]']
    for service in assembly.of("AWS::ECS::Service"):
        name = service.id.split("Service")[0].lower()
        task = next(
            t for t in assembly.of("AWS::ECS::TaskDefinition") if t.id == service.properties["TaskDefinition"]["Ref"]
        )
        named = [c["Name"] for c in task.properties["ContainerDefinitions"]]
        containers = " + ".join(sorted(named, key=lambda c: c != name))
        count = "1 task"
        for target in assembly.of("AWS::ApplicationAutoScaling::ScalableTarget"):
            if service.id in target.text:
                count = f"{target.properties['MinCapacity']} to {target.properties['MaxCapacity']} tasks"
        size = f"{int(task.properties['Cpu']) / 1024:g} vCPU, {int(task.properties['Memory']) / 1024:g} GiB"
        lines.append(f'    {name}["{name}: {containers}<br/>{count} of {size}"]')
    return [*lines, "  end"]


def _data(assembly: Assembly) -> list[str]:
    lines = [f'  subgraph isolated["isolated subnets, {len(_subnets(assembly, "Isolated"))} zones"]']
    for instance in assembly.of("AWS::RDS::DBInstance"):
        source = "SourceDBInstanceIdentifier" in instance.properties
        kind = "read replica" if source else "Multi-AZ" if instance.properties.get("MultiAZ") else "single zone"
        node = "replica" if source else "primary_db"
        lines.append(f'    {node}[("PostgreSQL, {kind}<br/>{instance.properties["DBInstanceClass"]}")]')
    for group in assembly.of("AWS::ElastiCache::ReplicationGroup"):
        name = "broker" if "Broker" in group.id else "cache"
        nodes = group.properties.get("NumCacheClusters") or 1 + int(group.properties.get("ReplicasPerNodeGroup", 0))
        shown = f"{nodes} × {group.properties['CacheNodeType']}"
        lines.append(f'    {name}[("Valkey {name}<br/>{shown}")]')
    return [*lines, "  end"]


def _storage(assembly: Assembly) -> list[str]:
    lines = []
    for bucket in assembly.of("AWS::S3::Bucket", stack="Storage"):
        if "LifecycleConfiguration" not in bucket.properties or not bucket.id.startswith("Receipts"):
            continue
        days = [
            f"{t['StorageClass'].replace('_', ' ').lower()} from day {t['TransitionInDays']}"
            for rule in bucket.properties["LifecycleConfiguration"]["Rules"]
            for t in rule.get("Transitions", [])
        ]
        lines.append(f'  bucket[("S3 receipts, KMS, versioned<br/>{"<br/>".join(days)}")]')
    return lines


def _copies(assembly: Assembly, region: str) -> list[str]:
    lines = []
    stacks = {stack for stack, where in assembly.regions.items() if where == region}
    if any(b.stack in stacks and b.id.startswith("Receipts") for b in assembly.of("AWS::S3::Bucket")):
        lines.append('    bucket_copy[("S3 copy of the receipts")]')
    for vault in assembly.of("AWS::Backup::BackupVault"):
        if vault.stack in stacks:
            locked = ", locked" if "LockConfiguration" in vault.properties else ""
            lines.append(f'    vault_copy[("backup vault{locked}")]')
    if not lines:
        return []
    return [f'  subgraph region_{region.replace("-", "_")}["{region}"]', *lines, "  end"]


def _arrows(assembly: Assembly) -> list[str]:
    lines = []
    if assembly.of("AWS::CloudFront::Distribution"):
        lines += ["  people -->|pages, API| cdn", "  cdn --> alb"]
    lines.append("  people -->|presigned upload| bucket")
    if assembly.of("AWS::ElasticLoadBalancingV2::ListenerRule"):
        lines.append("  alb --> web")
    # Who reaches which server: from the security group rules, which name both ends in their descriptions' ids.
    for rule in sorted(assembly.of("AWS::EC2::SecurityGroupEgress"), key=lambda r: r.id):
        match = re.match(r"(Web|Worker|Beat)TaskSecurityGroupto\w+?(Database|Broker|Cache)SecurityGroup", rule.id)
        if match:
            client, server = match.group(1).lower(), match.group(2).lower()
            lines.append(f"  {client} --> {'primary_db' if server == 'database' else server}")
    readers = [t for t in assembly.of("AWS::RDS::DBInstance") if "SourceDBInstanceIdentifier" in t.properties]
    if readers:
        lines += ["  web -->|analytics| replica", "  primary_db -.->|streams| replica"]
    lines.append("  worker -->|reads images| bucket")
    for bucket in assembly.of("AWS::S3::Bucket", stack="Storage"):
        if "ReplicationConfiguration" in bucket.properties:
            lines.append("  bucket -.->|replicates| bucket_copy")
    if any("CopyActions" in plan.text for plan in assembly.of("AWS::Backup::BackupPlan")):
        lines += ["  primary_db -.->|backups| vault_copy"]
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("assembly", type=Path, help="folder with manifest.json")
    parser.add_argument("--write", type=Path, help="file with the markers to write between")
    given = parser.parse_args()
    if not (given.assembly / "manifest.json").exists():
        print(f"architecture: {given.assembly} is no cloud assembly: synthesize first", file=sys.stderr)
        return 1
    text = f"{BEGIN}\n```mermaid\n{diagram(Assembly(given.assembly))}\n```\n{END}"
    if given.write is None:
        print(text)
        return 0
    before = given.write.read_text()
    given.write.write_text(re.sub(f"{BEGIN}.*{END}", lambda _: text, before, flags=re.DOTALL))
    return 0


if __name__ == "__main__":
    sys.exit(main())
