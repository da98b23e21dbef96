// Package githubapi is a thin, typed client for the part of the GitHub REST API that tells about workflow runs and
// their jobs, on github.com and on GitHub Enterprise Server.
//
// It knows the protocol and nothing else: conditional requests, pages, rate limits, redirects, API versions and errors
// a scheduler can act on. It does not retry (but for a renewed token and a refused API version), does not wait, does
// not log and keeps no answers. Deciding what to ask, when, and what an answer means is the caller's.
//
// Every value from outside is bounded where it enters: times, ids, attempt numbers and counts (bounds.go), texts, entries,
// steps, labels and nesting (decode.go, reader.go), the bytes of a body and of the headers. Reading and decoding a page takes
// at most about three times the limit of a body (Options.MaxBodyBytes) of memory while it lasts, and keeps at most the
// texts of the page and 7 MB; both end within 64 KB after their context has. What is too much is an error of the
// request (Error.TooLarge) or of the one entry (Undecodable).
//
// The token is only ever sent to the configured scheme, host and base path, and never appears in an error.
package githubapi
