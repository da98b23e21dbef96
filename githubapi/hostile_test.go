package githubapi

import (
	"context"
	"errors"
	"net/http"
	"runtime"
	"strings"
	"testing"
)

// hostileBytes is the length of a hostile page in the tests.
const hostileBytes = 256 << 10

// filled is a page of about the given size that repeats one element.
func filled(size int, front, element, back string) []byte {
	n := max((size-len(front)-len(back))/(len(element)+1), 1)
	return []byte(front + strings.Repeat(element+",", n) + element + back)
}

// hostilePages are jobs pages made to cost more than their bytes, each also a runs page.
func hostilePages(size int) map[string][]byte {
	const list, end = `{"total_count":1,"jobs":[`, `]}`
	steps := strings.TrimSuffix(strings.Repeat("{},", 1_900), ",")
	return map[string][]byte{
		"empty entries":         filled(size, list, `{}`, end),
		"bare numbers":          filled(size, list, `0`, end),
		"entries with ids":      filled(size, list, `{"id":1}`, end),
		"lists in the list":     filled(size, list, `[]`, end),
		"1,000 odd entries":     filled(size, list, `{"id":1,"name":5,"x":"`+strings.Repeat("x", size/1000)+`"}`, end),
		"1,000 odd times":       filled(size, list, `{"id":1,"started_at":5,"x":[`+strings.Repeat("{},", size/3000)+`0]}`, end),
		"one long name":         filled(size, list+`{"id":1,"name":"`, strings.Repeat("x", 99), `"}`+end),
		"one long escape":       filled(size, list+`{"id":1,"name":"`, strings.Repeat(`\u0061`, 16), `"}`+end),
		"one long time":         filled(size, list+`{"id":1,"started_at":"`, strings.Repeat("2", 99), `"}`+end),
		"one long id":           filled(size, list+`{"id":1`, strings.Repeat("1", 99), `}`+end)[:size/2],
		"steps of one job":      filled(size, list+`{"id":1,"steps":[`, `{}`, `]}`+end),
		"steps of many jobs":    filled(size, list, `{"id":1,"steps":[`+steps+`]}`, end),
		"steps again and again": filled(size, list+`{"id":1`, `"steps":[`+steps+`]`, `}`+end),
		"labels of one job":     filled(size, list+`{"id":1,"labels":[`, `""`, `]}`+end),
		"labels again":          filled(size, list+`{"id":1,`, `"labels":["","",""]`, `}`+end),
		"names again":           filled(size, list+`{"id":1,`, `"name":"abc"`, `}`+end),
		"unknown members":       filled(size, list+`{"id":1,`, `"x":{"y":[]}`, `}`+end),
		"members of the page":   filled(size, `{`, `"x":{}`, `,"jobs":[],"workflow_runs":[]}`),
		"members with escapes":  filled(size, `{`, `"\u0061":{}`, `,"jobs":[],"workflow_runs":[]}`),
		"lists again":           filled(size, `{`, `"jobs":[{"id":1}],"workflow_runs":[{"id":1}]`, `}`),
		"nesting":               []byte(list + strings.Repeat(`[`, size)),
		"nested odd entry":      []byte(list + `{"id":1,"name":` + strings.Repeat(`{"a":`, 900) + "1" + strings.Repeat("}", 900) + "}" + end),
		"one long number":       filled(size, `{"total_count":1`, strings.Repeat("1", 99), `,"jobs":[],"workflow_runs":[]}`),
		"nothing but blanks":    []byte(strings.Repeat(" ", size)),
	}
}

// spent tells how many bytes f allocates in all, whether they are given back or not.
func spent(f func()) int64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int64(after.TotalAlloc - before.TotalAlloc)
}

// allowed is how many bytes decoding a page may allocate in all: a few times its own for texts, and what its entries and
// steps take, of which there is a limited number.
func allowed(body int) int64 {
	n := int64(body)
	return min(64<<10+1000*n, 10<<20+8*n)
}

func TestHostilePages(t *testing.T) {
	for name, body := range hostilePages(hostileBytes) {
		runs := []byte(strings.Replace(string(body), `"jobs":[`, `"workflow_runs":[`, 1))
		var jobsErr, runsErr error
		for what, f := range map[string]func(){
			"jobs":         func() { _, _, jobsErr = decodeJobs(context.Background(), body, ever) },
			"runs":         func() { _, _, runsErr = decodeRuns(context.Background(), runs, ever) },
			"repositories": func() { _, _, _ = decodeRepositories(context.Background(), body, ever) },
			"one job":      func() { _, _ = decodeOne(context.Background(), body, jobEntry(), ever) },
		} {
			if got := spent(f); got > allowed(len(body)) {
				t.Errorf("%s as %s: %.1f MB for %.1f MB", name, what, float64(got)/1e6, float64(len(body))/1e6)
			}
		}
		if strings.Contains(name, "entries") && !strings.Contains(name, "odd") || name == "lists in the list" || name == "bare numbers" {
			if !errors.Is(jobsErr, errTooLarge) || !errors.Is(runsErr, errTooLarge) {
				t.Errorf("%s: %v, %v, want too large", name, jobsErr, runsErr)
			}
		}
	}
}

