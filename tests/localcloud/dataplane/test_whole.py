"""The whole data plane beside the emulator: a stack is deployed, used, survives kill -9, and leaves nothing behind."""

from __future__ import annotations

import datetime
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg2
import pytest
import valkey
from botocore.signers import CloudFrontSigner
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from localcloud import aws, layout, tls
from localcloud.dataplane import paths

from .backends import Backend, ask
from .conftest import BASE_PORT, eventually

pytestmark = pytest.mark.localcloud

PORT, CDN = BASE_PORT + 80, BASE_PORT + 90
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
DATABASE_PASSWORD, CACHE_PASSWORD = "password-of-the-database", "password-of-the-cache"


@dataclass(kw_only=True)
class Cloud:
    processes: dict[str, subprocess.Popen[bytes]]
    outputs: dict[str, str]

    def start(self, name: str) -> None:
        log = (layout.folder("logs") / f"{name}.log").open("ab")
        home = str(layout.home())
        environment = {**os.environ, "LOCALCLOUD_HOME": home, layout.MARKER: home, "PYTHONPATH": str(layout.REPOSITORY)}
        self.processes[name] = subprocess.Popen(
            [sys.executable, "-m", f"localcloud.{name}"], env=environment, stdout=log, stderr=log
        )

    def said(self, name: str) -> dict[str, Any]:
        said: dict[str, Any] = json.loads((layout.folder("dataplane") / f"{name}.json").read_text())
        return said


def _template() -> dict[str, Any]:
    path = Path(__file__).with_name("stack.json")
    template: dict[str, Any] = json.loads(path.read_text())
    public = KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    resources = template["Resources"]
    resources["Key"]["Properties"]["PublicKeyConfig"]["EncodedKey"] = public.decode()
    resources["Database"]["Properties"]["MasterUserPassword"] = DATABASE_PASSWORD
    resources["User"]["Properties"]["Passwords"] = [CACHE_PASSWORD]
    return template


def _client(service: str) -> Any:
    return aws.client(service, "us-east-1")


def _stack() -> dict[str, Any]:
    found: dict[str, Any] = _client("cloudformation").describe_stacks(StackName="trial")["Stacks"][0]
    return found


def _deploy(*, update: bool = False, **changes: dict[str, Any]) -> None:
    template = _template()
    for name, properties in changes.items():
        template["Resources"][name]["Properties"].update(properties)
    call = _client("cloudformation").update_stack if update else _client("cloudformation").create_stack
    call(StackName="trial", TemplateBody=json.dumps(template))
    eventually(lambda: not _stack()["StackStatus"].endswith("IN_PROGRESS"), within=60, period=0.2)
    assert _stack()["StackStatus"] == ("UPDATE_COMPLETE" if update else "CREATE_COMPLETE"), _events()


def _events() -> list[str]:
    events = _client("cloudformation").describe_stack_events(StackName="trial")["StackEvents"]
    return [
        f"{e['LogicalResourceId']}: {e.get('ResourceStatusReason')}" for e in events if "FAILED" in e["ResourceStatus"]
    ]


@pytest.fixture(scope="module")
def cloud(state: Path) -> Iterator[Cloud]:
    aws.client.cache_clear()  # clients of another state folder
    found = Cloud(processes={}, outputs={})
    try:
        found.start("emulator")
        found.start("dataplane")
        eventually(lambda: _client("sts").get_caller_identity(), within=30)
        _deploy()
        found.outputs = {each["OutputKey"]: each["OutputValue"] for each in _stack()["Outputs"]}
        yield found
    finally:
        found.processes["dataplane"].send_signal(signal.SIGTERM)
        found.processes["dataplane"].wait(timeout=60)
        found.processes["emulator"].kill()  # it would wait for this process to close its connections
        found.processes["emulator"].wait()
        for name in found.processes:  # shown where a test failed
            print(paths.tail(paths.log(name), lines=40))
        aws.client.cache_clear()
        left = _left_over()
        for process in left:
            process.kill()
        assert not left


