#!/bin/sh
# Stops the service when the package is removed, not when it is upgraded. dpkg calls with "remove" or "upgrade", rpm with
# the number of versions that will be left. The ledger in /var/lib/github_workflow_exporter is kept: its counts cannot be
# had again.
set -e
case "$1" in
remove | 0)
	if [ -d /run/systemd/system ]; then
		systemctl disable --now github_workflow_exporter.service
	fi
	;;
esac
