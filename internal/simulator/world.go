package simulator

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// GitHub is a simulated GitHub. All methods are safe for concurrent use.
type GitHub struct {
	opts   Options
	faults *Faults

	mu     sync.Mutex
	repos  []*repository // in order of creation
	byName map[string]*repository
	byID   map[int64]*repository

	disturbances []disturbance
	handRun      int64 // last id given to a run made by hand
	handJob      int64
	version      int64 // counts changes by hand, for the answers' fingerprints
	swept        time.Time

	limits     limits
	points     map[string]*points // of GraphQL, by token
	told       *told
	requests   Requests
	sequence   uint64 // of requests, for request ids and draws
	tokens     map[string]bool
	apps       apps
	deliveries deliveryLog
	cache      map[cacheKey][]byte // rendered parts that many answers share
}

type repository struct {
	plan    RepositoryPlan
	index   int
	id      int64
	names   []nameSince // the last is the present one
	born    time.Time
	version int64
	sight   Sight

	workflows []WorkflowPlan
	numbers   map[int64]int       // run numbers by workflow id
	known     map[int64]time.Time // when an attempt with jobs closed first, by workflow id: its name is known since
	slots     int                 // generated so far
	runs      []*run              // ascending by creation, then id
	byID      map[int64]*run
	forgotten *tally
	dropped   int64 // runs forgotten
}

type nameSince struct {
	at   time.Time
	name string
}

type run struct {
	repo      *repository
	plan      RunPlan
	seed      uint64
	workflow  *WorkflowPlan // nil: made by hand
	pathNamed bool          // a startup failure of it is named like its path
	deletedAt time.Time
	unborn    bool // it would have been created while no new ones were: it never was
	version   int64
}

const (
	firstHandRun = 900_000_000_000
	firstHandJob = 4_000_000_000_000_000
	firstRepoID  = 600_000_000
	never        = 100 * 365 * 24 * time.Hour // after the world's beginning
)

// New returns a simulated GitHub. An error names the option that cannot be used.
func New(o Options) (*GitHub, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	g := &GitHub{
		opts: o, byName: map[string]*repository{}, byID: map[int64]*repository{},
		handRun: firstHandRun, handJob: firstHandJob, requests: newRequests(), swept: o.Start,
		points: map[string]*points{}, told: newTold(),
	}
	for _, s := range o.Stretches {
		g.plan(s)
	}
	g.faults = newFaults(o.Seed)
	g.tokens = tokenSet(append([]string{o.Token}, o.Tokens...))
	g.apps.plan = o.App
	for _, p := range o.App.Installed {
		g.install(p)
	}
	for _, p := range o.Repositories {
		if err := g.addRepository(p, o.Start); err != nil {
			return nil, err
		}
	}
	return g, nil
}

func (g *GitHub) now() time.Time { return g.opts.Now().UTC() }

// AddRepository adds a repository now.
func (g *GitHub) AddRepository(p RepositoryPlan) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.addRepository(p, g.now())
}

func (g *GitHub) addRepository(p RepositoryPlan, born time.Time) error {
	owner, name, ok := strings.Cut(p.Name, "/")
	if !ok || owner == "" || name == "" || strings.Contains(name, "/") {
		return fmt.Errorf("repository %q: must be owner/name", p.Name)
	}
	if r := g.byName[strings.ToLower(p.Name)]; r != nil && strings.EqualFold(r.name(), p.Name) {
		return fmt.Errorf("repository %q: exists already", p.Name)
	}
	r := &repository{
		plan: p, index: len(g.repos), id: p.ID, names: []nameSince{{born, p.Name}}, born: born,
		numbers: map[int64]int{}, known: map[int64]time.Time{}, byID: map[int64]*run{},
	}
	if r.id == 0 {
		r.id = firstRepoID + int64(r.index)
	}
	if g.byID[r.id] != nil {
		return fmt.Errorf("repository %q: id %d is taken", p.Name, r.id)
	}
	if r.plan.DefaultBranch == "" {
		r.plan.DefaultBranch = "main"
	}
	if r.plan.Rates == nil {
		rates := DefaultRates()
		r.plan.Rates = &rates
	}
	r.workflows = slices.Clone(p.Workflows)
	if r.workflows == nil && p.RunsPerDay > 0 {
		r.workflows = DefaultWorkflows()
	}
	for i := range r.workflows {
		if r.workflows[i].ID == 0 {
			r.workflows[i].ID = r.id*100 + int64(i)
		}
	}
	g.repos = append(g.repos, r)
	g.byName[strings.ToLower(p.Name)] = r
	g.byID[r.id] = r
	g.version++
	return nil
}

