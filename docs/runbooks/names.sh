# Names of one environment's parts, for the commands of the runbooks. Sourced, not run:
#
#     . docs/runbooks/names.sh prod                                     # in the account of production
#     eval "$(make -s env)"; . docs/runbooks/names.sh dev               # on the local cloud
#
# Needs the right to read the SSM parameters under /spendsmart/<environment>/ and to describe stacks.

# The first version of the AWS CLI reads this variable alone.
export AWS_DEFAULT_REGION=${AWS_DEFAULT_REGION:-${AWS_REGION:-}}

ENVIRONMENT=${1:?which environment? for example: . docs/runbooks/names.sh prod}
STACK=SpendSmart-$(echo "${ENVIRONMENT:0:1}" | tr '[:lower:]' '[:upper:]')${ENVIRONMENT:1}
ALARMS=$STACK-

_name() { aws ssm get-parameter --name "/spendsmart/$ENVIRONMENT/monitoring/$1" --query Parameter.Value --output text; }
_output() {
  aws cloudformation describe-stacks --stack-name "$STACK-$1" \
    --query "Stacks[0].Outputs[?OutputKey=='$2'].OutputValue" --output text
}

NAMESPACE=SpendSmart/$ENVIRONMENT
CLUSTER=$(_name ClusterName)
WEB=$(_name WebService) WORKER=$(_name WorkerService) BEAT=$(_name BeatService)
WEB_LOGS=$(_name WebLogGroup) WORKER_LOGS=$(_name WorkerLogGroup) BEAT_LOGS=$(_name BeatLogGroup)
DATABASE=spendsmart-$ENVIRONMENT
DATABASE_LOGS=/aws/rds/instance/$DATABASE/postgresql
BALANCER=$(_name LoadBalancer)
BLUE=$(_name BlueTargetGroup)
BROKER=$(_name BrokerGroup) CACHE=$(_name CacheGroup)
TARGETS=$(aws elbv2 describe-target-groups --query "TargetGroups[?contains(TargetGroupArn, '$BLUE')].TargetGroupArn" --output text)
SITE=$(_output Ingress LoadBalancerUrl)
BUCKET=$(_output Storage ReceiptsBucket)
VAULT=spendsmart-$ENVIRONMENT
SINCE=$(date -u -d '-3 hours' +%Y-%m-%dT%H:%M:%SZ)
NOW=$(date -u +%Y-%m-%dT%H:%M:%SZ)
