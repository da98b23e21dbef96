//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package ledger

import (
	"errors"
	"os"
	"syscall"
	"time"
)

// lockFile takes an advisory lock on an open file, waiting for it at most timeout; ErrLocked if it cannot be had. It is let
// go when the file is closed, or by the system when the process ends.
func lockFile(f *os.File, exclusive bool, timeout time.Duration) error {
	how := syscall.LOCK_SH
	if exclusive {
		how = syscall.LOCK_EX
	}
	const wait = 10 * time.Millisecond
	for start := time.Now(); ; <-time.After(wait) {
		err := syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, syscall.EINTR):
		case !errors.Is(err, syscall.EWOULDBLOCK):
			return err
		case time.Since(start) >= timeout:
			return ErrLocked
		}
	}
}

// unlockFile lets go of a lock at once: a mapping of the file holds it as long as the process lives, though it was closed.
func unlockFile(f *os.File) error { return syscall.Flock(int(f.Fd()), syscall.LOCK_UN) }
