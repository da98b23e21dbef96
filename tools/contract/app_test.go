package contract

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github_workflow_exporter/githubapi"
	"github_workflow_exporter/internal/simulator"
)

// judged holds what passes to a description: the App's questions, and the simulator's answers to them.
type judged struct {
	t     *testing.T
	d     *Description
	next  http.RoundTripper
	asked map[string]int // operations, by status of the answer
}

func (j *judged) RoundTrip(r *http.Request) (*http.Response, error) {
	var question []byte
	if r.Body != nil {
		question, _ = io.ReadAll(r.Body)
	}
	asked := func() *http.Request { // checking one fills in defaults
		c := r.Clone(r.Context())
		c.Body = io.NopCloser(bytes.NewReader(question))
		return c
	}
	if err := j.d.CheckRequest(r.Context(), asked()); err != nil {
		j.t.Errorf("request: %v", err)
	}
	plain := asked()
	plain.Header.Del("Accept-Encoding")
	answer, err := j.next.RoundTrip(plain)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	answer.Body = io.NopCloser(bytes.NewReader(body))
	if answer.StatusCode != http.StatusNotModified {
		// The description asks of an account that it be a user and an enterprise in one, which none is.
		both := bytes.ReplaceAll(body, []byte(`"account":{`), []byte(`"account":{"name":"x","slug":"x","created_at":null,"updated_at":null,`))
		if err := j.d.CheckAnswer(r.Context(), asked(), answer.StatusCode, answer.Header, both); err != nil {
			j.t.Errorf("answer %d: %v", answer.StatusCode, err)
		}
	}
	operation, err := j.d.Operation(asked())
	if err != nil {
		j.t.Error(err)
	}
	j.asked[operation+" "+answer.Status]++
	return answer, nil
}

// TestApp holds a GitHub App's requests, and the simulator's answers to them, to the description of the further operations.
func TestApp(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "app.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, f := range flavours() {
		t.Run(f.name, func(t *testing.T) {
			d := description(t, f.hints, f.baseURL)
			github, err := simulator.New(simulator.Options{
				BasePath: d.base, PrimaryLimit: 5000, Now: time.Now,
				Repositories: []simulator.RepositoryPlan{{Name: "octo-org/octo-repo"}, {Name: "octo-org/private", Private: true}},
				App: simulator.AppPlan{ID: "Iv1.test", Key: &key.PublicKey, Installed: []simulator.InstallationPlan{
					{Login: "octo-org"}, {Login: "octocat", User: true}, {Login: "hexa-org"},
				}},
			})
			if err != nil {
				t.Fatal(err)
			}
			github.Suspend("octocat", true)
			j := &judged{t: t, d: d, next: github.Transport(), asked: map[string]int{}}
			base, err := githubapi.New(githubapi.Options{BaseURL: f.baseURL, Transport: j})
			if err != nil {
				t.Fatal(err)
			}
			app := githubapi.NewApp(base, "Iv1.test", file)
			var all []githubapi.Installation
			for p := (githubapi.PageRequest{PerPage: 2}); ; {
				page, err := app.Installations(t.Context(), p)
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, page.Items...)
				if p.Next = page.Next; p.Next == "" {
					break
				}
			}
			if len(all) != 3 || all[0].Login != "octo-org" || !all[0].May("actions") || !all[1].Suspended || !all[1].User {
				t.Fatalf("%+v", all)
			}
			for _, permissions := range []map[string]string{nil, {"actions": "read", "checks": "read", "metadata": "read"}} {
				client := app.Installation(all[0], githubapi.InstallationOptions{Permissions: permissions})
				page, err := client.InstallationRepositories(t.Context(), githubapi.PageRequest{PerPage: 100})
				if err != nil || len(page.Items) != 2 || page.TotalCount != 2 {
					t.Errorf("%v: %+v", err, page)
				}
				if _, err := client.InstallationRepositories(t.Context(), githubapi.PageRequest{PerPage: 100, Tag: page.Tag}); !errors.Is(err, githubapi.ErrNotModified) {
					t.Error(err)
				}
			}
			for _, refused := range []struct {
				installation githubapi.Installation
				permissions  map[string]string
				text         string
			}{
				{all[1], nil, "403"}, {githubapi.Installation{ID: 1, Login: "gone"}, nil, "404"},
				{all[0], map[string]string{"contents": "read"}, "422"},
			} {
				client := app.Installation(refused.installation, githubapi.InstallationOptions{Permissions: refused.permissions})
				if _, err := client.InstallationRepositories(t.Context(), githubapi.PageRequest{}); err == nil || !strings.Contains(err.Error(), refused.text) {
					t.Errorf("%v, want %s", err, refused.text)
				}
			}
			if events, err := app.Events(t.Context()); err != nil || len(events) != 1 {
				t.Errorf("%v, %v", events, err)
			}
			if _, err := github.AddRun("octo-org/octo-repo", simulator.SimpleRun("CI", time.Now().Add(-2*time.Minute), time.Minute, "success")); err != nil {
				t.Fatal(err)
			}
			for p := (githubapi.PageRequest{PerPage: 1}); ; {
				page, err := app.Deliveries(t.Context(), p)
				if err != nil || len(page.Items) != 1 || page.Items[0].Event != githubapi.EventRun || page.Items[0].Repository == 0 {
					t.Fatalf("%v: %+v", err, page)
				}
				if p.Next = page.Next; p.Next == "" {
					break
				}
			}
			client := app.Installation(all[0], githubapi.InstallationOptions{})
			if page, err := client.OrganizationDeliveries(t.Context(), "octo-org", simulator.OrganizationHook, githubapi.PageRequest{}); err != nil || len(page.Items) != 2 {
				t.Errorf("%v: %+v", err, page)
			}
			t.Log(j.asked)
		})
	}
}
