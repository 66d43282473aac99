"""`make up`, `down`, `status`, `metrics`, `logs`, `traces` and `env`."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
from botocore.exceptions import BotoCoreError, ClientError

from localcloud import (
    aws,
    cdk,
    checks,
    demo,
    image_key,
    layout,
    migration,
    outputs,
    regions,
    sending,
    status,
    strays,
    supervision,
    tls,
    traces,
)
from localcloud.console import LocalCloudError, Steps
from localcloud.metrics import latest

EMULATOR_PATIENCE = 30
WEB_PATIENCE = 90
"""Seconds to wait for the emulator's API, and for a healthy target behind the load balancer."""


def up(*, env: str) -> int:
    """From nothing, or from whatever state an earlier run left, to a running platform with one receipt read."""
    steps = Steps()
    with steps.step("look at the machine"):
        _claim(env)
        _prepare()
    with steps.step(f"synthesize {env}; start the AWS emulator, the data plane and the task runner"):
        _together(lambda: cdk.synth(env=env, output=outputs.assembly()), _start)
    regions = sorted(set(outputs.stack_regions().values()))
    with steps.step(f"cdk bootstrap in {', '.join(regions)}"):
        cdk.bootstrap(outputs.assembly(), regions=regions)
    with steps.step(f"cdk deploy --all ({len(outputs.stack_regions())} stacks)"):
        cdk.deploy(outputs.assembly(), outputs=outputs.path())
    with steps.step("hand over the key of image URLs; migrate the database"):
        image_key.hand_over()
        migration.run()
    with steps.step("wait for a healthy target behind the load balancer"):
        _wait_for_web()
    with steps.step("send the demo receipt the whole way"):
        receipt, months = _demo_receipt()
    print(f"\nThe platform is up after {steps.elapsed:.0f} s.\n")
    print(f"  receipt     {receipt['merchant']}, {receipt['purchased_on']}: {receipt['currency']} {receipt['total']}")
    print(f"              state {receipt['state']}, read by the {receipt['engine']} engine")
    for row in months:
        print(f"  by month    {row['month']}: {row['currency']} {row['total']} in {row['receipts']} receipts")
    print("              (from the read replica)\n")
    print(_addresses())
    return 0


def up_if_down(*, env: str) -> str:
    """The environment that runs here; where nothing runs, `env` or the one this state folder holds is brought up."""
    claimed = layout.folder() / "environment"
    holds = claimed.read_text() if claimed.exists() else env
    if not supervision.running() or not outputs.path().exists():
        up(env=holds)
    return holds


def _claim(env: str) -> None:
    """One environment for each local cloud: two would share a load balancer's ports and mix their outputs."""
    if gone := regions.lost():
        raise LocalCloudError(
            f"{layout.home()} has lost {', '.join(gone)} in a drill, and serves from what is left",
            remedy="delete it: make destroy",
        )
    claimed = layout.folder() / "environment"
    if claimed.exists() and claimed.read_text() != env:
        raise LocalCloudError(
            f"{layout.home()} already holds the environment {claimed.read_text()}",
            remedy=f"delete it: make destroy; or run both: LOCALCLOUD_HOME=.local-{env} "
            f"LOCALCLOUD_BASE_PORT={layout.ports().base + 1000} make up ENV={env}",
        )
    layout.write_private(claimed, env)


def _prepare() -> None:
    """Refuse a machine that cannot carry us, and clear what a crash or a power cut left running."""
    if supervision.running():
        return
    checks.machine()
    leftovers = strays.find()
    if leftovers:
        print(f"          ending {len(leftovers)} processes that an earlier run left behind")
        strays.end(leftovers)
    checks.ports_free()
    if notice := checks.port_notice():
        print(f"          {notice}")


def _start() -> None:
    supervision.start()
    wait_for_api()


def wait_for_api(region: str = regions.ALL[0]) -> None:
    """Raises LocalCloudError when the emulator does not answer within its patience."""
    deadline = time.monotonic() + EMULATOR_PATIENCE
    while True:
        try:
            aws.client("sts", region).get_caller_identity()
            return
        except (BotoCoreError, ClientError, OSError) as error:
            if time.monotonic() > deadline:
                raise LocalCloudError(
                    f"the AWS emulator does not answer: {error}",
                    remedy=f"see {layout.home() / 'logs' / 'emulator.log'}",
                ) from error
            time.sleep(0.2)


def _together(*jobs: Callable[[], None]) -> None:
    with ThreadPoolExecutor(len(jobs)) as pool:
        for done in [pool.submit(job) for job in jobs]:
            done.result()


def web_url() -> str:
    """Where the first load balancer listens on this machine."""
    https = outputs.value("LoadBalancerUrl").startswith("https")
    port = layout.ports().listener(443 if https else 80)
    return f"{'https' if https else 'http'}://localhost:{port}"


