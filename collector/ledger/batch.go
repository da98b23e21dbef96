package ledger

import (
	"time"

	"github_workflow_exporter/collector/family"
)

// Sample adds one observation to one series: Value 1 to a counter, seconds to a histogram, a Unix time to a gauge (which
// keeps the latest). Samples of impossible values are discarded, those of disabled families passed over.
type Sample struct {
	Family family.ID
	Values []string // one per label of the family, in its order
	Value  float64
	// Exemplar names the job behind the sample; nil for none.
	Exemplar *Exemplar
}

// Exemplar is kept, the last one per counter and per histogram bucket, in memory only.
type Exemplar struct {
	RunID, JobID int64     // JobID 0: not of one job
	At           time.Time // left out where it cannot be shown
}

// Discard counts values left out for one reason, a million at most. One value may stand for very many: of those that a
// list announced but did not hold there is only the number.
type Discard struct {
	Reason string
	Count  uint64
}

// Entry is the account of one job listed under an attempt. It commits once: a job that executed by its id, whatever
// attempt it is listed under; one that is left out as a whole by its id and attempt. Neither stands in the way of the other.
type Entry struct {
	Run     int64 // not 0
	ID      int64 // not 0; GitHub's are positive, negative ones are the caller's to use
	Attempt int
	// Fingerprint identifies the execution under whatever id; 0 for none. See Ledger.History.
	Fingerprint uint64
	// Name stands for what the job is called, Ended is its end, Failed and Reason say how it went. They are remembered for what
	// comes after it, see Ledger.History.
	Name   uint32
	Ended  time.Time
	Failed bool
	Reason string
	// Omitted is the reason for which the job is left out as a whole ("" when it executed); it is counted as a discard
	// and Samples stay empty.
	Omitted string
	// Discards are what of the job could not be observed.
	Discards []Discard
	Samples  []Sample
	// Completed is the job's end, for the ingest lag; may be zero.
	Completed time.Time
}

// RunMark is what is remembered of a run.
type RunMark struct {
	Created time.Time // the run's first creation
	Started time.Time // start of the newest attempt known
	Open    bool      // an attempt is still to be closed: the run is followed by id
	Closed  []int     // attempts closed, ascending
}

// Closing closes one attempt of a run. It commits once; the second closing of an attempt adds nothing.
type Closing struct {
	Attempt  int
	Samples  []Sample
	Discards []Discard
	// Branch is what the closing makes of a branch; nil for nothing.
	Branch *BranchChange
}

// Held is what an open run's job was seen held back by, in the caller's words.
type Held struct {
	ID int64
	By string
}

// RunChange is the progress made with one run.
type RunChange struct {
	Run     int64     // not 0
	Created time.Time // kept if the mark has none yet
	Started time.Time // the mark keeps the latest
	Open    bool      // replaces the mark's
	Close   []Closing
	// Held adds to what is remembered of jobs that are held back, until they are recorded or the run is not open any more.
	Held []Held
}

// Account is what is remembered of a repository.
type Account struct {
	ID   int64
	Name string // owner/name as last seen
	// Since is set at birth and never moves, but see Batch.MoveSince: attempts started before it do not count.
	Since time.Time
	// Swept is set once the first sweep is over: series born later are not baseline.
	Swept bool
	// Through: every run created before it has been seen in the list.
	Through time.Time
	// Pruned: marks of runs whose newest attempt started before it have been forgotten. Prune sets it; it never moves back.
	Pruned time.Time
}

// Batch is what commits together, all of one repository: one transaction, all or nothing.
type Batch struct {
	Repository int64
	// Account, if not nil, replaces the repository's account, but for Since once set, Swept once true, and a later Pruned.
	// A repository's first batch must have one, with Since.
	Account *Account
	// MoveSince lets an earlier Since of the account replace the one that was set: by a clock that was ahead.
	MoveSince bool
	Entries   []Entry
	Runs      []RunChange
	// WorkflowNames: names last seen by workflow id.
	WorkflowNames map[int64]string
}

// Result tells what a commit changed.
type Result struct {
	// Recorded are the entries that had not been committed before and executed, in the batch's order (indexes).
	Recorded []int
	// Closed counts the attempts that had not been closed before.
	Closed int
	// Refused counts the entries and runs without an id: they are left out, all others are committed.
	Refused int
	// Changed are the series with a new state, born ones included, each once, by birth.
	Changed []*Series
	// Overflowed counts samples by family that went to the overflow series for want of room.
	Overflowed map[family.ID]int
}
