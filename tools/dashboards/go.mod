module github_workflow_exporter/tools/dashboards

go 1.26.0

replace github_workflow_exporter => ../..

require github_workflow_exporter v0.0.0-00010101000000-000000000000