def _left_over() -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(layout.MARKER) == str(layout.home()) and process.pid != os.getpid():
                found.append(process)
        except psutil.Error:
            continue
    return found


def _sql(port: str, statement: str, password: str = DATABASE_PASSWORD) -> Any:
    link = psycopg2.connect(
        host="127.0.0.1",
        port=port,
        dbname="spendsmart",
        user="spendsmart",
        password=password,
        sslmode="require",
        connect_timeout=3,
    )
    link.autocommit = True
    with closing(link), link.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0] if cursor.description else None


def _cache(cloud: Cloud) -> valkey.Valkey:
    return valkey.Valkey(
        host="127.0.0.1",
        port=int(cloud.outputs["CachePort"]),
        username="trial-user",
        password=CACHE_PASSWORD,
        ssl=True,
        ssl_ca_certs=str(tls.material().authority),
    )


def _signed(key_id: str, url: str) -> str:
    signer = CloudFrontSigner(key_id, lambda message: KEY.sign(message, padding.PKCS1v15(), hashes.SHA1()))  # noqa: S303
    ends = datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=5)
    return str(signer.generate_presigned_url(url, date_less_than=ends))


def test_database_reader_and_cache_answer_where_the_stack_says(cloud: Cloud) -> None:
    _sql(cloud.outputs["DatabasePort"], "CREATE TABLE things AS SELECT 7 AS number")
    assert eventually(lambda: _sql(cloud.outputs["ReaderPort"], "SELECT number FROM things")) == 7
    assert _sql(cloud.outputs["DatabasePort"], "SHOW max_connections") == "55"
    _cache(cloud).set("key", "value")
    assert _cache(cloud).info("memory")["maxmemory_policy"] == "noeviction"


def test_registered_targets_get_requests_once_healthy_and_weights_move(cloud: Cloud) -> None:
    elb = _client("elbv2")
    backends = {name: Backend(name) for name in ("blue", "green")}
    groups = {"blue": cloud.outputs["Blue"], "green": cloud.outputs["Green"]}
    for name, backend in backends.items():
        elb.register_targets(TargetGroupArn=groups[name], Targets=[{"Id": "127.0.0.1", "Port": backend.port}])
        eventually(lambda name=name: _health(groups[name]) == ["healthy"], within=15)
    assert ask(PORT, "/anything").saw["name"] == "blue"
    weights = [{"TargetGroupArn": groups["blue"], "Weight": 0}, {"TargetGroupArn": groups["green"], "Weight": 1}]
    forward = [{"Type": "forward", "ForwardConfig": {"TargetGroups": weights}}]
    elb.modify_rule(RuleArn=cloud.outputs["Rule"], Actions=forward)
    eventually(lambda: ask(PORT).saw["name"] == "green", within=4)
    elb.deregister_targets(
        TargetGroupArn=groups["green"], Targets=[{"Id": "127.0.0.1", "Port": backends["green"].port}]
    )
    eventually(lambda: ask(PORT).status == 503, within=4)
    elb.register_targets(TargetGroupArn=groups["green"], Targets=[{"Id": "127.0.0.1", "Port": backends["green"].port}])
    eventually(lambda: ask(PORT).status == 200, within=10)


def _health(group: str) -> list[str]:
    described = _client("elbv2").describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    return [each["TargetHealth"]["State"] for each in described]


def test_the_distribution_serves_application_and_signed_images(cloud: Cloud) -> None:
    eventually(lambda: cloud.said(f"distribution-{cloud.outputs['Distribution']}")["status"] == "available")
    plain = ask(CDN, "/page?x=1", host=f"localhost:{CDN}")
    assert (plain.status, plain.headers["location"]) == (301, f"https://localhost:{CDN}/page?x=1")
    page = ask(CDN, "/page?x=1", secure=True, cookie="a=b", accept_encoding="gzip")
    assert page.saw["path"] == "/page?x=1"
    assert page.saw["headers"]["x-edge"] == "known"
    assert page.saw["headers"]["cookie"] == "a=b"
    assert page.headers["x-content-type-options"] == "nosniff"
    picture = b"picture" * 300
    _client("s3").put_object(
        Bucket=cloud.outputs["Bucket"], Key="receipts/u/r 1", Body=picture, ContentType="text/plain"
    )
    path = _signed(cloud.outputs["Key"], f"https://localhost:{CDN}/receipts/u/r%201").removeprefix(
        f"https://localhost:{CDN}"
    )
    image = ask(CDN, path, secure=True)
    assert (image.status, image.body) == (200, picture)
    assert ask(CDN, path, secure=True, accept_encoding="gzip").headers["content-encoding"] == "gzip"
    assert ask(CDN, path, secure=True, method="PUT", body="x").status == 403
    for forged in ("/receipts/u/r%201", path.replace("r%201", "r%202"), path.replace("Signature=", "Signature=AA")):
        assert ask(CDN, forged, secure=True).status == 403


