package githubapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// recordings are answers of the real API, kept outside the project; each file is one conversation, in order.
const recordings = "../../shared/payloads/rest"

type recording struct {
	Exchanges []exchange `json:"exchanges"`
}

type exchange struct {
	Request struct {
		Method      string         `json:"method"`
		Path        string         `json:"path"`
		IfNoneMatch map[string]any `json:"if_none_match"`
	} `json:"request"`
	Response struct {
		Status  int               `json:"status"`
		Headers map[string]string `json:"headers"`
		Body    json.RawMessage   `json:"body"`
	} `json:"response"`
}

func TestRecordedAnswers(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(recordings, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		if os.Getenv("REQUIRE_SHARED") == "1" {
			t.Fatalf("no recordings in %s", recordings)
		}
		t.Skipf("no recordings in %s", recordings)
	}
	replayed := map[string]int{}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var rec recording
			if err := json.Unmarshal(raw, &rec); err != nil {
				t.Fatal(err)
			}
			if len(rec.Exchanges) == 0 {
				t.Fatal("no exchanges in it")
			}
			r := &replay{t: t, tags: map[string]Tag{}}
			r.client, _ = serve(t, r.answer)
			for _, x := range rec.Exchanges {
				r.now = x
				replayed[r.ask()]++
			}
		})
	}
	t.Logf("asked: %v", replayed)
	for _, endpoint := range []string{"list_runs", "get_run", "get_run_attempt", "list_attempt_jobs", "list_run_jobs", "get_job", "get_job_logs",
		"get_repository", "get_rate_limit"} {
		if replayed[endpoint] == 0 && len(files) > 30 {
			t.Errorf("no recording was read by %s", endpoint)
		}
	}
}

// replay serves one exchange after the other and asks the client for it.
type replay struct {
	t      *testing.T
	client *Client
	now    exchange
	tags   map[string]Tag
	next   string
}

// template is what the people the recordings come from put in the place of times.
var template = regexp.MustCompile(`\{\{.*\}\}`)

func (r *replay) answer(w http.ResponseWriter, req *http.Request) {
	want, _, _ := strings.Cut(r.now.Request.Path, "?")
	if req.URL.Path != want {
		r.t.Errorf("asked %s, recorded %s", req.URL.Path, want)
	}
	if condition, ok := r.now.Request.IfNoneMatch["equalTo"].(string); ok && req.Header.Get("If-None-Match") != condition {
		r.t.Errorf("sent If-None-Match %q, recorded %q", req.Header.Get("If-None-Match"), condition)
	}
	if condition, ok := r.now.Request.IfNoneMatch["matches"].(string); ok && !regexp.MustCompile(condition).MatchString(req.Header.Get("If-None-Match")) {
		r.t.Errorf("sent If-None-Match %q, recorded %q", req.Header.Get("If-None-Match"), condition)
	}
	body := []byte(r.now.Response.Body)
	if string(body) == "null" {
		body = nil
	}
	for name, value := range r.now.Response.Headers {
		switch {
		case strings.EqualFold(name, "Transfer-Encoding"), strings.EqualFold(name, "Content-Length"):
			continue
		case strings.EqualFold(name, "Content-Encoding"):
			body = gzipped(r.t, body)
		case strings.EqualFold(name, "Link"):
			value = strings.ReplaceAll(value, "https://api.github.com", "http://"+req.Host+basePath)
		case template.MatchString(value) && strings.EqualFold(name, "Date"):
			value = time.Now().UTC().Format(http.TimeFormat)
		case template.MatchString(value):
			value = strconv.FormatInt(time.Now().Unix()+3600, 10)
		}
		w.Header().Set(name, value)
	}
	w.WriteHeader(r.now.Response.Status)
	w.Write(body)
}

var numbers = regexp.MustCompile(`/(?:runs|jobs|attempts)/(\d+)`)

