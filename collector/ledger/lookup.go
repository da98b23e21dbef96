package ledger

import (
	"bytes"
	"fmt"
	"slices"

	bolt "go.etcd.io/bbolt"
)

// loadRun reads a run's record within a transaction.
func loadRun(tx *bolt.Tx, key []byte) (runRecord, bool, error) {
	value := tx.Bucket([]byte(runTable.name)).Get(key)
	if value == nil {
		return runRecord{}, false, nil
	}
	payload, err := runTable.unseal(key, value)
	if err != nil {
		return runRecord{}, false, err
	}
	rec, err := decodeRun(payload)
	return rec, true, err
}

func (l *Ledger) run(repository, run int64) (rec runRecord, found bool, err error) {
	err = l.read(fmt.Sprintf("looking up run %d", run), func(tx *bolt.Tx) error {
		rec, found, err = loadRun(tx, key2(repository, run))
		return err
	})
	return rec, found, err
}

// Run looks up, on disk, what is remembered of a run. A run of which only jobs have been committed yet is not found.
func (l *Ledger) Run(repository, run int64) (RunMark, bool, error) {
	rec, _, err := l.run(repository, run)
	if err != nil || !rec.Marked {
		return RunMark{}, false, err
	}
	if rec.Assumed {
		rec.RunMark.Started = RunMark{}.Started
	}
	return rec.RunMark, true, nil
}

// OpenRuns lists the runs of a repository that are marked open, ascending. It costs nothing for closed ones.
func (l *Ledger) OpenRuns(repository int64) (runs []int64, err error) {
	prefix := key1(uint64(repository))
	err = l.read(fmt.Sprintf("listing open runs of repository %d", repository), func(tx *bolt.Tx) error {
		c := tx.Bucket([]byte(openTable.name)).Cursor()
		for k, _ := c.Seek(prefix); bytes.HasPrefix(k, prefix); k, _ = c.Next() {
			if _, run, ok := splitKey2(k); ok {
				runs = append(runs, run)
			}
		}
		return nil
	})
	slices.Sort(runs) // negative ids come last in the file
	return runs, err
}

// History lists the executions recorded of a run, ascending by id, and what its other jobs were seen held back by. By the
// fingerprint, a job that comes under a new id can be told to be one that has been counted.
func (l *Ledger) History(repository, run int64) ([]Execution, []Held, error) {
	rec, _, err := l.run(repository, run)
	return rec.Executed, rec.Held, err
}
