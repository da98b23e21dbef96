package ledger

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"
)

// Commit counts a batch: everything in it that has not been committed before, in one transaction, or on an error nothing.
// It returns when the change is durable and visible in memory. It is the one place where anything is counted.
//
// An error leaves the ledger as it was and usable: after a full disk, for instance, the same batch can be offered again.
// ErrUnconfirmed alone comes with a valid Result.
func (l *Ledger) Commit(ctx context.Context, b Batch) (Result, error) {
	doing := fmt.Sprintf("committing to repository %d", b.Repository)
	if err := l.validate(b); err != nil {
		return Result{}, fmt.Errorf("%s: %w", doing, err)
	}
	var c *commit
	err := l.write(ctx, doing, func(tx *bolt.Tx) (bool, error) {
		c = &commit{l: l, tx: tx, now: stored(l.now()), repository: b.Repository,
			runs: map[int64]*stagedRun{}, totals: map[string]uint64{}, names: map[nameKey]string{}}
		return c.stage(b)
	}, func() { c.publish() })
	if c == nil || !c.published {
		return Result{}, err
	}
	return c.result, err
}

// commit is one batch on its way into the file and then into memory.
type commit struct {
	l          *Ledger
	tx         *bolt.Tx
	now        time.Time
	repository int64

	account      Account
	accountDirty bool
	created      time.Time // of series born in this commit
	baseline     bool

	runs     map[int64]*stagedRun
	names    map[nameKey]string
	totals   map[string]uint64 // increments
	branches map[branchKey]BranchState
	series   stagedSeries

	result    Result
	published bool
}

type stagedRun struct {
	runRecord
	key    []byte
	stored []byte // the value in the file, nil for none
	open   bool   // whether the file has it open
}

// stage writes the whole batch into the transaction; dirty tells whether there was anything to write.
func (c *commit) stage(b Batch) (dirty bool, err error) {
	if err := c.stageAccount(b); err != nil {
		return false, err
	}
	c.series.init(c.l)
	for i := range b.Entries {
		if b.Entries[i].Run == 0 || b.Entries[i].ID == 0 {
			c.result.Refused++ // it could not be told whether it has been counted
			continue
		}
		if err := c.stageEntry(i, &b.Entries[i]); err != nil {
			return false, fmt.Errorf("job %d of run %d: %w", b.Entries[i].ID, b.Entries[i].Run, err)
		}
	}
	for i := range b.Runs {
		if b.Runs[i].Run == 0 {
			c.result.Refused++
			continue
		}
		if err := c.stageRun(&b.Runs[i]); err != nil {
			return false, fmt.Errorf("run %d: %w", b.Runs[i].Run, err)
		}
	}
	for workflow, name := range b.WorkflowNames {
		if key := (nameKey{b.Repository, workflow}); c.l.names[key] != name {
			c.names[key] = name
		}
	}
	return c.put()
}

// stageAccount merges the account given with the one there is. What must never move back does not.
func (c *commit) stageAccount(b Batch) error {
	old, known := c.l.accounts[b.Repository] // only writers change the map, and this is the writer
	c.account = old
	if b.Account != nil {
		a := *b.Account
		a.Since, a.Through, a.Pruned = stored(a.Since), stored(a.Through), stored(a.Pruned)
		if known {
			if !b.MoveSince || a.Since.After(old.Since) || a.Since.IsZero() {
				a.Since = old.Since
			}
			a.Swept = a.Swept || old.Swept
			if a.Pruned.Before(old.Pruned) {
				a.Pruned = old.Pruned
			}
		}
		if a.Since.IsZero() {
			return &BatchError{fmt.Errorf("the account of repository %d has no since", b.Repository)}
		}
		c.account, c.accountDirty = a, a != old
	} else if !known {
		return &BatchError{fmt.Errorf("there is no account of repository %d yet, and none is given", b.Repository)}
	}
	c.baseline = !old.Swept
	c.created = c.now
	if c.baseline {
		c.created = c.account.Since
	}
	return nil
}

func (c *commit) stageEntry(i int, e *Entry) error {
	r, err := c.run(e.Run)
	if err != nil {
		return err
	}
	if e.Omitted != "" {
		o := omission{e.ID, e.Attempt}
		at, seen := slices.BinarySearchFunc(r.Omitted, o, compareOmissions)
		if seen {
			return nil
		}
		r.Omitted = slices.Insert(r.Omitted, at, o)
		c.discard(Discard{e.Omitted, 1})
	} else {
		at, seen := r.executed(e.ID)
		if seen {
			return nil
		}
		r.Executed = slices.Insert(r.Executed, at, Execution{ID: e.ID, Attempt: e.Attempt, Fingerprint: e.Fingerprint,
			Name: e.Name, Ended: stored(e.Ended).Truncate(time.Second), Failed: e.Failed, Reason: e.Reason})
		r.release(e.ID)
		c.totals[totalRecorded]++
		c.result.Recorded = append(c.result.Recorded, i)
	}
	if r.Started.IsZero() || r.Assumed {
		r.Assumed, r.Started = true, c.now
	}
	c.discard(e.Discards...)
	return c.add(e.Samples)
}

