package hint

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"github_workflow_exporter/collector/schedule"
	"github_workflow_exporter/githubapi"
)

const (
	// logEvery is the time between two looks at a log, which cost nothing where nothing was delivered.
	logEvery = 15 * time.Second
	// maxLogPages of a log are read at a time: 10,000 deliveries.
	maxLogPages = 100
	// lateFor is how much later than others a delivery may be shown in the log.
	lateFor = 10 * time.Minute
	// silentFor is how long a source may not be readable until what it would tell is taken to be missed.
	silentFor = time.Minute
	// absentFor is when it is asked again for a log that is not there.
	absentFor = time.Hour
	// maxSeen bounds the deliveries that are known to have been read.
	maxSeen = 100_000
)

// Position is how far a log has been read.
type Position struct {
	ID int64     `json:"id"` // of the newest delivery; 0: none was there
	At time.Time `json:"at"` // when that was delivered, or the log read, by GitHub's clock
}

// LogOptions configure a Log.
type LogOptions struct {
	Name string // for the log, such as "of the GitHub App"
	// Read reads a page, the newest first.
	Read func(context.Context, githubapi.PageRequest) (githubapi.Page[githubapi.LoggedDelivery], error)
	// Hint is told of each attempt that ended, Gap that something may have been told that was not read.
	Hint func(News)
	Gap  func()
	// From is how far it was read before, the zero Position if it was not; Save keeps how far it is read now.
	From   Position
	Save   func(Position)
	Logger log.Logger
	Now    func() time.Time // local clock
}

// Log reads a hook's log of deliveries, and so knows what a webhook would have told without being one.
type Log struct {
	LogOptions
	position Position
	begun    bool      // it has been read, now or before
	start    time.Time // what was delivered up to then was there before it was read for the first time; zero: it was read before
	tag      githubapi.Tag
	seen     map[int64]time.Time // deliveries that were read, and when they were made
	runs     time.Time           // when a delivery of a run came last
	failing  time.Time           // since when it cannot be read
	reason   string              // of that, as it was logged
	gap      bool                // since it cannot be read one was told
}

// NewLog makes one; nothing is read before Run.
func NewLog(o LogOptions) *Log {
	return &Log{LogOptions: o, position: o.From, begun: !o.From.At.IsZero(), seen: map[int64]time.Time{}}
}

// Run reads the log again and again until ctx ends.
func (l *Log) Run(ctx context.Context) error {
	retry := schedule.Backoff{First: logEvery, Most: 5 * time.Minute}
	for {
		wait := logEvery
		switch err := l.read(ctx); {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			wait = l.cannotRead(err, retry.Next())
		default:
			retry.Reset()
			l.canRead()
		}
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		case <-t.C:
		}
	}
}

// read reads what is new, tells it, and remembers how far it came.
func (l *Log) read(ctx context.Context) error {
	request := githubapi.PageRequest{PerPage: 100, Tag: l.tag}
	var tag githubapi.Tag
	var fresh []githubapi.LoggedDelivery
	whole := false // back to where it was read last
	for n := range maxLogPages {
		page, err := l.Read(ctx, request)
		if n == 0 && errors.Is(err, githubapi.ErrNotModified) {
			return nil
		}
		if err != nil {
			return err
		}
		if n == 0 {
			tag = page.Tag
		}
		some := false
		for _, d := range page.Items {
			_, known := l.seen[d.ID]
			old := l.begun && (d.At.Before(l.position.At.Add(-lateFor)) || !d.At.After(l.start))
			whole = whole || old || d.ID == l.position.ID
			if !known && !old {
				some = true
				fresh = append(fresh, d)
			}
		}
		if page.Next == "" {
			whole = whole || l.position.ID == 0 // nothing was there before
			break
		}
		if whole && !some || !l.begun {
			break
		}
		request = githubapi.PageRequest{PerPage: 100, Next: page.Next}
	}
	first := !l.begun
	l.take(fresh, first)
	l.tag, l.begun = tag, true
	if !whole && !first {
		level.Warn(l.Logger).Log("msg", "the log of deliveries does not reach back to where it was read last; what it may have told is looked for", "log", l.Name, "read_to", l.position.At.UTC().Format(time.RFC3339))
		if len(fresh) == 0 { // not even what it was read to is there
			l.position.ID = 0
		}
		l.Gap()
	}
	return nil
}

// take tells what is new, the oldest first. What was there before it was read for the first time is no news: first sweeps read
// all of it anyway.
func (l *Log) take(fresh []githubapi.LoggedDelivery, first bool) {
	slices.Reverse(fresh)
	throttled := false
	before := l.position
	for _, d := range fresh {
		if len(l.seen) < maxSeen {
			l.seen[d.ID] = d.At
		}
		if d.At.After(l.position.At) {
			l.position = Position{d.ID, d.At}
		}
		throttled = throttled || d.Throttled
		if !first {
			l.tell(d)
		}
	}
	if first {
		l.start = l.position.At
		if l.start.IsZero() {
			l.position.At = l.Now()
		}
	}
	for id, at := range l.seen {
		if at.Before(l.position.At.Add(-2 * lateFor)) {
			delete(l.seen, id)
		}
	}
	if l.position != before {
		l.Save(l.position)
	}
	if throttled && !first {
		level.Debug(l.Logger).Log("msg", "GitHub holds deliveries back", "log", l.Name)
		l.Gap()
	}
}

func (l *Log) tell(d githubapi.LoggedDelivery) {
	if d.Event == githubapi.EventRun {
		l.runs = d.At
	}
	ended := d.Action == "completed" && d.Repository != 0
	if ended && (d.Event == githubapi.EventRun || d.Event == githubapi.EventJob && d.At.Sub(l.runs) > runsTell) {
		l.Hint(News{Repository: d.Repository, AsOf: d.At})
	}
}

// cannotRead says so once, tells a gap once it lasts, and gives when to try again.
func (l *Log) cannotRead(err error, wait time.Duration) time.Duration {
	now := l.Now()
	if l.failing.IsZero() {
		l.failing = now
	}
	absent := githubapi.Gone(err) || githubapi.IsKind(err, githubapi.KindForbidden)
	if reason := githubapi.Reason(err); reason != l.reason {
		l.reason = reason
		msg := "the log of deliveries cannot be read"
		if absent {
			msg = "there is no log of deliveries that may be read; it is tried again each hour"
		}
		level.Warn(l.Logger).Log("msg", msg, "log", l.Name, "err", err)
	}
	if l.begun && !l.gap && (absent || now.Sub(l.failing)+wait > silentFor) {
		l.gap = true
		l.Gap()
	}
	if absent {
		return absentFor
	}
	return wait
}

func (l *Log) canRead() {
	if l.reason != "" {
		level.Info(l.Logger).Log("msg", "the log of deliveries can be read again", "log", l.Name)
	}
	l.failing, l.reason, l.gap = time.Time{}, "", false
}
