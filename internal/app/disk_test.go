//go:build linux

package app

import (
	"fmt"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"github_workflow_exporter/internal/config"
	"github_workflow_exporter/internal/simulator"
)

// TestDiskFull fills the disk under the ledger: recording stops and says so, scrapes go on, and once there is room
// nothing is missing. It needs a small disk of its own, which only root may have.
func TestDiskFull(t *testing.T) {
	disk := t.TempDir()
	if err := unix.Mount("tmpfs", disk, "tmpfs", 0, "size=64k"); err != nil {
		t.Skip("no disk to fill: ", err)
	}
	defer func() {
		if err := unix.Unmount(disk, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	}()
	synctest.Test(t, func(t *testing.T) {
		w := handmade(t, func(c *config.Config) {
			c.Poll.Interval = config.Duration(10 * time.Minute)
			c.Storage.Path = filepath.Join(disk, "data")
		})
		for i := range 60 { // one a minute, with series of their own
			w.add(simulator.SimpleRun(fmt.Sprint("CI ", i), time.Now().Add(time.Duration(i)*time.Minute), 5*time.Minute, "success"))
		}
		said := w.listen()
		w.start()
		defer func() { w.stop() }()
		time.Sleep(70 * time.Minute)
		full := w.scrape()
		if n := full.value(namespace + "_ledger_commit_failures_total"); n < 1 {
			t.Fatal("the disk never filled up")
		}
		if !said.has("level=warn", "reason=recording", "no space left on device") {
			t.Errorf("the full disk was not said:\n%s", said.text())
		}
		w.github.ResetRequests()
		time.Sleep(30 * time.Minute)
		if n := w.scrape().value(namespace + "_ledger_commit_failures_total"); n <= full.value(namespace+"_ledger_commit_failures_total") {
			t.Error("recording is not tried again")
		}
		if n := w.github.Requests().Total; n > 300 {
			t.Errorf("%d requests in half an hour for what cannot be recorded", n)
		}
		if wrong := w.scrape().setBack(full.durable()); wrong != nil {
			t.Errorf("while the disk is full: %q", wrong)
		}
		if err := unix.Mount("tmpfs", disk, "tmpfs", unix.MS_REMOUNT, "size=100m"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(eventually)
		w.matchesTruth()
		if n := total(w.counted().Counters[runConclusions]); n != 60 {
			t.Errorf("%v runs counted of 60", n)
		}
		if !said.has("level=info", "repository answers again") {
			t.Errorf("the end of the trouble was not said:\n%s", said.text())
		}
		w.restart()
		w.matchesTruth()
	})
}
