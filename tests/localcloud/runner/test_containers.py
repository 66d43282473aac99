"""The Docker runtime; the tests with a daemon need one that answers and a base image: LOCALCLOUD_TEST_BASE_IMAGE."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from localcloud import layout, tls
from localcloud.runner.container import Container
from localcloud.runner.containers import Containers, DockerMissingError, create_command, environment
from localcloud.runner.definitions import ContainerDefinition, HealthCheck
from localcloud.runner.launch import Launch, Running

from .conftest import eventually

BASE = os.environ.get("LOCALCLOUD_TEST_BASE_IMAGE", "")
IMAGE = "localcloud-runner-test:1"

needs_docker = pytest.mark.skipif(
    not BASE or not shutil.which("docker") or subprocess.run(["docker", "info"], capture_output=True).returncode != 0,
    reason="needs a Docker API that answers, and LOCALCLOUD_TEST_BASE_IMAGE with Python",
)


def launch(home: Path, definition: ContainerDefinition, *, task_id: str = "t1") -> Launch:
    scratch = layout.folder("runner", "tasks", task_id) / "scratch"
    scratch.mkdir(exist_ok=True)
    return Launch(
        task_id=task_id,
        definition=definition,
        folder=scratch.parent,
        ports={8000: 4801},
        mounts={"/scratch": scratch},
        secrets={"PASSWORD": "p-1"},
        platform={"AWS_CA_BUNDLE": str(tls.material().bundle)},
    )


def test_what_the_definition_asks_for_is_dockers_to_enforce(home: Path) -> None:
    definition = ContainerDefinition(
        name="web",
        image="repository:1",
        command=("serve",),
        environment={"PORT": "8000", "BIND": "0.0.0.0", "SCRATCH_DIR": "/scratch"},  # noqa: S104
        user="10001",
        read_only=True,
        init=True,
        dropped=("ALL",),
        memory_mib=256,
        cpu_units=512,
    )
    of = launch(home, definition)
    variables = environment(of)
    words = create_command(of, name="n", variables=variables)
    line = " ".join(words)
    for option in ("--read-only", "--init", "--cap-drop ALL", "--user 10001", "--memory 256m", "--cpus 0.5"):
        assert option in line
    assert f"--volume {of.mounts['/scratch']}:/scratch" in line
    assert words[-2:] == ["repository:1", "serve"]
    assert variables["PORT"] == "4801"
    assert variables["SCRATCH_DIR"] == "/scratch", "a container sees its mounts where its definition says"
    assert "p-1" not in line, "a command line is for all to read"


def test_without_docker_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(DockerMissingError, match="leave RUNTIME unset"):
        Containers()


@pytest.fixture
def docker(home: Path, tmp_path: Path) -> Iterator[Containers]:
    (tmp_path / "Dockerfile").write_text(f"FROM {BASE}\nWORKDIR /app\n")
    subprocess.run(["docker", "build", "--quiet", "--tag", IMAGE, str(tmp_path)], check=True, capture_output=True)
    runtime = Containers()
    yield runtime
    runtime.end_leftovers([])


def python(program: str, **given: object) -> ContainerDefinition:
    return ContainerDefinition(
        name="main",
        image=IMAGE,
        command=("python3", "-uc", program),
        user="10001",
        **given,  # type: ignore[arg-type]
    )


def ended(running: Running) -> str:
    eventually(lambda: running.exit_code() is not None, within=30)
    return running.output.read().decode()


@needs_docker
def test_a_container_is_read_only_nobody_special_and_has_its_volume(home: Path, docker: Containers) -> None:
    program = """
import os
print(os.getuid(), os.environ["PASSWORD"], open("/scratch/x", "w").write("1"))
print(open(os.environ["AWS_CA_BUNDLE"]).read(27))
open("/app/x", "w")
"""
    said = ended(docker.start(launch(home, python(program, read_only=True, init=True, dropped=("ALL",)))))
    assert said.startswith("10001 p-1 1\n-----BEGIN CERTIFICATE-----\n")
    assert "Read-only file system: '/app/x'" in said


@needs_docker
def test_memory_is_limited_and_its_end_told_from_others(home: Path, docker: Containers) -> None:
    greedy = docker.start(launch(home, python("x = b'x' * (300 * 1024**2)", memory_mib=64)))
    ended(greedy)
    assert (greedy.exit_code(), greedy.out_of_memory()) == (137, True)
    other = docker.start(launch(home, python("import sys; sys.exit(3)"), task_id="t2"))
    ended(other)
    assert (other.exit_code(), other.out_of_memory()) == (3, False)


@needs_docker
def test_checks_run_inside_and_the_end_is_polite_then_not(home: Path, docker: Containers) -> None:
    program = "import signal, time; signal.signal(signal.SIGTERM, lambda *_: print('no')); open('/scratch/up', 'w')\n"
    definition = python(
        program + "while True: time.sleep(1)",
        stop_timeout=1,
        health_check=HealthCheck(command=("CMD", "test", "-e", "/scratch/up"), interval=5),
    )
    container = Container(definition, docker.start(launch(home, definition)))

    def healthy() -> bool:
        container.check_health()
        return container.health == "HEALTHY"

    eventually(healthy)
    asked = time.monotonic()
    container.end()
    assert 1 <= time.monotonic() - asked < 10
    assert (container.exit_code, "no" in container.running.output.read().decode()) == (137, True)
    listed = subprocess.run(["docker", "ps", "-aq", "--filter", f"name={container.running.id}"], capture_output=True)
    assert listed.stdout == b""


@needs_docker
def test_what_a_killed_runner_left_is_ended(home: Path, docker: Containers) -> None:
    left = docker.start(launch(home, python("import time; time.sleep(600)")))
    assert docker.end_leftovers([]) == 1
    eventually(lambda: left.exit_code() is not None)


@needs_docker
def test_a_command_that_is_not_there_is_said(home: Path, docker: Containers) -> None:
    missing = docker.start(launch(home, ContainerDefinition(name="main", image=IMAGE, command=("nonesuch",))))
    assert "nonesuch" in ended(missing)
    assert missing.exit_code()
    with pytest.raises(OSError, match="absent"):
        docker.start(launch(home, ContainerDefinition(name="main", image="absent:1"), task_id="t2"))