def test_without_a_bucket_policy_for_it_the_distribution_is_refused(cloud: Cloud) -> None:
    s3, bucket = _client("s3"), cloud.outputs["Bucket"]
    policy = s3.get_bucket_policy(Bucket=bucket)["Policy"]
    path = _signed(cloud.outputs["Key"], f"https://localhost:{CDN}/receipts/u/r%201").removeprefix(
        f"https://localhost:{CDN}"
    )
    s3.delete_bucket_policy(Bucket=bucket)
    eventually(lambda: ask(CDN, path, secure=True).status == 403)
    s3.put_bucket_policy(Bucket=bucket, Policy=policy)
    eventually(lambda: ask(CDN, path, secure=True).status == 200)


def test_a_killed_data_plane_takes_its_servers_over(cloud: Cloud) -> None:
    names = ("rds-trial", "rds-trial-reader", "elasticache-trial", "envoy-valkey", "envoy-edge")
    before = {name: cloud.said(name)["pid"] for name in names}
    cloud.processes["dataplane"].kill()
    cloud.processes["dataplane"].wait()
    assert ask(PORT).status == 200
    for name in names:
        (layout.folder("dataplane") / f"{name}.json").unlink()
    cloud.start("dataplane")
    eventually(lambda: {name: cloud.said(name)["pid"] for name in names} == before)
    assert _cache(cloud).get("key") == b"value"


def test_after_kill_9_of_everything_it_is_all_back(cloud: Cloud) -> None:
    for process in _left_over():
        process.kill()
    for name in ("emulator", "dataplane"):
        cloud.processes[name].wait()
        cloud.start(name)
    assert eventually(lambda: _sql(cloud.outputs["ReaderPort"], "SELECT number FROM things"), within=30) == 7
    eventually(lambda: _sql(cloud.outputs["DatabasePort"], "INSERT INTO things VALUES (8) RETURNING 1"), within=15)
    eventually(lambda: _sql(cloud.outputs["ReaderPort"], "SELECT count(*) FROM things") == 2, within=15)
    eventually(lambda: _cache(cloud).ping(), within=15)
    eventually(lambda: ask(PORT).status == 200, within=15)


def test_a_rotated_password_reaches_the_server(cloud: Cloud) -> None:
    _deploy(update=True, Database={"MasterUserPassword": "a-new-password"})
    eventually(lambda: _sql(cloud.outputs["DatabasePort"], "SELECT 1", "a-new-password") == 1)
    with pytest.raises(psycopg2.OperationalError):
        _sql(cloud.outputs["DatabasePort"], "SELECT 1")


def test_a_deleted_stack_leaves_neither_servers_nor_data(cloud: Cloud) -> None:
    _client("s3").delete_object(Bucket=cloud.outputs["Bucket"], Key="receipts/u/r 1")
    _client("cloudformation").delete_stack(StackName="trial")
    eventually(lambda: not any((layout.folder("rds")).iterdir()), within=20)
    eventually(lambda: not any((layout.folder("elasticache")).iterdir()))
    names = {path.name for path in layout.folder("dataplane").glob("*.json")}
    assert not {name for name in names if name.startswith(("rds-", "elasticache-"))}
    eventually(lambda: not list(layout.folder("dataplane").glob("loadbalancer-*.json")))
