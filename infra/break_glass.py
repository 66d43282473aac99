"""The role for an emergency: what may be done by hand when the pipeline is too slow, or is what is broken."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.acknowledgement import Decision, Pack, acknowledge, acknowledge_wildcard

_BY_TAG = Decision(
    reason="Whoever takes the role mends what is broken, and nobody knows beforehand which service that is: a "
    "condition on the tags Environment and Project holds it to this environment. Two actions on log queries "
    "know no resources and return only what the same session has started",
    owner="platform",
    reference="docs/runbooks/break-glass.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 5, 28),
)
_BY_NAME = Decision(
    reason="Stacks and log groups of this environment, by the beginning of their names, which CloudFormation gives "
    "them: the rest of a name is known after the deploy only",
    owner="platform",
    reference="docs/runbooks/break-glass.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 5, 28),
)
_VIEWING = Decision(
    reason="It lists and describes and reads no data: no object, secret, row or log line. In an emergency it is not "
    "known which service has to be looked at, and AWS adds new ones to the policy",
    owner="platform",
    reference="docs/runbooks/break-glass.md",
    decided=date(2026, 11, 28),
    expires=date(2027, 5, 28),
)

_SESSION = cdk.Duration.hours(1)

_ON_TAGGED = (
    "ecs:StopServiceDeployment",
    "ecs:StopTask",
    "ecs:UpdateService",
    "rds:PromoteReadReplica",
    "rds:RebootDBInstance",
    "elasticache:TestFailover",
    "secretsmanager:DescribeSecret",
    "secretsmanager:ListSecretVersionIds",
    "secretsmanager:RotateSecret",
    "secretsmanager:UpdateSecretVersionStage",
    "cloudwatch:DisableAlarmActions",
    "cloudwatch:EnableAlarmActions",
    "cloudwatch:SetAlarmState",
    "cloudfront:CreateInvalidation",
)
"""What the runbooks ask for, on resources that carry the environment's tag. Nothing reads a secret or a receipt, and
nothing deletes: what is not listed goes through the pipeline (Service Authorization Reference, `aws:ResourceTag`)."""

_READ_LOGS = ("logs:FilterLogEvents", "logs:GetLogEvents", "logs:StartQuery")
_ON_ANY = ("logs:GetQueryResults", "logs:StopQuery")
"""Actions that IAM does not tie to a resource; a query's id is known to whoever started it."""


class BreakGlassRole(Construct):
    """For an hour at a time, under a person's name, and everybody on call is told at once.

    Whoever takes the role has to name themselves (`--source-identity`): CloudTrail keeps the name with every call that
    follows, and nobody can change it (IAM User Guide, "Monitor and control actions taken with assumed roles").
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: str,
        principals: Sequence[str],
        require_mfa: bool,
        topic: sns.ITopic,
    ) -> None:
        """`principals` are ARNs of roles and users; with none it is whom this account's own policies allow it.

        `require_mfa` holds for users of IAM. Sessions of an identity provider carry no such mark: there the provider
        asks for the second factor, and this has to be off.
        """
        super().__init__(scope, construct_id)
        trusted = [iam.ArnPrincipal(arn) for arn in principals] or [iam.AccountRootPrincipal()]
        conditions: dict[str, object] = {"StringLike": {"sts:SourceIdentity": "*"}}
        if require_mfa:
            conditions["Bool"] = {"aws:MultiFactorAuthPresent": "true"}
        self.role = iam.Role(
            self,
            "Role",
            role_name=f"spendsmart-{environment}-break-glass",
            description="Emergencies only: docs/runbooks/break-glass.md",
            max_session_duration=_SESSION,
            assumed_by=iam.CompositePrincipal(*(iam.PrincipalWithConditions(each, conditions) for each in trusted)),
            managed_policies=[iam.ManagedPolicy.from_aws_managed_policy_name("job-function/ViewOnlyAccess")],
        )
        policy = self.role.assume_role_policy
        if policy is None:  # a role that was made here has one
            raise TypeError(f"{self.role.node.path} has no trust policy")
        policy.add_statements(
            iam.PolicyStatement(actions=["sts:SetSourceIdentity"], principals=list(trusted), conditions=conditions)
        )
        self._allow(environment)
        events.Rule(
            self,
            "Taken",
            description="Somebody took the emergency role",
            event_pattern=events.EventPattern(
                source=["aws.sts"],
                detail_type=["AWS API Call via CloudTrail"],
                detail={"eventName": ["AssumeRole"], "requestParameters": {"roleArn": [self.role.role_arn]}},
            ),
            targets=[
                targets.SnsTopic(
                    topic,
                    message=events.RuleTargetInput.from_text(
                        f"Emergency role of {environment} taken by "
                        f"{events.EventField.from_path('$.detail.requestParameters.sourceIdentity')} from "
                        f"{events.EventField.from_path('$.detail.sourceIPAddress')}, session "
                        f"{events.EventField.from_path('$.detail.requestParameters.roleSessionName')}. "
                        "If nobody on call did, treat it as a break-in. docs/runbooks/break-glass.md"
                    ),
                )
            ],
        )

    def _allow(self, environment: str) -> None:
        ours = {"StringEquals": {"aws:ResourceTag/Environment": environment, "aws:ResourceTag/Project": "SpendSmart"}}
        self.role.add_to_policy(iam.PolicyStatement(actions=list(_ON_TAGGED), resources=["*"], conditions=ours))
        stack = cdk.Stack.of(self)
        stacks = stack.format_arn(
            service="cloudformation", resource="stack", resource_name=f"SpendSmart-{environment.capitalize()}-*/*"
        )
        self.role.add_to_policy(
            iam.PolicyStatement(
                actions=["cloudformation:CancelUpdateStack", "cloudformation:ContinueUpdateRollback"],
                resources=[stacks],
            )
        )
        groups = stack.format_arn(
            service="logs",
            resource="log-group",
            resource_name=f"SpendSmart-{environment.capitalize()}-*",
            arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
        )
        self.role.add_to_policy(iam.PolicyStatement(actions=list(_READ_LOGS), resources=[groups]))
        self.role.add_to_policy(iam.PolicyStatement(actions=list(_ON_ANY), resources=["*"]))
        for resource, decision in {"*": _BY_TAG, stacks: _BY_NAME, groups: _BY_NAME}.items():
            acknowledge_wildcard(self.role, resource, decision=decision)
        viewing = "IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/job-function/ViewOnlyAccess]"
        acknowledge(self.role, viewing, packs=[Pack.AWS_SOLUTIONS], decision=_VIEWING)
