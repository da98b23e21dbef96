package app

import (
	"context"
	"slices"
	"time"

	"github_workflow_exporter/githubapi"
	"github_workflow_exporter/internal/config"
)

// appHook tries the log of the App's webhook, which is worth having and not needed.
func (k *checker) appHook(ctx context.Context, app *githubapi.App) {
	if k.config.Hints.Deliveries != config.Auto {
		return
	}
	page, err := app.Deliveries(ctx, githubapi.PageRequest{PerPage: 1})
	switch {
	case githubapi.Gone(err):
		k.note("the GitHub App has no webhook. With one, though nobody answers it, finished runs are found sooner and for fewer requests: see README.md, Deliveries without a webhook")
		return
	case err != nil:
		k.problem("log of deliveries of the GitHub App: %v", err)
		return
	}
	if events, err := app.Events(ctx); err == nil && !slices.Contains(events, githubapi.EventRun) {
		k.note("the GitHub App's webhook is not sent runs: in its settings, under Permissions & events, subscribe to Workflow run")
		return
	}
	k.lastDelivery("log of deliveries of the GitHub App", page)
}

// organizationHook tries the log of an organization's webhook.
func (k *checker) organizationHook(ctx context.Context, client *githubapi.Client, hook config.OrganizationHook) {
	page, err := client.OrganizationDeliveries(ctx, hook.Organization, int64(hook.ID), githubapi.PageRequest{PerPage: 1})
	if err != nil {
		k.problem("log of deliveries of webhook %d of %s: %v; a token needs admin:org_hook, a GitHub App Organization webhooks: Read-only", hook.ID, hook.Organization, err)
		return
	}
	k.lastDelivery("log of deliveries of webhook "+hook.Organization, page)
}

func (k *checker) lastDelivery(what string, page githubapi.Page[githubapi.LoggedDelivery]) {
	if len(page.Items) == 0 {
		k.note("%s: it is empty; is the webhook active, and did anything run?", what)
		return
	}
	k.ok("%s: the last one was %s ago", what, k.client.ServerTime().Sub(page.Items[0].At).Round(time.Second))
}
