"""ElastiCache users and user groups (role-based access control)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from preflight.assembly import Resource
from preflight.rule import Confidence, Fault, Severity, rule
from preflight.rules.elasticache import API, GROUP, GUIDE, SERVERLESS, engine
from preflight.rules.rds_common import given
from preflight.rules.secret_values import generated_length, secret_of
from preflight.rules.support import written
from preflight.values import Node, boolean, entries, target, text

USER = "AWS::ElastiCache::User"
USER_GROUP = "AWS::ElastiCache::UserGroup"

_PASSWORD_LENGTHS = (16, 128)
_MOST_PASSWORDS = 2
_BUILT_IN = "default"


def _members(group: Resource) -> list[Resource | str | None]:
    """The users of a group: resources, ids of others, None for what the template does not decide."""
    return [target(entry, USER) or text(entry) for entry in entries(group.get("UserIds"))]


def _mode(user: Resource) -> str | None:
    """password, no-password-required or iam; None where nothing or something undecidable is said."""
    mode = text(user.get("AuthenticationMode", "Type"))
    if mode:
        return mode.lower()
    if boolean(user.get("NoPasswordRequired")):
        return "no-password-required"
    return "password" if given(user.get("Passwords")) else None


@rule(
    "CACHE-73",
    constraint=73,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A user group of engine redis has a user named default",
    otherwise='"DefaultUserRequired: User group needs to contain a user with the user name default".',
    remedy="Add a user whose UserName is default (the built-in one has the id default), or use engine valkey.",
    source="https://github.com/hashicorp/terraform-provider-aws/issues/25593",
    types=(USER_GROUP,),
)
def default_user(group: Resource) -> Iterator[Fault]:
    if engine(group) != "redis" or (group.get("UserIds").absent is False and not group.get("UserIds").value):
        names: list[str | None] = [] if engine(group) == "redis" else [_BUILT_IN]
    else:
        members = _members(group)
        # The id of a user made elsewhere says nothing about its name.
        names = [
            text(one.get("UserName")) if isinstance(one, Resource) else _BUILT_IN if one == _BUILT_IN else None
            for one in members
        ]
        if not members and not group.get("UserIds").absent:
            return
    if None not in names and _BUILT_IN not in names:
        yield Fault(at="UserIds", message="no user is named default")


@rule(
    "CACHE-73b",
    constraint=73,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="Every user of a user group of engine valkey has a password or IAM",
    otherwise="CreateUserGroup refuses a user without a password, the built-in default user too.",
    remedy="Give the user passwords or the authentication mode iam; leave the built-in default user out.",
    source=GUIDE + "Clusters.RBAC.html",
    types=(USER_GROUP,),
)
def valkey_members(group: Resource) -> Iterator[Fault]:
    if engine(group) != "valkey":
        return
    for entry, member in zip(entries(group.get("UserIds")), _members(group), strict=True):
        if isinstance(member, Resource):
            if _mode(member) == "no-password-required":
                message = f"without a password, in the group {group.construct_path}"
                yield Fault(at=_mode_path(member), message=message, resource=member)
        elif member == _BUILT_IN:
            yield Fault(at=entry.path(), message="the built-in default user has no password")


def _mode_path(user: Resource) -> str:
    mode = user.get("AuthenticationMode", "Type")
    return "NoPasswordRequired" if mode.absent else mode.path()


@rule(
    "CACHE-73c",
    constraint=73,
    severity=Severity.REFUSED,
    confidence=Confidence.BELIEVED,
    title="A user of engine valkey has a password or IAM",
    otherwise="CreateUser refuses the user, or no Valkey group takes it.",
    remedy="Give the user passwords or the authentication mode iam.",
    source=GUIDE + "Clusters.RBAC.html",
    types=(USER,),
)
def valkey_user(user: Resource) -> Iterator[Fault]:
    if engine(user) == "valkey" and _mode(user) == "no-password-required":
        yield Fault(at=_mode_path(user), message="a Valkey user without a password")


@rule(
    "CACHE-73d",
    constraint=73,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A Redis cache has user groups of engine redis",
    otherwise="ElastiCache refuses to attach a valkey user group to a Redis cache.",
    remedy="Give the user group the engine redis, or run the cache on Valkey.",
    source=GUIDE + "Clusters.RBAC.html",
    types=(GROUP, SERVERLESS),
)
def group_of_other_engine(cache: Resource) -> Iterator[Fault]:
    if engine(cache) != "redis":
        return
    name = "UserGroupIds" if cache.type == GROUP else "UserGroupId"
    for entry in entries(cache.get(name)):
        group = target(entry, USER_GROUP)
        if group is not None and engine(group) == "valkey":
            yield Fault(at=entry.path(), message=f"{group.construct_path} is of engine valkey")


@rule(
    "CACHE-73e",
    constraint=73,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="User names are unique in a user group",
    otherwise='"DuplicateUserName": CreateUserGroup refuses the group.',
    remedy="Give the users different names, or put them in different groups.",
    source=API + "API_CreateUserGroup.html",
    types=(USER_GROUP,),
)
def unique_names(group: Resource) -> Iterator[Fault]:
    members = {one for one in _members(group) if isinstance(one, Resource)}
    names = Counter(name for one in members if (name := text(one.get("UserName"))))
    for name, count in names.items():
        if count > 1:
            yield Fault(at="UserIds", message=f"{count} users are named {name}")


@rule(
    "CACHE-74",
    constraint=74,
    severity=Severity.REFUSED,
    confidence=Confidence.REPORTED,
    title="A user that logs in by IAM has the same id and name",
    otherwise='"User Id and User name must be same for authentication type: iam".',
    remedy="Give UserId and UserName one lower-case text.",
    source="https://github.com/terraform-aws-modules/terraform-aws-elasticache/issues/65",
    types=(USER,),
)
def iam_user_name(user: Resource) -> Iterator[Fault]:
    user_id, name = text(user.get("UserId")), text(user.get("UserName"))
    if _mode(user) == "iam" and user_id is not None and name is not None and user_id != name:
        yield Fault(at="UserName", message=f"{name}, with the id {user_id}")


@rule(
    "CACHE-74b",
    constraint=74,
    severity=Severity.SILENT,
    confidence=Confidence.BELIEVED,
    title="The name of a user that logs in by IAM is in lower case",
    otherwise="ElastiCache stores the id in lower case, so it differs from the name, and logins are denied.",
    remedy="Write UserId and UserName in lower case.",
    source=API + "API_CreateUser.html",
    types=(USER,),
)
def iam_user_case(user: Resource) -> Iterator[Fault]:
    name = text(user.get("UserName"))
    if _mode(user) == "iam" and name is not None and name != name.lower():
        yield Fault(at="UserName", message=f"{name} is not in lower case")


@rule(
    "CACHE-78b",
    constraint=78,
    severity=Severity.REFUSED,
    confidence=Confidence.DOCUMENTED,
    title="A user has at most two passwords of 16 to 128 characters",
    otherwise="CreateUser refuses the passwords.",
    remedy="Generate them with a PasswordLength of 16 to 128.",
    source=GUIDE + "Clusters.RBAC.html",
    types=(USER,),
)
def passwords(user: Resource) -> Iterator[Fault]:
    for node in (user.get("Passwords"), user.get("AuthenticationMode", "Passwords")):
        given_passwords = entries(node)
        if len(given_passwords) > _MOST_PASSWORDS:
            yield Fault(at=node.path(), message=f"{len(given_passwords)} passwords")
        for password in given_passwords:
            yield from _length(password)


def _length(password: Node) -> Iterator[Fault]:
    least, most = _PASSWORD_LENGTHS
    if secret := secret_of(password):
        length = generated_length(secret)
        # A generated key inside a JSON template is a password on its own only when it is read by its key.
        if length is not None and not least <= length <= most:
            at = "GenerateSecretString.PasswordLength"
            yield Fault(at=at, message=f"a password of {length} characters", resource=secret)
        return
    # A parameter's default is a placeholder, not the password.
    literal = written(password)
    if isinstance(literal, str) and "{{resolve:" not in literal and not least <= len(literal) <= most:
        yield Fault(at=password.path(), message=f"a password of {len(literal)} characters")
