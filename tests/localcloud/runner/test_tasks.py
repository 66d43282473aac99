"""Real tasks: how containers start, check themselves and end, and what ECS is told."""

from __future__ import annotations

import time

import psutil

from localcloud import aws

from .conftest import REGION, Runner, Stage, eventually

FOREVER = "import time\nprint('up', flush=True)\ntime.sleep(600)"


def test_a_task_on_its_own_ends_with_its_exit_code(stage: Stage) -> None:
    code = 'import sys; print("MISSING_THING is not set"); sys.exit(3)'
    task = stage.stopped(stage.run(stage.define(stage.container(code))))
    assert task["containers"][0]["exitCode"] == 3
    assert task["stopCode"] == "EssentialContainerExited"
    # The reason alone is enough to know what to mend.
    assert "main with code 3" in task["stoppedReason"]
    assert "MISSING_THING is not set" in task["stoppedReason"]


def test_run_task_overrides_reach_the_container(stage: Stage) -> None:
    program = "import os, sys; print('COLOUR', os.environ['COLOUR'], sys.argv[1:])"
    definition = stage.define(stage.container(program, environment=[{"name": "COLOUR", "value": "blue"}]))
    override = {
        "name": "main",
        "command": ["python", "main.py", "again"],
        "environment": [{"name": "COLOUR", "value": "red"}],
    }
    task = stage.stopped(stage.run(definition, overrides={"containerOverrides": [override]}))
    assert stage.log(task) == "COLOUR red ['again']\n"


def test_output_reaches_cloudwatch_logs(stage: Stage) -> None:
    task = stage.stopped(stage.run(stage.define(stage.container("for n in range(3): print('line', n)"))))
    stream = f"test/main/{task['taskArn'].rsplit('/', 1)[-1]}"
    events = aws.client("logs", REGION).get_log_events(logGroupName="/stage", logStreamName=stream)["events"]
    assert [event["message"] for event in events] == ["line 0", "line 1", "line 2"]


def test_a_container_runs_as_the_user_of_its_definition(stage: Stage) -> None:
    definition = stage.define(stage.container("import os; print(os.getuid(), os.getgid())", user="10001"))
    task = stage.stopped(stage.run(definition))
    expected = "10001 10001" if psutil.Process().uids().real == 0 else f"{psutil.Process().uids().real}"
    assert stage.log(task).startswith(expected)


def test_sigterm_first_and_sigkill_after_the_stop_timeout(stage: Stage) -> None:
    polite = """
        import signal, sys, time
        signal.signal(signal.SIGTERM, lambda *_: (print("ending", flush=True), sys.exit(0)))
        print("up", flush=True)
        time.sleep(600)
    """
    stubborn = """
        import signal, time
        signal.signal(signal.SIGTERM, lambda *_: print("no", flush=True))
        print("up", flush=True)
        while True:
            time.sleep(1)
    """
    arns = [stage.run(stage.define(stage.container(program, stopTimeout=2))) for program in (polite, stubborn)]
    for arn in arns:
        eventually(lambda arn=arn: "up" in stage.log(stage.started(arn)))
        stage.ecs.stop_task(cluster=stage.cluster, task=arn, reason="enough")
    asked = time.monotonic()
    first = stage.stopped(arns[0])
    assert first["containers"][0]["exitCode"] == 0
    assert "ending" in stage.log(first)
    second = stage.stopped(arns[1])
    assert time.monotonic() - asked > 1.9
    assert second["containers"][0]["exitCode"] == 137
    assert "no" in stage.log(second)
    assert (second["stoppedReason"], second["stopCode"]) == ("enough", "UserInitiated")


