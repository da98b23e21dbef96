//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package ledger

import (
	"os"
	"time"
)

// lockFile does nothing where there is no flock: bbolt's own lock, held while the ledger is open, remains.
func lockFile(*os.File, bool, time.Duration) error { return nil }

func unlockFile(*os.File) error { return nil }
