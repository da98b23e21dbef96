package discover

import (
	"context"
	"fmt"

	"github_workflow_exporter/collector/gate"
	"github_workflow_exporter/githubapi"
)

// maxInstallationPages bounds the list of installations: a server that goes on for ever is not followed.
const maxInstallationPages = 1000

// Installations lists who installed an App, through the App's own gate. An incomplete list is an error: what is missing would
// be taken for removed.
func Installations(ctx context.Context, app *githubapi.App, g *gate.Gate) ([]githubapi.Installation, error) {
	var all []githubapi.Installation
	request := githubapi.PageRequest{PerPage: 100}
	for range maxInstallationPages {
		var page githubapi.Page[githubapi.Installation]
		err := g.Ask(ctx, gate.Known, func() (err error) {
			page, err = app.Installations(ctx, request)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("listing the installations of the GitHub App: %w", err)
		}
		all = append(all, page.Items...)
		if page.Next == "" {
			return all, nil
		}
		request.Next = page.Next
	}
	return nil, fmt.Errorf("listing the installations of the GitHub App: more than %d pages", maxInstallationPages)
}