// What is too much is an error of the request that says so, or of the one entry; nothing is cut in silence but texts and
// labels.
func TestTooMuch(t *testing.T) {
	many := func(n int, element string) string { return strings.TrimSuffix(strings.Repeat(element+",", n), ",") }
	page := func(entries string) []byte { return []byte(`{"total_count":9,"jobs":[` + entries + `,{"id":7}]}`) }
	for _, tt := range []struct {
		name    string
		body    []byte
		entries int // 0 = too large
		first   func(Job) bool
	}{
		{"entries that fit", page(many(maxEntries-1, `{"id":1}`)), maxEntries, func(j Job) bool { return j.ID == 1 }},
		{"one entry more", page(many(maxEntries, `{"id":1}`)), 0, nil},
		{"steps that fit", page(`{"id":1,"steps":[` + many(maxSteps, `{}`) + `]}`), 2, func(j Job) bool { return len(j.Steps) == maxSteps }},
		{"one step more", page(`{"id":1,"steps":[` + many(maxSteps+1, `{}`) + `]}`), 2, func(j Job) bool { return j.ID == 1 && j.Undecodable && j.Steps == nil }},
		{"steps of the page", page(many(maxPageSteps/1000+1, `{"id":1,"steps":[`+many(1000, `{}`)+`]}`)), 0, nil},
		{"labels", page(`{"id":1,"labels":[` + many(maxLabels+1, `"l"`) + `]}`), 2, func(j Job) bool { return len(j.Labels) == maxLabels }},
		{"a long name", page(`{"id":1,"name":"` + strings.Repeat("x", 100_000) + `"}`), 2, func(j Job) bool { return len(j.Name) == maxString }},
	} {
		c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) { write(w, 200, string(tt.body)) })
		got, err := c.AttemptJobs(context.Background(), "o/r", 1, 1, PageRequest{})
		if tt.entries == 0 {
			if e := wantKind(t, err, KindBody); !e.TooLarge || !e.Whole || got.Items != nil {
				t.Errorf("%s: %+v", tt.name, e)
			}
			wantText(t, err, "the answer is larger than a page")
			continue
		}
		if err != nil || len(got.Items) != tt.entries || !tt.first(got.Items[0]) || got.Items[tt.entries-1].ID != 7 || got.Items[tt.entries-1].Undecodable {
			t.Errorf("%s: %d entries, %v", tt.name, len(got.Items), err)
		}
	}
}

// A bomb costs no more than the limit of a body, and not much more memory than that.
func TestBomb(t *testing.T) {
	bomb := gzipped(t, filled(4*hostileBytes-1000, `{"total_count":1,"jobs":[`, `{}`, `]}`))
	larger := gzipped(t, filled(8*hostileBytes, `{"total_count":1,"jobs":[`, `{}`, `]}`))
	for name, body := range map[string][]byte{"within the limit": bomb, "over the limit": larger} {
		c := client(t, "https://h", func(o *Options) {
			o.MaxBodyBytes = 4 * hostileBytes
			o.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
				resp := reply(200, string(body))
				resp.Header.Set("Content-Encoding", "gzip")
				return resp, nil
			})
		})
		var err error
		got := spent(func() { _, err = c.AttemptJobs(context.Background(), "o/r", 1, 1, PageRequest{}) })
		if e := wantKind(t, err, KindBody); !e.TooLarge {
			t.Errorf("%s: %v", name, err)
		}
		if got > 6*4*hostileBytes {
			t.Errorf("%s: %d bytes of gzip cost %.0f MB", name, len(body), float64(got)/1e6)
		}
	}
}

// Canceling ends reading and decoding even where nothing has to be waited for.
func TestCanceledWhileReading(t *testing.T) {
	body := gzipped(t, filled(4*hostileBytes-1000, `{"total_count":1,"jobs":[`, `{"id":1,"x":[`+strings.Repeat("0,", 9000)+`0]}`, `]}`))
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var seen Observation
	c := client(t, "https://h", func(o *Options) {
		o.Observe = func(o Observation) { seen = o }
		o.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
			resp := reply(200, string(body)) // there in full, and yet not read on
			resp.Header.Set("Content-Encoding", "gzip")
			cancel()
			return resp, nil
		})
	})
	got := spent(func() {
		if _, err := c.AttemptJobs(ctx, "o/r", 1, 1, PageRequest{}); !errors.Is(err, context.Canceled) || seen.Kind != KindCanceled {
			t.Errorf("%v, %+v", err, seen)
		}
	})
	if got > 4*hostileBytes {
		t.Errorf("%.1f MB were read all the same", float64(got)/1e6)
	}
}

func BenchmarkDecodeHostile(b *testing.B) {
	for name, body := range hostilePages(DefaultMaxBodyBytes - 1<<10) {
		switch name {
		case "empty entries", "1,000 odd times", "steps of many jobs", "one long escape", "unknown members":
		default:
			continue
		}
		b.Run(strings.ReplaceAll(name, " ", "-"), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				_, _, err := decodeJobs(context.Background(), body, ever)
				if err != nil && !errors.Is(err, errTooLarge) {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/page")
		})
	}
}