var errNoRepository = errors.New("no such repository")

func (g *GitHub) repository(name string) (*repository, error) {
	r := g.byName[strings.ToLower(name)]
	if r == nil {
		return nil, fmt.Errorf("%q: %w", name, errNoRepository)
	}
	return r, nil
}

// RenameRepository renames or moves a repository now. Requests by the old name are redirected until the name is taken
// by another repository.
func (g *GitHub) RenameRepository(from, to string) error {
	return g.change(from, func(r *repository) error {
		if other := g.byName[strings.ToLower(to)]; other != nil && other != r && strings.EqualFold(other.name(), to) {
			return fmt.Errorf("renaming %q: %q exists already", from, to)
		}
		r.names = append(r.names, nameSince{g.now(), to})
		g.byName[strings.ToLower(to)] = r
		return nil
	})
}

// ChangeRepository changes visibility, archived state and the like of a repository: f edits its plan. RunsPerDay takes
// effect with the next hour that is not generated yet, 0 ends the making of runs; Name, ID, Workflows and Rates stay as
// they are.
func (g *GitHub) ChangeRepository(name string, f func(*RepositoryPlan)) error {
	return g.change(name, func(r *repository) error {
		p := r.plan
		f(&p)
		r.plan.Private, r.plan.Archived, r.plan.Disabled, r.plan.Fork = p.Private, p.Archived, p.Disabled, p.Fork
		r.plan.RunsPerDay = p.RunsPerDay
		if p.DefaultBranch != "" {
			r.plan.DefaultBranch = p.DefaultBranch
		}
		return nil
	})
}

func (g *GitHub) change(name string, f func(*repository) error) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	r, err := g.repository(name)
	if err != nil {
		return err
	}
	g.advance(g.now())
	if err := f(r); err != nil {
		return err
	}
	g.version++
	r.version++
	return nil
}

func (r *repository) name() string { return r.names[len(r.names)-1].name }

// nameAt is what the repository was called at a time.
func (r *repository) nameAt(t time.Time) string {
	for _, n := range slices.Backward(r.names) {
		if !n.at.After(t) {
			return n.name
		}
	}
	return r.names[0].name
}

func (r *repository) owner() string {
	owner, _, _ := strings.Cut(r.name(), "/")
	return owner
}

// insert keeps runs in order of creation.
func (r *repository) insert(n *run) {
	i, _ := slices.BinarySearchFunc(r.runs, n, compareRuns)
	r.runs = slices.Insert(r.runs, i, n)
	r.byID[n.plan.ID] = n
}

func compareRuns(a, b *run) int {
	if c := a.plan.CreatedAt.Compare(b.plan.CreatedAt); c != 0 {
		return c
	}
	return cmp.Compare(a.plan.ID, b.plan.ID)
}

// visible tells whether the run exists at t.
func (n *run) visible(t time.Time) bool {
	return !n.unborn && !n.begin().After(t) && (n.deletedAt.IsZero() || n.deletedAt.After(t))
}

// begin is when the run appears.
func (n *run) begin() time.Time {
	if s := n.plan.Attempts[0].StartedAt; s.After(n.plan.CreatedAt) {
		return s
	}
	return n.plan.CreatedAt
}
