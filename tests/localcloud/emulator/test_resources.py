"""What resource types return and keep."""

from __future__ import annotations

import json
from typing import Any

from .support import Deploy, Emulator

_NETWORK: dict[str, Any] = {
    "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.9.0.0/16"}},
    "SubnetA": {
        "Type": "AWS::EC2::Subnet",
        "Properties": {"VpcId": {"Ref": "Vpc"}, "CidrBlock": "10.9.0.0/24", "AvailabilityZone": "us-east-1a"},
    },
    "SubnetB": {
        "Type": "AWS::EC2::Subnet",
        "Properties": {"VpcId": {"Ref": "Vpc"}, "CidrBlock": "10.9.1.0/24", "AvailabilityZone": "us-east-1b"},
    },
}
_SUBNETS = [{"Ref": "SubnetA"}, {"Ref": "SubnetB"}]


def test_a_secret_is_its_arn(deploy: Deploy) -> None:
    secret = {"Type": "AWS::SecretsManager::Secret", "Properties": {"Name": "named", "GenerateSecretString": {}}}
    outputs = deploy("secret", {"Secret": secret}, {"Ref": {"Ref": "Secret"}})
    assert outputs["Ref"].startswith("arn:aws:secretsmanager:us-east-1:000000000000:secret:named-")


def _database(**more: Any) -> dict[str, Any]:
    return {
        "Type": "AWS::RDS::DBInstance",
        "Properties": {
            "DBInstanceIdentifier": "books",
            "Engine": "postgres",
            "EngineVersion": "17.6",
            "DBInstanceClass": "db.t4g.micro",
            "AllocatedStorage": "20",
            "DBName": "books",
            "MasterUsername": {"Fn::Sub": "{{resolve:secretsmanager:${Login}:SecretString:username::}}"},
            "MasterUserPassword": {"Fn::Sub": "{{resolve:secretsmanager:${Login}:SecretString:password::}}"},
            "PreferredBackupWindow": "07:00-08:00",
            "EnableCloudwatchLogsExports": ["postgresql"],
            **more,
        },
    }


def test_a_database_its_replica_and_its_login(emulator: Emulator, deploy: Deploy) -> None:
    resources = {
        "Login": {
            "Type": "AWS::SecretsManager::Secret",
            "Properties": {
                "GenerateSecretString": {
                    "SecretStringTemplate": '{"username":"keeper"}',
                    "GenerateStringKey": "password",
                    "ExcludePunctuation": True,
                }
            },
        },
        "Attached": {
            "Type": "AWS::SecretsManager::SecretTargetAttachment",
            "Properties": {
                "SecretId": {"Ref": "Login"},
                "TargetId": {"Ref": "Books"},
                "TargetType": "AWS::RDS::DBInstance",
            },
        },
        "Rotation": {
            "Type": "AWS::SecretsManager::RotationSchedule",
            "Properties": {
                "SecretId": {"Ref": "Attached"},
                "HostedRotationLambda": {"RotationType": "PostgreSQLSingleUser"},
                "RotationRules": {"ScheduleExpression": "rate(30 days)"},
            },
        },
        "Books": _database(),
        "Reader": {
            "Type": "AWS::RDS::DBInstance",
            "Properties": {
                "DBInstanceIdentifier": "books-reader",
                "SourceDBInstanceIdentifier": {"Ref": "Books"},
                "DBInstanceClass": "db.t4g.small",
                "PreferredMaintenanceWindow": "sun:03:00-sun:04:00",
            },
        },
    }
    outputs = deploy(
        "books",
        resources,
        {
            "Port": {"Fn::GetAtt": ["Books", "Endpoint.Port"]},
            "Host": {"Fn::GetAtt": ["Reader", "Endpoint.Address"]},
            "ReaderPort": {"Fn::GetAtt": ["Reader", "Endpoint.Port"]},
            "Login": {"Ref": "Login"},
        },
        Transform="AWS::SecretsManager-2024-09-16",
    )
    assert outputs["Host"] == "127.0.0.1"
    assert len({outputs["Port"], outputs["ReaderPort"]}) == 2
    rds = emulator.client("rds")
    writer = rds.describe_db_instances(DBInstanceIdentifier="books")["DBInstances"][0]
    assert writer["PreferredBackupWindow"] == "07:00-08:00"
    assert writer["EnabledCloudwatchLogsExports"] == ["postgresql"]
    reader = rds.describe_db_instances(DBInstanceIdentifier="books-reader")["DBInstances"][0]
    assert (reader["ReadReplicaSourceDBInstanceIdentifier"], reader["MultiAZ"]) == ("books", False)
    assert reader["PreferredMaintenanceWindow"] == "sun:03:00-sun:04:00"
    secrets = emulator.client("secretsmanager")
    login = json.loads(secrets.get_secret_value(SecretId=outputs["Login"])["SecretString"])
    assert (login["username"], login["port"], login["dbname"]) == ("keeper", int(outputs["Port"]), "books")
    assert secrets.describe_secret(SecretId=outputs["Login"])["RotationEnabled"] is True
    # The data plane needs what the API does not tell.
    kept = json.loads((emulator.home / "secrets" / "rds" / "books.json").read_text())
    assert kept == {"username": "keeper", "password": login["password"], "db_name": "books"}


