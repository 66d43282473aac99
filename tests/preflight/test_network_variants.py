"""Further forms of the faults in networks and CloudFront, and what only looks like one.

Each line is a rule, the number of its findings, and the resources of a template in YAML.
"""

from __future__ import annotations

import pytest

from tests.preflight.variants import judged

BALANCER = "B: {Type: AWS::ElasticLoadBalancingV2::LoadBalancer, Properties: {%s}}\n"
LISTENER = "L: {Type: AWS::ElasticLoadBalancingV2::Listener, Properties: {%s}}\n"
DISTRIBUTION = "D: {Type: AWS::CloudFront::Distribution, Properties: {DistributionConfig: {%s}}}\n"
BEHAVIOR = DISTRIBUTION % "DefaultCacheBehavior: {%s}"
BUCKET = "K: {Type: AWS::S3::Bucket}\n"
ENDPOINT = "E: {Type: AWS::EC2::VPCEndpoint, Properties: {%s}}\n"
NAT = "N: {Type: AWS::EC2::NatGateway, Properties: {%s}}\n"
FLOW = "F: {Type: AWS::EC2::FlowLog, Properties: {%s}}\n"
SECURITY_GROUP = "S: {Type: AWS::EC2::SecurityGroup, Properties: {%s}}\n"
FUNCTION = (
    "F: {Type: AWS::Lambda::Function, Properties: {%s}}\n"
    "V: {Type: AWS::Lambda::Version, Properties: {FunctionName: !Ref F}}\n"
)
AT_EDGE = BEHAVIOR % "LambdaFunctionAssociations: [{EventType: %s, LambdaFunctionARN: %s}]"
IN_VPC = "F: {Type: AWS::Lambda::Function, Properties: {Role: !GetAtt R.Arn, VpcConfig: {SubnetIds: [s]}}}\n"
VPC_ORIGIN = "O: {Type: AWS::CloudFront::VpcOrigin, Properties: {VpcOriginEndpointConfig: {Arn: !Ref B%s}}}\n"
BOTH_KINDS = "FunctionAssociations: [{EventType: viewer-request}], LambdaFunctionAssociations: [{EventType: %s}]"

