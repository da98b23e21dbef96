package githubapi

import (
	"context"
	"net/http"
	"testing"
)

func TestWorkflow(t *testing.T) {
	c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/repos/o/r/actions/workflows/161335" {
			write(w, 404, `{"message":"Not Found"}`)
			return
		}
		write(w, 200, `{"id":161335,"node_id":"MDg","name":"CI","path":".github/workflows/blank.yaml","state":"active","created_at":"2020-01-08T23:48:37.000-08:00"}`)
	})
	ctx := context.Background()
	got, err := c.Workflow(ctx, "o/r", 161335)
	if want := (Workflow{ID: 161335, Name: "CI", Path: ".github/workflows/blank.yaml", State: "active"}); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	_, err = c.Workflow(ctx, "o/r", 5)
	if e := wantKind(t, err, KindNotFound); e.Endpoint != "get_workflow" {
		t.Errorf("%+v", e)
	}
	for _, id := range []int64{0, -1} {
		_, err = c.Workflow(ctx, "o/r", id)
		wantText(t, err, "get_workflow: workflow id ", "must be 1 or more")
	}
	_, err = c.Workflow(ctx, "r", 1)
	wantText(t, err, "get_workflow: repository ")
}
