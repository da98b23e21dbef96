package simulator

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// sharedDir holds GitHub's own description of its API and recorded answers, where they are at hand.
const sharedDir = "../../../shared"

func readShared(t *testing.T, name string) map[string]any {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(sharedDir, name))
	if err != nil {
		if os.Getenv("REQUIRE_SHARED") == "1" {
			t.Fatal(err)
		}
		t.Skip("no shared material: ", err)
	}
	var v map[string]any
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// schemas checks values against the little of JSON schema that GitHub's description uses here.
type schemas struct{ all map[string]any }

func (s schemas) check(where string, schema map[string]any, v any) []string {
	if ref, ok := schema["$ref"].(string); ok {
		target, ok := s.all[ref[strings.LastIndex(ref, "/")+1:]].(map[string]any)
		if !ok {
			return []string{where + ": unknown schema " + ref}
		}
		return s.check(where, target, v)
	}
	if v == nil {
		if schema["nullable"] == true || schema["type"] == nil {
			return nil
		}
		return []string{where + ": null"}
	}
	var out []string
	if list, ok := schema["allOf"].([]any); ok {
		for _, one := range list {
			out = append(out, s.check(where, one.(map[string]any), v)...)
		}
	}
	if enum, ok := schema["enum"].([]any); ok && !slices.Contains(enum, v) {
		out = append(out, fmt.Sprintf("%s: %v is none of %v", where, v, enum))
	}
	switch schema["type"] {
	case "object":
		o, ok := v.(map[string]any)
		if !ok {
			return append(out, where+": not an object")
		}
		required, _ := schema["required"].([]any)
		for _, name := range required {
			if _, ok := o[name.(string)]; !ok {
				out = append(out, where+": lacks "+name.(string))
			}
		}
		properties, _ := schema["properties"].(map[string]any)
		for name, field := range o {
			if p, ok := properties[name].(map[string]any); ok {
				out = append(out, s.check(where+"."+name, p, field)...)
			}
		}
	case "array":
		list, ok := v.([]any)
		if !ok {
			return append(out, where+": not a list")
		}
		for _, e := range list {
			out = append(out, s.check(where+"[]", schema["items"].(map[string]any), e)...)
		}
	case "integer":
		if n, ok := v.(float64); !ok || n != float64(int64(n)) {
			out = append(out, fmt.Sprintf("%s: %v is no integer", where, v))
		}
	case "boolean":
		if _, ok := v.(bool); !ok {
			out = append(out, fmt.Sprintf("%s: %v is no boolean", where, v))
		}
	case "string":
		text, ok := v.(string)
		if !ok {
			return append(out, fmt.Sprintf("%s: %v is no string", where, v))
		}
		switch schema["format"] {
		case "date-time":
			if _, err := time.Parse(time.RFC3339, text); err != nil {
				out = append(out, where+": "+err.Error())
			}
		case "uri":
			if u, err := url.Parse(text); err != nil || u.Scheme == "" {
				out = append(out, where+": "+text+" is no URI")
			}
		}
	}
	return out
}

// Bodies of a conforming world are as GitHub's own description says, for github.com and for the oldest server meant.
func TestBodiesConformToTheDescription(t *testing.T) {
	for _, file := range []string{"api.github.com.actions.json", "ghes-3.10.actions.json"} {
		t.Run(file, func(t *testing.T) {
			d := readShared(t, "openapi/"+file)
			s := schemas{d["components"].(map[string]any)["schemas"].(map[string]any)}
			rates := ConformingRates()
			repos := Repositories(1, 150)
			repos[0].Rates = &rates
			g, c := newWorld(t, Options{Seed: 11, Repositories: repos, PrimaryLimit: 100_000})
			c.add(40 * time.Hour)
			base := "/repos/octo-org/service-1/actions"
			ask := map[string]string{
				"/user/repos": "/user/repos", "/orgs/octo-org/repos": "/orgs/{org}/repos", "/rate_limit": "/rate_limit", "/meta": "/meta",
				base + "/runs?per_page=100": "/repos/{owner}/{repo}/actions/runs",
			}
			const runPath, runJobs = "/repos/{owner}/{repo}/actions/runs/{run_id}", "/repos/{owner}/{repo}/actions/runs/{run_id}/jobs"
			for i, id := range g.Runs("octo-org/service-1") {
				run := base + "/runs/" + i64(id)
				ask[run+"/attempts/1/jobs?per_page=100"] = runPath + "/attempts/{attempt_number}/jobs"
				if i%20 == 0 {
					ask[run], ask[run+"/attempts/1"] = runPath, runPath+"/attempts/{attempt_number}"
					ask[run+"/jobs?filter=all"] = runJobs
				}
				if page := decode[jobsPage](t, get(t, g, run+"/jobs")); i%20 == 0 && len(page.Jobs) > 0 {
					ask[base+"/jobs/"+i64(page.Jobs[0].ID)] = "/repos/{owner}/{repo}/actions/jobs/{job_id}"
				}
			}
			found := map[string]bool{}
			for path, operation := range ask {
				described := d["paths"].(map[string]any)[operation]
				if described == nil {
					t.Fatalf("%s is not described", operation)
				}
				v := described.(map[string]any)
				for _, k := range []string{"get", "responses", "200", "content", "application/json", "schema"} {
					v = v[k].(map[string]any)
				}
				for _, problem := range s.check("", v, decode[any](t, get(t, g, path))) {
					if !found[operation+problem] {
						t.Errorf("%s: %s", operation, problem)
					}
					found[operation+problem] = true
				}
			}
		})
	}
}

// What recorded answers hold, ours hold too.
func TestBodiesHaveTheFieldsOfRecordedOnes(t *testing.T) {
	g, c := one(t, Options{})
	id := add(t, g, "o/r", simple(0))
	c.set(at(100))
	ours := map[string]map[string]any{
		"run": decode[map[string]any](t, get(t, g, "/repos/o/r/actions/runs/"+i64(id))),
		"job": decode[struct{ Jobs []map[string]any }](t, get(t, g, "/repos/o/r/actions/runs/"+i64(id)+"/jobs")).Jobs[0],
	}
	recorded := func(file string, body func(map[string]any) map[string]any) map[string]any {
		d := readShared(t, "payloads/rest/"+file)
		for _, e := range d["exchanges"].([]any) {
			if b := body(e.(map[string]any)["response"].(map[string]any)["body"].(map[string]any)); b != nil {
				return b
			}
		}
		t.Fatalf("%s: not found", file)
		return nil
	}
	run := recorded("run-vs-attempt-created-at.json", func(b map[string]any) map[string]any { return b })
	job := recorded("jobs-14468030535.json", func(b map[string]any) map[string]any {
		jobs, _ := b["jobs"].([]any)
		if len(jobs) == 0 {
			return nil
		}
		return jobs[0].(map[string]any)
	})
	var compare func(where string, want, got any)
	compare = func(where string, want, got any) {
		if want == nil || got == nil {
			return
		}
		if fmt.Sprintf("%T", want) != fmt.Sprintf("%T", got) {
			t.Errorf("%s: %T, recorded as %T", where, got, want)
			return
		}
		switch w := want.(type) {
		case map[string]any:
			for k, v := range w {
				ours, ok := got.(map[string]any)[k]
				if !ok {
					t.Errorf("%s lacks %s", where, k)
				}
				compare(where+"."+k, v, ours)
			}
		case []any:
			if list := got.([]any); len(w) > 0 && len(list) > 0 {
				compare(where+"[]", w[0], list[0])
			}
		}
	}
	compare("run", run, any(ours["run"]))
	compare("job", job, any(ours["job"]))
}