// ask puts the question of the present exchange through the client and checks what comes; it gives the endpoint, "" for
// those the client does not know.
func (r *replay) ask() string {
	t, c, ctx := r.t, r.client, context.Background()
	path, _, _ := strings.Cut(r.now.Request.Path, "?")
	if r.now.Request.Method != http.MethodGet {
		r.onlyClassify()
		return ""
	}
	var n []int64
	for _, m := range numbers.FindAllStringSubmatch(path, -1) {
		id, _ := strconv.ParseInt(m[1], 10, 64)
		n = append(n, id)
	}
	repo := strings.Join(strings.Split(strings.TrimPrefix(path, "/repos/")+"//", "/")[:2], "/")
	p := PageRequest{Tag: r.tags[r.now.Request.Path]}
	if strings.HasPrefix(path, "/repositories/") {
		p.Next, repo = r.next, "any/any"
	}
	switch {
	case strings.HasSuffix(path, "/actions/runs"):
		page, err := c.Runs(ctx, repo, RunFilter{Created: "2022-12-24"}, p)
		checkList(r, "workflow_runs", page, err, runFields)
		return "list_runs"
	case strings.Contains(path, "/attempts/") && strings.HasSuffix(path, "/jobs"):
		page, err := c.AttemptJobs(ctx, repo, n[0], int(n[1]), p)
		checkList(r, "jobs", page, err, jobFields)
		return "list_attempt_jobs"
	case strings.HasSuffix(path, "/jobs"):
		page, err := c.RunJobs(ctx, repo, n[0], "", p)
		checkList(r, "jobs", page, err, jobFields)
		return "list_run_jobs"
	case strings.Contains(path, "/actions/jobs/") && strings.HasSuffix(path, "/logs"):
		location, err := c.JobLogs(ctx, repo, n[0])
		if err != nil || location != r.now.Response.Headers["Location"] {
			t.Errorf("location %q, %v", location, err)
		}
		return "get_job_logs"
	case strings.Contains(path, "/actions/jobs/"):
		job, err := c.Job(ctx, repo, n[0])
		r.checkOne(err, jobFields(job))
		return "get_job"
	case strings.Contains(path, "/attempts/"):
		run, err := c.RunAttempt(ctx, repo, n[0], int(n[1]))
		r.checkOne(err, runFields(run))
		return "get_run_attempt"
	case strings.Contains(path, "/actions/runs/") && strings.Count(path, "/") == 6:
		run, _, err := c.Run(ctx, repo, n[0], Tag{})
		r.checkOne(err, runFields(run))
		return "get_run"
	case path == "/rate_limit":
		if _, err := c.RateLimit(ctx); !errors.Is(err, ErrNoRateLimit) {
			t.Errorf("got %v", err)
		}
		return "get_rate_limit"
	case strings.HasPrefix(path, "/repos/") && strings.Count(path, "/") == 3:
		r.checkRepository(c.Repository(ctx, repo, p.Tag))
		return "get_repository"
	default:
		r.onlyClassify()
		return ""
	}
}

// onlyClassify is for questions the client does not ask (POST, workflows, timing): errors are still told apart, and no
// list decoder takes the answer for its own.
func (r *replay) onlyClassify() {
	h := http.Header{}
	for name, value := range r.now.Response.Headers {
		h.Set(name, value)
	}
	e := classify(r.now.Response.Status, h, r.now.Response.Body, time.Now(), "")
	if r.now.Response.Status == http.StatusForbidden && e.Kind != KindForbidden {
		r.t.Errorf("%s is %s", r.now.Request.Path, e.Kind)
	}
	if _, _, err := decodeJobs(context.Background(), r.now.Response.Body, ever); err == nil {
		r.t.Errorf("%s passes for a list of jobs", r.now.Request.Path)
	}
	if _, _, err := decodeRuns(context.Background(), r.now.Response.Body, ever); err == nil {
		r.t.Errorf("%s passes for a list of runs", r.now.Request.Path)
	}
}

// failed checks an answer that is an error; false if it is none.
func (r *replay) failed(err error) bool {
	status := r.now.Response.Status
	if status == http.StatusOK {
		if err != nil {
			r.t.Errorf("%s: %v", r.now.Request.Path, err)
		}
		return err != nil
	}
	if status == http.StatusNotModified {
		if !errors.Is(err, ErrNotModified) {
			r.t.Errorf("%s: got %v, want ErrNotModified", r.now.Request.Path, err)
		}
		return true
	}
	kind := map[int]Kind{404: KindNotFound, 403: KindSecondaryLimit, 429: KindSecondaryLimit}[status]
	if e := wantKind(r.t, err, kind); status == 429 && e.RetryAfter != 8*time.Second {
		r.t.Errorf("retry after %s, want 8s", e.RetryAfter)
	}
	return true
}

