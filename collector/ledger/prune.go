package ledger

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"
)

// pruneChunk is how many runs one transaction of Prune looks at: it holds up commits for some milliseconds.
const pruneChunk = 20_000

// pruneAhead is how far a time may lie ahead of the local clock before which Prune forgets: by a clock of somebody else's
// that is years ahead everything would be forgotten, and nothing counted any more.
const pruneAhead = 24 * time.Hour

// Prune forgets the runs of a repository that are not open and whose newest attempt started before a time, with the seen
// marks of their jobs, and returns how many. Account.Pruned is set before or with the first that goes, so that nothing of
// that age can be counted again. A time that lies ahead by more than a day forgets nothing. It works in several transactions; on an error those done stay done.
func (l *Ledger) Prune(ctx context.Context, repository int64, before time.Time) (int, error) {
	before = stored(before)
	if before.After(l.now().Add(pruneAhead)) {
		return 0, nil
	}
	total := 0
	at := key2(repository, 0)[:8] // where to go on: the repository's first key at first
	for first := true; at != nil; first = false {
		var gone [][]byte
		var account Account
		var next []byte
		change := func(tx *bolt.Tx) (bool, error) {
			var known bool
			if account, known = l.accounts[repository]; !known {
				return false, fmt.Errorf("there is no account of repository %d", repository)
			}
			var err error
			if gone, next, err = prunable(tx, repository, at, before); err != nil {
				return false, err
			}
			runs := tx.Bucket([]byte(runTable.name))
			for _, key := range gone {
				if err := runs.Delete(key); err != nil {
					return false, err
				}
			}
			if !first || !account.Pruned.Before(before) {
				return len(gone) > 0, nil
			}
			account.Pruned = before
			return true, put(tx, accountTable, key1(uint64(repository)), appendAccount(begin(), account))
		}
		publish := func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.accounts[repository] = account
		}
		if err := l.write(ctx, fmt.Sprintf("pruning repository %d", repository), change, publish); err != nil {
			return total, err
		}
		total += len(gone)
		at = next
	}
	return total, nil
}

// prunable looks at some runs of a repository from a key on and returns the keys of those to forget, and the key at which
// to go on, nil at the end.
func prunable(tx *bolt.Tx, repository int64, at []byte, before time.Time) (gone [][]byte, next []byte, err error) {
	prefix := key1(uint64(repository))
	c := tx.Bucket([]byte(runTable.name)).Cursor()
	looked := 0
	for key, value := c.Seek(at); bytes.HasPrefix(key, prefix); key, value = c.Next() {
		if looked++; looked > pruneChunk {
			return gone, slices.Clone(key), nil
		}
		payload, err := runTable.unseal(key, value)
		if err != nil {
			return nil, nil, err
		}
		run, err := readRun(payload, nil)
		if err != nil {
			return nil, nil, err
		}
		if !run.open && run.started.Before(before) {
			gone = append(gone, slices.Clone(key)) // the file's memory moves under deletions
		}
	}
	return gone, nil, nil
}
