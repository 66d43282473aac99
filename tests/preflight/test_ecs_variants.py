"""Other spellings and other limits of the faults that the ECS and scaling rules find, and sound ones beside them."""

from __future__ import annotations

import pytest

from tests.preflight.variants import judged

_CONTAINER = "Task: {Type: AWS::ECS::TaskDefinition, Properties: {RequiresCompatibilities: [FARGATE], %s}}"
_SERVICE = "Service: {Type: AWS::ECS::Service, Properties: {%s}}"
_STEPS = (
    "Policy: {Type: AWS::ApplicationAutoScaling::ScalingPolicy, "
    "Properties: {StepScalingPolicyConfiguration: {StepAdjustments: [%s]}}}"
)
_GROUP_STEPS = "Policy: {Type: AWS::AutoScaling::ScalingPolicy, Properties: {StepAdjustments: [%s]}}"
_HOOK_ROLE = _SERVICE % "DeploymentConfiguration: {LifecycleHooks: [{RoleArn: !GetAtt Role.Arn}]}"
_INVOKE = '{Statement: [{Effect: Allow, Action: "lambda:*", Resource: "*"}]}'
_TARGET = (
    "Target: {Type: AWS::ApplicationAutoScaling::ScalableTarget, Properties: {ServiceNamespace: ecs, ResourceId: %s}}"
)
_NAMED_ROLE = "Role: {Type: AWS::IAM::Role, Properties: {RoleName: hook}}"

