package gate

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github_workflow_exporter/githubapi"
)

type timeout struct{}

func (timeout) Error() string { return "not in time" }
func (timeout) Timeout() bool { return true }

func TestMendable(t *testing.T) {
	server := func(status int) *githubapi.Error { return &githubapi.Error{Kind: githubapi.KindServer, Status: status} }
	waits := server(503)
	waits.RetryAsked, waits.RetryAfter = true, 2*time.Minute
	now := server(503)
	now.RetryAsked = true
	for name, test := range map[string]struct {
		err  error
		want bool
	}{
		"none":               {nil, false},
		"500":                {server(500), true},
		"502":                {server(502), true},
		"503":                {server(503), true},
		"504":                {server(504), true},
		"501":                {server(501), false},
		"505":                {server(505), false},
		"520":                {server(520), false},
		"asks to wait":       {waits, false},
		"asks not to wait":   {now, false},
		"not sent":           {HeldError{Err: server(502), Host: true}, false},
		"too large":          {&githubapi.Error{Kind: githubapi.KindBody, Status: 200, TooLarge: true}, true},
		"cut":                {&githubapi.Error{Kind: githubapi.KindBody, Status: 200}, false},
		"not in time":        {&githubapi.Error{Kind: githubapi.KindNetwork, Err: timeout{}}, true},
		"connection refused": {&githubapi.Error{Kind: githubapi.KindNetwork, Err: errors.New("connection refused")}, false},
		"forbidden":          {&githubapi.Error{Kind: githubapi.KindForbidden, Status: 403}, false},
		"stopped":            {context.Canceled, false},
	} {
		if got := Mendable(test.err); got != test.want {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

// TestPageSize: which sizes are asked for, visit by visit.
func TestPageSize(t *testing.T) {
	bad := &githubapi.Error{Kind: githubapi.KindServer, Status: 502}
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	var asked []int
	visit := func(s *PageSize, all *Gate, works int) {
		asked = nil
		request := githubapi.PageRequest{PerPage: s.Size(now)}
		_, _ = s.Ask(all, &request, func() error {
			asked = append(asked, request.PerPage)
			if request.PerPage <= works {
				return nil
			}
			return bad
		})
	}
	var s PageSize
	all := Gate{Options: Options{Now: func() time.Time { return now }}}
	for step, test := range []struct {
		works int // the biggest size that is answered
		want  []int
	}{
		{60, []int{100, 50}},
		{60, []int{50}}, // remembered
		{0, []int{50, 25, 10}},
		{0, []int{50, 25, 10}},
		{0, []int{100}}, // no remedy twice: one a visit
		{0, []int{50}},
		{0, []int{25}},
		{0, []int{10}},
		{0, []int{100}},
		{100, []int{50}}, // the server is back
		{100, []int{50}},
	} {
		visit(&s, &all, test.works)
		if !slices.Equal(asked, test.want) {
			t.Fatalf("visit %d: sizes %v, want %v", step, asked, test.want)
		}
	}
	// What helped no list several times in a row is not tried with another one, until some list is answered.
	all.fruitless.Store(fruitlessAll)
	var other PageSize
	for range 3 {
		if visit(&other, &all, 60); !slices.Equal(asked, []int{100}) {
			t.Fatalf("sizes %v of another list, want one", asked)
		}
	}
	visit(&s, &all, 100)
	if visit(&other, &all, 60); !slices.Equal(asked, []int{100, 50}) {
		t.Errorf("sizes %v of another list when one was answered", asked)
	}
}
