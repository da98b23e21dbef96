package ledger

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"github_workflow_exporter/collector/family"
)

// Branch is what is remembered of the runs of one workflow on one branch. What it means is the caller's: the ledger keeps it
// with the closing that changed it, and shows what is to be shown.
type Branch struct {
	Repository, Workflow int64
	Name                 string
	BranchState
}

// BranchState is what a closing replaces.
type BranchState struct {
	Runs   []Verdict // what decides about the next one; read from the file only, see Ledger.Branch
	Behind Verdict   // up to which runs are forgotten; zero for none

	RedSince time.Time // zero while it is green
	Failures int
	Ended    time.Time // of the newest closing
	// SinceLabels and FailuresLabels are the label values of the two gauges, in the order of their families' labels; nil where
	// one is not shown.
	SinceLabels, FailuresLabels []string
}

// Verdict is how a run ended.
type Verdict struct {
	Run            int64
	Created, Ended time.Time
	Red            bool
}

// BranchChange replaces what is remembered of a branch of the batch's repository.
type BranchChange struct {
	Workflow int64
	Name     string
	State    BranchState
}

type branchKey struct {
	repository, workflow int64
	name                 string
}

func (k branchKey) bytes() []byte { return append(key2(k.repository, k.workflow), k.name...) }

func splitBranchKey(k []byte) (branchKey, bool) {
	if len(k) < 16 {
		return branchKey{}, false
	}
	repository, workflow, ok := splitKey2(k[:16])
	return branchKey{repository, workflow, string(k[16:])}, ok
}

// Branches are all that are remembered, in no order and without their runs.
func (l *Ledger) Branches() []Branch {
	l.mu.RLock()
	defer l.mu.RUnlock()
	all := make([]Branch, 0, len(l.branches))
	for k, s := range l.branches {
		all = append(all, Branch{k.repository, k.workflow, k.name, s})
	}
	return all
}

// Branch looks up, on disk, what is remembered of a branch, its runs included; zero where nothing is.
func (l *Ledger) Branch(repository, workflow int64, name string) (state BranchState, err error) {
	key := branchKey{repository, workflow, name}.bytes()
	err = l.read(fmt.Sprintf("looking up a branch of repository %d", repository), func(tx *bolt.Tx) error {
		value := tx.Bucket([]byte(branchTable.name)).Get(key)
		if value == nil {
			return nil
		}
		payload, err := branchTable.unseal(key, value)
		if err != nil {
			return err
		}
		state, err = decodeBranch(payload)
		return err
	})
	return state, err
}

// stageBranch notes what a closing does to a branch.
func (c *commit) stageBranch(b *BranchChange) {
	if b == nil {
		return
	}
	state := b.State
	state.Runs = slices.Clone(state.Runs)
	if state.SinceLabels != nil {
		state.SinceLabels = labelValues(state.SinceLabels)
	}
	if state.FailuresLabels != nil {
		state.FailuresLabels = labelValues(state.FailuresLabels)
	}
	if c.branches == nil {
		c.branches = map[branchKey]BranchState{}
	}
	c.branches[branchKey{c.repository, b.Workflow, b.Name}] = state
}

func (c *commit) putBranches() error {
	for key, state := range c.branches {
		if err := put(c.tx, branchTable, key.bytes(), appendBranch(begin(), state)); err != nil {
			return err
		}
	}
	return nil
}

// publishBranches is called with mu held.
func (c *commit) publishBranches() {
	for key, state := range c.branches {
		c.l.branches[key] = state.shown()
	}
}

// shown leaves out what only the next closing needs.
func (s BranchState) shown() BranchState {
	s.Runs = nil
	return s
}

// ForgetBranches deletes, in one transaction, the branches that had no closing since a time, and returns how many.
func (l *Ledger) ForgetBranches(ctx context.Context, before time.Time) (int, error) {
	var gone []branchKey
	change := func(tx *bolt.Tx) (bool, error) {
		for key, state := range l.branches { // only writers change the map, and this is the writer
			if !state.Ended.Before(before) {
				continue
			}
			gone = append(gone, key)
			if err := tx.Bucket([]byte(branchTable.name)).Delete(key.bytes()); err != nil {
				return false, err
			}
		}
		return len(gone) > 0, nil
	}
	publish := func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		for _, key := range gone {
			delete(l.branches, key)
		}
	}
	if err := l.write(ctx, "forgetting branches", change, publish); err != nil {
		return 0, err
	}
	return len(gone), nil
}

// The flags of a branch record.
const (
	branchSince = 1 << iota
	branchFailures
)

func appendBranch(b []byte, s BranchState) []byte {
	b = append(b, flags(s.SinceLabels != nil, s.FailuresLabels != nil))
	b = appendTime(b, s.Ended)
	b = appendTime(b, s.RedSince)
	b = binary.AppendUvarint(b, uint64(max(s.Failures, 0)))
	for _, labels := range [][]string{s.SinceLabels, s.FailuresLabels} {
		b = binary.AppendUvarint(b, uint64(len(labels)))
		for _, v := range labels {
			b = appendString(b, v)
		}
	}
	b = appendVerdict(b, s.Behind)
	b = binary.AppendUvarint(b, uint64(len(s.Runs)))
	for _, v := range s.Runs {
		b = appendVerdict(b, v)
	}
	return b
}

func appendVerdict(b []byte, v Verdict) []byte {
	b = binary.AppendVarint(b, v.Run)
	b = appendTime(b, v.Created)
	b = appendTime(b, v.Ended)
	return append(b, flags(v.Red))
}

func decodeBranch(p []byte) (BranchState, error) {
	r := reader{b: p}
	f := r.byte()
	s := BranchState{Ended: r.time(), RedSince: r.time()}
	s.Failures = int(min(r.uvarint(), 1<<31-1))
	since, failures := r.strings(), r.strings()
	if f&branchSince != 0 {
		s.SinceLabels = since
	}
	if f&branchFailures != 0 {
		s.FailuresLabels = failures
	}
	s.Behind = r.verdict()
	if n := r.length(7); n > 0 {
		s.Runs = make([]Verdict, n)
		for i := range s.Runs {
			s.Runs[i] = r.verdict()
		}
	}
	return s, r.end()
}

func (r *reader) strings() []string {
	all := make([]string, r.length(1))
	for i := range all {
		all[i] = string(r.bytes())
	}
	return all
}

func (r *reader) verdict() Verdict {
	return Verdict{Run: r.varint(), Created: r.time(), Ended: r.time(), Red: r.byte()&1 != 0}
}

// readBranches takes the branches from the file, without the labels of families that have others in this version.
func (l *loader) readBranches() error {
	return l.walk(branchTable, func(key, payload []byte) error {
		k, ok := splitBranchKey(key)
		if !ok {
			return errValue
		}
		if !l.known(k.repository) {
			return fmt.Errorf("no account of repository %d", k.repository)
		}
		s, err := decodeBranch(payload)
		if err != nil {
			return err
		}
		if len(s.SinceLabels) != len(family.Get(family.BranchRedSince).Labels) {
			s.SinceLabels = nil
		}
		if len(s.FailuresLabels) != len(family.Get(family.BranchConsecutiveFailures).Labels) {
			s.FailuresLabels = nil
		}
		l.branches[k] = s.shown()
		return nil
	})
}
