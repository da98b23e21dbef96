package config

import (
	"crypto/x509"
	"math"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github_workflow_exporter/collector/family"
)

// finish makes a decoded configuration ready for use: valid, with what it refers to read.
func (c *Config) finish() error {
	c.GitHub.TokenFromEnv = c.GitHub.TokenFile == "" && !c.GitHub.App.On() && strings.TrimSpace(os.Getenv(TokenVariable)) != ""
	if err := c.Validate(); err != nil {
		return err
	}
	c.GitHub.APIURL = normalURL(c.GitHub.APIURL)
	if err := c.GitHub.TLSConfig.load(); err != nil {
		return err
	}
	if err := c.GitHub.App.checkKey(); err != nil {
		return err
	}
	if err := c.Webhook.checkSecret(); err != nil {
		return err
	}
	return c.GitHub.checkToken()
}

func (t *TLSConfig) load() error {
	const key = "github.tls_config.ca_file"
	if t.CAFile == "" {
		return nil
	}
	pem, err := readFile(t.CAFile)
	if err != nil {
		return wrong(key, "reading %s: %s", t.CAFile, err)
	}
	t.RootCAs = x509.NewCertPool()
	if !t.RootCAs.AppendCertsFromPEM(pem) {
		return wrong(key, "%s must hold at least one certificate in PEM form", t.CAFile)
	}
	return nil
}

// Validate checks the values alone, without looking at files or the environment. The error is an *Error without file and
// line.
func (c *Config) Validate() error {
	for _, check := range []func() *Error{c.GitHub.check, func() *Error { return c.Targets.check(c.GitHub.App) }, c.Poll.check, c.Webhook.check, c.Hints.check, c.Failures.check, c.Storage.check, c.Metrics.check} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (g GitHub) check() *Error {
	if problem := checkURL(g.APIURL); problem != "" {
		return wrong("github.api_url", "%s", problem)
	}
	if _, err := time.Parse(time.DateOnly, g.APIVersion); err != nil {
		return wrong("github.api_version", "must be a date such as 2022-11-28, not %s", quote(g.APIVersion))
	}
	if secret.MatchString(g.TokenFile) {
		return wrong("github.token_file", "must be the path of a file that holds the token, not the token itself")
	}
	if err := g.App.check(g); err != nil {
		return err
	}
	if err := within("github.timeout", g.Timeout, time.Second, 10*time.Minute); err != nil {
		return err
	}
	if n := g.MaxConcurrentRequests; n < 1 || n > 100 {
		return wrong("github.max_concurrent_requests", "must be from 1 to 100, not %d", n)
	}
	// Written so that NaN is refused too.
	if n := g.RequestsPerSecond; !(n >= 0.1 && n <= 1000) {
		return wrong("github.requests_per_second", "must be from 0.1 to 1000, not %v", n)
	}
	if r := g.RateLimitReserve; !(r >= 0 && r < 1) {
		return wrong("github.rate_limit_reserve", "must be a share from 0 to below 1, such as 0.1, not %v", r)
	}
	return nil
}

// checkURL does not show the whole URL where it may hold a password.
func checkURL(s string) string {
	const want = "must be an absolute URL such as https://api.github.com or https://HOSTNAME/api/v3"
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return want
	case u.User != nil:
		return "must not hold a user or password; use github.token_file"
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Hostname() == "":
		return want + ", not " + quote(s)
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.Contains(s, "#"):
		return "must end with its path, without ? or #"
	}
	path := strings.TrimRight(u.Path, "/")
	for i, segment := range strings.Split(path, "/") {
		if i > 0 && segment == "" || segment == "." || segment == ".." || strings.ContainsAny(segment, " \t\r\n") {
			return want + ", not " + quote(s)
		}
	}
	switch strings.ToLower(u.Hostname()) {
	case "github.com", "www.github.com":
		return "must be https://api.github.com for github.com"
	case "api.github.com":
		if path != "" {
			return "must be https://api.github.com without a path"
		}
	}
	if tenant, found := strings.CutSuffix(strings.ToLower(u.Hostname()), ".ghe.com"); found && !strings.HasPrefix(tenant, "api.") {
		return "must be https://api." + tenant + ".ghe.com with data residency on ghe.com"
	}
	return ""
}

