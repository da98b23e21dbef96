package app

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github_workflow_exporter/internal/simulator"
)

// A name of 100 KB makes no label, no line of the log and none of check of that size. With control characters in it no
// repository can be called so: it is left out.
func TestNamesThatAreFarTooLong(t *testing.T) {
	for name, test := range map[string]struct {
		unit  string
		taken bool
	}{"letters": {"ä", true}, "control characters": {`ä\u0007\n`, false}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { liveWithName(t, "octo-org/"+strings.Repeat(test.unit, 50_000), test.taken) })
		})
	}
}

func liveWithName(t *testing.T, long string, taken bool) {
	w := organization(t, 2)
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
	if found != taken {
		t.Errorf("failed under the long name: %v, want %v", found, taken)
	}
	report, _ := w.checked()
	for line := range strings.Lines(report) {
		if len(line) > 1100 {
			t.Errorf("check: a line of %d bytes", len(line))
		}
	}
}
