package config

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github_workflow_exporter/collector/family"
	"github_workflow_exporter/collector/relabel"
)

func globs(patterns ...string) []Glob {
	list := make([]Glob, 0, len(patterns))
	for _, p := range patterns {
		list = append(list, Glob{p})
	}
	return list
}

func regex(t *testing.T, s string) relabel.Regexp {
	t.Helper()
	re, err := relabel.NewRegexp(s)
	if err != nil {
		t.Fatal(err)
	}
	return re
}

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func load(t *testing.T, path string) *Config {
	t.Helper()
	c, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestLoadEverything(t *testing.T) {
	t.Setenv(TokenVariable, "from-environment")
	drop, empty := relabel.Default(), relabel.Default()
	drop.SourceLabels, drop.Separator = []string{"__actor__", "repository"}, "@"
	drop.Regex, drop.Action = regex(t, "dependabot.*"), relabel.Drop
	empty.Regex, empty.TargetLabel, empty.Replacement = regex(t, ""), "__tmp", ""
	const day = Duration(24 * time.Hour)
	want := &Config{
		GitHub: GitHub{
			APIURL:                "https://ghes.example.com/api/v3",
			APIVersion:            "2026-03-10",
			TokenFile:             "testdata/good/secret.token",
			Timeout:               Duration(90 * time.Second),
			MaxConcurrentRequests: 100, RequestsPerSecond: 0.5,
		},
		Targets: Targets{
			Repositories: []string{"octo-org/octo-repo", "octo-org/.github"},
			Organizations: []Owner{
				{Name: "octo-org", Selector: Selector{globs("api-*", "web"), globs("*-old")}, Archived: true, Forks: true},
				{Name: "42", Selector: all()},
			},
			Users:     []Owner{{Name: "mona_acme", Selector: all()}},
			Workflows: Selector{globs("*"), globs("dynamic/*")},
		},
		Webhook: Webhook{Path: "/hooks/github", ListenAddress: "127.0.0.1:9888"},
		Poll: Poll{HintedInterval: Duration(2 * time.Hour),
			Interval: Duration(time.Second), MaxInterval: Duration(time.Second), MaxRunAge: 35 * day, RerunWindow: 14 * day,
			DiscoveryInterval: Duration(10 * time.Second),
		},
		Hints:    Hints{Deliveries: Off, GraphQL: Off, OrganizationHooks: []OrganizationHook{{"octo-org", 12345678}}},
		Failures: Failures{Annotations: AnnotationsREST},
		Storage:  Storage{Path: "/var/lib/exporter"},
		Metrics: Metrics{
			SeriesLimit:      1,
			Buckets:          Buckets{Job: []float64{0.5, 1, 100}},
			DisabledFamilies: []string{"github_workflow_step_duration_seconds", "github_workflow_jobs"},
			Branches:         globs("main", "release-*", "1.10"),
			RunnerRules: []NameRule{
				{regex(t, "(pool)-.*"), "${1}"}, {regex(t, "(?P<scale>arc)-.*"), "$scale"}, {regex(t, "gone-.*"), ""},
			},
			LabelRules: []NameRule{{regex(t, "(ephemeral)-[0-9]+"), "${1}"}},
			FailureRules: []FailureRule{
				{Search{regexp.MustCompile("OOMKilled|exit code 137")}, "out_of_memory"}, {Search{regexp.MustCompile("(?i)^lint$")}, "step"},
			},
			Prices: []Price{
				{regex(t, "build-(large|huge)"), "build_large", 0.016}, {regex(t, "own"), "free", 0},
			},
			RelabelConfigs: []relabel.Rule{drop, empty},
		},
	}
	if diff := cmp.Diff(want, load(t, "testdata/good/full.yml")); diff != "" {
		t.Errorf("config differs (-want +got):\n%s", diff)
	}
}

// A section whose keys are all commented out is not there, and a document may be closed.
func TestLoadEmptySections(t *testing.T) {
	t.Setenv(TokenVariable, "")
	want := Default()
	want.Targets.Repositories = []string{"octo-org/octo-repo"}
	want.Storage.Path = "testdata/good/data"
	if diff := cmp.Diff(want, load(t, "testdata/good/sections_empty.yml")); diff != "" {
		t.Errorf("config differs (-want +got):\n%s", diff)
	}
}

func TestLoadUnreadable(t *testing.T) {
	t.Setenv(TokenVariable, "")
	dir := t.TempDir()
	for path, want := range map[string]string{
		filepath.Join(dir, "none.yml"): "cannot be read: no such file or directory",
		dir:                            "cannot be read: it is a directory, not a file",
		write(t, filepath.Join(dir, "large.yml"), strings.Repeat("#", maxFile+1)): "cannot be read: it is larger than 1 MiB",
		write(t, filepath.Join(dir, "binary.yml"), "\x00\x01"):                    "is not valid YAML: control characters are not allowed",
	} {
		_, err := Load(path)
		if err == nil || !strings.HasPrefix(err.Error(), path) || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("error is %v, want one that begins with %s and ends with %q", err, path, want)
		}
	}
}

