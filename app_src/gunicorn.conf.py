"""gunicorn's configuration, from the environment."""

import os
from pathlib import Path

from spendsmart import boot_failure
from spendsmart.logging import dictionary

bind = f"{os.environ['BIND_ADDRESS']}:{os.environ['PORT']}"
workers = int(os.environ["WEB_WORKERS"])
threads = int(os.environ["WEB_THREADS"])
worker_class = "spendsmart.web_worker.WebWorker"
# Longer than the load balancer's idle timeout of 60 s: it, not we, closes an idle connection, or requests get lost.
keepalive = 75
timeout = 60
# Under the task's stop timeout of 30 s, so that a request in flight is finished and not cut.
graceful_timeout = 25
# Workers share what is loaded before they are forked, and a task that lacks something says what and ends. Where memory
# is dearest, in a preview with its one worker, the first process need not hold all that, too.
preload_app = os.environ.get("IN_PREVIEW") != "yes"
# The most that gunicorn takes: 500 letters of any script in a query have room, each of up to 12 characters.
limit_request_line = 8190
worker_tmp_dir = os.environ["SCRATCH_DIR"]
# Requests are logged by the application, with user and request id, as JSON that a hostile path cannot break.
accesslog = None
logconfig_dict = dictionary(os.environ["LOG_LEVEL"])
# gunicorn's own logger does not hand its records on.
logconfig_dict["loggers"]["gunicorn.error"] = {"level": os.environ["LOG_LEVEL"], "handlers": ["stdout"]}
control_socket_disable = True
forwarded_allow_ips = "*"
# That also trusts these headers, which the load balancer never sets: by default a client may name a script and a path.
forwarder_headers = ""


def on_exit(server):
    """The last thing that the first process does."""
    if why := boot_failure.reason(Path(worker_tmp_dir)):
        server.log.error("No worker starts: %s", why)
