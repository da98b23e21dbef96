package githubapi

import (
	"context"
	"fmt"
	"net/url"
)

// Annotation is a note that GitHub, the runner or a step left on a job: it often tells why the job failed. Every field may be
// missing; texts are cut at 1,024 bytes.
type Annotation struct {
	Level   string // failure, warning or notice; GraphQL says it in capitals
	Title   string
	Message string
	Path    string // of a file, or ".github"
}

// maxAnnotations of one job that are kept. The runner's own come first.
const maxAnnotations = 30

// JobAnnotations lists the annotations of a job, the first 30 (GET /repos/{owner}/{repo}/check-runs/{check_run_id}/annotations;
// a job's id is its check run's; permission checks: read, which fine-grained tokens cannot have: KindForbidden). Odd entries are
// left out.
func (c *Client) JobAnnotations(ctx context.Context, repo string, job int64) ([]Annotation, error) {
	const endpoint = "list_annotations"
	path, err := repoPath(repo)
	if err == nil {
		err = needPositive("job id", job)
	}
	if err != nil {
		return nil, badRequest(endpoint, err)
	}
	target, err := c.base.join(fmt.Sprintf("%s/check-runs/%d/annotations", path, job), url.Values{"per_page": {fmt.Sprint(maxAnnotations)}})
	if err != nil {
		return nil, badRequest(endpoint, err)
	}
	var list []Annotation
	_, err = c.do(ctx, call{endpoint: endpoint, url: target, decode: func(ctx context.Context, body []byte, _ answer) error {
		r := newReader(ctx, body)
		if list = r.annotations("annotation_level"); list == nil && r.err == nil {
			r.fail(errNoList)
		}
		return r.end()
	}})
	return list, err
}

// annotations reads a list of them, nil for what is none. REST and GraphQL name the level differently.
func (r *reader) annotations(level string) []Annotation {
	list := []Annotation{}
	if r.next() != '[' {
		r.skip()
		return nil
	}
	r.list(func() {
		if len(list) == maxAnnotations || r.next() != '{' {
			r.skip()
			return
		}
		var a Annotation
		r.object(func(key []byte) {
			switch string(key) {
			case level:
				r.text(&a.Level)
			case "title":
				r.text(&a.Title)
			case "message":
				r.text(&a.Message)
			case "path":
				r.text(&a.Path)
			default:
				r.skip()
			}
		})
		list = append(list, a)
	})
	return list
}
