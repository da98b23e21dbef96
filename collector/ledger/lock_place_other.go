//go:build !linux

package ledger

import (
	"errors"
	"io"
	"time"
)

// lockPlace does nothing where there are no abstract sockets.
func lockPlace(string, time.Duration) (io.Closer, error) { return nil, errors.ErrUnsupported }
