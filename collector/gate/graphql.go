package gate

import "time"

// AffordsGraphQL tells whether more is left of the limit of GraphQL than the share that belongs to others.
func (g *Gate) AffordsGraphQL() bool {
	l, known := g.Client.GraphQLLimit()
	return !known || !g.Now().Before(l.Reset) || float64(l.Remaining) > float64(l.Limit)*g.Reserve
}

// graphqlSpare is the share of the limit of GraphQL that is left for the annotations of failed jobs, beside the reserve.
const graphqlSpare = 0.1

// PaceGraphQL is how long to wait after a point of GraphQL's limit was spent, so that what is not left to others lasts until
// the reset. Zero where there is no limit, or none is known yet.
func (g *Gate) PaceGraphQL() time.Duration {
	l, known := g.Client.GraphQLLimit()
	left := l.Reset.Sub(g.Now())
	if !known || l.Limit == 0 || left <= 0 {
		return 0
	}
	points := float64(l.Remaining) - float64(l.Limit)*(g.Reserve+graphqlSpare)
	if points < 1 {
		return left
	}
	return time.Duration(float64(left) / points)
}
