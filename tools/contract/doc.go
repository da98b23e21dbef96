// Package contract holds the client and the simulated server to GitHub's own descriptions of its REST API: every
// request the client sends must be one the description knows, every answer of the simulator must satisfy the
// response's schema, for GitHub Enterprise Server 3.10 and for github.com. Where the two agree with the description they
// agree with each other, although they share no type.
package contract
