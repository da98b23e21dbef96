package app

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// reloadMetrics tell whether the configuration in force is the one in the file.
type reloadMetrics struct {
	successful, at prometheus.Gauge
}

func newReloadMetrics(reg prometheus.Registerer) (*reloadMetrics, error) {
	m := &reloadMetrics{
		successful: prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: namespace, Name: "config_last_reload_successful",
			Help: "1 if the last loading of the configuration succeeded, else 0.",
		}),
		at: prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: namespace, Name: "config_last_reload_success_timestamp_seconds",
			Help: "Unix time of the last successful loading of the configuration.",
		}),
	}
	for _, c := range []prometheus.Collector{m.successful, m.at} {
		if err := reg.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (m *reloadMetrics) succeeded(now time.Time) {
	m.successful.Set(1)
	m.at.Set(float64(now.UnixMilli()) / 1000)
}

func (m *reloadMetrics) failed() { m.successful.Set(0) }
