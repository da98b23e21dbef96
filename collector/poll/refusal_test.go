package poll

import (
	"errors"
	"testing"
	"time"

	"github_workflow_exporter/githubapi"
)

func TestRefusal(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	generation := uint64(1)
	token := func() (uint64, error) { return generation, nil }
	wait := func(n int) time.Duration { return time.Duration(n) * time.Minute }
	refused := &githubapi.Error{Kind: githubapi.KindUnauthorized, Status: 401}
	var f refusal
	admitted := func() bool {
		t.Helper()
		err := f.admit(now, token)
		if err != nil && (!kindIs(err, githubapi.KindUnauthorized) || !errors.As(err, &refusedError{})) {
			t.Errorf("not admitted with %v", err)
		}
		return err == nil
	}
	for step, want := range []struct {
		do       func()
		admitted []bool // one try after the other
	}{
		{func() {}, []bool{true, true}},
		{func() { f.settle(refused, now, token, wait) }, []bool{false, false}},
		{func() { f.settle(refused, now, token, wait) }, []bool{false}}, // was under way together with the first
		{func() { now = now.Add(time.Minute) }, []bool{true, false}},    // one tries again
		{func() { f.withdraw() }, []bool{true, false}},                  // that one was not sent
		{func() { f.settle(refused, now, token, wait) }, []bool{false}},
		{func() { now = now.Add(time.Minute) }, []bool{false}}, // two minutes now
		{func() { now = now.Add(time.Minute) }, []bool{true, false}},
		{func() { f.settle(&githubapi.Error{Kind: githubapi.KindNetwork}, now, token, wait) }, []bool{true, false}}, // tells nothing
		{func() { f.settle(nil, now, token, wait) }, []bool{true, true}},
		{func() { f.settle(refused, now, token, wait) }, []bool{false}},
		{func() { generation++ }, []bool{true, true}},
	} {
		want.do()
		for i, w := range want.admitted {
			if got := admitted(); got != w {
				t.Fatalf("step %d, try %d: admitted %v, want %v", step, i, got, w)
			}
		}
	}
	if f.settle(nil, now, token, wait) {
		t.Error("the end of a refusal that had ended")
	}
	f.settle(refused, now, token, wait)
	if !f.settle(&githubapi.Error{Kind: githubapi.KindNotFound, Status: 404}, now, token, wait) {
		t.Error("an answer did not end the refusal")
	}
}