def _wait_for_web() -> None:
    deadline = time.monotonic() + WEB_PATIENCE
    said = "nothing"
    while time.monotonic() < deadline:
        try:
            answer = httpx2.get(f"{web_url()}/readyz", verify=demo.trust(), timeout=5)
        except httpx2.HTTPError as error:
            said = str(error)
        else:
            if answer.status_code == 200:
                return
            said = f"{answer.status_code} {answer.text[:300]}"
        time.sleep(0.3)
    raise LocalCloudError(
        f"no healthy target behind {web_url()} after {WEB_PATIENCE} s; it last said: {said}",
        remedy="run: make status, then make logs PART=web",
    )


def _demo_receipt() -> tuple[dict[str, Any], list[dict[str, Any]]]:
    client = demo.Client(web_url(), demo.user())
    receipt = client.wait(client.upload(demo.RECEIPT, content_type="image/png"))
    if receipt["state"] not in {"extracted", "needs_review"}:
        raise LocalCloudError(f"the demo receipt ended {receipt['state']}: {receipt['reason']}")
    return receipt, client.get("/api/v1/analytics/month/")["results"]


def _addresses() -> str:
    user = demo.user()
    ports = layout.ports()
    lines = [
        ("SpendSmart", web_url()),
        ("API page", f"{web_url()}/api/docs/"),
        ("CDN", f"https://localhost:{ports.cdn}"),
        ("AWS API", f"https://{layout.LOOPBACK}:{ports.api}   (make env shows how to use it)"),
        ("demo login", f"{user.email}  {user.password}"),
        ("browser", f"trust {tls.material().authority} once: pictures go over HTTPS"),
        ("then", "make status · make logs · make down"),
    ]
    return "\n".join(f"  {name:<11} {text}" for name, text in lines)


def down(*, delete_data: bool) -> int:
    """Stop everything; with `delete_data`, remove the state folder too."""
    steps = Steps()
    with steps.step("stop the tasks, the servers and the emulator"):
        supervision.stop()
        killed = strays.end(strays.find())
    if killed:
        print(f"          {len(killed)} processes had to be killed")
    left = strays.find()
    if left:
        raise LocalCloudError(f"still running: {', '.join(str(process.pid) for process in left)}")
    if delete_data and layout.home().exists():
        with steps.step(f"delete {layout.home()}"):
            shutil.rmtree(layout.home())
    return 0


def show_status() -> int:
    """Print a table of every part; 1 when something is not well."""
    found = status.rows()
    if not found:
        print("The local cloud is not running; start it with: make up")
        return 1
    print(status.table(found))
    print(f"\n  memory      {status.memory() / 1024**2:.0f} MiB")
    if outputs.path().exists():
        print(_addresses())
    return 0 if all(row.well for row in found) else 1


def show_metrics() -> int:
    """Print what was last published; 1 when nothing was."""
    found = latest.read()
    if not found.minute:
        print("No metrics yet: they are published when a minute is over. The local cloud is started with: make up")
        return 1
    print(f"The minute from {found.clock} UTC\n\n{latest.table(found)}")
    return 0


def show_logs(part: str | None) -> int:
    """Follow the logs of one part, or of all. Raises LocalCloudError for a part that has none."""
    logs = layout.folder("logs")
    files = [path for path in sorted(logs.rglob("*.log")) if not part or part in str(path.relative_to(logs))]
    if not files:
        known = sorted({path.relative_to(logs).parts[0].removesuffix(".log") for path in logs.rglob("*.log")})
        raise LocalCloudError(f"no log of '{part}'", remedy=f"logs exist of: {', '.join(known) or 'nothing yet'}")
    try:
        return subprocess.run(["tail", "-n", "20", "-F", *map(str, files)]).returncode
    except KeyboardInterrupt:
        return 0


def show_traces(of: str | None) -> int:
    """Print the newest traces or, as trees, those that `of` names. Raises LocalCloudError where there are none."""
    found = traces.read(outputs.find("LoadBalancerUrl").region)
    if of is None:
        print(f"{traces.table(found)}\n\nOne of them as a tree: make traces OF=<trace or receipt>")
        return 0
    named = traces.named(found, of)
    if not named:
        raise LocalCloudError(f"no trace is of '{of}'", remedy="run: make traces, which lists the newest ones")
    for trace, spans in named.items():
        print(traces.tree(spans, balancer=traces.balancer_line(trace)), end="\n\n")
    return 0


def send(folder: str) -> int:
    """Send every image of a folder as the demo user; 1 when one did not end or the sums do not come out."""
    client = demo.Client(web_url(), demo.user())
    return 0 if sending.send(Path(folder), client) else 1


def show_environment() -> int:
    """Print shell lines: `eval "$(make -s env)"` points boto3, the AWS CLI and the CDK CLI at the local cloud."""
    if not (layout.home() / "secrets" / "root.json").exists():
        raise LocalCloudError("the local cloud has never run here", remedy="run: make up")
    for name, value in cdk.environment().items():
        print(f"export {name}={shlex.quote(value)}")
    return 0
