"""Further forms of the faults in load balancers and web ACLs, and what only looks like one.

Each line is a rule, the number of its findings, and the resources of a template in YAML.
"""

from __future__ import annotations

import pytest

from tests.preflight.variants import judged

BALANCER = "B: {Type: AWS::ElasticLoadBalancingV2::LoadBalancer, Properties: {%s}}\n"
GROUP = "G: {Type: AWS::ElasticLoadBalancingV2::TargetGroup, Properties: {%s}}\n"
LISTENER = "L: {Type: AWS::ElasticLoadBalancingV2::Listener, Properties: {%s}}\n"
RULE = "R: {Type: AWS::ElasticLoadBalancingV2::ListenerRule, Properties: {%s}}\n"
ACL = "A: {Type: AWS::WAFv2::WebACL, Properties: {%s}}\n"
ACL_RULES = "A: {Type: AWS::WAFv2::WebACL, Properties: {Rules: [%s]}}\n"
ASSOCIATION = "W: {Type: AWS::WAFv2::WebACLAssociation, Properties: {%s}}\n"
LOGGING = "L: {Type: AWS::WAFv2::LoggingConfiguration, Properties: {%s}}\n"
DISTRIBUTION = "D: {Type: AWS::CloudFront::Distribution, Properties: {DistributionConfig: {%s}}}\n"
BUCKET = "K: {Type: AWS::S3::Bucket}\n"
LOGS_ON = (
    "LoadBalancerAttributes: [{Key: access_logs.s3.enabled, Value: true}, {Key: access_logs.s3.bucket, Value: %s}]"
)
POLICY = """
P:
  Type: AWS::S3::BucketPolicy
  Properties:
    Bucket: !Ref K
    PolicyDocument:
      Statement: [{Effect: %s, Principal: {%s}, Action: "s3:Put*", Resource: %s}]
"""
RATE = "{Statement: {RateBasedStatement: {Limit: 100, AggregateKeyType: %s}}}"