func (c *commit) stageRun(rc *RunChange) error {
	r, err := c.run(rc.Run)
	if err != nil {
		return err
	}
	r.Marked, r.Open = true, rc.Open
	if r.Created.IsZero() {
		r.Created = stored(rc.Created)
	}
	if started := stored(rc.Started); !started.IsZero() && (r.Assumed || started.After(r.Started)) {
		r.Started, r.Assumed = started, false
	} else if r.Started.IsZero() {
		r.Started, r.Assumed = c.now, true
	}
	for i := range rc.Close {
		cl := &rc.Close[i]
		at, closed := slices.BinarySearch(r.Closed, cl.Attempt)
		if closed {
			continue
		}
		r.Closed = slices.Insert(r.Closed, at, cl.Attempt)
		c.result.Closed++
		c.discard(cl.Discards...)
		c.stageBranch(cl.Branch)
		if err := c.add(cl.Samples); err != nil {
			return fmt.Errorf("attempt %d: %w", cl.Attempt, err)
		}
	}
	if !r.Open {
		r.Held = nil
		return nil
	}
	for _, h := range rc.Held {
		if _, recorded := r.executed(h.ID); !recorded && h.ID != 0 {
			r.hold(h)
		}
	}
	return nil
}

// run is a run's record as this commit leaves it.
func (c *commit) run(id int64) (*stagedRun, error) {
	if r := c.runs[id]; r != nil {
		return r, nil
	}
	r := &stagedRun{key: key2(c.repository, id)}
	rec, _, err := loadRun(c.tx, r.key)
	if err != nil {
		return nil, err
	}
	r.runRecord, r.open = rec, rec.Open
	r.stored = c.tx.Bucket([]byte(runTable.name)).Get(r.key)
	c.runs[id] = r
	return r, nil
}

// discard counts what was left out.
func (c *commit) discard(discards ...Discard) {
	for _, d := range discards {
		if d.Count == 0 {
			continue // no total of nothing
		}
		c.totals[totalDiscard+d.Reason] += min(d.Count, maxDiscarded)
	}
}

func (c *commit) add(samples []Sample) error {
	for i := range samples {
		if err := c.series.add(c, &samples[i]); err != nil {
			return err
		}
	}
	return nil
}

// put writes what has been staged, keys ascending: neighbours share pages.
func (c *commit) put() (dirty bool, err error) {
	runs := c.tx.Bucket([]byte(runTable.name))
	runs.FillPercent = 0.9 // ids of new runs ascend
	for _, id := range slices.Sorted(maps.Keys(c.runs)) {
		r := c.runs[id]
		value := runTable.seal(r.key, appendRun(begin(), r.runRecord))
		if bytes.Equal(value, r.stored) {
			continue
		}
		dirty = true
		if err := runs.Put(r.key, value); err != nil {
			return false, err
		}
		if err := c.putOpen(r); err != nil {
			return false, err
		}
	}
	if c.accountDirty {
		dirty = true
		if err := put(c.tx, accountTable, key1(uint64(c.repository)), appendAccount(begin(), c.account)); err != nil {
			return false, err
		}
	}
	for key, name := range c.names {
		dirty = true
		if err := put(c.tx, nameTable, key2(key.repository, key.workflow), appendString(begin(), name)); err != nil {
			return false, err
		}
	}
	if err := c.putBranches(); err != nil {
		return false, err
	}
	for key, n := range c.totals {
		dirty = true
		if err := putTotal(c.tx, key, c.l.totals[key]+n); err != nil {
			return false, err
		}
	}
	return dirty || len(c.series.changed) > 0, c.series.put(c)
}

func (c *commit) putOpen(r *stagedRun) error {
	switch {
	case r.Open && !r.open:
		return put(c.tx, openTable, r.key, begin())
	case !r.Open && r.open:
		return c.tx.Bucket([]byte(openTable.name)).Delete(r.key)
	}
	return nil
}

// publish brings memory up to the committed transaction.
func (c *commit) publish() {
	l := c.l
	c.result.Changed = c.series.publish(l)
	c.result.Overflowed = c.series.overflowed
	l.mu.Lock()
	defer l.mu.Unlock()
	if c.accountDirty {
		l.accounts[c.repository] = c.account
	}
	maps.Copy(l.names, c.names)
	c.publishBranches()
	for key, n := range c.totals {
		l.totals[key] += n
	}
	c.published = true
}
