package config

import "time"

// Default returns the configuration of an empty file. It lacks only a target to be valid.
func Default() *Config {
	return &Config{
		GitHub: GitHub{
			APIURL:                "https://api.github.com",
			APIVersion:            "2022-11-28",
			Timeout:               Duration(30 * time.Second),
			MaxConcurrentRequests: 8,
			RequestsPerSecond:     10,
			RateLimitReserve:      0.1,
		},
		Targets: Targets{Workflows: all()},
		Poll: Poll{
			Interval:          Duration(time.Minute),
			MaxInterval:       Duration(15 * time.Minute),
			HintedInterval:    Duration(time.Hour),
			Lookback:          Duration(24 * time.Hour),
			MaxRunAge:         Duration(35 * 24 * time.Hour),
			RerunWindow:       Duration(30 * 24 * time.Hour),
			DiscoveryInterval: Duration(10 * time.Minute),
			Live:              true,
		},
		Webhook:  Webhook{Path: "/webhook"},
		Hints:    Hints{Deliveries: Auto, GraphQL: Auto},
		Failures: Failures{Annotations: AnnotationsAuto},
		Storage:  Storage{Path: "data"},
		Metrics: Metrics{
			NativeHistograms: true,
			Exemplars:        true,
			InitialZero:      Duration(150 * time.Second),
			SeriesLimit:      10000,
			SeriesTTL:        Duration(35 * 24 * time.Hour),
			BranchTTL:        Duration(14 * 24 * time.Hour),
		},
	}
}

// SetDefaults gives an owner written without patterns every repository.
func (o *Owner) SetDefaults() { o.Selector = all() }
