package explain

import (
	"strings"
	"testing"
)

func TestParseTargets(t *testing.T) {
	const github, ghes, ghe, test = "https://api.github.com", "https://ghes.example.com/api/v3", "https://api.acme.ghe.com", "http://127.0.0.1:9999"
	for _, tt := range []struct {
		args string
		api  string
		want Target
	}{
		{"https://github.com/octo-org/octo-repo/actions/runs/16620109074", github, Target{"octo-org/octo-repo", 16620109074, 0, 0}},
		{"https://GitHub.com/octo-org/octo.repo/actions/runs/1/", github, Target{"octo-org/octo.repo", 1, 0, 0}},
		{"https://github.com/o/r/actions/runs/1/attempts/3", github, Target{"o/r", 1, 3, 0}},
		{"https://github.com/o/r/actions/runs/1/attempts/3?pr=5", github, Target{"o/r", 1, 3, 0}},
		{"https://github.com/o/r/actions/runs/1/job/77#step:4:12", github, Target{"o/r", 1, 0, 77}},
		{"https://github.com/o/r/actions/runs/1/jobs/77", github, Target{"o/r", 1, 0, 77}},
		{"https://github.com/o/r/actions/runs/1/workflow", github, Target{"o/r", 1, 0, 0}},
		{"https://github.com/o/r/runs/77?check_suite_focus=true", github, Target{"o/r", 0, 0, 77}},
		{"https://ghes.example.com/o/r/actions/runs/1", ghes, Target{"o/r", 1, 0, 0}},
		{"https://acme.ghe.com/o/r/actions/runs/1", ghe, Target{"o/r", 1, 0, 0}},
		{"http://127.0.0.1:9999/o/r/actions/runs/1", test, Target{"o/r", 1, 0, 0}},
		{"octo-org/octo-repo 1", github, Target{"octo-org/octo-repo", 1, 0, 0}},
	} {
		got, err := ParseTargets(strings.Fields(tt.args), tt.api)
		if err != nil || len(got) != 1 || got[0] != tt.want {
			t.Errorf("%s: %+v, %v", tt.args, got, err)
		}
	}
	if got, err := ParseTargets(strings.Fields("o/r 1 https://github.com/o/r/actions/runs/2 o/r 3"), github); err != nil || len(got) != 3 || got[2].Run != 3 {
		t.Errorf("several: %+v, %v", got, err)
	}
	for args, want := range map[string]string{
		"https://github.com/o/r":                                   "is not the page of a run or a job, such as https://github.com/",
		"https://github.com/o/r/actions":                           "is not the page of a run",
		"https://github.com/o/r/actions/runs/x":                    "is not the page of a run",
		"https://ghes.example.com/o/r/actions/runs/1":              "is a page of ghes.example.com, and github.api_url is the API of github.com",
		"ftp://github.com/o/r/actions/runs/1":                      "is no address of a page",
		"https://github.com/o/r/actions/runs/99999999999999999999": "a number in it is too large",
		"o/r":   "must be the page of a run or a job, or owner/name and the number of a run",
		"o 1":   "must be owner/name and the number of a run, such as octo-org/octo-repo",
		"o/r x": "must be owner/name and the number of a run",
		"o/r 0": "must be owner/name and the number of a run",
	} {
		if _, err := ParseTargets(strings.Fields(args), github); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", args, err)
		}
	}
}

func FuzzParseTargets(f *testing.F) {
	for _, s := range []string{"https://github.com/o/r/actions/runs/1/job/2", "o/r 1", "https://github.com/o/r/runs/2", "://", "https://github.com/../../actions/runs/1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		targets, err := ParseTargets(strings.Fields(s), "https://api.github.com")
		for _, target := range targets {
			if err == nil && (target.Run <= 0 && target.Job <= 0 || !repositoryName.MatchString(target.Repository) || target.Run < 0 || target.Attempt < 0) {
				t.Errorf("%q: %+v", s, target)
			}
		}
	})
}

func TestLogTail(t *testing.T) {
	var log strings.Builder
	log.WriteString("\uFEFF2026-01-02T03:04:05.1234567Z first\r\n")
	for range 60 {
		log.WriteString("2026-01-02T03:04:05.1234567Z \x1b[36;1mgo test\x1b[0m\n")
	}
	log.WriteString("2026-01-02T03:04:06.0Z ##[error]Process completed with exit code 1.\n2026-01-02T03:04:07.0Z Post job cleanup.\n")
	got := LogTail(log.String())
	if len(got) != maxLogLines || got[len(got)-1] != "##[error]Process completed with exit code 1." || got[0] != "go test" {
		t.Errorf("%d lines from %q to %q", len(got), got[0], got[len(got)-1])
	}
	if got := LogTail("one\ntwo\x07\n"); len(got) != 2 || got[1] != "two" {
		t.Errorf("%q", got)
	}
}
