package collector

import (
	"errors"
	"fmt"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// Gatherer hands the messages of an Exposition straight to the encoder, together with the families of a registry. A
// registry would check and copy every series of every scrape again; here the family table, the ledger and the tests
// answer for what it would check.
type Gatherer struct {
	exposition *Exposition
	registry   prometheus.Gatherer
}

// NewGatherer returns a Gatherer of both. Their families must have different names.
func NewGatherer(e *Exposition, registry prometheus.Gatherer) *Gatherer {
	return &Gatherer{exposition: e, registry: registry}
}

// Gather implements prometheus.TransactionalGatherer: the families sorted by name. An error of the registry comes
// with all that could be gathered. Calling done does nothing, and nothing is locked until it is called.
func (g *Gatherer) Gather() (families []*dto.MetricFamily, done func(), err error) {
	others, err := g.registry.Gather()
	families = merge(g.exposition.Families(), others, func(a, b *dto.MetricFamily) int {
		return strings.Compare(a.GetName(), b.GetName())
	})
	kept := families[:0]
	for i, mf := range families {
		if i > 0 && mf.GetName() == families[i-1].GetName() {
			err = errors.Join(err, fmt.Errorf("gathering metrics: the registry also has the family %s", mf.GetName()))
			continue
		}
		kept = append(kept, mf)
	}
	return kept, func() {}, err
}
