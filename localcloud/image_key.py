"""The key pair that signs image URLs: made here for this local cloud, and handed over as an operator would on AWS.

config/keys/README.md describes the steps; these are the same ones.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from localcloud import aws, layout, outputs
from localcloud.console import LocalCloudError


def folder() -> Path:
    """Where the app finds the public halves, by environment."""
    return layout.folder("image-keys")


def make(env: str) -> None:
    """A pair for the environment, unless there is one."""
    private, public = _private(), folder() / f"{env}-cloudfront-public.pem"
    if not private.exists():
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        layout.write_private(private, pem.decode())
    if not public.exists():
        key_again = serialization.load_pem_private_key(private.read_bytes(), password=None)
        pem = key_again.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        layout.write_private(public, pem.decode())


def hand_over() -> None:
    """Put the private half into the stack's secret and start the web tasks anew; nothing where that is done, or where
    the environment has no CDN."""
    try:
        secret = outputs.find("ImageSigningKeySecret")
    except LocalCloudError:
        return
    secrets = aws.client("secretsmanager", secret.region)
    wanted = _private().read_text()
    if secrets.get_secret_value(SecretId=secret.value)["SecretString"] == wanted:
        return
    secrets.put_secret_value(SecretId=secret.value, SecretString=wanted)
    _start_anew()


def _start_anew() -> None:
    """New web tasks, all at once: of a canary's quarter of an hour nobody would be the wiser here."""
    cluster, service = outputs.find("ClusterName"), outputs.value("WebServiceName")
    ecs = aws.client("ecs", cluster.region)
    named = {"cluster": cluster.value, "service": service}
    usual = ecs.describe_services(cluster=cluster.value, services=[service])["services"][0]["deploymentConfiguration"]
    ecs.update_service(**named, forceNewDeployment=True, deploymentConfiguration=_at_once(usual))
    # Until the new task is healthy the old one answers, and signs without the key.
    ecs.get_waiter("services_stable").wait(
        cluster=cluster.value, services=[service], WaiterConfig={"Delay": 1, "MaxAttempts": 300}
    )
    ecs.update_service(**named, deploymentConfiguration=usual)


def _at_once(configuration: dict[str, Any]) -> dict[str, Any]:
    """The same without steps and without time to bake; alarms of a platform that has just begun say nothing."""
    if configuration.get("strategy", "ROLLING") == "ROLLING":
        return configuration
    kept = {name: value for name, value in configuration.items() if not name.endswith("Configuration")}
    return {**kept, "strategy": "BLUE_GREEN", "bakeTimeInMinutes": 0}


def _private() -> Path:
    return layout.folder("secrets") / "image-signing.pem"
