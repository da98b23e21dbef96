package app

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github_workflow_exporter/internal/config"
)

// ailing is a server that answers requests otherwise while sick is true of them.
type ailing struct {
	http.RoundTripper
	sick  func(*http.Request) bool
	ill   *atomic.Bool
	asked *atomic.Int32 // while it is ill
	make  func(*http.Response) string
}

func (a ailing) RoundTrip(r *http.Request) (*http.Response, error) {
	if !a.ill.Load() || !a.sick(r) {
		return a.RoundTripper.RoundTrip(r)
	}
	a.asked.Add(1)
	return tampering{a.RoundTripper, func(answer *http.Response, _ string) string { return a.make(answer) }}.RoundTrip(r)
}

// fall makes the world's server answer so.
func (w *world) fall(sick func(*http.Request) bool, answer func(*http.Response) string) (ill *atomic.Bool, asked *atomic.Int32) {
	ill, asked = &atomic.Bool{}, &atomic.Int32{}
	w.transport = ailing{w.transport, sick, ill, asked, answer}
	return ill, asked
}

func everything(*http.Request) bool { return true }

func answering(status int, retryAfter string) func(*http.Response) string {
	return func(a *http.Response) string {
		a.StatusCode = status
		a.Header.Set("Content-Type", "text/html")
		if retryAfter != "" {
			a.Header.Set("Retry-After", retryAfter)
		}
		return "<html>maintenance</html>"
	}
}

// eager asks often, so that asking too often shows.
func eager(c *config.Config) {
	c.Poll.Interval, c.Poll.MaxInterval = config.Duration(5*time.Second), config.Duration(10*time.Second)
}

// A server that asks to wait is not asked meanwhile, in no size of pages; then once, until it answers.
func TestAServerThatAsksToWait(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		after  string
		wait   time.Duration // obeyed
	}{
		"503":                 {503, "120", 2 * time.Minute},
		"503, an hour":        {503, "3600", time.Hour},
		"503, more":           {503, "10000", time.Hour},
		"502":                 {502, "300", 5 * time.Minute},
		"429":                 {429, "300", 5 * time.Minute},
		"200, a page for men": {200, "600", 10 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := organization(t, 5, eager)
				ill, asked := w.fall(everything, answering(test.status, test.after))
				said := w.listen()
				w.add(success(time.Now()))
				w.start()
				defer func() { w.stop() }()
				time.Sleep(10 * time.Minute)
				ill.Store(true)
				time.Sleep(10 * time.Second)
				if n := asked.Swap(0); n < 1 || n > 5 { // those under way together
					t.Errorf("%d requests until it was understood", n)
				}
				time.Sleep(test.wait - 15*time.Second)
				if n := asked.Load(); n != 0 {
					t.Errorf("%d requests while it asks to wait", n)
				}
				time.Sleep(3 * test.wait)
				if n := asked.Load(); n < 1 || n > 4 {
					t.Errorf("%d requests in %s, want one a wait", n, 3*test.wait)
				}
				if n := strings.Count(said.text(), "level=warn"); n > 6 {
					t.Errorf("%d warnings of one trouble:\n%s", n, said.text())
				}
				ill.Store(false)
				w.add(success(time.Now()))
				time.Sleep(test.wait + 2*time.Minute)
				w.shows(1, up)
				w.shows(0, repositories, "state", "failing")
				w.matchesTruth()
			})
		})
	}
}

// What asks to wait for one repository holds that one.
func TestARepositoryThatAsksToWait(t *testing.T) {
	for _, status := range []int{404, 422} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := organization(t, 3, eager)
				ill, asked := w.fall(func(r *http.Request) bool { return strings.Contains(r.URL.Path, "service-1/") }, answering(status, "600"))
				w.start()
				defer w.stop()
				time.Sleep(10 * time.Minute)
				ill.Store(true)
				time.Sleep(time.Hour)
				if n := asked.Load(); n < 5 || n > 7 {
					t.Errorf("%d requests in an hour, want one in ten minutes", n)
				}
				w.shows(2, repositories, "state", "watched")
				if age := w.age("octo-org/service-2"); age > 10*time.Second {
					t.Errorf("another repository was polled %s ago", age)
				}
			})
		})
	}
}

// A server that is down as a whole is asked little, however many repositories there are, and found again soon.
func TestAServerThatIsDown(t *testing.T) {
	for _, n := range []int{5, 100} {
		for name, answer := range map[string]func(*http.Response) string{"502": answering(502, ""), "501": answering(501, ""), "a web page": answering(200, "")} {
			t.Run(fmt.Sprint(n, " repositories, ", name), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := organization(t, n)
					ill, asked := w.fall(everything, answer)
					said := w.listen()
					w.start()
					defer func() { w.stop() }()
					time.Sleep(time.Hour)
					ill.Store(true)
					time.Sleep(30 * time.Minute)
					first := asked.Swap(0)
					if first > 60 {
						t.Errorf("%d requests in the first half hour", first)
					}
					time.Sleep(30 * time.Minute)
					if got := asked.Load(); got > 20 {
						t.Errorf("%d requests in the second half hour, want one in two minutes", got)
					}
					t.Logf("%d requests in the first half hour, %d in the second", first, asked.Load())
					w.shows(0, up)
					w.shows(float64(n), repositories, "state", "failing")
					if lines := strings.Count(said.text(), "level=warn"); lines > 20 {
						t.Errorf("%d warnings of one trouble", lines)
					}
					ill.Store(false)
					time.Sleep(3 * time.Minute)
					w.shows(0, repositories, "state", "failing")
				})
			})
		}
	}
}

// Some repositories without an answer are no outage while others answer.
func TestRepositoriesThatAreDownBesideOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := organization(t, 12)
		ill, asked := w.fall(func(r *http.Request) bool {
			return strings.Contains(r.URL.Path, "/actions/") && !strings.Contains(r.URL.Path, "service-12/") && !strings.Contains(r.URL.Path, "600000011")
		}, answering(502, ""))
		w.start()
		defer func() { w.stop() }()
		time.Sleep(time.Hour)
		ill.Store(true)
		for range 6 {
			time.Sleep(10 * time.Minute)
			if age := w.age("octo-org/service-12"); age > 20*time.Minute {
				t.Errorf("the repository that answers was polled %s ago", age)
			}
		}
		if n := asked.Load(); n > 11*4*3+80 { // one page a visit, once it is known that smaller ones do not help
			t.Errorf("%d requests in an hour", n)
		}
		w.shows(11, repositories, "state", "failing")
	})
}
