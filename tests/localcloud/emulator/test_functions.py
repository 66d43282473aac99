"""Lambda functions of the local cloud, on one machine with everything else."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest

from localcloud.emulator.services.lambda_functions import translated

from .support import Emulator

_CODE = "import os\ndef handler(event, context):\n    return {name: os.environ[name] for name in event['names']}\n"


def test_a_function_finds_a_listener_where_it_is_on_this_machine(emulator: Emulator) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("index.py", _CODE)
    given = {"TEST_URL": "http://localhost:8080", "SENTENCE": "see http://localhost:8080", "OTHER": "http://host:8080"}
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = emulator.client("iam").create_role(
        RoleName="asks", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )
    functions = emulator.client("lambda")
    functions.create_function(
        FunctionName="asks",
        Runtime="python3.13",
        Role=role["Role"]["Arn"],
        Handler="index.handler",
        Code={"ZipFile": archive.getvalue()},
        Environment={"Variables": given},
    )
    answer = functions.invoke(FunctionName="asks", Payload=json.dumps({"names": list(given)}))
    seen = json.loads(answer["Payload"].read())
    assert seen == {**given, "TEST_URL": f"http://localhost:{emulator.base + 81}"}
    # What was given is what the API shows.
    assert functions.get_function_configuration(FunctionName="asks")["Environment"]["Variables"] == given


@pytest.mark.parametrize(
    ("given", "offset"),
    [("http://localhost:80", 80), ("https://localhost:443", 43), ("https://localhost:8443", 44)],
)
def test_every_usual_listener_is_known(given: str, offset: int, home: Path) -> None:
    scheme = given.split("://")[0]
    assert translated({"URL": given}) == {"URL": f"{scheme}://localhost:{24500 + offset}"}


def test_other_addresses_stay_as_they_are(home: Path) -> None:
    given = {"A": "http://localhost:1234", "B": "http://localhost", "C": "http://localhost:8080/path"}
    assert translated(given) == given
