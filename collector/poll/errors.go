package poll

import "errors"

// errVisitFull ends a visit that has used up its requests; it goes on as soon as others had their turn.
var errVisitFull = errors.New("visit has used up its requests")

// errMoved says that the name now belongs to another repository.
var errMoved = errors.New("the name belongs to another repository now")

// recordError marks a failure to record, as opposed to one to read.
type recordError struct{ err error }

func (e recordError) Error() string { return e.err.Error() }
func (e recordError) Unwrap() error { return e.err }

func recorded(err error) error {
	if err == nil || unrecordable(err) {
		return err
	}
	return recordError{err}
}

// unrecordable tells whether recording failed because of what was to be recorded: something else may well be.
func unrecordable(err error) bool {
	var u interface{ Unrecordable() bool }
	return errors.As(err, &u) && u.Unrecordable()
}
