package githubapi

import (
	"context"
	"net/url"
	"strconv"
	"time"
)

// LoggedDelivery is one entry of a hook's log of deliveries: what was sent, or tried to be, without what was in it.
type LoggedDelivery struct {
	ID         int64
	At         time.Time // by GitHub's clock
	Event      string    // such as EventRun
	Action     string    // such as completed
	Repository int64     // 0: it is of none
	Throttled  bool      // GitHub held it back for a while
}

// Deliveries lists what the App's webhook was sent, the newest first, whether it was answered or not (GET
// /app/hook/deliveries). GitHub keeps three days of them, GitHub Enterprise Server seven.
// https://docs.github.com/rest/apps/webhooks#list-deliveries-for-an-app-webhook
func (a *App) Deliveries(ctx context.Context, p PageRequest) (Page[LoggedDelivery], error) {
	return list(ctx, a.client, "list_app_deliveries", "/app/hook/deliveries", url.Values{}, p, 0, decodeDeliveries)
}

// OrganizationDeliveries lists what an organization's webhook was sent, as Deliveries does.
// https://docs.github.com/rest/orgs/webhooks#list-deliveries-for-an-organization-webhook
func (c *Client) OrganizationDeliveries(ctx context.Context, org string, hook int64, p PageRequest) (Page[LoggedDelivery], error) {
	const endpoint = "list_hook_deliveries"
	err := needPositive("hook", hook)
	path := ""
	if err == nil {
		path, err = accountPath("/orgs/", org, "/hooks/"+strconv.FormatInt(hook, 10)+"/deliveries")
	}
	if err != nil {
		return Page[LoggedDelivery]{}, badRequest(endpoint, err)
	}
	return list(ctx, c, endpoint, path, url.Values{}, p, 0, decodeDeliveries)
}

func decodeDeliveries(ctx context.Context, body []byte, s span) ([]LoggedDelivery, int, error) {
	return decodeList(ctx, body, "", deliveryEntry(), s)
}

// deliveryEntry keeps what can be read of an entry: it is a hint at most.
func deliveryEntry() entry[LoggedDelivery] {
	return entry[LoggedDelivery]{
		read: func(r *reader, d *LoggedDelivery) {
			r.members("entry", func(key []byte) {
				switch string(key) {
				case "id":
					r.must("id", r.whole(&d.ID))
				case "delivered_at":
					r.time(&d.At)
				case "event":
					r.text(&d.Event)
				case "action":
					r.text(&d.Action)
				case "repository_id":
					r.loose(&d.Repository)
				case "throttled_at":
					at := ""
					r.text(&at)
					d.Throttled = at != ""
				default:
					r.skip()
				}
			})
		},
		id:    func(d *LoggedDelivery) int64 { return d.ID },
		bad:   func(int64, uint64) (LoggedDelivery, bool) { return LoggedDelivery{}, false },
		bound: func(d *LoggedDelivery, s span) bool { return s.bind(&d.At) && !d.At.IsZero() },
	}
}