def test_dependencies_are_waited_for_and_outlive_those_that_need_them(stage: Stage) -> None:
    order = """
        import os, pathlib, signal, sys, time
        name, healthy_after = sys.argv[1], float(sys.argv[2])
        def say(what):
            print(f"{time.time():.3f} {what}", flush=True)
        def end(*_):
            time.sleep(0.3 if name == "web" else 0)
            say("end")
            sys.exit(0)
        signal.signal(signal.SIGTERM, end)
        say("start")
        time.sleep(healthy_after)
        pathlib.Path(os.environ["HOME"], name).touch()
        say("healthy")
        if name == "init":
            sys.exit(0)
        time.sleep(600)
    """
    image = stage.image(order)

    def container(name: str, delay: str, **given: object) -> dict[str, object]:
        made = {**stage.container(order), "name": name, "image": image}
        return {**made, "command": ["python", "main.py", name, delay], **given}

    check = {"command": ["CMD-SHELL", "test -e $HOME/pool"], "interval": 5, "retries": 3}
    arn = stage.run(
        stage.define(
            container("web", "0", dependsOn=[{"containerName": "pool", "condition": "HEALTHY"}]),
            container("pool", "0.6", healthCheck=check, dependsOn=[{"containerName": "init", "condition": "SUCCESS"}]),
            container("init", "0.3", essential=False),
        )
    )
    task = stage.started(arn)
    eventually(lambda: "healthy" in stage.log(task, "web"))
    stage.ecs.stop_task(cluster=stage.cluster, task=arn)
    task = stage.stopped(arn)
    when = {
        (name, what): float(moment)
        for name in ("web", "pool", "init")
        for moment, what in (line.split() for line in stage.log(task, name).splitlines())
    }
    assert when["init", "healthy"] <= when["pool", "start"] < when["pool", "healthy"] <= when["web", "start"]
    assert when["web", "end"] <= when["pool", "end"]


def test_a_dependency_that_fails_ends_the_task_at_once_and_is_named(stage: Stage) -> None:
    needs = [{"containerName": "init", "condition": "SUCCESS"}]
    failing = stage.container("import sys; print('no schema'); sys.exit(4)", essential=False)
    arn = stage.run(stage.define(stage.container(FOREVER, dependsOn=needs), {**failing, "name": "init"}))
    task = stage.stopped(arn)
    assert "main depends on init being SUCCESS" in task["stoppedReason"]
    assert "exit code 4: no schema" in task["stoppedReason"]


def test_a_container_over_its_memory_is_killed_and_the_reason_says_so(stage: Stage) -> None:
    greedy = "import time\nx = b'x' * (200 * 1024**2)\nprint('up', flush=True)\ntime.sleep(600)"
    task = stage.stopped(stage.run(stage.define(stage.container(greedy, memory=100))))
    assert task["stoppedReason"].startswith("OutOfMemoryError: Container killed due to memory usage: main")
    assert task["containers"][0]["exitCode"] == 137
    assert "of 100 MiB" in task["containers"][0]["reason"]


def test_children_of_a_container_end_with_it(stage: Stage) -> None:
    parent = """
        import os, subprocess, sys, time
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], process_group=0)
        print(child.pid, flush=True)
        time.sleep(600)
    """
    arn = stage.run(stage.define(stage.container(parent)))
    child = int(eventually(lambda: stage.log(stage.started(arn))))
    assert psutil.pid_exists(child)
    stage.ecs.stop_task(cluster=stage.cluster, task=arn)
    stage.stopped(arn)
    eventually(lambda: not psutil.pid_exists(child), within=2)


def test_ports_and_folders_of_a_task_go_back_when_it_ends(stage: Stage, runner: Runner) -> None:
    container = stage.container(FOREVER, portMappings=[{"containerPort": 8000}])
    arn = stage.run(stage.define(container))
    task = stage.started(arn)
    binding = task["containers"][0]["networkBindings"][0]
    assert binding["containerPort"] == 8000
    eventually(
        lambda: {"8000": binding["hostPort"]} in [t["ports"] for t in runner.status()["tasks"] if arn.endswith(t["id"])]
    )
    stage.ecs.stop_task(cluster=stage.cluster, task=arn)
    stage.stopped(arn)
    other = stage.run(stage.define(container))
    assert stage.started(other)["containers"][0]["networkBindings"][0]["hostPort"] == binding["hostPort"]
    stage.ecs.stop_task(cluster=stage.cluster, task=other)
