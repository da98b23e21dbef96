package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github_workflow_exporter/collector/ledger"
	"github_workflow_exporter/githubapi"
	"github_workflow_exporter/internal/explain"
)

const (
	// maxLogs of failed jobs are shown, and of each the last maxLogBytes are looked at.
	maxLogs     = 5
	maxLogBytes = 256 << 10
	// askExporter is how long a running exporter may take to answer.
	askExporter = 3 * time.Second
)

// ledger finds out what was counted: by the ledger itself while nobody has it, else by the exporter that does.
func (x *explainer) ledger(ctx context.Context, repository, run int64) (*explain.Ledger, string) {
	dir := x.config.Storage.Path
	peeked, err := ledger.Peek(dir, x.config.GitHub.APIURL, repository, run)
	switch {
	case err == nil:
		return remembered(peeked), "that in " + dir
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, ledger.ErrLocked):
		l, asked := askRecorded(ctx, x.options.Exporter, repository, run)
		if asked == nil {
			return l, "that of the exporter at " + x.options.Exporter
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil, "none in " + dir + " and no exporter at " + x.options.Exporter + ": whether it was counted is not known"
		}
		return nil, "in use, and no exporter answers at " + x.options.Exporter + " (--exporter.url): whether it was counted is not known"
	}
	return nil, err.Error()
}

// askRecorded asks a running exporter what it has counted of a run.
func askRecorded(ctx context.Context, exporter string, repository, run int64) (*explain.Ledger, error) {
	ctx, cancel := context.WithTimeout(ctx, askExporter)
	defer cancel()
	query := url.Values{"repository": {fmt.Sprint(repository)}, "run": {fmt.Sprint(run)}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(exporter, "/")+"/-/recorded?"+query.Encode(), nil)
	if err != nil {
		return nil, fmt.Errorf("asking the exporter: %w", err)
	}
	response, err := (&http.Client{}).Do(request)
	if err != nil {
		return nil, fmt.Errorf("asking the exporter: %w", err)
	}
	defer response.Body.Close()
	var l explain.Ledger
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("asking the exporter: it answers %s", response.Status)
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, 4<<20)).Decode(&l); err != nil {
		return nil, fmt.Errorf("reading the exporter's answer: %w", err)
	}
	return &l, nil
}

// logs fills in the ends of the logs of failed jobs.
func (x *explainer) logs(ctx context.Context, repo string, r *explain.Report) {
	shown := 0
	for i := range r.Attempts {
		for k := range r.Attempts[i].Jobs {
			j := &r.Attempts[i].Jobs[k]
			if j.Reason == "" || j.Counted == explain.No {
				continue
			}
			if shown++; shown > maxLogs {
				j.Log = []string{"(not read: the logs of five jobs are shown)"}
				continue
			}
			j.Log = x.log(ctx, repo, j.ID)
		}
	}
}

func (x *explainer) log(ctx context.Context, repo string, job int64) []string {
	var tail []byte
	err := x.ask(ctx, func() error {
		body, err := x.client.DownloadJobLogs(ctx, repo, job)
		if err != nil {
			return err
		}
		defer body.Close()
		tail, err = lastBytes(body, maxLogBytes)
		return err
	})
	switch {
	case isKind(err, githubapi.KindNotFound), isKind(err, githubapi.KindGone):
		return []string{"(no log: it is gone, or the runner never sent one)"}
	case err != nil:
		return []string{"(the log cannot be read: " + err.Error() + ")"}
	}
	return explain.LogTail(string(tail))
}

// lastBytes reads all there is and keeps the end of it.
func lastBytes(r io.Reader, most int) ([]byte, error) {
	kept := make([]byte, 0, 2*most)
	buffer := make([]byte, 32<<10)
	for {
		n, err := r.Read(buffer)
		kept = append(kept, buffer[:n]...)
		if len(kept) > most {
			kept = append(kept[:0], kept[len(kept)-most:]...)
		}
		if errors.Is(err, io.EOF) {
			return kept, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading the log: %w", err)
		}
	}
}
