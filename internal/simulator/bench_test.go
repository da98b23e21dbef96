package simulator

import (
	"testing"
	"time"
)

func BenchmarkGenerateTwoDays(b *testing.B) {
	for b.Loop() {
		c := &clock{t: worldStart.Add(48 * time.Hour)}
		g, err := New(Options{Start: worldStart, Now: c.now, Repositories: Repositories(6, 80)})
		if err != nil {
			b.Fatal(err)
		}
		g.Quiet(c.now())
	}
}

func BenchmarkRunsPage(b *testing.B) {
	c := &clock{t: worldStart.Add(48 * time.Hour)}
	g, err := New(Options{Start: worldStart, Now: c.now, Repositories: Repositories(1, 100)})
	if err != nil {
		b.Fatal(err)
	}
	const url = "/repos/octo-org/service-1/actions/runs?per_page=100"
	first, err := tryGet(g, url)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("200", func(b *testing.B) {
		b.SetBytes(int64(len(first.body)))
		for b.Loop() {
			if _, err := tryGet(g, url); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("304", func(b *testing.B) {
		for b.Loop() {
			if r, err := tryGet(g, url, "If-None-Match", first.Header.Get("ETag")); err != nil || r.StatusCode != 304 {
				b.Fatal(r.StatusCode, err)
			}
		}
	})
}

func BenchmarkTruthOfTwoDays(b *testing.B) {
	c := &clock{t: worldStart.Add(48 * time.Hour)}
	g, err := New(Options{Start: worldStart, Now: c.now, Repositories: Repositories(6, 80)})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		g.Truth(TruthQuery{})
	}
}
