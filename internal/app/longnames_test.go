package app

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github_workflow_exporter/internal/simulator"
)

// A name of 100 KB with control characters makes no label, no line of the log and none of check of that size.
func TestNamesThatAreFarTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := organization(t, 2)
		long := "octo-org/" + strings.Repeat(`ä\u0007\n`, 15_000)
		w.transport = replacing(w.transport, `"full_name":"octo-org/service-1"`, `"full_name":"`+long+`"`)
		said := &lines{}
		logger, err := NewLogger(said, "logfmt", "debug")
		if err != nil {
			t.Fatal(err)
		}
		w.logger = logger.Logger
		w.add(success(time.Now()))
		w.start()
		defer w.stop()
		time.Sleep(20 * time.Minute)
		w.github.Faults().Set("denied", simulator.Fault{Kind: simulator.Forbidden, Repository: service})
		time.Sleep(2 * time.Hour)
		for line := range strings.Lines(said.text()) {
			if len(line) > 3000 || !utf8.ValidString(line) {
				t.Errorf("a line of %d bytes: %.200s", len(line), line)
			}
		}
		found := false
		families, err := w.exporter.registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, mf := range families {
			for _, m := range mf.GetMetric() {
				for _, l := range m.GetLabel() {
					v := l.GetValue()
					if len(v) > 200 || !utf8.ValidString(v) || strings.ContainsAny(v, "\a\n") {
						t.Errorf("%s: label %s of %d bytes", mf.GetName(), l.GetName(), len(v))
					}
					found = found || mf.GetName() == failures && strings.HasPrefix(v, "octo-org/ä")
				}
			}
		}
		if !found {
			t.Error("nothing failed under the long name: nothing was tested")
		}
		report, _ := w.checked()
		for line := range strings.Lines(report) {
			if len(line) > 1100 {
				t.Errorf("check: a line of %d bytes", len(line))
			}
		}
	})
}
