package hint

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github_workflow_exporter/collector/schedule"
)

var start = time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)

// proven is a book in which the webhook has proved itself for repository 1.
func proven(t *testing.T) (b *Book, now time.Time, losses *int) {
	t.Helper()
	b, losses, now = NewBook(Webhook), new(int), start
	b.OnLoss(func() { *losses++ })
	for range provenBy {
		if b.Told(1) {
			t.Fatal("trusted before it has proved itself")
		}
		now = now.Add(10 * time.Minute)
		if !b.Tell(Webhook, 1, true, now, now.Add(-5*time.Minute), now) {
			t.Fatal("a hint is not worth a visit")
		}
		if b.Looked(1, now, now, time.Time{}, now) {
			t.Fatal("looked again for a hint that was explained")
		}
	}
	if !b.Told(1) || !b.Figures()[Webhook].Trusted {
		t.Fatal("not trusted, though it has proved itself")
	}
	return b, now, losses
}

// TestBookOfGraphQL: what cannot tell of re-runs does not miss them, and what is hardly asked while another source tells all
// misses nothing either.
func TestBookOfGraphQL(t *testing.T) {
	b, now := NewBook(GraphQL, Webhook), start
	b.Configure(map[Source]Telling{GraphQL: {Late: time.Minute}, Webhook: {}})
	prove := func(s Source) {
		for range provenBy {
			now = now.Add(10 * time.Minute)
			b.Tell(s, 1, true, now, now.Add(-5*time.Minute), now)
			b.Looked(1, now, now, time.Time{}, now)
		}
	}
	wants := func(told schedule.Told, missed uint64) {
		t.Helper()
		if got, f := b.Hinted(1), b.Figures()[GraphQL]; got != told || f.Missed != missed {
			t.Errorf("told %d with %+v, want %d with %d missed", got, f, told, missed)
		}
	}
	look := func(first, rerun time.Duration) { // how long ago what it finds ended; 0: nothing
		now = now.Add(10 * time.Minute)
		at := func(ago time.Duration) (t time.Time) {
			if ago > 0 {
				t = now.Add(-ago)
			}
			return t
		}
		b.Looked(1, now, at(first), at(rerun), now)
	}
	prove(GraphQL)
	wants(schedule.ToldMost, 0)
	look(0, 5*time.Minute)
	look(lateBy+30*time.Second, 0) // it may be later than others
	wants(schedule.ToldMost, 0)
	look(lateBy+61*time.Second, 0)
	wants(schedule.ToldNothing, 1)
	prove(GraphQL)
	prove(Webhook)
	wants(schedule.ToldTwice, 1)
	look(5*time.Minute, 0) // the webhook missed it
	wants(schedule.ToldMost, 1)
	if b.Figures()[Webhook].Missed != 1 {
		t.Error("a webhook tells all")
	}
	look(5*time.Minute, 0) // nor had GraphQL told it, which was hardly asked until then
	wants(schedule.ToldMost, 1)
	look(5*time.Minute, 0)
	wants(schedule.ToldNothing, 2)
	// A re-run of which it tells is useful.
	b.Tell(GraphQL, 1, true, now, now.Add(-5*time.Minute), now)
	before := b.Figures()[GraphQL].Outcomes[Useful]
	look(0, time.Second)
	if n := b.Figures()[GraphQL].Outcomes[Useful]; n != before+1 {
		t.Errorf("%d useful after %d", n, before)
	}
}

