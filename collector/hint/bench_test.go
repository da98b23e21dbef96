package hint

import (
	"testing"
	"time"

	"github_workflow_exporter/githubapi"
)

// BenchmarkDue is what it takes to find out which of 30,000 workflows, those of 10,000 repositories, are asked about next, which
// is looked up once in an interval.
func BenchmarkDue(b *testing.B) {
	now := time.Now()
	all := workflows{}
	for id := range int64(30_000) {
		for run := range int64(3) {
			all.listed(id/3, githubapi.Run{
				ID: 10*id + run + 1, NodeID: "WFR_kwDOAAAAAA", WorkflowID: id + 1, Status: "completed", UpdatedAt: now.Add(-time.Duration(id) * time.Second),
			})
		}
	}
	for _, w := range all {
		w.asked = now
	}
	book := NewBook(GraphQL, Deliveries)
	b.ReportAllocs()
	for b.Loop() {
		all.due(now.Add(20*time.Second), 15*time.Second, 10*time.Minute, githubapi.MaxHeads, book.Told)
	}
}
