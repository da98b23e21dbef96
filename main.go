// Command github_workflow_exporter polls GitHub Actions and exposes finished runs, jobs and steps to Prometheus.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/go-kit/log/level"
	"github.com/prometheus/common/version"
	"github.com/prometheus/exporter-toolkit/web/kingpinflag"

	"github_workflow_exporter/internal/app"
	"github_workflow_exporter/internal/config"
)

func main() {
	info, _ := debug.ReadBuildInfo() // nil if there is none
	app.StampVersion(info)
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run is the program: flags, the command they name, the exit code. 1 is a failure, 2 wrong usage.
func run(args []string, stdout, stderr io.Writer) int {
	cli := kingpin.New("github_workflow_exporter", "Prometheus exporter for the runs, jobs and steps of GitHub Actions.")
	cli.UsageWriter(stdout).ErrorWriter(stderr)
	cli.HelpFlag.Short('h')
	printVersion := cli.Flag("version", "Print the version and exit.").Bool()
	var (
		configFile    = cli.Flag("config.file", "Configuration file; config.example.yml shows every key.").PlaceHolder("FILE").String()
		repositories  = cli.Flag("github.repository", "Repository to watch, owner/name; repeatable. With it no configuration file is needed.").PlaceHolder("OWNER/NAME").Strings()
		storagePath   = cli.Flag("storage.path", "Directory of the ledger; replaces storage.path of the configuration.").PlaceHolder("DIR").String()
		telemetryPath = cli.Flag("web.telemetry-path", "Path of the metrics.").Default("/metrics").String()
		lifecycle     = cli.Flag("web.enable-lifecycle", "Serve POST /-/reload.").Bool()
		webFlags      = kingpinflag.AddFlags(cli, ":9887")
		logLevel      = cli.Flag("log.level", "Least level that is logged: debug, info, warn or error.").Default("info").String()
		logFormat     = cli.Flag("log.format", "Format of log lines: logfmt or json.").Default("logfmt").String()

		serve          = cli.Command("serve", "Poll GitHub and expose what was counted.").Default()
		demo           = cli.Command("demo", "Run a simulated GitHub and the exporter on it; nothing to configure, no network. It listens on 127.0.0.1:9887 unless told otherwise.")
		controlAddress = demo.Flag("demo.control-address", "Address of the switches for the simulated GitHub's faults.").PlaceHolder("HOST:PORT").String()
		check          = cli.Command("check", "Check configuration, access, permissions, limits and repositories, without counting anything.")
		explain        = cli.Command("explain", "Show of a run or job, by the address of its page or by owner/name and the number of the run, what was or would be counted, and why.")
		explainLogs    = explain.Flag("logs", "Show the end of the logs of failed jobs.").Bool()
		explainFormat  = explain.Flag("format", "Format of the explanation: text or json.").Default("text").Enum("text", "json")
		exporterURL    = explain.Flag("exporter.url", "Address of the running exporter, which is asked what it has counted.").Default("http://127.0.0.1:9887").PlaceHolder("URL").String()
		explainWhat    = explain.Arg("url", "Page of a run or a job, or owner/name and the number of a run.").Required().Strings()
		ledger         = cli.Command("ledger", "Look after the ledger, while no exporter runs on it.")
		ledgerCheck    = ledger.Command("check", "Verify the ledger completely, without changing it.")
		ledgerBackup   = ledger.Command("backup", "Copy the ledger to a new file and verify the copy.")
		backupTo       = ledgerBackup.Arg("file", "The file to write; it must not exist.").Required().String()
	)
	listenGiven := false
	cli.GetFlag("web.listen-address").IsSetByUser(&listenGiven)
	// Terminate would end the process in the middle of parsing; --help and --version come back as usage instead.
	exited := -1
	cli.Terminate(func(code int) { exited = code })
	model := cli.Model()
	command, err := "", app.CheckArguments(model, args)
	if err == nil {
		command, err = cli.Parse(args)
	}
	logger, formatErr := app.NewLogger(stderr, cmp.Or(*logFormat, "logfmt"), cmp.Or(*logLevel, "info"))
	if err == nil {
		err = formatErr
	}
	switch {
	case exited >= 0:
		return exited
	case *printVersion:
		fmt.Fprintln(stdout, version.Print("github_workflow_exporter"))
		return 0
	case err != nil:
		level.Error(logger.Logger).Log("msg", "wrong usage, see --help", "err", app.UsageError(model, args, err))
		return 2
	}
	logger.CaptureStandardLog()
	if command == demo.FullCommand() && !listenGiven {
		*webFlags.WebListenAddresses = []string{app.DemoAddress}
	}
	load := func() (*config.Config, error) {
		return config.LoadWith(*configFile, config.Overrides{Repositories: *repositories, StoragePath: *storagePath})
	}
	ctx := context.Background()
	switch command {
	case serve.FullCommand():
		err = app.Serve(ctx, app.ServeOptions{
			Load: load, Web: webFlags, TelemetryPath: *telemetryPath, Lifecycle: *lifecycle, Logger: logger,
		})
	case demo.FullCommand():
		err = app.Demo(ctx, app.DemoOptions{
			Web: webFlags, TelemetryPath: *telemetryPath, Lifecycle: *lifecycle, ControlAddress: *controlAddress,
			StoragePath: *storagePath, Logger: logger, Out: stdout,
		})
	case check.FullCommand():
		var c *config.Config
		if c, err = load(); err == nil {
			err = app.Check(ctx, c, stdout, nil)
		}
	case explain.FullCommand():
		*repositories = app.ExplainRepositories(*configFile, *repositories, *explainWhat)
		var c *config.Config
		if c, err = load(); err == nil {
			err = app.Explain(ctx, c, app.ExplainOptions{
				Arguments: *explainWhat, Logs: *explainLogs, JSON: *explainFormat == "json", Exporter: *exporterURL, Out: stdout,
			})
		}
	case ledgerCheck.FullCommand(), ledgerBackup.FullCommand():
		err = ledgerCommand(command == ledgerCheck.FullCommand(), *storagePath, *backupTo, *configFile, load, stdout)
	}
	if err != nil {
		finally(func() { level.Error(logger.Logger).Log("msg", "failed", "err", err) })
		return 1
	}
	return 0
}

// finally says a last word, and does not wait for ever if nobody takes it: the end must not hang by its own log.
func finally(say func()) {
	said := make(chan struct{})
	go func() {
		defer close(said)
		say()
	}()
	select {
	case <-said:
	case <-time.After(lastWord):
	}
}

// lastWord is the time for it.
const lastWord = 500 * time.Millisecond

// ledgerCommand finds the ledger by the flag, else by the configuration.
func ledgerCommand(check bool, dir, backupTo, configFile string, load func() (*config.Config, error), stdout io.Writer) error {
	if dir == "" && configFile == "" {
		return errors.New("which ledger? Name its directory with --storage.path=DIR, or the configuration with --config.file=FILE")
	}
	if dir == "" {
		c, err := load()
		if err != nil {
			return err
		}
		dir = c.Storage.Path
	}
	if check {
		return app.CheckLedger(dir, stdout)
	}
	return app.BackupLedger(dir, backupTo, stdout)
}
