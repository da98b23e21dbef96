package collector

import (
	"sync"
	"time"

	"github_workflow_exporter/collector/family"
	"github_workflow_exporter/collector/ledger"
)

// Branches show since when watched branches are red, by what the ledger remembers of their runs.
type Branches struct {
	ledger *ledger.Ledger
	now    func() time.Time

	mu       sync.Mutex
	limit    int
	ttl      time.Duration
	disabled map[family.ID]bool
}

// NewBranches shows the branches of a ledger.
func NewBranches(l *ledger.Ledger, now func() time.Time) *Branches {
	return &Branches{ledger: l, now: now}
}

// Configure sets the series limit of each family, 0 for none, for how long a branch is shown after its last run ended, 0 for
// ever, and which families are not shown.
func (b *Branches) Configure(limit int, ttl time.Duration, disabled map[family.ID]bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.limit, b.ttl, b.disabled = limit, ttl, disabled
}

// Live implements LiveSource.
func (b *Branches) Live() []LiveValue {
	b.mu.Lock()
	limit, ttl, disabled := b.limit, b.ttl, b.disabled
	b.mu.Unlock()
	g, now := newGauges(), b.now()
	for _, branch := range b.ledger.Branches() {
		if ttl > 0 && now.Sub(branch.Ended) > ttl {
			continue
		}
		if branch.FailuresLabels != nil && !disabled[family.BranchConsecutiveFailures] {
			g.add(branch.Repository, LiveValue{family.BranchConsecutiveFailures, branch.FailuresLabels, float64(branch.Failures)})
		}
		if branch.SinceLabels != nil && !disabled[family.BranchRedSince] && !branch.RedSince.IsZero() {
			g.add(branch.Repository, LiveValue{family.BranchRedSince, branch.SinceLabels, float64(branch.RedSince.UnixMilli()) / 1e3})
		}
	}
	return g.values(limit)
}

// Present joins the sources of gauges that are made anew each time they are shown.
type Present []LiveSource

// Live implements LiveSource.
func (p Present) Live() []LiveValue {
	var all []LiveValue
	for _, source := range p {
		all = append(all, source.Live()...)
	}
	return all
}