func (r *replay) checkRepository(repo Repository, tag Tag, err error) {
	if r.failed(err) {
		return
	}
	r.tags[r.now.Request.Path] = tag
	var want Repository
	var visibility struct {
		Private *bool `json:"private"`
	}
	err = json.Unmarshal(r.now.Response.Body, &visibility)
	want.Public = err == nil && visibility.Private != nil && !*visibility.Private
	if err := json.Unmarshal(r.now.Response.Body, &want); err != nil || repo != want || tag.IsZero() {
		r.t.Errorf("got %+v, want %+v (%v), tag %v", repo, want, err, tag)
	}
}

func (r *replay) checkOne(err error, got map[string]any) {
	if !r.failed(err) {
		compare(r.t, r.now.Request.Path, r.now.Response.Body, got)
	}
}

func checkList[T any](r *replay, key string, page Page[T], err error, fields func(T) map[string]any) {
	t := r.t
	if r.failed(err) {
		return
	}
	var body map[string]json.RawMessage
	var entries []json.RawMessage
	if err := errors.Join(json.Unmarshal(r.now.Response.Body, &body), json.Unmarshal(body[key], &entries)); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(page.TotalCount) != string(body["total_count"]) || len(page.Items) != len(entries) {
		t.Fatalf("total %d of %s, %d entries of %d", page.TotalCount, body["total_count"], len(page.Items), len(entries))
	}
	for i, entry := range entries {
		compare(t, fmt.Sprintf("%s %d", r.now.Request.Path, i), entry, fields(page.Items[i]))
	}
	link := r.now.Response.Headers["Link"]
	if (page.Next != "") != strings.Contains(link, `rel="next"`) {
		t.Errorf("next %q of Link %q", page.Next, link)
	}
	etag := r.now.Response.Headers["ETag"] + r.now.Response.Headers["Etag"]
	if page.Tag.etag != etag {
		t.Errorf("tag %q, recorded %q", page.Tag.etag, etag)
	}
	r.next = page.Next
}

// compare holds decoded fields against the same fields of the body, read without any of the client's types.
func compare(t *testing.T, what string, body []byte, got map[string]any) {
	t.Helper()
	var want map[string]any
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if err := decoder.Decode(&want); err != nil {
		t.Fatal(err)
	}
	for name, value := range got {
		if at, ok := value.(time.Time); ok {
			text, _ := want[name].(string)
			if text == "" && !at.IsZero() || text != "" && !at.Equal(instant(t, text)) {
				t.Errorf("%s: %s is %s, want %q", what, name, at, text)
			}
			continue
		}
		raw := want[name]
		if steps, ok := value.([]map[string]any); ok {
			entries, _ := raw.([]any)
			if len(entries) != len(steps) {
				t.Errorf("%s: %d steps, want %d", what, len(steps), len(entries))
				continue
			}
			for i, step := range steps {
				entry, _ := json.Marshal(entries[i])
				compare(t, fmt.Sprintf("%s step %d", what, i), entry, step)
			}
			continue
		}
		if raw == nil { // null or missing: the zero value, printed
			raw = map[bool]any{true: "", false: 0}[fmt.Sprintf("%T", value) == "string"]
		}
		if fmt.Sprint(raw) != fmt.Sprint(value) {
			t.Errorf("%s: %s is %v, want %v", what, name, value, raw)
		}
	}
}

func runFields(r Run) map[string]any {
	return map[string]any{
		"id": r.ID, "name": r.Name, "path": r.Path, "head_branch": r.HeadBranch, "event": r.Event, "status": r.Status,
		"conclusion": r.Conclusion, "workflow_id": r.WorkflowID, "run_attempt": r.RunAttempt,
		"created_at": r.CreatedAt, "updated_at": r.UpdatedAt, "run_started_at": r.RunStartedAt,
	}
}

func jobFields(j Job) map[string]any {
	steps := make([]map[string]any, len(j.Steps))
	for i, s := range j.Steps {
		steps[i] = map[string]any{"name": s.Name, "number": s.Number, "status": s.Status, "conclusion": s.Conclusion,
			"started_at": s.StartedAt, "completed_at": s.CompletedAt}
	}
	return map[string]any{
		"id": j.ID, "run_id": j.RunID, "run_attempt": j.RunAttempt, "name": j.Name, "workflow_name": j.WorkflowName,
		"head_branch": j.HeadBranch, "status": j.Status, "conclusion": j.Conclusion,
		"created_at": j.CreatedAt, "started_at": j.StartedAt, "completed_at": j.CompletedAt,
		"runner_id": j.RunnerID, "runner_name": j.RunnerName, "runner_group_name": j.RunnerGroupName, "steps": steps,
	}
}