BROKEN = [
    ("ECS-8", _SERVICE % "DeploymentConfiguration: {Strategy: LINEAR, LinearConfiguration: {StepPercent: 2.9}}"),
    ("ECS-8", _SERVICE % "DeploymentConfiguration: {Strategy: LINEAR, LinearConfiguration: {StepPercent: 3.05}}"),
    ("ECS-8", _SERVICE % "DeploymentConfiguration: {Strategy: BLUE_GREEN, BakeTimeInMinutes: -1}"),
    # 33 steps of an hour, and the quarter of an hour that AWS adds where nothing is said.
    (
        "ECS-9",
        _SERVICE % "DeploymentConfiguration: {Strategy: LINEAR, "
        "LinearConfiguration: {StepPercent: 3, StepBakeTimeInMinutes: 60}}",
    ),
    ("ECS-14b", f"Role: {{Type: AWS::IAM::Role}}\n{_HOOK_ROLE}"),
    (
        "ECS-18c",
        _SERVICE % "CapacityProviderStrategy: [{CapacityProvider: FARGATE, Weight: 1001}]",
    ),
    (
        "ECS-18d",
        (
            "Cluster: {Type: AWS::ECS::Cluster, Properties: {DefaultCapacityProviderStrategy: "
            "[{CapacityProvider: FARGATE}, {CapacityProvider: instances}]}}"
        ),
    ),
    (
        "ECS-19b",
        "Cluster: {Type: AWS::ECS::Cluster}\n"
        + _SERVICE % "Cluster: !Ref Cluster, CapacityProviderStrategy: [{CapacityProvider: FARGATE_SPOT}]",
    ),
    ("ECS-22", _STEPS % "{MetricIntervalLowerBound: 0, MetricIntervalUpperBound: 10}"),
    ("ECS-22", _STEPS % "{MetricIntervalUpperBound: 0, MetricIntervalLowerBound: -10}"),
    ("ECS-22", _STEPS % "{ScalingAdjustment: 1}"),
    ("ECS-22", _STEPS % "{MetricIntervalLowerBound: 0, MetricIntervalUpperBound: 10}, {MetricIntervalLowerBound: 11}"),
    ("ECS-22", _GROUP_STEPS % "{MetricIntervalLowerBound: 0}, {MetricIntervalLowerBound: 5}"),
    ("ECS-22", _STEPS % "{MetricIntervalLowerBound: 5, MetricIntervalUpperBound: 5}, {MetricIntervalLowerBound: 5}"),
    (
        "ECS-23",
        f"{_TARGET % 'service/main/web'}\n{_SERVICE % 'ServiceName: web, DesiredCount: 1'}",
    ),
    ("ECS-27c", _CONTAINER % "ContainerDefinitions: [{Name: web}, {Name: web}]"),
    ("ECS-27c", _CONTAINER % "ContainerDefinitions: [{Name: web, VolumesFrom: [{SourceContainer: data}]}]"),
    ("ECS-27c", _CONTAINER % "ContainerDefinitions: [{Name: web, DependsOn: [{ContainerName: web}]}]"),
    ("ECS-27d", _CONTAINER % "ContainerDefinitions: [{Name: web, MountPoints: [{SourceVolume: data}]}]"),
    ("ECS-27d", _CONTAINER % "Volumes: [{Name: data}, {Name: data}]"),
    ("ECS-29", _CONTAINER % "ContainerDefinitions: [{HealthCheck: {Interval: 301}}]"),
    ("ECS-29", _CONTAINER % "ContainerDefinitions: [{HealthCheck: {Timeout: 1}}]"),
    ("ECS-29", _CONTAINER % "ContainerDefinitions: [{HealthCheck: {Retries: '0'}}]"),
    ("ECS-29b", _CONTAINER % "ContainerDefinitions: [{HealthCheck: {Interval: 30}}]"),
    ("ECS-30", _CONTAINER % "EphemeralStorage: {SizeInGiB: 20}"),
    ("ECS-31", _CONTAINER % "ContainerDefinitions: [{LinuxParameters: {Devices: [{HostPath: /dev/fuse}]}}]"),
    ("ECS-31", _CONTAINER % "ContainerDefinitions: [{LinuxParameters: {Swappiness: 60}}]"),
    ("ECS-211", _CONTAINER % "ContainerDefinitions: [{Links: [cache]}]"),
    ("ECS-213", _CONTAINER % "PidMode: host"),
    ("ECS-213", _CONTAINER % "IpcMode: task"),
    ("ECS-213", _CONTAINER % "Volumes: [{Name: data, DockerVolumeConfiguration: {Driver: rexray}}]"),
    ("ECS-213", _CONTAINER % "ContainerDefinitions: [{ResourceRequirements: [{Type: GPU, Value: 1}]}]"),
    ("ECS-215", _CONTAINER % "Cpu: 256, ContainerDefinitions: [{Cpu: 200}, {Cpu: 57}]"),
    ("ECS-215", _CONTAINER % "ContainerDefinitions: [{Memory: 256, MemoryReservation: 512}]"),
    ("ECS-216", _CONTAINER % "ContainerDefinitions: [{Image: !Sub '1.dkr.ecr.${AWS::Region}.amazonaws.com/web'}]"),
    ("ECS-217", _CONTAINER % "Volumes: [{EFSVolumeConfiguration: {AuthorizationConfig: {AccessPointId: fsap-1}}}]"),
    ("ECS-222", _CONTAINER % "ContainerDefinitions: [{LogConfiguration: {LogDriver: syslog}}]"),
    ("ECS-222", _CONTAINER % "ContainerDefinitions: [{FirelensConfiguration: {Options: {config-file-type: s3}}}]"),
    ("SCALING-206", _TARGET % "arn:aws:ecs:us-east-1:1:service/main/web"),
    ("SCALING-206", f"{_TARGET % '!Ref Service'}\n{_SERVICE % 'LaunchType: FARGATE'}"),
    ("SCALING-206", f"{_TARGET % '!Join [/, [service, main, !Ref Service]]'}\n{_SERVICE % 'LaunchType: FARGATE'}"),
]

