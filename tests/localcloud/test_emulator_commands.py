from __future__ import annotations

import json
from pathlib import Path

import pytest

from localcloud import cdk, commands, layout, outputs, sending, status
from localcloud.__main__ import main
from localcloud.console import LocalCloudError


def test_a_second_environment_in_the_same_local_cloud_is_refused_with_both_ways_on(home: Path) -> None:
    commands._claim("dev")
    commands._claim("dev")
    with pytest.raises(LocalCloudError, match="already holds the environment dev") as refusal:
        commands._claim("prod")
    assert "make destroy" in refusal.value.remedy
    assert "LOCALCLOUD_HOME=.local-prod LOCALCLOUD_BASE_PORT=25500 make up ENV=prod" in refusal.value.remedy


def test_commands_that_need_a_local_cloud_say_so(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for verb, expected in (
        (["status"], "not running; start it with: make up"),
        (["env"], "what to do: run: make up"),
        (["logs", "nobody"], "no log of 'nobody'"),
        (["send", str(home)], "what to do: run: make up"),
        (["traces"], "what to do: run: make up"),
    ):
        monkeypatch.setattr("sys.argv", ["localcloud", *verb])
        assert main() == 1
        said = capsys.readouterr()
        assert expected in said.out + said.err


def test_an_output_is_found_with_the_region_of_its_stack(home: Path) -> None:
    layout.folder("assembly")
    stack = {"type": "aws:cloudformation:stack", "environment": "aws://0/us-west-2", "properties": {"stackName": "S"}}
    (outputs.assembly() / "manifest.json").write_text(json.dumps({"artifacts": {"S": stack}}))
    outputs.path().write_text(json.dumps({"S": {"Name": "value"}}))
    assert outputs.find("Name") == outputs.Output(value="value", region="us-west-2")
    with pytest.raises(LocalCloudError, match="no deployed stack has an output Other"):
        outputs.value("Other")


def test_a_failed_cdk_command_shows_its_last_words_without_colours_and_progress(home: Path) -> None:
    with pytest.raises(LocalCloudError) as failure:
        cdk.run(["synth", "-c", "env=nonsense", "--output", str(home / "out")], local=False)
    assert "env = 'nonsense': no such environment; config/ has dev, preview, prod, staging" in str(failure.value)
    assert "\x1b" not in str(failure.value)
    assert str(home / "logs" / "cdk.log") in failure.value.remedy


def test_the_status_table_marks_what_is_not_well() -> None:
    rows = [
        status.Row(part="web", state="1/2 tasks", well=False, detail="exited with 1"),
        status.Row(part="emulator", state="running", well=True),
    ]
    assert status.table(rows).splitlines() == ["✗ web       1/2 tasks  exited with 1", "  emulator  running"]


def test_a_folder_without_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LocalCloudError, match="no images"):
        sending.send(tmp_path, client=None)  # type: ignore[arg-type]  (never reached)