def test_a_valkey_group_and_its_user(emulator: Emulator, deploy: Deploy) -> None:
    resources = {
        "User": {
            "Type": "AWS::ElastiCache::User",
            "Properties": {
                "UserId": "teller",
                "UserName": "teller",
                "Engine": "valkey",
                "AccessString": "on ~* &* +@all",
                "Passwords": ["sixteen-letters-long"],
            },
        },
        "Users": {
            "Type": "AWS::ElastiCache::UserGroup",
            "Properties": {"UserGroupId": "tellers", "Engine": "valkey", "UserIds": [{"Ref": "User"}]},
        },
        "Group": {
            "Type": "AWS::ElastiCache::ReplicationGroup",
            "Properties": {
                "ReplicationGroupId": "counter",
                "ReplicationGroupDescription": "d",
                "Engine": "valkey",
                "CacheNodeType": "cache.t4g.micro",
                "NumCacheClusters": 2,
                "AutomaticFailoverEnabled": True,
                "TransitEncryptionEnabled": True,
                "UserGroupIds": [{"Ref": "Users"}],
            },
        },
    }
    outputs = deploy("counter", resources, {"Port": {"Fn::GetAtt": ["Group", "PrimaryEndPoint.Port"]}})
    cache = emulator.client("elasticache")
    group = cache.describe_replication_groups(ReplicationGroupId="counter")["ReplicationGroups"][0]
    assert group["NodeGroups"][0]["PrimaryEndpoint"] == {"Address": "127.0.0.1", "Port": int(outputs["Port"])}
    assert group["UserGroupIds"] == ["tellers"]
    # Metrics have the names of single nodes.
    assert group["MemberClusters"] == ["counter-001", "counter-002"]
    assert [cluster["CacheClusterId"] for cluster in cache.describe_cache_clusters()["CacheClusters"]] == [
        "counter-001",
        "counter-002",
    ]
    assert cache.describe_users(UserId="teller")["Users"][0]["AccessString"] == "on ~* &* +@all"
    kept = json.loads((emulator.home / "secrets" / "elasticache" / "teller.json").read_text())
    assert kept == {"username": "teller", "password": "sixteen-letters-long", "access_string": "on ~* &* +@all"}