SOUND = [
    # 3 % in 33 steps of 59 minutes, and a quarter of an hour: 32 h 42 min.
    (
        "ECS-9",
        _SERVICE % "DeploymentConfiguration: {Strategy: LINEAR, "
        "LinearConfiguration: {StepPercent: 3, StepBakeTimeInMinutes: 59}}",
    ),
    (
        "ECS-14b",
        (
            "Role: {Type: AWS::IAM::Role, Properties: {ManagedPolicyArns: [!Ref Policy]}}\n"
            f"Policy: {{Type: AWS::IAM::ManagedPolicy, Properties: {{PolicyDocument: {_INVOKE}}}}}\n{_HOOK_ROLE}"
        ),
    ),
    (
        "ECS-14b",
        (
            f"{_NAMED_ROLE}\n"
            f"Policy: {{Type: AWS::IAM::Policy, Properties: {{Roles: [hook], PolicyDocument: {_INVOKE}}}}}\n"
            f"{_HOOK_ROLE}"
        ),
    ),
    # A policy that is not known here may allow anything.
    (
        "ECS-14b",
        f"Role: {{Type: AWS::IAM::Role, Properties: {{ManagedPolicyArns: [!ImportValue Policy]}}}}\n{_HOOK_ROLE}",
    ),
    # One provider with weight 0 is valid, and so is a base for each of two that is 0.
    ("ECS-18c", _SERVICE % "CapacityProviderStrategy: [{CapacityProvider: FARGATE}]"),
    (
        "ECS-19b",
        "Cluster: {Type: AWS::ECS::Cluster, Properties: {CapacityProviders: [FARGATE]}}\n"
        + _SERVICE % "Cluster: !Ref Cluster, CapacityProviderStrategy: [{CapacityProvider: FARGATE}]",
    ),
    (
        "ECS-19b",
        "Cluster: {Type: AWS::ECS::Cluster}\n"
        "Provider: {Type: AWS::ECS::CapacityProvider, Properties: {ClusterName: !Ref Cluster}}\n"
        + _SERVICE
        % "Cluster: !Ref Cluster, CapacityProviderStrategy: [{CapacityProvider: !Ref Provider}]",
    ),
    ("ECS-22", _STEPS % "{MetricIntervalLowerBound: 0, MetricIntervalUpperBound: 10}, {MetricIntervalLowerBound: 10}"),
    (
        "ECS-22",
        _STEPS % "{MetricIntervalUpperBound: -10}, {MetricIntervalLowerBound: -10, MetricIntervalUpperBound: 0}",
    ),
    ("ECS-22", _GROUP_STEPS % "{MetricIntervalUpperBound: !ImportValue Low}, {MetricIntervalLowerBound: 0}"),
    # A condition that the deployment decides may leave the label out.
    (
        "SCALING-204",
        (
            "Policy: {Type: AWS::ApplicationAutoScaling::ScalingPolicy, Properties: "
            "{TargetTrackingScalingPolicyConfiguration: {PredefinedMetricSpecification: "
            "{PredefinedMetricType: ECSServiceAverageCPUUtilization, "
            "ResourceLabel: !If [Undecided, x, !Ref AWS::NoValue]}}}}"
        ),
    ),
    ("ECS-28", "Task: {Type: AWS::ECS::TaskDefinition, Properties: {ContainerDefinitions: [{StopTimeout: 600}]}}"),
    ("ECS-29b", _CONTAINER % "ContainerDefinitions: [{HealthCheck: {Command: ['CMD-SHELL, curl localhost']}}]"),
    ("ECS-215", _CONTAINER % "Cpu: 1 vCPU, Memory: 2GB, ContainerDefinitions: [{Cpu: 1024, Memory: 2048}]"),
    ("ECS-222", _CONTAINER % "ContainerDefinitions: [{LogConfiguration: {LogDriver: splunk}}]"),
    ("ECS-205", _SERVICE % "SchedulingStrategy: DAEMON, DeploymentConfiguration: {MaximumPercent: 100}"),
    ("ECS-1f", _SERVICE % "LoadBalancers: [{TargetGroupArn: blue}, {TargetGroupArn: other}]"),
    ("SCALING-206", _TARGET % "service/main/web"),
]


@pytest.mark.parametrize(("rule_id", "resources"), BROKEN)
def test_other_spellings_of_a_fault_are_found(rule_id: str, resources: str) -> None:
    assert judged(rule_id, resources) != []


@pytest.mark.parametrize(("rule_id", "resources"), SOUND)
def test_what_is_sound_or_not_known_passes(rule_id: str, resources: str) -> None:
    assert judged(rule_id, resources) == []
