package ledger

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// takeLocks takes what keeps other processes away for good, and makes one step of finding, verifying and opening the file.
//
// A lock belongs to a file, not to its name: who deletes the lock file and makes a new one has another. So the directory is
// locked too, and, where the system can, its place, for the directory may be deleted as well.
func (l *Ledger) takeLocks(timeout time.Duration) error {
	lock, err := os.OpenFile(filepath.Join(l.dir, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("the ledger's directory must be writable: %w", err)
	}
	l.locks = append(l.locks, lock)
	if err := lockFile(lock, true, timeout); err != nil {
		return lockError(l.path, err)
	}
	if dir, err := os.Open(l.dir); err == nil { // it need not be readable
		l.locks = append(l.locks, dir)
		if err := lockFile(dir, true, timeout); errors.Is(err, ErrLocked) { // not every file system can
			return lockError(l.path, err)
		}
	}
	switch place, err := lockPlace(l.dir, timeout); {
	case errors.Is(err, ErrLocked):
		return lockError(l.path, err)
	case err == nil: // not every system can
		l.locks = append(l.locks, place)
	}
	return nil
}
