"""How long a deploy of all prod stacks, both regions, takes on the emulator alone, by the plain CDK command line."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import measure

ROOT = Path(__file__).resolve().parent.parent
BASE_PORT = "27500"


def main() -> None:
    print("\nDeploy of all prod stacks to the emulator alone (no data plane, no tasks)")
    with tempfile.TemporaryDirectory(prefix="bench") as folder:
        home = Path(folder) / "home"
        own = {"LOCALCLOUD_HOME": str(home), "LOCALCLOUD_BASE_PORT": BASE_PORT}
        off = {"LOCALCLOUD_DATAPLANE": "off", "LOCALCLOUD_RUNNER": "off"}
        os.environ.update(own)
        from localcloud import cdk, commands, outputs

        with (Path(folder) / "emulator.log").open("wb") as log:
            emulator = subprocess.Popen(
                [sys.executable, "-m", "localcloud.emulator"],
                cwd=ROOT,
                env={**os.environ, **off},
                stdout=log,
                stderr=log,
            )
        try:
            commands.wait_for_api()
            cdk.synth(env="prod", output=outputs.assembly())
            cdk.bootstrap(outputs.assembly(), regions=sorted(set(outputs.stack_regions().values())))
            command = [
                *(ROOT / "scripts" / "cdk", "deploy", "--all", "--app", outputs.assembly(), "--concurrency", "6"),
                *("--require-approval", "never", "--no-notices"),
            ]

            def deploy() -> measure.Sample:
                return measure.run(command, cwd=ROOT, variables=cdk.environment())

            first = measure.series("cdk deploy --all, first", deploy, runs=1)
            print(first.row())
            print(measure.series("cdk deploy --all, nothing changed", deploy, runs=3).row(beside=first))
        finally:
            emulator.terminate()
            emulator.wait()


if __name__ == "__main__":
    main()
