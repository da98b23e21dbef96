package githubapi

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Times that cannot be are zero and said so, each where it stands; what is beside them stays.
func TestImpossibleTimes(t *testing.T) {
	now := instant(t, "2026-11-03T10:00:00Z")
	s := spanAt(now, headers("Date", "Tue, 03 Nov 2026 10:05:00 GMT"))
	for _, tt := range []struct {
		text       string
		want       string // "" = zero
		impossible bool
	}{
		{"2026-11-03T09:00:00Z", "2026-11-03T09:00:00Z", false},
		{"2026-11-03T01:00:00.250-08:00", "2026-11-03T09:00:00.25Z", false},
		{"2008-01-01T00:00:00Z", "2008-01-01T00:00:00Z", false},
		{"2026-11-04T10:05:00Z", "2026-11-04T10:05:00Z", false},
		{"2026-11-04T10:05:01Z", "", true},
		{"2007-12-31T23:59:59Z", "", true},
		{"1970-01-01T00:00:00Z", "", true},
		{"1970-01-01T01:00:00+01:00", "", true},
		{"1900-01-01T00:00:00Z", "", true},
		{"0000-01-01T00:00:00Z", "", true},
		{"0002-01-01T00:00:00Z", "", true},
		{"9999-12-31T23:59:59Z", "", true},
		{"2262-04-12T00:00:00Z", "", true},
		{"0001-01-01T00:00:00Z", "", false},
		{"0001-01-01T00:00:00-08:00", "", false},
		{"0001-01-01T00:00:00+23:59", "", false},
		{"", "", false},
		{"10000-01-01T00:00:00Z", "", false},
	} {
		var want time.Time
		if tt.want != "" {
			want = instant(t, tt.want)
		}
		good := instant(t, "2026-11-03T08:00:00Z")
		for _, field := range []string{"created_at", "started_at", "completed_at", "updated_at", "run_started_at"} {
			body := fmt.Sprintf(`{"total_count":2,"jobs":[{"id":1,%q:%q,"name":"n"},{"id":2,"started_at":"2026-11-03T08:00:00Z"}],
				"workflow_runs":[{"id":1,%q:%q,"name":"n"},{"id":2,"created_at":"2026-11-03T08:00:00Z"}]}`, field, tt.text, field, tt.text)
			jobs, _, err := decodeJobs(context.Background(), []byte(body), s)
			if err != nil || len(jobs) != 2 || jobs[0].Name != "n" || !jobs[1].StartedAt.Equal(good) || jobs[1].ImpossibleTime {
				t.Fatalf("%s %s: %+v, %v", field, tt.text, jobs, err)
			}
			job, known := jobs[0], map[string]bool{"created_at": true, "started_at": true, "completed_at": true}[field]
			got := map[string]time.Time{"created_at": job.CreatedAt, "started_at": job.StartedAt, "completed_at": job.CompletedAt}[field]
			if known && (got != want || job.ImpossibleTime != tt.impossible) {
				t.Errorf("job's %s %s: got %s, impossible %t", field, tt.text, got, job.ImpossibleTime)
			}
			runs, _, err := decodeRuns(context.Background(), []byte(body), s)
			if err != nil || len(runs) != 2 || runs[0].Name != "n" || !runs[1].CreatedAt.Equal(good) || runs[1].ImpossibleTime {
				t.Fatalf("%s %s: %+v, %v", field, tt.text, runs, err)
			}
			run, known := runs[0], map[string]bool{"created_at": true, "updated_at": true, "run_started_at": true}[field]
			got = map[string]time.Time{"created_at": run.CreatedAt, "updated_at": run.UpdatedAt, "run_started_at": run.RunStartedAt}[field]
			if known && (got != want || run.ImpossibleTime != tt.impossible) {
				t.Errorf("run's %s %s: got %s, impossible %t", field, tt.text, got, run.ImpossibleTime)
			}
		}
		body := fmt.Sprintf(`{"id":1,"steps":[{"number":1,"started_at":%q},{"number":2,"completed_at":%q},{"number":3}]}`, tt.text, tt.text)
		job, err := decodeOne(context.Background(), []byte(body), jobEntry(), s)
		if err != nil || job.ImpossibleTime || len(job.Steps) != 3 {
			t.Fatalf("step's %s: %+v, %v", tt.text, job, err)
		}
		if a, b := job.Steps[0], job.Steps[1]; a.StartedAt != want || b.CompletedAt != want || a.ImpossibleTime != tt.impossible ||
			b.ImpossibleTime != tt.impossible || job.Steps[2].ImpossibleTime {
			t.Errorf("step's %s: %+v", tt.text, job.Steps)
		}
	}
}

