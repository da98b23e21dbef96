package observe

import (
	"math"
	"slices"
	"strings"

	"github_workflow_exporter/collector/family"
	"github_workflow_exporter/collector/relabel"
	"github_workflow_exporter/githubapi"
)

// Price is what a minute on a runner costs.
type Price struct {
	// Label has to match a runs-on label, in lower case, or all of them as the label "label" shows them.
	Label relabel.Regexp
	// SKU is what the price list calls the runner.
	SKU string
	// PerMinute is in US dollars.
	PerMinute float64
}

// selfHosted is the label that runners of one's own have, and the SKU under which they are counted at no price.
const (
	selfHostedLabel = "self-hosted"
	selfHostedSKU   = "self_hosted"
)

// hostedGroup is the runner group of GitHub's standard runners.
const hostedGroup = "GitHub Actions"

// price finds the price of a job's runner: those of the settings come first, then GitHub's list, on GitHub's own service
// only. ok is false where nobody knows it, and where it costs nothing: standard runners of public repositories.
func (o *Observer) price(j githubapi.Job, labels []string, label string, public bool) (p Price, ok bool) {
	for _, p := range o.prices {
		if p.matches(labels) || p.Label.MatchString(label) {
			return p, true
		}
	}
	if o.enterprise {
		return Price{}, false
	}
	if slices.Contains(labels, selfHostedLabel) {
		return Price{SKU: selfHostedSKU}, true
	}
	if !slices.ContainsFunc(labels, named) {
		return Price{}, false
	}
	for _, listed := range o.list {
		switch {
		case !listed.matches(labels):
		case listed.Standard && (public || j.RunnerGroupName != "" && j.RunnerGroupName != hostedGroup):
			return Price{}, false // free, or a runner of one's own that took a name of GitHub's
		default:
			return listed.Price, true
		}
	}
	return Price{}, false
}

// named tells whether a label may be one of the list's at all: most of one's own are not, which is found out faster so.
func named(label string) bool {
	return strings.HasPrefix(label, "ubuntu-") || strings.HasPrefix(label, "windows-") || strings.HasPrefix(label, "macos-") || strings.HasPrefix(label, "gpu-")
}

func (p Price) matches(labels []string) bool { return slices.ContainsFunc(labels, p.Label.MatchString) }

// billed is the time GitHub bills for a job: each is rounded up to whole minutes, and none takes no time.
func billed(seconds float64) (minutes float64) { return max(math.Ceil(seconds/60), 1) }

// addCost counts what the job's runner costs.
func (b *builder) addCost(j githubapi.Job, seconds float64, public bool) {
	if !b.wants(family.JobBillableSeconds, family.JobCost) {
		return
	}
	p, ok := b.observer.price(j, b.labels, b.visible[labelSlot], public)
	if !ok {
		return
	}
	b.visible[skuSlot] = p.SKU
	b.add(family.JobBillableSeconds, billed(seconds)*60)
	b.add(family.JobCost, billed(seconds)*p.PerMinute)
}

// ListedPrice is a line of the built-in list, for readers too.
type ListedPrice struct {
	Price
	// Standard runners cost nothing on public repositories; larger ones do.
	Standard bool
	// Labels are examples of runs-on labels that it is for.
	Labels []string
}

func listed(regex, sku string, perMinute float64, standard bool, labels string) ListedPrice {
	re, err := relabel.NewRegexp(regex)
	if err != nil {
		panic(err) // the table is wrong, as regexp.MustCompile would say
	}
	return ListedPrice{Price: Price{Label: re, SKU: sku, PerMinute: perMinute}, Standard: standard, Labels: strings.Fields(labels)}
}
