// Package explain shows, for one workflow run, what was or would be counted of it and why: job by job, by the rules that
// the exporter counts by. It is handed what was read, and asks nothing.
package explain

import (
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// Target is what is to be explained: a run, or a job, whose run has to be found.
type Target struct {
	Repository string // owner/name
	Run        int64  // 0: that of Job
	Attempt    int    // only this one; 0: all
	Job        int64  // only this one; 0: all
}

// ParseTargets reads the arguments of the command: pages of runs and jobs, and pairs of owner/name and run id. apiURL is the
// configured API, whose pages they have to be.
func ParseTargets(args []string, apiURL string) ([]Target, error) {
	var targets []Target
	for i := 0; i < len(args); i++ {
		if !strings.Contains(args[i], "://") {
			if i+1 == len(args) {
				return nil, fmt.Errorf("%q: must be the page of a run or a job, or owner/name and the number of a run", args[i])
			}
			t, err := named(args[i], args[i+1])
			if err != nil {
				return nil, err
			}
			targets = append(targets, t)
			i++
			continue
		}
		t, err := parsePage(args[i], apiURL)
		if err != nil {
			return nil, err
		}
		targets = append(targets, t)
	}
	return targets, nil
}

var (
	repositoryName = regexp.MustCompile(`^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$`)
	// runPage is the page of a run below its server: …/actions/runs/N[/attempts/N][/job[s]/ID], of old jobs …/runs/ID.
	runPage = regexp.MustCompile(`^/([A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+)/actions/runs/(\d+)(?:/attempts/(\d+))?(?:/jobs?/(\d+))?(?:/.*)?$`)
	jobPage = regexp.MustCompile(`^/([A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+)/runs/(\d+)/?$`)
)

func named(repository, run string) (Target, error) {
	id, err := strconv.ParseInt(run, 10, 64)
	if !repositoryName.MatchString(repository) || err != nil || id <= 0 {
		return Target{}, fmt.Errorf("%q %q: must be owner/name and the number of a run, such as octo-org/octo-repo 16620109074", repository, run)
	}
	return Target{Repository: repository, Run: id}, nil
}

func parsePage(page, apiURL string) (Target, error) {
	u, err := url.Parse(page)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" {
		return Target{}, fmt.Errorf("%q is no address of a page", page)
	}
	if host := pagesOf(apiURL); !strings.EqualFold(u.Host, host) {
		return Target{}, fmt.Errorf("%s is a page of %s, and github.api_url is the API of %s: use the configuration of the exporter that watches it", page, u.Host, host)
	}
	var t Target
	switch m := runPage.FindStringSubmatch(u.Path); {
	case m != nil:
		t.Repository = m[1]
		t.Run, err = strconv.ParseInt(m[2], 10, 64)
		if err == nil && m[3] != "" {
			t.Attempt, err = strconv.Atoi(m[3])
		}
		if err == nil && m[4] != "" {
			t.Job, err = strconv.ParseInt(m[4], 10, 64)
		}
	default:
		m := jobPage.FindStringSubmatch(u.Path)
		if m == nil {
			return Target{}, fmt.Errorf("%s is not the page of a run or a job, such as https://%s/octo-org/octo-repo/actions/runs/16620109074", page, u.Host)
		}
		t.Repository = m[1]
		t.Job, err = strconv.ParseInt(m[2], 10, 64)
	}
	if err != nil {
		return Target{}, fmt.Errorf("%s: a number in it is too large", page)
	}
	return t, nil
}

// pagesOf is the host of the pages that belong to an API.
func pagesOf(apiURL string) string {
	u, err := url.Parse(apiURL)
	if err != nil {
		return ""
	}
	switch host := strings.ToLower(u.Host); {
	case host == "api.github.com":
		return "github.com"
	case strings.HasPrefix(host, "api.") && strings.HasSuffix(host, ".ghe.com"):
		return strings.TrimPrefix(host, "api.")
	default:
		return u.Host
	}
}

// Page is the address of a run's page.
func Page(apiURL, repository string, run int64) string {
	scheme, _, _ := strings.Cut(apiURL, "://")
	return fmt.Sprintf("%s://%s/%s/actions/runs/%d", scheme, pagesOf(apiURL), repository, run)
}