// normalURL makes equal what is the same: the host in lower case and no slash at the end.
func normalURL(s string) string {
	u, err := url.Parse(s)
	if err != nil {
		return s
	}
	u.Host = strings.ToLower(u.Host)
	return strings.TrimRight(u.String(), "/")
}

// The longest durations there may be: more than anybody needs, and so little that adding them up or multiplying them cannot
// overflow.
const (
	longestInterval = 24 * time.Hour
	longestWindow   = 10 * 365 * 24 * time.Hour
)

func within(key string, d Duration, least, most time.Duration) *Error {
	if time.Duration(d) < least || time.Duration(d) > most {
		return wrong(key, "must be from %s to %s, not %s", Duration(least), Duration(most), d)
	}
	return nil
}

func (p Poll) check() *Error {
	for _, limit := range []struct {
		key         string
		value       Duration
		least, most time.Duration
	}{
		{"poll.interval", p.Interval, time.Second, longestInterval},
		{"poll.max_interval", p.MaxInterval, time.Second, longestInterval},
		{"poll.hinted_interval", p.HintedInterval, time.Second, longestInterval},
		{"poll.lookback", p.Lookback, 0, longestWindow},
		{"poll.max_run_age", p.MaxRunAge, time.Second, longestWindow},
		{"poll.rerun_window", p.RerunWindow, 0, longestWindow},
		{"poll.discovery_interval", p.DiscoveryInterval, 10 * time.Second, longestInterval},
	} {
		if err := within(limit.key, limit.value, limit.least, limit.most); err != nil {
			return err
		}
	}
	if p.MaxInterval < p.Interval {
		return wrong("poll.max_interval", "must not be shorter than poll.interval, which is %s, but is %s", p.Interval, p.MaxInterval)
	}
	return nil
}

func (s Storage) check() *Error {
	if s.Path == "" {
		return wrong("storage.path", `must be a directory such as data, not ""`)
	}
	return nil
}

func (m Metrics) check() *Error {
	if err := within("metrics.initial_zero", m.InitialZero, 0, longestInterval); err != nil {
		return err
	}
	if m.SeriesLimit < 1 {
		return wrong("metrics.series_limit", "must be 1 or more, not %d", m.SeriesLimit)
	}
	if err := within("metrics.series_ttl", m.SeriesTTL, 0, longestWindow); err != nil {
		return err
	}
	if err := within("metrics.branch_ttl", m.BranchTTL, 0, longestWindow); err != nil {
		return err
	}
	for _, group := range family.BucketGroups() {
		if err := checkBuckets("metrics.buckets."+group, m.Buckets.group(group)); err != nil {
			return err
		}
	}
	for _, check := range []func(Metrics) *Error{checkDisabled, checkBranches, checkNameRules, checkFailureRules, checkPrices, checkRelabelConfigs} {
		if err := check(m); err != nil {
			return err
		}
	}
	return nil
}

const maxBuckets = 60

func checkBuckets(key string, bounds []float64) *Error {
	if len(bounds) > maxBuckets {
		return wrong(key, "must have at most %d bounds, not %d", maxBuckets, len(bounds))
	}
	for i, bound := range bounds {
		at := indexed(key, i)
		if !(bound > 0) || math.IsInf(bound, 0) {
			return wrong(at, "must be a number of seconds above 0, not %v; +Inf is always there", bound)
		}
		if i > 0 && bound <= bounds[i-1] {
			return wrong(at, "must be above the bound before it, %v, not %v", bounds[i-1], bound)
		}
	}
	return nil
}

func checkDisabled(m Metrics) *Error {
	var names []string
	for _, f := range family.All() {
		names = append(names, f.Name)
	}
	for i, name := range m.DisabledFamilies {
		at := indexed("metrics.disabled_families", i)
		if !slices.Contains(names, name) {
			if similar := Nearest(name, names); similar != "" {
				return wrong(at, "%s is no family; did you mean %s?", quote(name), similar)
			}
			return wrong(at, "%s is no family; there are %s", quote(name), strings.Join(names, ", "))
		}
		if slices.Contains(m.DisabledFamilies[:i], name) {
			return wrong(at, "%s is listed twice; keep one", name)
		}
	}
	return nil
}