VARIANTS: list[tuple[str, int, str]] = [
    # A name known in part: what is known decides, the stack's name is not known.
    ("ELB-34", 1, GROUP % 'Name: !Sub "${Stage}-a-name-that-is-already-too-longer"'),
    ("ELB-34", 0, GROUP % 'Name: !Sub "${Stage}-blue"'),
    ("ELB-34", 1, GROUP % 'Name: !Sub "${Stage}-"'),
    ("ELB-34", 1, GROUP % "Name: -blue"),
    ("ELB-34", 1, BALANCER % "Name: internal-web"),
    ("ELB-34", 0, GROUP % "Name: internal-web"),
    ("ELB-34", 0, GROUP % 'Name: !Sub "${AWS::StackName}-target-group-of-web"'),
    ("ELB-34b", 1, GROUP % 'Name: !Sub "${Stage}-blue"'),
    ("ELB-34b", 0, GROUP % "Name: !Ref AWS::NoValue"),
    # Defaults of health checks.
    ("ELB-37b", 1, GROUP % "Protocol: HTTPS, HealthCheckIntervalSeconds: 5"),
    ("ELB-37b", 0, GROUP % "Protocol: HTTPS, HealthCheckIntervalSeconds: 6"),
    ("ELB-37b", 1, GROUP % "Protocol: HTTP, HealthCheckTimeoutSeconds: 30"),
    ("ELB-37b", 0, GROUP % "Protocol: TCP, HealthCheckIntervalSeconds: 10, HealthCheckTimeoutSeconds: 10"),
    ("ELB-37b", 1, GROUP % "Protocol: TCP, HealthCheckIntervalSeconds: 10, HealthCheckTimeoutSeconds: 11"),
    ("ELB-37b", 0, GROUP % "TargetType: lambda, HealthCheckTimeoutSeconds: 34"),
    ("ELB-37b", 1, GROUP % "TargetType: lambda, HealthCheckTimeoutSeconds: 35"),
    ("ELB-37b", 1, GROUP % "Protocol: GENEVE, HealthCheckTimeoutSeconds: 11"),
    ("ELB-37b", 0, GROUP % "Protocol: HTTP, HealthCheckTimeoutSeconds: !Ref Unknown"),
    ("ELB-37", 1, RULE % "Actions: [{ForwardConfig: {TargetGroups: [{Weight: -1}, {Weight: 1}]}}]"),
    # The same priority on another listener.
    (
        "ELB-36",
        0,
        RULE % "ListenerArn: a, Priority: 1"
        + "Q: {Type: AWS::ElasticLoadBalancingV2::ListenerRule, Properties: {ListenerArn: b, Priority: 1}}",
    ),
    # Log buckets.
    ("ELB-38c", 1, BUCKET + BALANCER % (LOGS_ON % "!Ref K")),
    ("ELB-38c", 1, BUCKET + POLICY % ("Deny", "AWS: 1", '!Sub "${K.Arn}/*"') + BALANCER % (LOGS_ON % "!Ref K")),
    ("ELB-38c", 0, BUCKET + POLICY % ("Allow", "AWS: 1", '!Sub "${K.Arn}/*"') + BALANCER % (LOGS_ON % "!Ref K")),
    (
        "ELB-38c",
        0,
        BUCKET + POLICY % ("Allow", "AWS: !Ref Unknown", '!Sub "${K.Arn}/*"') + BALANCER % (LOGS_ON % "!Ref K"),
    ),
    ("ELB-38c", 1, BUCKET + POLICY % ("Allow", "AWS: 1", "!GetAtt K.Arn") + BALANCER % (LOGS_ON % "!Ref K")),
    ("ELB-38c", 0, BUCKET + POLICY % ("Allow", "AWS: 1", '!Sub "${K.Arn}*"') + BALANCER % (LOGS_ON % "!Ref K")),
    (
        "ELB-38c",
        1,
        BUCKET + POLICY % ("Allow", "Service: sns.amazonaws.com", '"*"') + BALANCER % (LOGS_ON % "!Ref K"),
    ),
    (
        "ELB-38",
        0,
        "K: {Type: AWS::S3::Bucket, Properties: {BucketEncryption: {ServerSideEncryptionConfiguration: "
        "[{ServerSideEncryptionByDefault: {SSEAlgorithm: aws:kms}}]}}}\n"
        + BALANCER
        % ("Type: network, " + LOGS_ON % "!Ref K"),
    ),
    ("ELB-213", 0, BALANCER % (LOGS_ON % "logs")),
    ("ELB-213", 1, BALANCER % (LOGS_ON % "logs}, {Key: access_logs.s3.prefix, Value: my-AWSLogs")),
    # What fits together.
    ("ELB-203", 1, LISTENER % "Protocol: HTTP, SslPolicy: x"),
    ("ELB-203", 0, LISTENER % "Protocol: HTTP, Certificates: []"),
    ("ELB-204", 2, BALANCER % "Type: gateway" + LISTENER % "LoadBalancerArn: !Ref B, Port: 1, Protocol: TCP"),
    ("ELB-204", 0, BALANCER % "Type: gateway" + LISTENER % "LoadBalancerArn: !Ref B"),
    ("ELB-204", 1, LISTENER % '{LoadBalancerArn: "arn:aws:e:r:a:loadbalancer/app/x/1", Protocol: TLS, Port: 1'[1:]),
    ("ELB-204", 0, LISTENER % "LoadBalancerArn: !Ref Unknown, Protocol: TLS, Port: 1"),
    (
        "ELB-205",
        1,
        BALANCER % "Type: network"
        + GROUP % "TargetType: lambda"
        + LISTENER % "LoadBalancerArn: !Ref B, DefaultActions: [{TargetGroupArn: !Ref G}]",
    ),
    ("ELB-208", 1, RULE % "Actions: [{Type: forward}, {Type: authenticate-oidc}]"),
    ("ELB-208", 1, RULE % "Actions: [{Type: forward, Order: 2}, {Type: authenticate-oidc, Order: 2}]"),
    ("ELB-208", 0, RULE % "Actions: [{Type: forward}]"),
    ("ELB-208", 1, LISTENER % "DefaultActions: [{Type: authenticate-oidc}]"),
    (
        "ELB-210",
        1,
        LISTENER % "Protocol: HTTPS, DefaultActions: [{Type: redirect, RedirectConfig: {Protocol: HTTP, Port: '80'}}]",
    ),
    (
        "ELB-210",
        0,
        LISTENER % "Protocol: HTTP, DefaultActions: [{Type: redirect, RedirectConfig: {Protocol: HTTPS, Port: '443'}}]",
    ),
    (
        "ELB-211",
        0,
        BALANCER % "Type: network"
        + LISTENER
        % "LoadBalancerArn: !Ref B, DefaultActions: [{ForwardConfig: {TargetGroupStickinessConfig: {Enabled: true}}}]",
    ),
    ("ELB-211", 1, LISTENER % "DefaultActions: [{ForwardConfig: {TargetGroupStickinessConfig: {DurationSeconds: 0}}}]"),
    ("ELB-212", 1, GROUP % 'TargetGroupAttributes: [{Key: slow_start.duration_seconds, Value: "29"}]'),
    ("ELB-212", 1, BALANCER % "LoadBalancerAttributes: [{Key: routing.http.desync_mitigation_mode, Value: off}]"),
    ("ELB-212", 0, BALANCER % "LoadBalancerAttributes: [{Key: routing.http.desync_mitigation_mode, Value: strictest}]"),
    ("ELB-212", 0, BALANCER % "LoadBalancerAttributes: [{Key: something.new, Value: 99999}]"),
    ("ELB-214", 0, GROUP % "Protocol: TCP, Matcher: {HttpCode: 200-599}"),
    ("ELB-214", 1, GROUP % "Protocol: HTTP, ProtocolVersion: GRPC, Matcher: {HttpCode: '200'}"),
    ("ELB-214", 0, GROUP % "Protocol: HTTP, ProtocolVersion: GRPC, Matcher: {GrpcCode: 0-99}"),
    ("ELB-214", 1, GROUP % "Protocol: HTTP, Matcher: {GrpcCode: '0'}"),
    ("ELB-214", 1, GROUP % "TargetType: lambda, Matcher: {HttpCode: '500'}"),
    ("ELB-216", 1, RULE % f"Conditions: [{{Field: path-pattern, Values: [/{'x' * 128}]}}]"),
    ("ELB-216", 0, RULE % f"Conditions: [{{Field: path-pattern, Values: [/{'x' * 127}]}}]"),
    ("ELB-216", 1, RULE % "Conditions: [{Field: path-pattern, PathPatternConfig: {Values: ['']}}]"),
    ("ELB-216", 1, RULE % "Conditions: [{HttpHeaderConfig: {HttpHeaderName: HOST, Values: [x]}}]"),
    ("ELB-216", 1, RULE % f"Conditions: [{{HttpHeaderConfig: {{HttpHeaderName: {'x' * 41}, Values: [x]}}}}]"),
    ("ELB-216", 0, RULE % f"Conditions: [{{HttpHeaderConfig: {{HttpHeaderName: {'x' * 40}, Values: [x]}}}}]"),
    (
        "ELB-217",
        0,
        GROUP % "" + "X: {Type: AWS::ECS::Service, Properties: {LoadBalancers: [{TargetGroupArn: !Ref G}]}}",
    ),
    ("ELB-222", 1, GROUP % "Protocol: HTTP, HealthCheckProtocol: TCP"),
    ("ELB-223", 1, GROUP % "HealthCheckEnabled: false"),
    # Web ACLs.
    ("WAF-41", 1, ACL_RULES % "{Statement: {GeoMatchStatement: {}}, Action: {Allow: {}, Block: {}}}"),
    ("WAF-41", 1, ACL_RULES % "{Statement: {GeoMatchStatement: {}}, Action: {Allow: {}}, OverrideAction: {None: {}}}"),
    ("WAF-41", 1, ACL_RULES % "{Statement: {GeoMatchStatement: {}}}"),
    ("WAF-42", 1, "G: {Type: AWS::WAFv2::RuleGroup, Properties: {Capacity: 5001}}"),
    ("WAF-42", 0, "G: {Type: AWS::WAFv2::RuleGroup, Properties: {Capacity: 5000}}"),
    ("WAF-43", 1, ACL_RULES % (RATE % "IP, EvaluationWindowSec: 61")),
    ("WAF-43", 0, ACL_RULES % (RATE % "IP, EvaluationWindowSec: 600")),
    ("WAF-43b", 1, ACL_RULES % (RATE % "CUSTOM_KEYS, CustomKeys: []")),
    ("WAF-43b", 1, ACL_RULES % (RATE % "CUSTOM_KEYS, CustomKeys: [{IP: {}}]")),
    ("WAF-43b", 0, ACL_RULES % (RATE % "CUSTOM_KEYS, CustomKeys: [{IP: {}}, {HTTPMethod: {}}]")),
    ("WAF-43b", 1, ACL_RULES % (RATE % "CUSTOM_KEYS, CustomKeys: [{ForwardedIP: {}}, {HTTPMethod: {}}]")),
    ("WAF-43b", 0, ACL_RULES % (RATE % f"CUSTOM_KEYS, CustomKeys: [{', '.join(['{UriPath: {}}'] * 5)}]")),
    ("WAF-43b", 1, ACL_RULES % (RATE % f"CUSTOM_KEYS, CustomKeys: [{', '.join(['{UriPath: {}}'] * 6)}]")),
    ("WAF-43b", 1, ACL_RULES % (RATE % "FORWARDED_IP")),
    ("WAF-44b", 1, ACL % "Scope: REGIONAL" + DISTRIBUTION % "WebACLId: !GetAtt A.Arn"),
    ("WAF-44b", 1, DISTRIBUTION % 'WebACLId: "arn:aws:wafv2:us-east-1:1:regional/webacl/a/1"'),
    ("WAF-44b", 0, DISTRIBUTION % 'WebACLId: "arn:aws:wafv2:us-east-1:1:global/webacl/a/1"'),
    ("WAF-44b", 0, DISTRIBUTION % "WebACLId: 473e64fd-f30b-4765-81a0-62ad96dd167a"),
    ("WAF-44c", 1, ACL % "Scope: REGIONAL" + ASSOCIATION % "WebACLArn: !Ref A"),
    ("WAF-44c", 1, BALANCER % "Type: network" + ASSOCIATION % "ResourceArn: !Ref B"),
    ("WAF-44c", 1, ASSOCIATION % 'ResourceArn: "arn:aws:cloudfront::1:distribution/E1"'),
    ("WAF-44c", 1, ASSOCIATION % 'ResourceArn: "arn:aws:elasticloadbalancing:r:1:loadbalancer/net/x/1"'),
    ("WAF-45", 1, "K: {Type: AWS::S3::Bucket}\n" + LOGGING % "LogDestinationConfigs: [!GetAtt K.Arn]"),
    ("WAF-45", 1, LOGGING % 'LogDestinationConfigs: ["arn:aws:logs:r:1:log-group:waf"]'),
    ("WAF-45", 0, LOGGING % 'LogDestinationConfigs: ["arn:aws:logs:r:1:log-group:aws-waf-logs-x"]'),
    (
        "WAF-45",
        0,
        "K: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: !Ref Unknown}}\n"
        + LOGGING % "LogDestinationConfigs: [!GetAtt K.Arn]",
    ),
    ("WAF-45b", 1, LOGGING % 'LogDestinationConfigs: ["arn:aws:logs:r:1:log-group:aws-waf-logs-x:*"]'),
    ("WAF-45b", 0, BUCKET + LOGGING % "LogDestinationConfigs: [!GetAtt K.Arn]"),
    ("WAF-45d", 1, BUCKET + LOGGING % "LogDestinationConfigs: [!Ref K]"),
    ("WAF-45d", 1, ACL % "" + LOGGING % "ResourceArn: !Ref A"),
    (
        "WAF-203",
        1,
        "G: {Type: AWS::WAFv2::RuleGroup, Properties: {Rules: [{Statement: {ManagedRuleGroupStatement: {}}}]}}",
    ),
    (
        "WAF-203",
        0,
        ACL_RULES % "{Statement: {ManagedRuleGroupStatement: {ScopeDownStatement: {GeoMatchStatement: {}}}}}",
    ),
    (
        "WAF-204",
        1,
        "I: {Type: AWS::WAFv2::IPSet, Properties: {Scope: CLOUDFRONT}}\n"
        + ACL % "Scope: REGIONAL, Rules: [{Statement: {IPSetReferenceStatement: {Arn: !GetAtt I.Arn}}}]",
    ),
    ("WAF-210", 1, "I: {Type: AWS::WAFv2::IPSet, Properties: {IPAddressVersion: IPV4, Addresses: ['2001:db8::/32']}}"),
    ("WAF-210", 1, "I: {Type: AWS::WAFv2::IPSet, Properties: {Addresses: [example.com]}}"),
]


@pytest.mark.parametrize(("rule_id", "count", "resources"), VARIANTS)
def test_a_variant_is_judged(rule_id: str, count: int, resources: str) -> None:
    found = judged(rule_id, resources)
    assert len(found) == count, found


_TWO_RULES = (
    "R: {Type: AWS::ElasticLoadBalancingV2::ListenerRule, Condition: %s, Properties: {ListenerArn: a, Priority: 1}}\n"
    "Q: {Type: AWS::ElasticLoadBalancingV2::ListenerRule, Condition: %s, Properties: {ListenerArn: a, Priority: 1}}\n"
)


@pytest.mark.parametrize(("conditions", "count"), [(("One", "Other"), 0), (("One", "One"), 1)])
def test_rules_under_different_conditions_may_exclude_each_other(conditions: tuple[str, str], count: int) -> None:
    undecided = "{One: !Equals [!Ref Stage, a], Other: !Equals [!Ref Stage, b]}"
    assert len(judged("ELB-36", _TWO_RULES % conditions, undecided)) == count