func TestSpanAndDate(t *testing.T) {
	for _, tt := range []struct {
		name, now, date  string
		earliest, latest string
		believed         bool
	}{
		{"clocks agree", "2026-11-03T10:00:00Z", "Tue, 03 Nov 2026 10:00:00 GMT", "2008-01-01T00:00:00Z", "2026-11-04T10:00:00Z", true},
		{"no date", "2026-11-03T10:00:00Z", "", "2008-01-01T00:00:00Z", "2026-11-04T10:00:00Z", false},
		{"server ten days ahead", "2026-11-03T10:00:00Z", "Fri, 13 Nov 2026 10:00:00 GMT", "2008-01-01T00:00:00Z", "2026-11-14T10:00:00Z", true},
		{"server ten days behind", "2026-11-13T10:00:00Z", "Tue, 03 Nov 2026 10:00:00 GMT", "2008-01-01T00:00:00Z", "2026-11-14T10:00:00Z", true},
		{"server years ahead", "2026-11-03T10:00:00Z", "Tue, 03 Nov 2099 10:00:00 GMT", "2008-01-01T00:00:00Z", "2026-11-04T10:00:00Z", false},
		{"server at the epoch", "2026-11-03T10:00:00Z", "Thu, 01 Jan 1970 00:00:00 GMT", "2008-01-01T00:00:00Z", "2026-11-04T10:00:00Z", false},
		{"local clock behind its time", "2015-01-01T00:00:00Z", "Tue, 03 Nov 2026 10:00:00 GMT", "2008-01-01T00:00:00Z", "2026-11-04T10:00:00Z", true},
		{"local clock at the epoch", "1970-01-01T00:00:09Z", "Tue, 03 Nov 2026 10:00:00 GMT", "1980-01-01T00:00:00Z", "2026-11-04T10:00:00Z", true},
		{"simulated time", "2000-01-01T00:00:00Z", "Sat, 01 Jan 2000 00:00:00 GMT", "1995-01-01T00:00:00Z", "2000-01-02T00:00:00Z", true},
	} {
		now, h := instant(t, tt.now), headers("Date", tt.date)
		s := spanAt(now, h)
		if !s.earliest.Equal(instant(t, tt.earliest)) || !s.latest.Equal(instant(t, tt.latest)) {
			t.Errorf("%s: from %s to %s", tt.name, s.earliest, s.latest)
		}
		if date := plausibleDate(h, now); date.IsZero() == tt.believed {
			t.Errorf("%s: date %s", tt.name, date)
		}
		// What is not believed moves no clock either.
		var s0 state
		s0.record(h, 0, now)
		if s0.skewKnown != tt.believed {
			t.Errorf("%s: skew %s, %t", tt.name, s0.skew, s0.skewKnown)
		}
	}
}

func TestServerTimeOfImplausibleDates(t *testing.T) {
	local, date := instant(t, "2026-11-03T10:00:00Z"), ""
	c := client(t, "https://h", func(o *Options) {
		o.Now = func() time.Time { return local }
		o.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
			resp := reply(200, `{}`)
			resp.Header = headers("Date", date)
			return resp, nil
		})
	})
	for _, tt := range []struct{ date, want string }{
		{"", "2026-11-03T10:00:00Z"},
		{"Fri, 13 Nov 2026 10:00:00 GMT", "2026-11-13T10:00:00Z"},
		{"Tue, 03 Nov 2026 09:53:00 GMT", "2026-11-03T09:53:00Z"},
		{"Thu, 01 Jan 1970 00:00:00 GMT", "2026-11-03T09:53:00Z"}, // as before
		{"Fri, 13 Nov 2099 10:00:00 GMT", "2026-11-03T09:53:00Z"},
	} {
		if date = tt.date; date != "" {
			if _, err := c.Meta(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
		if got := c.ServerTime(); !got.Equal(instant(t, tt.want)) {
			t.Errorf("date %q: %s, want %s", tt.date, got, tt.want)
		}
	}
}

func TestTotalCount(t *testing.T) {
	for text, want := range map[string]int{
		"0": 0, "150": 150, "null": 0, "-1": 0, "-1e300": 0, `"150"`: 150, `"many"`: 0, `""`: 0, `"inf"`: 0, `"0x10"`: 0, "true": 0, "{}": 0, `[1]`: 0,
		"1.5e2": 150, "3.7": 3, "2000000000": MaxListCount, "1e12": MaxListCount, "1e30": MaxListCount, "1e999": MaxListCount,
		"99999999999999999999": MaxListCount, "1" + strings.Repeat("0", 399): MaxListCount,
	} {
		body := fmt.Sprintf(`{"total_count":%s,"jobs":[{"id":1}],"workflow_runs":[{"id":1}]}`, text)
		if runs, total, err := decodeRuns(context.Background(), []byte(body), ever); err != nil || len(runs) != 1 || total != want {
			t.Errorf("%.30s of runs: %d, %v", text, total, err)
		}
		if jobs, total, err := decodeJobs(context.Background(), []byte(body), ever); err != nil || len(jobs) != 1 || total != min(want, MaxJobsCount) {
			t.Errorf("%.30s of jobs: %d, %v", text, total, err)
		}
	}
}
