package gate

import (
	"testing"
	"time"

	"github_workflow_exporter/githubapi"
)

func TestOutage(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	wait := func(d time.Duration) error {
		return &githubapi.Error{Kind: githubapi.KindServer, Status: 503, RetryAfter: d, RetryAsked: true}
	}
	down := &githubapi.Error{Kind: githubapi.KindServer, Status: 502}
	o := newOutage()
	ask := func() string {
		switch try, err := o.admit(now); {
		case err != nil:
			return "held"
		case try:
			return "try"
		}
		return "yes"
	}
	for step, test := range []struct {
		do   func()
		want string // of the next two requests
	}{
		{func() {}, "yes yes"},
		{func() { o.begin(wait(2*time.Minute), now, false) }, "held held"},
		{func() { now = now.Add(time.Minute) }, "held held"},
		{func() { o.begin(wait(30*time.Second), now, false) }, "held held"}, // was under way: no shorter
		{func() { now = now.Add(59 * time.Second) }, "held held"},
		{func() { now = now.Add(time.Second) }, "try held"},
		{func() { o.withdraw() }, "try held"},
		{func() { o.answered(false) }, "held held"}, // was under way
		{func() { o.begin(wait(5*time.Hour), now, true); now = now.Add(time.Hour - time.Second) }, "held held"},
		{func() { now = now.Add(time.Second) }, "try held"},
		{func() { o.answered(true) }, "yes yes"},
		{func() { o.begin(down, now, false); now = now.Add(OutagePause) }, "try held"},
		{func() { o.begin(down, now, true); now = now.Add(OutagePause) }, "held held"}, // doubled
		{func() { now = now.Add(OutagePause) }, "try held"},
		{func() { o.answered(true) }, "yes yes"},
	} {
		test.do()
		if got := ask() + " " + ask(); got != test.want {
			t.Fatalf("step %d: %s, want %s", step, got, test.want)
		}
	}
	for i, who := range []string{"a", "a", "b", "b", "c"} {
		if out := o.strike(who); out != (i == 4) {
			t.Errorf("strike %d: out %v", i, out)
		}
	}
	o.strike("a")
	o.strike("b")
	o.answered(false)
	if o.strike("c") {
		t.Error("out at the first strike after an answer")
	}
}
