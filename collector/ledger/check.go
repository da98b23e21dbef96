package ledger

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github_workflow_exporter/collector/family"
)

// Report is what Check found in a sound ledger.
type Report struct {
	Path       string
	Bytes      int64 // size of the file
	Format     int
	Host       string
	Born       time.Time
	Accounts   int // repositories ever counted
	Runs       int // runs remembered, open ones included
	OpenRuns   int
	Executions int // executions remembered: those of the runs remembered
	Recorded   uint64
	Series     map[string]int // by family name; disabled families included
	// Warnings and Notes say what is amiss all the same, Notes what has done no harm.
	Warnings, Notes []string
}

// checkTimeout is how long Check and Backup wait for a running exporter to let go of the ledger.
const checkTimeout = time.Second

// Check verifies a ledger that no exporter has open: every page, the checksum of every value, and what refers to what. It
// only reads. Errors as from Open.
func Check(dir string) (Report, error) {
	f, err := openIdle(dir)
	if err != nil {
		return Report{}, err
	}
	defer f.Close()
	return report(f)
}

// openIdle opens a ledger's file for reading and keeps others from writing to it.
func openIdle(dir string) (*os.File, error) {
	path := filepath.Join(dir, fileName)
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading the ledger: %w", err)
	}
	if err := lockFile(f, false, checkTimeout); err != nil {
		f.Close()
		return nil, lockError(path, err)
	}
	return f, nil
}

func report(f *os.File) (Report, error) {
	c, err := readOpen(f)
	if err != nil {
		return Report{}, err
	}
	info, err := f.Stat()
	if err != nil {
		return Report{}, fmt.Errorf("reading the ledger: %w", err)
	}
	r := Report{Path: f.Name(), Bytes: info.Size(), Format: c.format, Host: c.host, Born: c.born, Accounts: len(c.accounts),
		Runs: c.runs, OpenRuns: c.openRuns, Executions: c.executions, Recorded: c.totals[totalRecorded], Series: map[string]int{}}
	r.Warnings, r.Notes = c.findings(r.Path)
	for name := range c.families {
		f, _ := family.ByName(name)
		r.Series[name] = len(c.series[f.ID])
	}
	return r, nil
}

// Backup copies a ledger that no exporter has open to the file dest, which must not exist, and verifies both. The copy is
// restored by putting it in the place of the ledger's file, ledger.db.
func Backup(dir, dest string) error {
	f, err := openIdle(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := report(f); err != nil {
		return err
	}
	out, err := os.OpenFile(dest, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("a backup writes over nothing, choose another name: %w", err)
	}
	if err != nil {
		return fmt.Errorf("creating the backup: %w", err)
	}
	defer out.Close()
	if err := copyTo(out, f); err != nil {
		_ = os.Remove(dest) // it is ours and worth nothing
		return fmt.Errorf("writing the backup %s: %w", dest, err)
	}
	return nil
}

func copyTo(out, f *os.File) error {
	if _, err := io.Copy(out, io.NewSectionReader(f, 0, 1<<62)); err != nil {
		return err
	}
	if err := out.Sync(); err != nil {
		return err
	}
	if _, err := readOpen(out); err != nil {
		return err
	}
	return syncDir(filepath.Dir(out.Name()))
}
