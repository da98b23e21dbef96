package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// scrapeInterval of the test's Prometheus: the shortest that is usual, so that a hundred of them do not take long.
const scrapeInterval = time.Second

// server is a real Prometheus that scrapes one exporter.
type server struct {
	address string
	process *process
}

func startPrometheus(t *testing.T, binary, target string) *server {
	t.Helper()
	return startConfigured(t, binary, t.TempDir(), fmt.Sprintf(`global:
  scrape_interval: %[1]s
  scrape_timeout: %[1]s
scrape_configs:
  - job_name: github_workflow_exporter
    static_configs:
      - targets: [%[2]q]
`, scrapeInterval, target))
}

// startConfigured starts a Prometheus with a configuration; what that refers to is in dir.
func startConfigured(t *testing.T, binary, dir, text string) *server {
	t.Helper()
	config := filepath.Join(dir, "prometheus.yml")
	write(t, config, text)
	s := &server{address: freeAddress(t)}
	s.process = start(t, binary, "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "data"),
		"--web.listen-address="+s.address, "--log.level=warn")
	eventually(t, "Prometheus is ready", time.Minute, 200*time.Millisecond, func() string {
		s.process.running(t)
		if _, err := get(t.Context(), "http://"+s.address+"/-/ready"); err != nil {
			return err.Error()
		}
		return ""
	})
	return s
}

// sample is one series of an instant vector.
type sample struct {
	labels map[string]string
	value  float64
}

// query evaluates an expression that yields an instant vector.
func (s *server) query(ctx context.Context, expression string, at time.Time) ([]sample, error) {
	var answer struct {
		ResultType string `json:"resultType"`
		Result     []struct {
			Metric map[string]string `json:"metric"`
			Value  [2]any            `json:"value"`
		} `json:"result"`
	}
	form := url.Values{"query": {expression}, "time": {strconv.FormatFloat(float64(at.UnixMilli())/1000, 'f', 3, 64)}}
	if err := s.api(ctx, "query", form, &answer); err != nil {
		return nil, err
	}
	if answer.ResultType != "vector" {
		return nil, fmt.Errorf("query %s: got a %s, want a vector", expression, answer.ResultType)
	}
	samples := make([]sample, 0, len(answer.Result))
	for _, r := range answer.Result {
		text, _ := r.Value[1].(string)
		value, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, fmt.Errorf("query %s: value %v: %w", expression, r.Value, err)
		}
		samples = append(samples, sample{r.Metric, value})
	}
	return samples, nil
}

// metadata is what Prometheus learned of a metric from the exposition.
type metadata struct {
	Type string `json:"type"`
	Help string `json:"help"`
}

func (s *server) metadata(ctx context.Context) (map[string][]metadata, error) {
	answer := map[string][]metadata{}
	return answer, s.api(ctx, "metadata", nil, &answer)
}

func (s *server) api(ctx context.Context, call string, form url.Values, into any) error {
	body, err := get(ctx, "http://"+s.address+"/api/v1/"+call+"?"+form.Encode())
	if err != nil {
		return err
	}
	answer := struct {
		Status string          `json:"status"`
		Error  string          `json:"error"`
		Data   json.RawMessage `json:"data"`
	}{}
	if err := json.Unmarshal(body, &answer); err != nil {
		return fmt.Errorf("reading the answer to %s: %w", call, err)
	}
	if answer.Status != "success" {
		return fmt.Errorf("%s: %s", call, answer.Error)
	}
	if err := json.Unmarshal(answer.Data, into); err != nil {
		return fmt.Errorf("reading the data of %s: %w", call, err)
	}
	return nil
}

func get(ctx context.Context, address string) ([]byte, error) {
	return ask(ctx, http.MethodGet, address)
}

// ask sends a request without a body; any status but 2xx is an error.
func ask(ctx context.Context, method, address string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, address, nil)
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, address, err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, address, err)
	}
	if answer.StatusCode/100 != 2 {
		return nil, fmt.Errorf("%s %s: %s: %.200s", method, address, answer.Status, body)
	}
	return body, nil
}
