package app

import (
	"context"

	"github_workflow_exporter/githubapi"
	"github_workflow_exporter/internal/config"
)

// graphql tries whether GraphQL tells where runs have ended, which is worth having and not needed.
func (k *checker) graphql(ctx context.Context) {
	if k.config.Hints.GraphQL != config.Auto || k.client.Anonymous() || k.run == "" || !k.allowed(ctx) {
		return
	}
	const consequence = "runs that have ended are found a little later, by looking at repositories"
	_, err := k.client.RunStates(ctx, []string{k.run})
	switch {
	case isKind(err, githubapi.KindForbidden):
		k.note("GraphQL: %s may not read the state of runs, so %s; a classic token may, or a GitHub App with Checks: read", k.credential, consequence)
	case err != nil:
		k.note("GraphQL: %v; so %s", err, consequence)
	default:
		if l, known := k.client.GraphQLLimit(); known {
			k.ok("GraphQL tells where runs have ended; %d of %d points of its own limit left", l.Remaining, l.Limit)
			return
		}
		k.ok("GraphQL tells where runs have ended; it has no limit")
	}
}
