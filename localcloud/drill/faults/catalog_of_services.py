"""Faults of OpenAI and AWS, what operators do, and what cannot be drilled."""

from __future__ import annotations

from localcloud.drill.faults import operations, poison, services
from localcloud.drill.faults.fault import REDUNDANT, Bounds, Fault
from localcloud.emulator.faults import Rule

_IN_ITS_PLACE = "by the server in its place"
_EMULATED = "by the emulator, for the application and browsers"

_BACK = Bounds(recovery=10.0, since="mended")

OPENAI = (
    Fault(
        name="openai-down", says="OpenAI answers 503", how=_IN_ITS_PLACE, holds=30, group="openai",
        breakage=services.OpenAIBehaves(services.down), bounds=REDUNDANT,
    ),
    Fault(
        name="openai-slow", says="OpenAI takes 20 s for an answer", how=_IN_ITS_PLACE, holds=45,
        breakage=services.OpenAIBehaves(services.slow), bounds=REDUNDANT, group="openai",
    ),
    Fault(
        name="openai-limits", says="OpenAI answers 429", how=_IN_ITS_PLACE, holds=30, group="openai",
        breakage=services.OpenAIBehaves(services.limited), bounds=REDUNDANT,
    ),
    Fault(
        name="openai-nonsense", says="OpenAI bills answers that make no sense", how=_IN_ITS_PLACE, holds=30,
        breakage=services.OpenAIBehaves(services.nonsense), bounds=REDUNDANT, group="openai",
    ),
    Fault(
        name="openai-cut-off", says="OpenAI bills, and the connection breaks", how=_IN_ITS_PLACE, holds=30,
        breakage=services.OpenAIBehaves(services.cut_off), bounds=REDUNDANT, group="openai",
    ),
)  # fmt: skip

AWS = (
    Fault(
        name="s3-throttles", says="S3 answers half of all calls with 503 SlowDown", how=_EMULATED, holds=20,
        breakage=services.ServiceFails([Rule(service="s3", status=503, code="SlowDown", share=0.5)]), bounds=_BACK,
        group="aws",
    ),
    Fault(
        name="s3-fails", says="S3 answers 500", how=_EMULATED, holds=20, bounds=_BACK, group="aws",
        breakage=services.ServiceFails([Rule(service="s3", status=500, code="InternalError")]),
    ),
    Fault(
        name="s3-slow", says="S3 takes 3 s longer for each call", how=_EMULATED, holds=20, bounds=_BACK,
        breakage=services.ServiceFails([Rule(service="s3", delay=3.0)]), group="aws",
    ),
    Fault(
        name="objects-vanish", says="uploaded objects are gone before they are read", how="DeleteObject", holds=20,
        breakage=services.ObjectsVanish(), bounds=_BACK, group="aws",
    ),
    Fault(
        name="objects-replaced", says="a signed form is used again, with another image", how="a second POST",
        breakage=services.ObjectsReplaced(), holds=20, bounds=_BACK, group="aws",
    ),
    Fault(
        name="secrets-refused", says="Secrets Manager and KMS refuse everything", how=_EMULATED, holds=20,
        breakage=services.ServiceFails([
            Rule(service="secretsmanager", status=400, code="AccessDeniedException"),
            Rule(service="kms", status=400, code="AccessDeniedException"),
        ]), bounds=REDUNDANT, group="aws",
    ),
    Fault(
        name="credentials-expired", says="the tasks' credentials have expired", how=_EMULATED, holds=20,
        breakage=services.ServiceFails([Rule(service="s3", status=400, code="ExpiredToken", methods=("GET", "HEAD"))]),
        bounds=_BACK, group="aws",
    ),
)  # fmt: skip

OPERATIONS = (
    Fault(
        name="worker-deployed", says="the workers are replaced", how="forceNewDeployment", holds=60, group="operations",
        breakage=operations.Deployed("worker"), bounds=REDUNDANT,
    ),
    Fault(
        name="web-scaled-in", says="a web task is taken away and comes back", how="desired count", holds=45,
        breakage=operations.ScaledIn("web"), bounds=REDUNDANT, group="operations",
    ),
    Fault(
        name="worker-scaled-in", says="a worker is taken away and comes back", how="desired count", holds=45,
        breakage=operations.ScaledIn("worker"), bounds=REDUNDANT, group="operations",
    ),
    Fault(
        name="database-login-rotated", says="the database's password is rotated", how="RotateSecret", holds=60,
        breakage=operations.Rotated("DatabaseLogin"), bounds=REDUNDANT, group="operations",
    ),
    Fault(
        name="broker-password-rotated", says="the broker's password is rotated", how="RotateSecret", holds=60,
        breakage=operations.Rotated("BrokerPassword"), bounds=REDUNDANT, group="operations",
    ),
    Fault(
        name="cache-password-rotated", says="the cache's password is rotated", how="RotateSecret", holds=60,
        breakage=operations.Rotated("CachePassword"), bounds=REDUNDANT, group="operations",
    ),
    Fault(
        name="jwt-key-rotated", says="the key that signs tokens is rotated", how="RotateSecret", holds=20,
        breakage=operations.Rotated("JwtSigningKey"), bounds=REDUNDANT, group="operations",
    ),
    Fault(
        name="openai-key-rotated", says="the key of OpenAI is replaced", how="a new version, new workers",
        breakage=operations.OpenAIKeyRotated(), bounds=REDUNDANT, group="operations",
    ),
)  # fmt: skip

POISON = (
    Fault(
        name="poison", says="a receipt kills its worker each time, and is set aside", group="poison", bounds=REDUNDANT,
        how="SIGKILL to all reading processes as soon as it is being read", breakage=poison.Poison(),
    ),
)  # fmt: skip

SERVICES = (*POISON, *OPENAI, *AWS, *OPERATIONS)

UNDRILLED = (
    Fault(
        name="dns", says="names are not found", how="–", group="undrilled",
        why_not="nothing looks up a name here: every address of the local cloud is 127.0.0.1",
    ),
    Fault(
        name="clock", says="a clock steps", how="–", group="undrilled",
        why_not="the clock is the whole machine's; time namespaces shift the monotonic clock alone",
    ),
    Fault(
        name="image-key-rotated", says="the key of image URLs is rotated", how="–", group="undrilled",
        why_not="it is deployments of two stacks one after the other, each minutes long (docs/pipeline.md)",
    ),
    Fault(
        name="web-deployed", says="a new version of the web service", how="–", group="undrilled",
        why_not="make rollout does that, under the same load",
    ),
)  # fmt: skip
