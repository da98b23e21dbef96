// Package schedule decides who is asked next, when and why. It is pure: no clock, no network, no disk; what is known comes
// in as values, and so does the time.
package schedule
