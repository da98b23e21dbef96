// Package simulator is a fake GitHub: a seeded world of repositories, workflow runs, attempts, jobs and steps that
// unfolds along a driven clock, served over the REST API as an exporter meets it (pages, links, ETags, limits,
// redirects, faults), together with the truth of what happened, worked out from the world and not from the answers.
// It shares no type with the client of this program on purpose: a wrong field name cannot hide.
//
// Everything the API shows follows from the plan of the world and the moment. A plan is made by hand (GitHub.AddRun) or
// generated from the seed hour by hour (RepositoryPlan.RunsPerDay); generated runs go through a course (course.job,
// course.attempt, course.rerun) that turns dice into the same kind of plan. Two things change what is seen:
//
//   - a disturbance (FailingWorkflow, StoppedRunners, SlowDay) changes what happens from now on, and the truth with it;
//   - a fault (Faults) changes how requests are answered, and the truth not at all.
//
// A test drives the clock, lets the reader read through Transport (no sockets: fit for testing/synctest) or a server,
// waits for a quiet moment, and compares:
//
//	g, err := simulator.New(simulator.Options{Seed: 1, Start: start, Now: clock, Repositories: simulator.Repositories(6, 80)})
//	client := &http.Client{Transport: g.Transport()}
//	…
//	quiet, ok := g.NextQuiet(start.Add(48 * time.Hour))
//	truth := g.Truth(simulator.TruthQuery{Since: since, Until: quiet})
package simulator
