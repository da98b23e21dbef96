package ledger

import (
	"errors"
	"fmt"
)

// Peeked is what a ledger remembers of one run.
type Peeked struct {
	Account    Account
	Known      bool // there is an account of the repository
	Mark       RunMark
	Executions []Execution
	Held       []Held

	repository, run int64
}

func (p *Peeked) take(payload []byte) error {
	rec, err := decodeRun(payload)
	p.Mark, p.Executions, p.Held = rec.RunMark, rec.Executed, rec.Held
	return err
}

// Peek verifies a ledger that no exporter has open, without changing it, and returns what it remembers of a run. host is the
// API it has to be of.
func Peek(dir, host string, repository, run int64) (Peeked, error) {
	p := Peeked{repository: repository, run: run}
	f, err := openIdle(dir)
	if err != nil {
		return p, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return p, fmt.Errorf("reading the ledger: %w", err)
	}
	c, err := readFor(&p, f, info.Size())
	switch {
	case errors.Is(err, ErrNewerFormat):
		return p, fmt.Errorf("ledger file %s: %w", f.Name(), err)
	case err != nil:
		return p, &CorruptError{Path: f.Name(), Err: err}
	case c.host != host:
		return p, fmt.Errorf("%w: %s keeps the counts of %s, the configuration says %s", ErrOtherHost, f.Name(), c.host, host)
	}
	p.Account, p.Known = c.accounts[repository]
	return p, nil
}

// Peek returns what is remembered of a run.
func (l *Ledger) Peek(repository, run int64) (p Peeked, err error) {
	rec, _, err := l.run(repository, run)
	if err != nil {
		return Peeked{}, err
	}
	p = Peeked{Mark: rec.RunMark, Executions: rec.Executed, Held: rec.Held}
	p.Account, p.Known = l.Account(repository)
	return p, nil
}
