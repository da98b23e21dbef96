// Package e2e runs the program as people do, with a real Prometheus scraping it, and asks Prometheus whether the numbers
// are true. It needs the prometheus binary: the PROMETHEUS variable names it, otherwise it is looked for in PATH.
// Without it the test is skipped, or fails where REQUIRE_E2E=1 says that it must run.
package e2e
