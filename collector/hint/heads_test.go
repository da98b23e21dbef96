package hint

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github_workflow_exporter/githubapi"
)

// headServer is what GraphQL knows: the runs of workflow 1 of repository 5 and so on, the newest last.
type headServer struct {
	*testing.T
	heads *Heads

	mu      sync.Mutex
	runs    map[int64][]githubapi.RunHead // by repository, each of which has one workflow
	asked   []int                         // how many ids each time
	states  int                           // of how many runs it was asked
	most    int                           // ids at once that it answers; 0: all
	err     error
	busy    bool
	pace    time.Duration
	told    []News
	began   []int64
	gaps    int
	covers  []int64
	covered map[int64]bool // another source tells of these
}

const headsInterval = 30 * time.Second

func newHeadServer(t *testing.T) *headServer {
	s := &headServer{T: t, runs: map[int64][]githubapi.RunHead{}, covered: map[int64]bool{}}
	s.heads = NewHeads(HeadsOptions{
		Heads: func(_ context.Context, ids []string) Answer { return s.answer(ids, true) }, States: func(_ context.Context, ids []string) Answer { return s.answer(ids, false) },
		Hint: func(n News) { s.told = append(s.told, n) }, Began: func(repo int64) { s.began = append(s.began, repo) },
		Told: s.isCovered, Gap: func() { s.gaps++ }, Cover: func(repo int64) { s.covers = append(s.covers, repo) }, Interval: headsInterval, Now: time.Now,
	})
	return s
}

func (s *headServer) isCovered(repo int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.covered[repo]
}

func (s *headServer) answer(ids []string, heads bool) Answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy {
		return Answer{}
	}
	s.asked = append(s.asked, len(ids))
	switch {
	case s.err != nil:
		return Answer{Sent: true, Err: s.err, Wait: time.Minute}
	case s.most > 0 && len(ids) > s.most:
		return Answer{Sent: true, Err: &githubapi.Error{Kind: githubapi.KindServer, Status: 502}}
	case len(ids) > githubapi.MaxHeads:
		s.Errorf("%d ids at once", len(ids))
	case !heads:
		s.states += len(ids)
	}
	a := Answer{Sent: true, Wait: s.pace}
	for _, id := range ids {
		var of []githubapi.RunHead
		for _, runs := range s.runs {
			i := slices.IndexFunc(runs, func(r githubapi.RunHead) bool { return r.NodeID == id })
			switch {
			case i < 0:
			case heads:
				of = slices.Clone(runs[max(len(runs)-3, 0):])
				slices.Reverse(of)
			default:
				of = []githubapi.RunHead{runs[i]}
			}
		}
		a.Runs = append(a.Runs, of)
	}
	return a
}

// set has a run stand so in its repository.
func (s *headServer) set(repo, id int64, status string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	run := githubapi.RunHead{ID: id, NodeID: fmt.Sprint("WFR_", id), UpdatedAt: time.Now(), Status: status}
	runs := s.runs[repo]
	if i := slices.IndexFunc(runs, func(r githubapi.RunHead) bool { return r.ID == id }); i >= 0 {
		runs[i] = run
		return
	}
	s.runs[repo] = append(runs, run)
}

func (s *headServer) drop(repo, id int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.runs[repo] = slices.DeleteFunc(s.runs[repo], func(r githubapi.RunHead) bool { return r.ID == id })
}

// list has REST show what there is.
func (s *headServer) list(repo int64) {
	s.mu.Lock()
	var runs []githubapi.Run
	for _, r := range s.runs[repo] {
		run := githubapi.Run{ID: r.ID, NodeID: r.NodeID, WorkflowID: 1, Path: "ci.yml", RunAttempt: 1, CreatedAt: r.UpdatedAt, UpdatedAt: r.UpdatedAt, Status: "in_progress"}
		if r.Over() {
			run.Status, run.Conclusion = "completed", "success"
		}
		runs = append(runs, run)
	}
	s.mu.Unlock()
	for _, run := range runs {
		s.heads.Listed(repo, run)
	}
}

func (s *headServer) start() (stop func()) {
	ctx, cancel := context.WithCancel(s.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.heads.Run(ctx) }()
	return func() {
		cancel()
		<-ended
	}
}

