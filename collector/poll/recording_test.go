package poll

import (
	"errors"
	"fmt"
	"testing"
)

type unrecordableError struct{ error }

func (unrecordableError) Unrecordable() bool { return true }

// TestWhatCannotBeRecordedConcernsNobodyElse: everybody rests when recording is broken, not when one run cannot be recorded.
func TestWhatCannotBeRecordedConcernsNobodyElse(t *testing.T) {
	for _, c := range []struct {
		name     string
		err      error
		confined bool
	}{
		{"the disk is full", errors.New("no space left on device"), false},
		{"a run cannot be recorded", unrecordableError{errors.New("run 1: 6 labels, the sample 5 values")}, true},
	} {
		err := recorded(fmt.Errorf("committing: %w", c.err))
		everybody := errors.As(err, &recordError{})
		if confined(err) != c.confined || everybody == c.confined {
			t.Errorf("%s: confined %v, everybody rests %v", c.name, confined(err), everybody)
		}
		if c.confined && reasonOf(err) != "recording" {
			t.Errorf("%s: reason %s", c.name, reasonOf(err))
		}
	}
}
