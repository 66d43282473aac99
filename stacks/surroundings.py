"""What the service's stack takes from the others: each value once, and nothing that they would have to wait for."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager

from infra.application import Server, SignedImages, Surroundings, Valkey
from infra.environment_stack import EnvironmentStack
from infra.imported_values import ImportedValues
from infra.valkey import ValkeyGroup
from stacks.data import DataStack
from stacks.edge import EdgeStack
from stacks.ingress import IngressStack
from stacks.storage import ReceiptsStack


class Imports:
    """Makes things of other stacks known in `stack`, where they are constructs of their own.

    What they say is kept in parameters called `/spendsmart/<environment>/<prefix>/…`.
    """

    def __init__(
        self,
        stack: EnvironmentStack,
        *,
        data: DataStack,
        storage: ReceiptsStack,
        ingress: IngressStack,
        prefix: str = "service",
    ) -> None:
        self._stack = stack
        self._data = data
        self._values = ImportedValues(stack, "Imported", prefix=f"/spendsmart/{stack.settings.name}/{prefix}")
        self.data_key = kms.Key.from_key_arn(stack, "DataKey", self._values.keep("DataKeyArn", data.key.key_arn))
        self._copies_key = (
            kms.Key.from_key_arn(stack, "CopiesKey", self._values.keep("CopiesKeyArn", data.copies_key_arn))
            if data.copies_key_arn
            else None
        )
        self.balancer_name = self._values.keep("LoadBalancerDnsName", ingress.load_balancer.load_balancer_dns_name)
        self.bucket = self._values.keep("BucketName", storage.bucket.bucket_name)
        self.bucket_key = self._values.keep("BucketKeyArn", storage.key.key_arn)

    @property
    def secret_keys(self) -> list[str]:
        """ARNs of the keys of all secrets: of copies from another region, too."""
        return [key.key_arn for key in (self.data_key, self._copies_key) if key]

    def keep(self, name: str, value: str) -> str:
        return self._values.keep(name, value)

    def vpc(self, vpc: ec2.IVpc) -> ec2.IVpc:
        private = vpc.select_subnets(subnet_group_name="Private")
        named = ec2.Vpc.from_vpc_attributes(
            self._stack,
            "Vpc",
            vpc_id=self._values.keep("VpcId", vpc.vpc_id),
            availability_zones=private.availability_zones,
            private_subnet_ids=[
                self._values.keep(f"PrivateSubnet{number}", subnet_id)
                for number, subnet_id in enumerate(private.subnet_ids, start=1)
            ],
        )
        for subnet in named.private_subnets:
            cdk.Annotations.of(subnet).acknowledge_warning(
                "@aws-cdk/aws-ec2:noSubnetRouteTableId", "Nothing here adds routes."
            )
        return named

    def security_group(self, name: str, group: ec2.ISecurityGroup) -> ec2.ISecurityGroup:
        return ec2.SecurityGroup.from_security_group_id(
            self._stack,
            f"{name}SecurityGroup",
            self._values.keep(f"{name}SecurityGroupId", group.security_group_id),
            allow_all_outbound=False,
        )

    def _secret(self, name: str, secret: secretsmanager.ISecret) -> secretsmanager.ISecret:
        arn = self._values.keep(f"{name}Arn", secret.secret_arn)
        if secret.secret_full_arn is None:
            return secretsmanager.Secret.from_secret_attributes(
                self._stack, name, secret_partial_arn=arn, encryption_key=self._copies_key
            )
        return secretsmanager.Secret.from_secret_attributes(
            self._stack, name, secret_complete_arn=arn, encryption_key=self.data_key
        )

    def _valkey(self, name: str, group: ValkeyGroup) -> Valkey:
        return Valkey(
            server=self._server(name, host=group.endpoint_address, port=group.port),
            username=group.username,
            password=self._secret(f"{name}Password", group.secret),
        )

    def _server(self, name: str, *, host: str, port: str) -> Server:
        return Server(host=self._values.keep(f"{name}Host", host), port=self._values.keep(f"{name}Port", port))

    def surroundings(self, edge: EdgeStack | None) -> Surroundings:
        """What the application works with."""
        data = self._data
        writer = data.database.writer
        writer_server = self._server(
            "Writer", host=writer.db_instance_endpoint_address, port=writer.db_instance_endpoint_port
        )
        reader_server = writer_server
        if data.database.readers:
            reader = data.database.readers[0]
            reader_server = self._server(
                "Reader", host=reader.db_instance_endpoint_address, port=reader.db_instance_endpoint_port
            )
        distribution = self._values.keep("DistributionDomain", edge.domain_name) if edge else None
        hosts, origins = self._names(distribution)
        return Surroundings(
            writer=writer_server,
            reader=reader_server,
            database_login=self._secret("DatabaseLogin", data.database.secret),
            broker=self._valkey("Broker", data.broker),
            cache=self._valkey("Cache", data.cache),
            django_secret_key=self._secret("DjangoSecretKey", data.django_secret_key),
            jwt_signing_secret_arn=self._values.keep("JwtSigningKeyArn", data.jwt_signing_key.secret_arn),
            openai_api_key=self._secret("OpenAiApiKey", data.openai_secret) if data.openai_secret else None,
            signed_images=self._signed_images(edge, distribution),
            bucket_name=self.bucket,
            bucket_key_id=self.bucket_key,
            hosts=hosts,
            origins=origins,
        )

    def _signed_images(self, edge: EdgeStack | None, distribution: str | None) -> SignedImages | None:
        if edge is None or distribution is None or edge.image_key_id is None or self._data.image_signing_key is None:
            return None
        # Named like the key's resource, so that another key changes this template, too: a weak reference alone does
        # not tell a stack that the value behind it is another one.
        name = edge.resolve(edge.image_key_id)["Ref"]
        return SignedImages(
            domain_name=self._stack.settings.domain.name if self._stack.settings.domain else distribution,
            key_id=self._values.keep(name, edge.image_key_id),
            signing_key=self._secret("ImageSigningKey", self._data.image_signing_key),
        )

    def _names(self, distribution: str | None) -> tuple[list[str], list[str]]:
        """Hosts that the application answers to, and origins whose pages may call it."""
        hosts, origins = [self.balancer_name], list(self._stack.settings.storage.allowed_origins)
        if distribution:
            hosts.append(distribution)
            origins.append(f"https://{distribution}")
        if self._stack.settings.domain:
            hosts.append(self._stack.settings.domain.name)
            origins.append(f"https://{self._stack.settings.domain.name}")
        else:
            origins.append(f"http://{self.balancer_name}")
        return hosts, origins
