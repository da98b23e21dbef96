package app

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github_workflow_exporter/collector/family"
	"github_workflow_exporter/collector/ledger"
)

// CheckLedger verifies the ledger in a directory completely, without changing it, and reports what it holds. That a
// transaction may be lost is an error too, though the ledger is gone on with.
func CheckLedger(dir string, w io.Writer) error {
	if err := directory(dir); err != nil {
		return err
	}
	r, err := ledger.Check(dir)
	if err != nil {
		return fmt.Errorf("checking the ledger: %w", err)
	}
	fmt.Fprintf(w, "%s is sound, %d bytes\n", r.Path, r.Bytes)
	fmt.Fprintf(w, "  of            %s, begun %s, format %d\n", r.Host, r.Born.UTC().Format(time.RFC3339), r.Format)
	fmt.Fprintf(w, "  repositories  %d\n", r.Accounts)
	fmt.Fprintf(w, "  runs          %d, %d of them open\n", r.Runs, r.OpenRuns)
	fmt.Fprintf(w, "  executions    %d recorded, %d of them remembered with their runs\n", r.Recorded, r.Executions)
	for _, f := range family.All() {
		if n := r.Series[f.Name]; n > 0 {
			fmt.Fprintf(w, "  series        %d of %s\n", n, f.Name)
		}
	}
	for _, note := range r.Notes {
		fmt.Fprintf(w, "  note          %s\n", note)
	}
	for _, warning := range r.Warnings {
		fmt.Fprintf(w, "  warning       %s\n", warning)
	}
	if len(r.Warnings) > 0 {
		return errors.New("checking the ledger: its last transaction may be lost, see the warning; serve goes on with what there is")
	}
	return nil
}

// BackupLedger writes a verified copy of the ledger in a directory to a file that must not exist yet.
func BackupLedger(dir, dest string, w io.Writer) error {
	if err := directory(dir); err != nil {
		return err
	}
	if err := ledger.Backup(dir, dest); err != nil {
		return fmt.Errorf("backing up the ledger: %w", err)
	}
	fmt.Fprintf(w, "ledger in %s copied to %s and verified\n", dir, dest)
	return nil
}

// directory refuses the ledger's file where its directory is asked for.
func directory(dir string) error {
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		return fmt.Errorf("storage.path is the ledger's directory, and %s is a file; did you mean %s?", dir, filepath.Dir(dir))
	}
	return nil
}
