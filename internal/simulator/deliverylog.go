package simulator

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"
)

// deliveryLog is what the App's webhook was sent, whether anybody answered or not.
type deliveryLog struct {
	entries []loggedDelivery // the newest last
	to      time.Time        // what happened up to then is in it
	id      int64
}

type loggedDelivery struct {
	id            int64
	at            time.Time
	event, action string
	repository    int64
	installation  int64
}

// deliveriesKept is for how long github.com shows them.
const deliveriesKept = 3 * 24 * time.Hour

// logDeliveries brings the log up to date. Some get lost, as on the real one; the lock is held.
func (g *GitHub) logDeliveries(now time.Time) {
	l := &g.deliveries
	if l.to.IsZero() {
		l.to = now.Add(-time.Hour)
	}
	to := now.Add(-g.apps.plan.DeliveryLag)
	if !to.After(l.to) {
		return
	}
	var fresh []loggedDelivery
	g.happened(place{}, l.to, to, func(h happening) {
		if h.event == "workflow_run" || g.apps.plan.JobEvents {
			fresh = append(fresh, loggedDelivery{at: h.at, event: h.event, action: h.action, repository: h.repo.id, installation: firstInstallation})
		}
	})
	slices.SortStableFunc(fresh, func(a, b loggedDelivery) int { return cmp.Compare(a.at.UnixNano(), b.at.UnixNano()) })
	l.to = to
	for _, d := range fresh {
		l.id++
		d.id = 90_000_000 + l.id
		lost := g.apps.silent || float64(source(uint64(g.opts.Seed), uint64(l.id), 77).Uint64()%1_000)/1_000 < g.apps.plan.DeliveriesLost
		if !lost {
			l.entries = append(l.entries, d)
		}
	}
	old := 0
	for old < len(l.entries) && now.Sub(l.entries[old].at) > deliveriesKept {
		old++
	}
	l.entries = l.entries[old:]
}

// StopDeliveries has the App's webhook deliver nothing, or again.
func (g *GitHub) StopDeliveries(stopped bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	g.advance(now)
	g.logDeliveries(now)
	g.apps.silent = stopped
}

// CutDeliveries empties the log.
func (g *GitHub) CutDeliveries() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.deliveries.entries = nil
}

// OrganizationHook is the number of the one webhook that each organization has, which is sent what the App's is.
const OrganizationHook = 4711

// listDeliveries answers for the log of a hook.
func (g *GitHub) listDeliveries(q *request, path string) *answer {
	g.logDeliveries(q.at)
	before := int64(0)
	if _, id, ok := strings.Cut(q.query.Get("cursor"), "_"); ok {
		before = number(id)
	}
	var page []loggedDelivery
	more := false
	for _, d := range slices.Backward(g.deliveries.entries) {
		if before > 0 && d.id >= before {
			continue
		}
		if len(page) == q.perPage {
			more = true
			break
		}
		page = append(page, d)
	}
	newest, p := int64(0), q.place
	if len(page) > 0 {
		newest = page[0].id
	}
	a := found([]byte("deliveries "+i64(newest)+" "+itoa(len(page))), func() []byte {
		return arrayBody(nil, len(page), func(b []byte, i int) []byte {
			d := page[i]
			o := newObject(b)
			o.num("id", d.id)
			o.str("guid", "0b989ba4-242f-11e5-81e1-"+i64(100_000_000_000+d.id))
			o.time("delivered_at", d.at)
			o.flag("redelivery", false)
			o.key("duration")
			o.b = append(o.b, "0.27"...)
			o.str("status", "failed to connect to host")
			o.num("status_code", 502)
			o.str("event", d.event)
			o.str("action", d.action)
			o.num("installation_id", d.installation)
			o.num("repository_id", d.repository)
			o.null("throttled_at")
			return o.end()
		})
	})
	a.status = http.StatusOK
	if more {
		a.header.Set("Link", "<"+p.api+path+"?per_page="+itoa(q.perPage)+"&cursor=v1_"+i64(page[len(page)-1].id)+`>; rel="next"`)
	}
	return a
}