// TestBookOfWhatTellsOfAll: a source that tells of every repository is trusted with those in which nothing has happened yet, and
// misses what it has not told of them since it began to tell.
func TestBookOfWhatTellsOfAll(t *testing.T) {
	b, now, losses := proven(t)
	if b.Hinted(2) != schedule.ToldNothing {
		t.Error("trusted with a repository of which it has told nothing")
	}
	b.Configure(map[Source]Telling{Webhook: {All: true}})
	if b.Hinted(2) != schedule.ToldAll || b.Hinted(1) != schedule.ToldAll {
		t.Error("not trusted with every repository")
	}
	b.Cover(GraphQL, 2, now) // not trusted yet
	if b.Hinted(2) != schedule.ToldAll {
		t.Error("GraphQL is trusted before it has proved itself")
	}
	old := start.Add(-time.Hour)
	fresh := NewBook()
	fresh.Configure(map[Source]Telling{Webhook: {All: true}})
	fresh.Looked(3, now, old, old, now)
	if f := fresh.Figures()[Webhook]; f.Missed != 0 {
		t.Errorf("%+v before it told anything", f)
	}
	b.Looked(3, now, old, old, now) // what was there before it told anything
	if f := b.Figures()[Webhook]; f.Missed != 0 || *losses != 0 {
		t.Errorf("%+v for what had ended before it began to tell", f)
	}
	now = now.Add(time.Hour)
	b.Looked(3, now, now.Add(-5*time.Minute), time.Time{}, now)
	if f := b.Figures()[Webhook]; f.Missed != 1 || f.Trusted || b.Hinted(2) != schedule.ToldNothing || *losses != 1 {
		t.Errorf("%+v for what it has not told, trusted with %d", f, b.Hinted(2))
	}
}

// TestBookOfWhatTellsNoMore: what is turned off is trusted no longer, and has to prove itself when it is turned on again.
func TestBookOfWhatTellsNoMore(t *testing.T) {
	b, _, _ := proven(t)
	b.Configure(map[Source]Telling{Webhook: {}, GraphQL: {}})
	if b.Hinted(1) != schedule.ToldAll {
		t.Error("not trusted, though it goes on telling")
	}
	b.Configure(map[Source]Telling{GraphQL: {}})
	b.Configure(map[Source]Telling{Webhook: {}, GraphQL: {}})
	if b.Hinted(1) != schedule.ToldNothing {
		t.Error("trusted at once when it is turned on again")
	}
}

// TestBookOfWhatIsCovered: a source that says that it tells of a repository is trusted with it, and answers for what ends from
// then on.
func TestBookOfWhatIsCovered(t *testing.T) {
	b, now, _ := proven(t)
	b.Cover(Webhook, 2, now)
	if b.Hinted(2) != schedule.ToldAll {
		t.Error("not trusted with a repository that it covers")
	}
	b.Looked(2, now.Add(2*lateBy), now.Add(-time.Hour), time.Time{}, now)
	b.Looked(2, now.Add(2*lateBy), now.Add(lateBy/2), time.Time{}, now)
	if f := b.Figures()[Webhook]; f.Missed != 0 {
		t.Errorf("%+v for what had ended before", f)
	}
	b.Uncover(Webhook, 2)
	b.Looked(2, now.Add(time.Hour), now.Add(5*time.Minute), time.Time{}, now)
	if f := b.Figures()[Webhook]; f.Missed != 0 || b.Hinted(2) != schedule.ToldNothing {
		t.Errorf("%+v for what it covers no longer", f)
	}
	b.Cover(Webhook, 2, now)
	b.Looked(2, now.Add(time.Hour), now.Add(5*time.Minute), time.Time{}, now)
	if f := b.Figures()[Webhook]; f.Missed != 1 {
		t.Errorf("%+v for what it should have told", f)
	}
}

func TestBookTrustsWhatProvesItself(t *testing.T) {
	b, now, losses := proven(t)
	if b.Told(2) {
		t.Error("trusted with a repository of which it has told nothing")
	}
	// Nothing new, some time later: that is no miss.
	b.Looked(1, now.Add(time.Hour), time.Time{}, time.Time{}, now.Add(time.Hour))
	// News that have just come may still be told, and so may those that were told of before.
	b.Looked(1, now.Add(time.Hour), now.Add(time.Hour-lateBy/2), time.Time{}, now.Add(time.Hour))
	b.Looked(1, now.Add(time.Hour), now.Add(lateBy/2), time.Time{}, now.Add(time.Hour))
	// Nor are those of a repository of which it never told.
	b.Looked(2, now.Add(time.Hour), now.Add(time.Minute), time.Time{}, now.Add(time.Hour))
	if f := b.Figures()[Webhook]; f.Missed != 0 || !b.Told(1) || *losses != 0 {
		t.Fatalf("%+v, and %d losses, though nothing was missed", f, *losses)
	}
	now = now.Add(2 * time.Hour)
	b.Looked(1, now, now.Add(-lateBy-time.Second), time.Time{}, now)
	if f := b.Figures()[Webhook]; f.Missed != 1 || f.Trusted || b.Told(1) || *losses != 1 {
		t.Errorf("%+v, and %d losses, though news were missed", f, *losses)
	}
	b.Looked(1, now.Add(time.Hour), now.Add(time.Minute), time.Time{}, now.Add(time.Hour))
	if f := b.Figures()[Webhook]; f.Missed != 2 || *losses != 1 {
		t.Errorf("%+v, and %d losses, one was said already", f, *losses)
	}
}

