package hint

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"

	"github_workflow_exporter/githubapi"
)

// hookLog is a log of deliveries, the newest last, read in pages of three.
type hookLog struct {
	mu         sync.Mutex
	deliveries []githubapi.LoggedDelivery
	err        error
	reads      int
	news       []int64
	gaps       int
	saved      Position
}

func (h *hookLog) read(_ context.Context, p githubapi.PageRequest) (page githubapi.Page[githubapi.LoggedDelivery], err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.reads++
	if h.err != nil {
		return page, h.err
	}
	from := len(h.deliveries)
	if p.Next != "" {
		from, _ = strconv.Atoi(p.Next)
	}
	to := max(from-3, 0)
	page.Items = slices.Clone(h.deliveries[to:from])
	slices.Reverse(page.Items)
	if to > 0 {
		page.Next = strconv.Itoa(to)
	}
	return page, nil
}

// change changes it between two reads.
func (h *hookLog) change(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f()
}

func (h *hookLog) fail(err error) { h.change(func() { h.err = err }) }

func (h *hookLog) deliver(id, repository int64, change ...func(*githubapi.LoggedDelivery)) {
	d := githubapi.LoggedDelivery{ID: id, At: time.Now(), Event: githubapi.EventRun, Action: "completed", Repository: repository}
	for _, c := range change {
		c(&d)
	}
	h.change(func() { h.deliveries = append(h.deliveries, d) })
}

// start reads the log until the test ends.
func (h *hookLog) start(t *testing.T, from Position) (stop func()) {
	l := NewLog(LogOptions{
		Name: "test", Read: h.read, Hint: func(n News) { h.news = append(h.news, n.Repository) }, Gap: func() { h.gaps++ },
		From: from, Save: func(p Position) { h.saved = p }, Logger: log.NewNopLogger(), Now: time.Now,
	})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx) }()
	synctest.Wait()
	return func() {
		cancel()
		<-ended
	}
}

func (h *hookLog) told(t *testing.T, gaps int, want ...int64) {
	t.Helper()
	synctest.Wait() // what is told is read by nobody else until then
	if !slices.Equal(h.news, want) || h.gaps != gaps {
		t.Errorf("told %v with %d gaps, want %v with %d", h.news, h.gaps, want, gaps)
	}
	h.news, h.gaps = nil, 0
}

func TestLogTellsWhatIsNew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &hookLog{}
		for id := range int64(10) {
			h.deliver(id+1, 100+id)
		}
		stop := h.start(t, Position{})
		h.told(t, 0) // first sweeps read what was before
		for id := range int64(8) {
			time.Sleep(time.Second)
			h.deliver(20+id, 200+id)
		}
		time.Sleep(logEvery)
		h.told(t, 0, 200, 201, 202, 203, 204, 205, 206, 207)
		h.deliver(30, 7, func(d *githubapi.LoggedDelivery) { d.Action = "requested" })
		h.deliver(31, 7, func(d *githubapi.LoggedDelivery) { d.Event = "push" })
		h.deliver(32, 7, func(d *githubapi.LoggedDelivery) { d.Event = githubapi.EventJob }) // its run will tell
		h.deliver(33, 0)
		time.Sleep(logEvery)
		h.told(t, 0)
		time.Sleep(10 * time.Minute)
		h.deliver(34, 8)
		late := githubapi.LoggedDelivery{ID: 29, At: time.Now().Add(-5 * time.Minute), Event: githubapi.EventRun, Action: "completed", Repository: 9}
		h.change(func() { h.deliveries = slices.Insert(h.deliveries, len(h.deliveries)-3, late) })
		time.Sleep(logEvery)
		h.told(t, 0, 9, 8) // what is shown late is told too
		stop()

		// Begun again it goes on from there, though what lies at most lateFor back may be told twice.
		time.Sleep(time.Hour)
		h.deliver(50, 10)
		stop = h.start(t, h.saved)
		if n := len(h.news); n == 0 || h.news[n-1] != 10 || h.gaps != 0 {
			t.Errorf("told %v with %d gaps after a restart", h.news, h.gaps)
		}
		stop()
	})
}

func TestLogOnlyOfJobs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &hookLog{}
		defer h.start(t, Position{})()
		h.deliver(1, 7, func(d *githubapi.LoggedDelivery) { d.Event = githubapi.EventJob })
		time.Sleep(logEvery)
		h.told(t, 0, 7)
	})
}

func TestLogGaps(t *testing.T) {
	for name, test := range map[string]struct {
		trouble func(*hookLog)
		gaps    int
		news    []int64
	}{
		"the log was cut": {func(h *hookLog) {
			h.change(func() { h.deliveries = nil })
			h.deliver(90, 5)
		}, 1, []int64{5}},
		"the log is empty": {func(h *hookLog) { h.change(func() { h.deliveries = nil }) }, 1, nil},
		"more than is read at a time": {func(h *hookLog) {
			for id := range int64(3*maxLogPages + 1) {
				h.deliver(1000+id, 0)
			}
		}, 1, nil},
		"held back":       {func(h *hookLog) { h.deliver(90, 5, func(d *githubapi.LoggedDelivery) { d.Throttled = true }) }, 1, []int64{5}},
		"nothing changed": {func(*hookLog) {}, 0, nil},
		"no answer": {func(h *hookLog) {
			h.fail(&githubapi.Error{Kind: githubapi.KindNetwork})
			time.Sleep(10 * time.Minute)
			h.fail(nil)
			time.Sleep(5 * time.Minute)
		}, 1, nil},
		"one failure": {func(h *hookLog) {
			h.fail(&githubapi.Error{Kind: githubapi.KindServer})
			time.Sleep(logEvery)
			h.fail(nil)
		}, 0, nil},
		"the hook is gone": {func(h *hookLog) {
			h.fail(&githubapi.Error{Kind: githubapi.KindNotFound})
			before := 0
			h.change(func() { before = h.reads })
			time.Sleep(5 * time.Hour)
			n := 0
			h.change(func() { n = h.reads - before })
			if n > 6 {
				panic(fmt.Sprintf("%d requests in five hours", n))
			}
			h.fail(nil)
		}, 1, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := &hookLog{}
				h.deliver(1, 1)
				defer h.start(t, Position{})()
				time.Sleep(time.Minute)
				h.told(t, 0)
				test.trouble(h)
				time.Sleep(time.Minute)
				h.told(t, test.gaps, test.news...)
			})
		})
	}
}
