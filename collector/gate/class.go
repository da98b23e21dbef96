package gate

import "time"

// Class says which of the requests that wait for their turn go first.
type Class int

// The classes, first come first.
const (
	Known   Class = iota // what is known to wait: finished attempts, runs that are likely over
	History              // what happened before the exporter began to count, and all that is not of a visit
	Looking              // whether there is news where none is expected
	Spare                // what can wait
	classes
)

const (
	// yieldFor is how long a request lets better ones go before it looks again.
	yieldFor = 50 * time.Millisecond
	// yieldMost is after how long a request that waits is of the next better class: none waits for ever.
	yieldMost = 10 * time.Second
)

// after is the class of a request that has waited for so long.
func (c Class) after(waited time.Duration) Class {
	return max(c-Class(waited/yieldMost), Known)
}