func TestBookOutcomes(t *testing.T) {
	b := NewBook(Webhook)
	now := start
	outcomes := func(useful, nothing, unknown uint64) {
		t.Helper()
		if f := b.Figures()[Webhook]; f.Outcomes[Useful] != useful || f.Outcomes[NothingNew] != nothing || f.Outcomes[Unknown] != unknown {
			t.Fatalf("%+v, want %d useful, %d nothing new, %d unknown", f, useful, nothing, unknown)
		}
	}
	if b.Tell(Webhook, 9, false, now, time.Time{}, now) {
		t.Error("a repository that is not watched is worth a visit")
	}
	outcomes(0, 0, 1)
	if b.Tell(Webhook, 1, true, now.Add(-time.Hour), now, now) {
		t.Error("worth a visit, though it was read since")
	}
	outcomes(0, 1, 1)
	b.Tell(Webhook, 1, true, now, now, now)
	b.Tell(Webhook, 1, true, now, now, now) // once more
	if !b.Looked(1, now, time.Time{}, time.Time{}, now.Add(2*time.Second)) {
		t.Error("not looked again, though lists lag behind")
	}
	if b.Looked(1, now, now, time.Time{}, now.Add(7*time.Second)) {
		t.Error("looked again for a hint that was explained")
	}
	outcomes(1, 1, 1)
	b.Tell(Webhook, 1, true, now, now, now)
	if b.Looked(1, now, time.Time{}, time.Time{}, now.Add(againFor)) {
		t.Error("looked again for ever")
	}
	outcomes(1, 2, 1)
	b.Forget(1)
	if b.Told(1) || len(b.told) != 0 {
		t.Error("what was forgotten is known")
	}
}

// TestBookIsBounded: however many repositories are told of and however disorderly, what is kept is bounded, nothing is counted
// twice, and each hint has one outcome or waits for one.
func TestBookIsBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b, now := NewBook(), start
		told := map[int64]bool{}
		hints, waiting := uint64(0), map[int64]bool{}
		for range rapid.IntRange(1, 100).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(3*time.Minute)).Draw(t, "passes")))
			repo := rapid.Int64Range(1, 5).Draw(t, "repository")
			at := now.Add(-time.Duration(rapid.Int64Range(0, int64(3*time.Minute)).Draw(t, "ago")))
			if rapid.Bool().Draw(t, "tell") {
				watched := rapid.Bool().Draw(t, "watched")
				visit := b.Tell(Webhook, repo, watched, at, now.Add(-time.Duration(rapid.Int64Range(0, int64(3*time.Minute)).Draw(t, "read"))), now)
				if visit && !watched {
					t.Fatal("a visit of what is not watched")
				}
				if !visit || !waiting[repo] {
					hints++
				}
				waiting[repo] = waiting[repo] || visit
				told[repo] = told[repo] || watched
			} else {
				news := time.Time{}
				if rapid.Bool().Draw(t, "news") {
					news = at
				}
				if !b.Looked(repo, now, news, time.Time{}, now) {
					waiting[repo] = false
				} else if !waiting[repo] {
					t.Fatal("looked again for nothing")
				}
			}
		}
		open := uint64(0)
		for _, w := range waiting {
			if w {
				open++
			}
		}
		f := b.Figures()[Webhook]
		if sum := f.Outcomes[Useful] + f.Outcomes[NothingNew] + f.Outcomes[Unknown]; sum+open != hints {
			t.Fatalf("%d outcomes and %d that wait of %d hints", sum, open, hints)
		}
		if len(b.told) > len(told) {
			t.Fatalf("%d repositories are kept of %d", len(b.told), len(told))
		}
	})
}
