// Package simulator is a fake GitHub: a seeded world of repositories, workflow runs, attempts, jobs and steps that
// unfolds along a driven clock, served over the REST API as an exporter meets it (pages, links, ETags, limits,
// redirects, faults), together with the truth of what happened, worked out from the world and not from the answers.
//
// It shares no type with the client of this program on purpose: a wrong field name cannot hide.
package simulator
