// Package config turns the configuration file, the flags that stand in for it and the environment into one validated
// value. Nothing else in the program reads them.
package config

import (
	"crypto/x509"
	"strings"

	"go.yaml.in/yaml/v3"

	"github_workflow_exporter/collector/family"
	"github_workflow_exporter/collector/relabel"
)

// Config is the whole configuration. Load and LoadWith return it valid, with paths resolved and patterns compiled; it is
// not changed afterwards, so it may be shared. It holds no secret.
type Config struct {
	GitHub   GitHub   `yaml:"github"`
	Targets  Targets  `yaml:"targets"`
	Poll     Poll     `yaml:"poll"`
	Webhook  Webhook  `yaml:"webhook"`
	Hints    Hints    `yaml:"hints"`
	Failures Failures `yaml:"failures"`
	Storage  Storage  `yaml:"storage"`
	Metrics  Metrics  `yaml:"metrics"`
}

// GitHub says how to reach the API and how hard to use it.
type GitHub struct {
	APIURL     string `yaml:"api_url"` // absolute, without a trailing slash
	APIVersion string `yaml:"api_version"`
	// TokenFile holds the token; ReadToken reads it. Empty: TokenFromEnv tells between the environment and no token.
	TokenFile    string `yaml:"token_file"`
	TokenFromEnv bool   `yaml:"-"`
	App          App    `yaml:"app"`
	// Timeout of one request, its body included.
	Timeout               Duration `yaml:"timeout"`
	MaxConcurrentRequests int      `yaml:"max_concurrent_requests"`
	// RequestsPerSecond bounds all requests, unchanged answers included; 0.1 to 1000.
	RequestsPerSecond float64 `yaml:"requests_per_second"`
	// RateLimitReserve is the share of the primary rate limit, 0 to below 1, that is left to the token's other users.
	RateLimitReserve float64   `yaml:"rate_limit_reserve"`
	TLSConfig        TLSConfig `yaml:"tls_config"`
}

// TLSConfig says which authorities to trust.
type TLSConfig struct {
	CAFile string `yaml:"ca_file"`
	// RootCAs are the certificates of CAFile, which replace the system's; nil means the system's.
	RootCAs *x509.CertPool `yaml:"-"`
}

// Targets says what is watched.
type Targets struct {
	Repositories  []string `yaml:"repositories"` // owner/name
	Organizations []Owner  `yaml:"organizations"`
	Users         []Owner  `yaml:"users"`
	Workflows     Selector `yaml:"workflows"` // by path, such as .github/workflows/ci.yml
}

// Owner is an organization or a user whose repositories are watched as they come and go.
type Owner struct {
	Name     string `yaml:"name"`
	Selector `yaml:",inline"`
	Archived bool `yaml:"archived"`
	Forks    bool `yaml:"forks"`
}

// Match reports whether a repository of the owner is wanted by its name, given without the owner. GitHub does not tell
// names apart by case, so neither does it.
func (o Owner) Match(repository string) bool { return o.match(repository, true) }

// Poll says how often and how far back to ask.
type Poll struct {
	Interval          Duration `yaml:"interval"`
	MaxInterval       Duration `yaml:"max_interval"`
	HintedInterval    Duration `yaml:"hinted_interval"`
	Lookback          Duration `yaml:"lookback"`
	MaxRunAge         Duration `yaml:"max_run_age"`
	RerunWindow       Duration `yaml:"rerun_window"`
	DiscoveryInterval Duration `yaml:"discovery_interval"`
	Live              bool     `yaml:"live"`
}

// Storage says where the ledger is.
type Storage struct {
	Path string `yaml:"path"` // a directory
}

// Metrics says what is exposed and how.
type Metrics struct {
	NativeHistograms bool     `yaml:"native_histograms"`
	Exemplars        bool     `yaml:"exemplars"`
	InitialZero      Duration `yaml:"initial_zero"`
	SeriesLimit      int      `yaml:"series_limit"` // label sets per family
	SeriesTTL        Duration `yaml:"series_ttl"`   // 0: forever
	Buckets          Buckets  `yaml:"buckets"`
	// DisabledFamilies are full metric names.
	DisabledFamilies []string `yaml:"disabled_families"`
	Branches         []Glob   `yaml:"branches"`
	// RunnerRules are for names of runners, LabelRules for each runs-on label, in lower case.
	RunnerRules  []NameRule    `yaml:"runner_rules"`
	LabelRules   []NameRule    `yaml:"label_rules"`
	FailureRules []FailureRule `yaml:"failure_rules"`
	Prices       []Price       `yaml:"prices"`
	// BranchTTL is for how long a branch is shown after its last run; 0: forever.
	BranchTTL      Duration       `yaml:"branch_ttl"`
	RelabelConfigs []relabel.Rule `yaml:"relabel_configs"`
}

// Buckets are upper bounds in seconds by bucket group, ascending, without +Inf; an empty list means the family's own.
type Buckets struct {
	Job   []float64 `yaml:"job,flow"`
	Queue []float64 `yaml:"queue,flow"`
	Step  []float64 `yaml:"step,flow"`
	Run   []float64 `yaml:"run,flow"`
}

// group returns the bounds by the key that names them in family.Family.BucketGroup.
func (b Buckets) group(key string) []float64 {
	switch key {
	case "job":
		return b.Job
	case "queue":
		return b.Queue
	case "step":
		return b.Step
	case "run":
		return b.Run
	}
	return nil
}

// BucketsOf returns the upper bounds in seconds that apply to a family: the configured ones, or its own. The caller must
// not change them.
func (m Metrics) BucketsOf(f family.Family) []float64 {
	if configured := m.Buckets.group(f.BucketGroup); len(configured) > 0 {
		return configured
	}
	return f.Buckets
}

// Disabled returns the families that are neither counted nor shown.
func (m Metrics) Disabled() map[family.ID]bool {
	disabled := make(map[family.ID]bool, len(m.DisabledFamilies))
	for _, name := range m.DisabledFamilies {
		if f, ok := family.ByName(name); ok {
			disabled[f.ID] = true
		}
	}
	return disabled
}

// Enterprise tells whether the API is that of a server of one's own, which all have it at this path.
func (g GitHub) Enterprise() bool { return strings.HasSuffix(g.APIURL, "/api/v3") }

// YAML returns the configuration as a file that would load to the same, without secrets.
func (c *Config) YAML() []byte {
	out, err := yaml.Marshal(c)
	if err != nil {
		// No field can fail to marshal; a comment is still a valid document.
		return []byte("# " + err.Error() + "\n")
	}
	return out
}

// String returns what YAML returns.
func (c *Config) String() string { return string(c.YAML()) }

// NeedsRestart names the first key that differs and cannot be changed while the program runs, or returns "". The API and
// the ledger belong together, and the ledger is open.
func NeedsRestart(old, next *Config) string {
	switch {
	case old.GitHub.APIURL != next.GitHub.APIURL:
		return "github.api_url"
	case old.Storage.Path != next.Storage.Path:
		return "storage.path"
	case old.Webhook.On() != next.Webhook.On():
		return "webhook.secret_file"
	case old.Webhook.Path != next.Webhook.Path:
		return "webhook.path"
	case old.Webhook.ListenAddress != next.Webhook.ListenAddress:
		return "webhook.listen_address"
	}
	return ""
}