def _balanced(weights: tuple[int, int]) -> dict[str, Any]:
    group = {
        "Type": "AWS::ElasticLoadBalancingV2::TargetGroup",
        "Properties": {"VpcId": {"Ref": "Vpc"}, "Port": 8000, "Protocol": "HTTP", "TargetType": "ip"},
    }
    forward = {
        "Type": "forward",
        "ForwardConfig": {
            "TargetGroups": [
                {"TargetGroupArn": {"Ref": name}, "Weight": weight}
                for name, weight in zip(("Blue", "Green"), weights, strict=True)
            ]
        },
    }
    return {
        **_NETWORK,
        "Blue": group,
        "Green": group,
        "Balancer": {"Type": "AWS::ElasticLoadBalancingV2::LoadBalancer", "Properties": {"Subnets": _SUBNETS}},
        "Listener": {
            "Type": "AWS::ElasticLoadBalancingV2::Listener",
            "Properties": {
                "LoadBalancerArn": {"Ref": "Balancer"},
                "Port": 80,
                "Protocol": "HTTP",
                "DefaultActions": [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}],
            },
        },
        "Rule": {
            "Type": "AWS::ElasticLoadBalancingV2::ListenerRule",
            "Properties": {
                "ListenerArn": {"Ref": "Listener"},
                "Priority": 1,
                "Conditions": [{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/*"]}}],
                "Actions": [forward],
            },
        },
    }


_RULE = {
    "Rule": {"Ref": "Rule"},
    "Blue": {"Ref": "Blue"},
    "Name": {"Fn::GetAtt": ["Balancer", "DNSName"]},
    "BlueName": {"Fn::GetAtt": ["Blue", "TargetGroupFullName"]},
    "BalancerName": {"Fn::GetAtt": ["Balancer", "LoadBalancerFullName"]},
}


def test_weights_of_a_rule(emulator: Emulator, deploy: Deploy) -> None:
    def weights() -> list[int]:
        rule = elb.describe_rules(RuleArns=[outputs["Rule"]])["Rules"][0]
        return [group["Weight"] for group in rule["Actions"][0]["ForwardConfig"]["TargetGroups"]]

    elb = emulator.client("elbv2")
    outputs = deploy("balanced", _balanced((90, 10)), _RULE)
    assert outputs["Name"] == "localhost"
    assert outputs["BlueName"].startswith("targetgroup/")
    assert outputs["Blue"].endswith(f":{outputs['BlueName']}")
    assert weights() == [90, 10]
    groups = elb.describe_rules(RuleArns=[outputs["Rule"]])["Rules"][0]["Actions"][0]["ForwardConfig"]["TargetGroups"]
    shifted = [{**group, "Weight": weight} for group, weight in zip(groups, (0, 100), strict=True)]
    elb.modify_rule(RuleArn=outputs["Rule"], Actions=[{"Type": "forward", "ForwardConfig": {"TargetGroups": shifted}}])
    assert weights() == [0, 100]
    described = elb.describe_target_groups(TargetGroupArns=[outputs["Blue"]])["TargetGroups"][0]
    (balancer,) = described["LoadBalancerArns"]
    assert balancer.endswith(f":loadbalancer/{outputs['BalancerName']}")
    found = elb.describe_target_groups(LoadBalancerArn=balancer)["TargetGroups"]
    assert {group["TargetGroupArn"] for group in found} == {group["TargetGroupArn"] for group in groups}


def test_targets_with_one_address_are_told_apart_by_port(emulator: Emulator, deploy: Deploy) -> None:
    elb = emulator.client("elbv2")
    group = deploy("balanced", _balanced((1, 0)), _RULE)["Blue"]
    elb.register_targets(TargetGroupArn=group, Targets=[{"Id": "127.0.0.1", "Port": port} for port in (31001, 31002)])
    elb.deregister_targets(TargetGroupArn=group, Targets=[{"Id": "127.0.0.1", "Port": 31001}])
    reports = emulator.home / "dataplane"
    reports.mkdir(exist_ok=True)
    (reports / "target-health.json").write_text(json.dumps({group: {"127.0.0.1:31002": "unhealthy"}}))
    found = elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    assert [(each["Target"]["Port"], each["TargetHealth"]["State"]) for each in found] == [(31002, "unhealthy")]


def test_a_protected_load_balancer_is_not_deleted(emulator: Emulator, deploy: Deploy) -> None:
    resources = _balanced((1, 0))
    protection = {"Key": "deletion_protection.enabled", "Value": "true"}
    resources["Balancer"]["Properties"]["LoadBalancerAttributes"] = [protection]
    deploy("guarded", resources, _RULE)
    emulator.client("cloudformation").delete_stack(StackName="guarded")
    stack = emulator.client("cloudformation").describe_stacks(StackName="guarded")["Stacks"][0]
    assert stack["StackStatus"] == "DELETE_FAILED"
    arn = emulator.client("elbv2").describe_load_balancers()["LoadBalancers"][0]["LoadBalancerArn"]
    emulator.client("elbv2").modify_load_balancer_attributes(
        LoadBalancerArn=arn, Attributes=[{**protection, "Value": "false"}]
    )


def test_scaling(emulator: Emulator, deploy: Deploy) -> None:
    resources = {
        "Target": {
            "Type": "AWS::ApplicationAutoScaling::ScalableTarget",
            "Properties": {
                "ServiceNamespace": "ecs",
                "ScalableDimension": "ecs:service:DesiredCount",
                "ResourceId": "service/shop/web",
                "MinCapacity": 2,
                "MaxCapacity": 8,
            },
        },
        "Policy": {
            "Type": "AWS::ApplicationAutoScaling::ScalingPolicy",
            "Properties": {
                "PolicyName": "out",
                "PolicyType": "StepScaling",
                "ScalingTargetId": {"Ref": "Target"},
                "StepScalingPolicyConfiguration": {
                    "AdjustmentType": "ChangeInCapacity",
                    "Cooldown": 120,
                    "StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}],
                },
            },
        },
    }
    deploy("scaling", resources)
    scaling = emulator.client("application-autoscaling")
    target = scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"][0]
    assert (target["MinCapacity"], target["MaxCapacity"]) == (2, 8)
    policy = scaling.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"][0]
    assert policy["StepScalingPolicyConfiguration"]["StepAdjustments"][0]["ScalingAdjustment"] == 1
    scaling.deregister_scalable_target(
        ServiceNamespace="ecs", ResourceId="service/shop/web", ScalableDimension="ecs:service:DesiredCount"
    )
    assert scaling.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"] == []


def test_a_bucket_with_content_is_not_deleted(emulator: Emulator, deploy: Deploy) -> None:
    deploy("full", {"Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "full-bucket"}}})
    s3, cloudformation = emulator.client("s3"), emulator.client("cloudformation")
    s3.put_object(Bucket="full-bucket", Key="a", Body=b"")
    cloudformation.delete_stack(StackName="full")
    stack = cloudformation.describe_stacks(StackName="full")["Stacks"][0]
    assert stack["StackStatus"] == "DELETE_FAILED"
    assert s3.get_object(Bucket="full-bucket", Key="a")
    s3.delete_object(Bucket="full-bucket", Key="a")


def test_a_property_that_the_service_does_not_know_fails_the_stack(emulator: Emulator, deploy: Deploy) -> None:
    cluster = {"Type": "AWS::ECS::Cluster", "Properties": {"ClusterName": "odd", "Colour": "blue"}}
    deploy("odd", {"Cluster": cluster}, expect="ROLLBACK_COMPLETE")
    events = emulator.client("cloudformation").describe_stack_events(StackName="odd")["StackEvents"]
    assert any("Colour" in event.get("ResourceStatusReason", "") for event in events)


def test_a_distribution_is_named_as_browsers_reach_it(emulator: Emulator, deploy: Deploy) -> None:
    """Signed URLs hold the name."""

    def config(comment: str) -> dict[str, Any]:
        return {
            "Enabled": True,
            "Comment": comment,
            "Origins": [
                {
                    "Id": "origin",
                    "DomainName": "localhost",
                    "CustomOriginConfig": {"OriginProtocolPolicy": "http-only"},
                }
            ],
            "DefaultCacheBehavior": {
                "TargetOriginId": "origin",
                "ViewerProtocolPolicy": "allow-all",
                "CachePolicyId": "4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
            },
        }

    outputs = {"Name": {"Fn::GetAtt": ["Cdn", "DomainName"]}, "Id": {"Ref": "Cdn"}}
    for comment in ("first", "second"):
        resources = {
            "Cdn": {"Type": "AWS::CloudFront::Distribution", "Properties": {"DistributionConfig": config(comment)}}
        }
        made = deploy("named-distribution", resources, outputs)
        shown = emulator.client("cloudfront").get_distribution(Id=made["Id"])["Distribution"]
        assert made["Name"] == shown["DomainName"] == f"localhost:{emulator.base + 90}"
        assert shown["DistributionConfig"]["Comment"] == comment


def test_a_generated_secret_keeps_to_what_it_excludes(emulator: Emulator, deploy: Deploy) -> None:
    excluding = {"ExcludePunctuation": True, "PasswordLength": 200}
    login = {**excluding, "SecretStringTemplate": '{"username": "me"}', "GenerateStringKey": "password"}
    outputs = deploy(
        "generated",
        {
            name: {"Type": "AWS::SecretsManager::Secret", "Properties": {"GenerateSecretString": generated}}
            for name, generated in (("Plain", excluding), ("Login", login))
        },
        {"Plain": {"Ref": "Plain"}, "Login": {"Ref": "Login"}},
    )
    secrets = emulator.client("secretsmanager")
    plain, login_of = (secrets.get_secret_value(SecretId=outputs[name])["SecretString"] for name in ("Plain", "Login"))
    assert plain.isalnum()
    assert len(plain) == 200
    assert json.loads(login_of)["username"] == "me"
    assert json.loads(login_of)["password"].isalnum()