VARIANTS: list[tuple[str, int, str]] = [
    # Networks.
    ("VPC-205", 1, NAT % "SubnetId: s"),
    ("VPC-205", 0, NAT % "AvailabilityMode: regional"),
    ("VPC-205", 1, NAT % "ConnectivityType: private, AllocationId: a"),
    ("VPC-205", 1, "X: {Type: AWS::EC2::EIP}\n" + NAT % "AllocationId: !Ref X"),
    ("VPC-206", 1, SECURITY_GROUP % "GroupName: sg-web"),
    ("VPC-206", 1, SECURITY_GROUP % f"GroupDescription: {'x' * 256}"),
    ("VPC-206", 0, SECURITY_GROUP % f"GroupDescription: {'x' * 255}"),
    (
        "VPC-207",
        0,
        SECURITY_GROUP % "SecurityGroupIngress: [{IpProtocol: tcp, FromPort: 1}, {IpProtocol: tcp}]",
    ),
    (
        "VPC-207",
        1,
        SECURITY_GROUP
        % "SecurityGroupEgress: [{IpProtocol: -1, CidrIp: 0.0.0.0/0}, {IpProtocol: -1, ToPort: 0, CidrIp: 0.0.0.0/0}]",
    ),
    ("VPC-209", 1, FLOW % "LogDestinationType: s3, LogDestination: b, DeliverLogsPermissionArn: r"),
    ("VPC-209", 0, FLOW % "LogDestinationType: s3, LogDestination: b, MaxAggregationInterval: 60"),
    ("VPC-209", 1, FLOW % "LogDestinationType: s3, LogDestination: b, MaxAggregationInterval: 61"),
    ("VPC-209", 1, FLOW % "LogDestinationType: s3, LogGroupName: g"),
    ("VPC-209", 1, FLOW % "DeliverLogsPermissionArn: r"),
    ("VPC-51b", 0, "V: {Type: AWS::EC2::VPC}\n" + ENDPOINT % "VpcId: !Ref V, VpcEndpointType: Interface"),
    (
        "VPC-51b",
        1,
        "V: {Type: AWS::EC2::VPC, Properties: {EnableDnsSupport: false, EnableDnsHostnames: true}}\n"
        + ENDPOINT % "VpcId: !Ref V, PrivateDnsEnabled: true",
    ),
    (
        "VPC-51c",
        0,
        SECURITY_GROUP % "GroupDescription: x"
        + ENDPOINT
        % "VpcEndpointType: Interface, ServiceName: com.amazonaws.vpce.r.vpce-svc-1, SecurityGroupIds: [!Ref S]",
    ),
    ("VPC-51e", 1, ENDPOINT % "VpcEndpointType: Interface, ServiceName: com.amazonaws.r.sqs, RouteTableIds: [t]"),
    ("VPC-51e", 1, ENDPOINT % "ServiceName: com.amazonaws.r.s3, PrivateDnsEnabled: true"),
    ("VPC-51e", 0, ENDPOINT % "ServiceName: com.amazonaws.r.s3, PrivateDnsEnabled: false"),
    ("VPC-50", 0, "R: {Type: AWS::IAM::Role, Properties: {ManagedPolicyArns: [!Ref Unknown]}}\n" + IN_VPC),
    ("VPC-50", 1, "R: {Type: AWS::IAM::Role}\n" + IN_VPC),
    (
        "VPC-50",
        0,
        "R: {Type: AWS::IAM::Role, Properties: {RoleName: fn}}\n"
        "P: {Type: AWS::IAM::Policy, Properties: {Roles: [fn], PolicyDocument: {Statement: "
        "[{Effect: Allow, Action: '*', Resource: '*'}]}}}\n" + IN_VPC,
    ),
    (
        "VPC-50",
        1,
        "R: {Type: AWS::IAM::Role, Properties: {Policies: [{PolicyDocument: {Statement: "
        "[{Effect: Deny, Action: '*', Resource: '*'}]}}]}}\n" + IN_VPC,
    ),
    # CloudFront.
    ("CDN-85", 0, BUCKET + DISTRIBUTION % "Origins: [{DomainName: !GetAtt K.DomainName, OriginAccessControlId: E1}]"),
    (
        "CDN-85",
        1,
        "K: {Type: AWS::S3::Bucket, Properties: {BucketName: pics, BucketEncryption: "
        "{ServerSideEncryptionConfiguration: [{ServerSideEncryptionByDefault: {SSEAlgorithm: aws:kms}}]}}}\n"
        + DISTRIBUTION
        % "Origins: [{DomainName: pics.s3.eu-west-1.amazonaws.com, OriginAccessControlId: E1}]",
    ),
    (
        "CDN-85",
        1,
        "Y: {Type: AWS::KMS::Key, Properties: {KeyPolicy: {Statement: []}}}\n"
        "Z: {Type: AWS::KMS::Alias, Properties: {TargetKeyId: !Ref Y}}\n"
        "K: {Type: AWS::S3::Bucket, Properties: {BucketEncryption: {ServerSideEncryptionConfiguration: "
        "[{ServerSideEncryptionByDefault: {SSEAlgorithm: aws:kms, KMSMasterKeyID: !Ref Z}}]}}}\n"
        + DISTRIBUTION
        % "Origins: [{DomainName: !GetAtt K.DomainName, OriginAccessControlId: E1}]",
    ),
    ("CDN-85b", 1, BUCKET + DISTRIBUTION % "Origins: [{DomainName: !GetAtt K.DomainName, OriginAccessControlId: E1}]"),
    ("CDN-85b", 0, BUCKET + DISTRIBUTION % "Origins: [{DomainName: !GetAtt K.DomainName, S3OriginConfig: {}}]"),
    ("CDN-87", 1, SECURITY_GROUP % "" + BALANCER % "SecurityGroups: [!Ref S]" + VPC_ORIGIN % ""),
    (
        "CDN-87",
        0,
        SECURITY_GROUP % "SecurityGroupIngress: [{IpProtocol: '-1', CidrIp: 10.0.0.0/8}]"
        + BALANCER % "SecurityGroups: [!Ref S]"
        + VPC_ORIGIN % "",
    ),
    ("CDN-87", 0, SECURITY_GROUP % "" + BALANCER % "SecurityGroups: [!Ref S, sg-1]" + VPC_ORIGIN % ""),
    ("CDN-87c", 1, BALANCER % "Type: network, SecurityGroups: [s], IpAddressType: dualstack" + VPC_ORIGIN % ""),
    (
        "CDN-87c",
        1,
        BALANCER % "Type: network, SecurityGroups: [s]"
        + LISTENER % "LoadBalancerArn: !Ref B, Protocol: TLS"
        + VPC_ORIGIN % "",
    ),
    ("CDN-88b", 1, "C: {Type: AWS::CertificateManager::Certificate, Properties: {DomainName: x}}"),
    ("CDN-88b", 0, "C: {Type: AWS::CertificateManager::Certificate, Properties: {CertificateAuthorityArn: x}}"),
    ("CDN-203", 1, AT_EDGE % ("origin-request", '"arn:aws:lambda:eu-west-1:1:function:f:3"')),
    ("CDN-203", 0, AT_EDGE % ("origin-request", '"arn:aws:lambda:us-east-1:1:function:f:3"')),
    ("CDN-203", 1, AT_EDGE % ("origin-request", '"arn:aws:lambda:us-east-1:1:function:f:$LATEST"')),
    ("CDN-203", 1, AT_EDGE % ("origin-request", '"arn:aws:lambda:us-east-1:1:function:f"')),
    ("CDN-204", 1, FUNCTION % "MemorySize: 129" + AT_EDGE % ("viewer-response", "!Ref V")),
    ("CDN-204", 0, FUNCTION % "MemorySize: 129, Timeout: 30" + AT_EDGE % ("origin-response", "!Ref V")),
    ("CDN-204", 1, FUNCTION % "Architectures: [arm64]" + AT_EDGE % ("origin-response", "!Ref V")),
    ("CDN-204", 1, FUNCTION % "Layers: [l], PackageType: Zip" + AT_EDGE % ("origin-response", "!Ref V")),
    (
        "CDN-204",
        1,
        "R: {Type: AWS::IAM::Role, Properties: {AssumeRolePolicyDocument: {Statement: "
        "[{Effect: Allow, Action: sts:AssumeRole, Principal: {Service: lambda.amazonaws.com}}]}}}\n"
        + FUNCTION % "Role: !GetAtt R.Arn"
        + AT_EDGE % ("origin-response", "!Ref V"),
    ),
    (
        "CDN-205",
        0,
        BEHAVIOR % "AllowedMethods: [DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT], CachedMethods: [HEAD, GET]",
    ),
    ("CDN-205", 1, BEHAVIOR % "CachedMethods: [GET]"),
    ("CDN-206", 1, BEHAVIOR % "CachePolicyId: x, ForwardedValues: {QueryString: false}"),
    ("CDN-206", 0, BEHAVIOR % "ForwardedValues: {QueryString: false}"),
    (
        "CDN-216",
        1,
        BEHAVIOR % (BOTH_KINDS % "viewer-response"),
    ),
    (
        "CDN-216",
        0,
        BEHAVIOR % (BOTH_KINDS % "origin-response"),
    ),
    ("CDN-216", 1, BEHAVIOR % "LambdaFunctionAssociations: [{EventType: origin-request}, {EventType: origin-request}]"),
]


@pytest.mark.parametrize(("rule_id", "count", "resources"), VARIANTS)
def test_a_variant_is_judged(rule_id: str, count: int, resources: str) -> None:
    found = judged(rule_id, resources)
    assert len(found) == count, found