// wants waits two rounds and holds what was told to what is wanted.
func (s *headServer) wants(over ...News) {
	s.Helper()
	time.Sleep(2 * headsInterval)
	synctest.Wait() // what is told is read by nobody else until then
	if len(s.told) != len(over) {
		s.Fatalf("told %+v, want %+v", s.told, over)
	}
	for i, n := range s.told {
		n.AsOf = time.Time{}
		if n != over[i] {
			s.Errorf("told %+v, want %+v", n, over[i])
		}
	}
	s.told = nil
}

func (s *headServer) wantsBegan(repos ...int64) {
	s.Helper()
	if !slices.Equal(s.began, repos) {
		s.Errorf("told that runs began in %v, want %v", s.began, repos)
	}
	s.began = nil
}

func over(repo, run int64, attempt int) News {
	return News{Repository: repo, Run: run, Attempt: attempt, Path: "ci.yml", Over: true}
}

func heads(t *testing.T, test func(s *headServer)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := newHeadServer(t)
		defer s.start()()
		test(s)
	})
}

func TestHeadsTellWhatHasEnded(t *testing.T) {
	heads(t, func(s *headServer) {
		s.set(5, 1, "COMPLETED")
		s.set(5, 2, "COMPLETED")
		s.set(5, 3, "IN_PROGRESS")
		s.set(6, 1001, "COMPLETED")
		s.list(5)
		s.list(6)
		s.wants() // lists have shown all of it
		s.set(5, 3, "COMPLETED")
		s.wants(over(5, 3, 1))
		s.wants()
		s.set(6, 1002, "QUEUED")
		s.wants()
		s.wantsBegan(6)
		s.set(6, 1002, "COMPLETED")
		s.set(6, 1003, "COMPLETED") // it began and ended between two rounds
		s.wants(over(6, 1003, 1), over(6, 1002, 1))
		s.wantsBegan()

		// One that goes on while others begin is followed by itself.
		s.set(5, 4, "IN_PROGRESS")
		s.wants()
		for id := range int64(3) {
			s.set(5, 5+id, "IN_PROGRESS")
			s.wants()
		}
		s.set(5, 4, "COMPLETED")
		s.wants(over(5, 4, 1))
		if s.states == 0 {
			s.Error("never asked for the state of a run")
		}

		// Run again, it is another attempt.
		s.set(6, 1003, "IN_PROGRESS")
		s.wants()
		s.set(6, 1003, "COMPLETED")
		s.wants(over(6, 1003, 2))
		// Unseen, it is not known which.
		s.set(6, 1003, "COMPLETED")
		s.wants(News{Repository: 6, Path: "ci.yml"})
		// What a list shows meanwhile is no news.
		s.set(5, 9, "COMPLETED")
		s.list(5)
		s.wants()
	})
}

// TestHeadsThatAreTooMany: where all that is told of is new, more may have ended than is told.
func TestHeadsThatAreTooMany(t *testing.T) {
	heads(t, func(s *headServer) {
		s.set(5, 1, "COMPLETED")
		s.list(5)
		s.wants()
		for id := range int64(5) {
			s.set(5, 10+id, "COMPLETED")
		}
		s.wants(over(5, 14, 1), over(5, 13, 1), over(5, 12, 1), News{Repository: 5, Path: "ci.yml"})
	})
}

// TestHeadsOfWhatIsGone: a workflow is asked about by a run of it, which may be deleted.
func TestHeadsOfWhatIsGone(t *testing.T) {
	heads(t, func(s *headServer) {
		for id := range int64(3) {
			s.set(5, 1+id, "COMPLETED")
		}
		s.list(5)
		s.wants()
		s.drop(5, 3)
		s.wants()
		s.set(5, 4, "COMPLETED")
		s.wants(over(5, 4, 1))
		for id := range int64(4) {
			s.drop(5, 1+id)
		}
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if len(s.heads.known) != 0 {
			s.Errorf("still known: %v", s.heads.known)
		}
		s.set(5, 20, "COMPLETED")
		s.list(5)
		s.wants()
		s.heads.Forget(5)
		s.set(5, 21, "COMPLETED")
		s.wants()
	})
}

