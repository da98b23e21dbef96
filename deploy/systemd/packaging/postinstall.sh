#!/bin/sh
# Makes the user and the token's file. A new installation is not started: it needs a token and repositories first. An
# upgrade of a running service restarts it; what finished meanwhile is counted when it is back.
set -e
systemd-sysusers github_workflow_exporter.conf
systemd-tmpfiles --create github_workflow_exporter.conf
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
	systemctl try-restart github_workflow_exporter.service
fi
