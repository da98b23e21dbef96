// Package githubapi is a thin, typed client for the part of the GitHub REST API that tells about workflow runs and
// their jobs, on github.com and on GitHub Enterprise Server.
//
// It knows the protocol and nothing else: conditional requests, pages, rate limits, redirects, API versions and errors
// a scheduler can act on. It does not retry (but for a renewed token and a refused API version), does not wait, does
// not log and keeps no answers. Deciding what to ask, when, and what an answer means is the caller's.
//
// The token is only ever sent to the configured scheme, host and base path, and never appears in an error.
package githubapi
