"""gunicorn's configuration, from the environment."""

import os

bind = f"{os.environ['BIND_ADDRESS']}:{os.environ['PORT']}"
workers = int(os.environ["WEB_WORKERS"])
threads = int(os.environ["WEB_THREADS"])
worker_class = "gthread"
# Longer than the load balancer's idle timeout of 60 s: it, not we, closes an idle connection, or requests get lost.
keepalive = 75
timeout = 60
# Under the task's stop timeout of 30 s, so that a request in flight is finished and not cut.
graceful_timeout = 25
preload_app = True
worker_tmp_dir = os.environ["SCRATCH_DIR"]
accesslog = "-"
access_log_format = '{"event":"access","method":"%(m)s","path":"%(U)s","status":%(s)s,"seconds":%(L)s,"bytes":"%(B)s"}'
control_socket_disable = True
forwarded_allow_ips = "*"
