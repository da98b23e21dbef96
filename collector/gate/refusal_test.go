package gate

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
	type answer struct{ admitted, try bool }
	yes, try, no := answer{true, false}, answer{true, true}, answer{false, false}
	ask := func() answer {
		t.Helper()
		tries, err := f.admit(now, token)
		if err != nil && (!githubapi.IsKind(err, githubapi.KindUnauthorized) || !errors.As(err, &RefusedError{})) {
			t.Errorf("not admitted with %v", err)
		}
		return answer{err == nil, tries}
	}
	for step, want := range []struct {
		do      func()
		answers []answer // one request after the other
	}{
		{func() {}, []answer{yes, yes}},
		{func() { f.refused(refused, now, token, wait) }, []answer{no, no}},
		{func() { f.refused(refused, now, token, wait) }, []answer{no}}, // was under way together with the first
		{func() { now = now.Add(time.Minute) }, []answer{try, no}},
		{func() { f.withdraw() }, []answer{try, no}}, // that one came to nothing
		{func() { f.refused(refused, now, token, wait) }, []answer{no}},
		{func() { now = now.Add(time.Minute) }, []answer{no}}, // two minutes now
		{func() { now = now.Add(time.Minute) }, []answer{try, no}},
		{func() { f.unanswered(now.Add(time.Minute)) }, []answer{no}},
		{func() { now = now.Add(time.Minute) }, []answer{try, no}},
		{func() { f.answered(false) }, []answer{no}}, // to what was under way already
		{func() { f.answered(true) }, []answer{yes, yes}},
		{func() { f.refused(refused, now, token, wait) }, []answer{no}},
		{func() { generation++ }, []answer{yes, yes}},
	} {
		want.do()
		for i, w := range want.answers {
			if got := ask(); got != w {
				t.Fatalf("step %d, request %d: %+v, want %+v", step, i, got, w)
			}
		}
	}
}

func TestStrikes(t *testing.T) {
	var f refusal
	for step, want := range []bool{false, false, true} {
		if got := f.strike(); got != want {
			t.Errorf("strike %d: out %v, want %v", step, got, want)
		}
	}
	f.answered(false)
	if f.strike() {
		t.Error("out at the first strike after an answer")
	}
}
