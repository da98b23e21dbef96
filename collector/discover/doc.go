// Package discover finds the repositories of the targets (named ones, those of organizations and users) and keeps the set of
// watched ones in line with them. What a list does not show has not left by that: see absence.go.
package discover