// TestHeadsCost: a hundred workflows are asked about at once, and those in which nothing happens seldom.
func TestHeadsCost(t *testing.T) {
	const repositories = 300
	heads(t, func(s *headServer) {
		all := func(status string) {
			for repo := range int64(repositories) {
				s.set(repo+1, 1+repo, status)
			}
		}
		queries := func(during time.Duration) int {
			time.Sleep(time.Minute)
			s.mu.Lock()
			s.asked = nil
			s.mu.Unlock()
			time.Sleep(during)
			s.mu.Lock()
			defer s.mu.Unlock()
			return len(s.asked)
		}
		all("COMPLETED")
		time.Sleep(48 * time.Hour)
		for repo := range int64(repositories) {
			s.list(repo + 1)
		}
		if n := queries(time.Hour); n < 350 || n > 365 { // nothing speaks against each interval
			s.Errorf("%d queries in an hour", n)
		}
		s.mu.Lock()
		s.pace = 2 * time.Minute
		s.mu.Unlock()
		time.Sleep(10 * time.Minute)
		if n := queries(time.Hour); n < 16 || n > 20 { // each once in ten minutes, where the limit is short
			s.Errorf("%d queries in an hour", n)
		}
		s.mu.Lock()
		s.pace = 0
		for repo := range int64(repositories) {
			s.covered[repo+1] = true
		}
		s.mu.Unlock()
		all("IN_PROGRESS")
		time.Sleep(10 * time.Minute)
		if n := queries(time.Hour); n > 20 {
			s.Errorf("%d queries in an hour though another source tells all", n)
		}
		s.mu.Lock()
		clear(s.covered)
		s.mu.Unlock()
		time.Sleep(10 * time.Minute)
		if n := queries(10 * time.Minute); n < 55 || n > 65 { // three, twice a minute
			s.Errorf("%d queries in ten minutes where runs go on", n)
		}
	})
}

// TestHeadsInTrouble: what is too much is halved, a failure makes a pause, and nothing that ended meanwhile is lost.
func TestHeadsInTrouble(t *testing.T) {
	heads(t, func(s *headServer) {
		for repo := range int64(100) {
			s.set(repo+1, 1+repo, "IN_PROGRESS")
			s.list(repo + 1)
		}
		time.Sleep(time.Minute)
		s.mu.Lock()
		s.most, s.asked = 30, nil
		s.mu.Unlock()
		time.Sleep(10 * time.Minute)
		s.mu.Lock()
		failed := 0
		for _, n := range s.asked {
			if n > 30 {
				failed++
			}
		}
		if failed < 2 || failed > len(s.asked)/4 {
			s.Errorf("%d of %d queries were too much", failed, len(s.asked))
		}
		s.most = 0
		s.mu.Unlock()
		time.Sleep(10 * time.Minute)

		s.mu.Lock()
		s.err, s.asked = &githubapi.Error{Kind: githubapi.KindServer, Status: 500}, nil
		s.mu.Unlock()
		s.set(1, 1, "COMPLETED")
		time.Sleep(time.Hour)
		s.mu.Lock()
		if n := len(s.asked); n < 50 || n > 61 {
			s.Errorf("%d queries in an hour of failures", n)
		}
		s.err, s.asked = nil, nil
		s.mu.Unlock()
		s.wants(over(1, 1, 1))
		s.mu.Lock()
		s.busy = true
		s.mu.Unlock()
		s.set(2, 2, "COMPLETED")
		time.Sleep(time.Hour)
		s.mu.Lock()
		s.busy = false
		s.mu.Unlock()
		s.wants(over(2, 2, 1))
		if s.gaps != 2 {
			s.Errorf("%d gaps, want one for each trouble", s.gaps)
		}
	})
}

// TestHeadsAreBounded: what is kept does not grow without end.
func TestHeadsAreBounded(t *testing.T) {
	heads(t, func(s *headServer) {
		for id := range int64(10 * maxFollowed) {
			s.set(5, 1+id, "IN_PROGRESS")
		}
		s.list(5)
		for _, run := range []githubapi.Run{{ID: 1, WorkflowID: 1}, {NodeID: "x", WorkflowID: 1}, {ID: 1, NodeID: "x"}} {
			s.heads.Listed(6, run)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := len(s.heads.known); n != 1 {
			s.Fatalf("%d workflows are known", n)
		}
		for _, w := range s.heads.known {
			if len(w.runs) > maxFollowed+3 {
				s.Errorf("%d runs are followed", len(w.runs))
			}
		}
	})
}
