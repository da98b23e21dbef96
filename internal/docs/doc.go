// Package docs holds the tests that keep README.md, CHANGELOG.md and CONTRIBUTING.md true. The tables between
// "<!-- begin … -->" and "<!-- end … -->" are made from the code:
//
//	go test ./internal/docs -update
//
// rewrites them, and without the flag the tests fail where they differ.
package docs