// A dump loads to what was dumped, and never holds the token.
func TestDump(t *testing.T) {
	t.Setenv(TokenVariable, "")
	const secret = "ghp_thisIsNotARealTokenButLooksLikeOne00"
	for _, name := range []string{"full.yml", "sections_empty.yml"} {
		want := load(t, filepath.Join("testdata/good", name))
		if token, err := want.GitHub.ReadToken(); name == "full.yml" && (token != secret || err != nil) {
			t.Fatalf("token is %q, %v", token, err)
		}
		for _, path := range []*string{&want.GitHub.TokenFile, &want.Storage.Path} {
			if *path != "" {
				*path, _ = filepath.Abs(*path)
			}
		}
		if strings.Contains(want.String(), secret) {
			t.Errorf("the dump of %s holds the token", name)
		}
		got := load(t, write(t, filepath.Join(t.TempDir(), "dump.yml"), want.String()))
		if !bytes.Equal(got.YAML(), want.YAML()) {
			t.Errorf("%s: the dump of a dump differs:\n%s", name, cmp.Diff(want.String(), got.String()))
		}
	}
}

func TestLoadWith(t *testing.T) {
	t.Setenv(TokenVariable, "")
	path := write(t, filepath.Join(t.TempDir(), "config.yml"), "targets: {repositories: [octo-org/octo-repo]}\nstorage: {path: ledger}\n")
	empty := write(t, filepath.Join(t.TempDir(), "empty.yml"), "")
	for _, tt := range []struct {
		name             string
		path             string
		flags            Overrides
		repositories     string
		storage, problem string
	}{
		{
			name: "file alone", path: path,
			repositories: "octo-org/octo-repo", storage: filepath.Join(filepath.Dir(path), "ledger"),
		},
		{
			name: "flags alone", flags: Overrides{Repositories: []string{"a/b", "c/d", "A/B"}},
			repositories: "a/b c/d", storage: "data",
		},
		{
			name: "both", path: path, flags: Overrides{[]string{"Octo-Org/Octo-Repo", "a/b"}, "here"},
			repositories: "octo-org/octo-repo a/b", storage: "here",
		},
		{
			name: "targets by flag only", path: empty, flags: Overrides{Repositories: []string{"a/b"}},
			repositories: "a/b", storage: filepath.Join(filepath.Dir(empty), "data"),
		},
		{
			name: "neither", flags: Overrides{StoragePath: "here"},
			problem: "targets: nothing to watch; name something in targets.repositories (such as octo-org/octo-repo), targets.organizations or targets.users of the file that --config.file names, or give --github.repository",
		},
		{
			name: "bad flag", path: path, flags: Overrides{Repositories: []string{"octo-repo"}},
			problem: `--github.repository: must be owner/name such as octo-org/octo-repo, not "octo-repo"; to watch all of octo-repo, name it in targets.organizations or targets.users`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := LoadWith(tt.path, tt.flags)
			if tt.problem != "" {
				if c != nil || err == nil || err.Error() != tt.problem {
					t.Fatalf("got %v, want %s", err, tt.problem)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(c.Targets.Repositories, " "); got != tt.repositories {
				t.Errorf("repositories %s, want %s", got, tt.repositories)
			}
			if c.Storage.Path != tt.storage {
				t.Errorf("storage path %s, want %s", c.Storage.Path, tt.storage)
			}
		})
	}
}

func TestToken(t *testing.T) {
	dir := t.TempDir()
	without := write(t, filepath.Join(dir, "without.yml"), "targets: {repositories: [a/b]}\n")
	with := write(t, filepath.Join(dir, "with.yml"), "targets: {repositories: [a/b]}\ngithub: {token_file: token}\n")
	file := write(t, filepath.Join(dir, "token"), "from-file\r\n")
	for _, tt := range []struct {
		name, config, env, want, problem string
		fromEnv                          bool
	}{
		{name: "neither", config: without},
		{name: "blank environment", config: without, env: " \n"},
		{name: "environment", config: without, env: "from-env\n", want: "from-env", fromEnv: true},
		{name: "file wins", config: with, env: "from-env", want: "from-file"},
		{
			name: "bad environment", config: without, env: "one two",
			problem: "environment variable GITHUB_TOKEN: must hold nothing but one token, without spaces or line breaks in it",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv(TokenVariable, tt.env)
			c, err := Load(tt.config)
			if tt.problem != "" {
				if err == nil || err.Error() != tt.problem {
					t.Errorf("got %v, want %s", err, tt.problem)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			token, err := c.GitHub.ReadToken()
			if token != tt.want || err != nil || c.GitHub.TokenFromEnv != tt.fromEnv {
				t.Errorf("token %q, %v, from environment %t; want %q, %t", token, err, c.GitHub.TokenFromEnv, tt.want, tt.fromEnv)
			}
		})
	}
	t.Run("read anew", func(t *testing.T) {
		c := load(t, with)
		write(t, file, "rotated")
		if token, err := c.GitHub.ReadToken(); token != "rotated" || err != nil {
			t.Errorf("token %q, %v", token, err)
		}
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
		want := "reading token file " + file + ": no such file or directory"
		if token, err := c.GitHub.ReadToken(); token != "" || err == nil || err.Error() != want {
			t.Errorf("token %q, %v; want %s", token, err, want)
		}
	})
}

func TestCAFile(t *testing.T) {
	t.Setenv(TokenVariable, "")
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	born := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IsCA: true, BasicConstraintsValid: true, NotBefore: born, NotAfter: born.AddDate(1, 0, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "ca.pem"), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	c := load(t, write(t, filepath.Join(dir, "config.yml"),
		"targets: {repositories: [a/b]}\ngithub: {tls_config: {ca_file: ca.pem}}\n"))
	if c.GitHub.TLSConfig.RootCAs == nil {
		t.Fatal("no certificates loaded")
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cert.Verify(x509.VerifyOptions{Roots: c.GitHub.TLSConfig.RootCAs, CurrentTime: born}); err != nil {
		t.Errorf("the certificate is not among the roots: %v", err)
	}
}

func TestNeedsRestart(t *testing.T) {
	for _, tt := range []struct {
		want   string
		change func(*Config)
	}{
		{"", func(*Config) {}},
		{"", func(c *Config) {
			c.GitHub.TokenFile, c.Poll.Live, c.Metrics.SeriesLimit, c.Targets.Repositories = "x", false, 1, []string{"a/b"}
		}},
		{"github.api_url", func(c *Config) { c.GitHub.APIURL, c.Storage.Path = "https://ghes.example.com/api/v3", "x" }},
		{"storage.path", func(c *Config) { c.Storage.Path = "x" }},
	} {
		changed := Default()
		tt.change(changed)
		if got := NeedsRestart(Default(), changed); got != tt.want {
			t.Errorf("NeedsRestart = %q, want %q", got, tt.want)
		}
	}
}

func TestBucketsAndDisabled(t *testing.T) {
	m := Metrics{Buckets: Buckets{Queue: []float64{1, 2}}, DisabledFamilies: []string{"github_workflow_jobs"}}
	if diff := cmp.Diff([]float64{1, 2}, m.BucketsOf(family.Get(family.JobQueueDuration))); diff != "" {
		t.Errorf("queue buckets differ (-want +got):\n%s", diff)
	}
	job := family.Get(family.JobDuration)
	if diff := cmp.Diff(job.Buckets, m.BucketsOf(job)); diff != "" {
		t.Errorf("job buckets differ (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[family.ID]bool{family.JobsNow: true}, m.Disabled()); diff != "" {
		t.Errorf("disabled families differ (-want +got):\n%s", diff)
	}
	for _, group := range family.BucketGroups() {
		set := Metrics{Buckets: Buckets{Job: []float64{1}, Queue: []float64{2}, Step: []float64{3}, Run: []float64{4}}}
		if len(set.Buckets.group(group)) != 1 {
			t.Errorf("bucket group %s of the family table has no key", group)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"testdata/bad/*.yml", "testdata/good/*.yml", "../../config.example.yml"} {
		paths, err := filepath.Glob(pattern)
		if err != nil || len(paths) == 0 {
			f.Fatalf("no seeds in %s: %v", pattern, err)
		}
		for _, path := range paths {
			data, err := os.ReadFile(path)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c := Default()
		_, err := parse(data, c)
		if err == nil {
			err = c.Validate()
		}
		if err != nil {
			if strings.ContainsAny(err.Error(), "\r\n") {
				t.Errorf("more than one line: %q", err)
			}
			return
		}
		again := Default()
		if _, err := parse(c.YAML(), again); err != nil {
			t.Fatalf("the dump does not parse: %v\n%s", err, c)
		}
		if !bytes.Equal(again.YAML(), c.YAML()) {
			t.Errorf("the dump of the dump differs:\n%s", cmp.Diff(c.String(), again.String()))
		}
	})
}
