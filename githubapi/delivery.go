package githubapi

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"
)

// The events that tell of runs and jobs; EventPing says that a webhook was set up.
const (
	EventRun  = "workflow_run"
	EventJob  = "workflow_job"
	EventPing = "ping"
)

// Delivery is what a webhook delivered of a run or job. Deliveries come in any order, more than once or not at all, and the
// bodies of old servers lack fields (docs.github.com, "Webhook events and payloads": workflow_run, workflow_job).
type Delivery struct {
	Event, Action string
	Repository    Repository
	Installation  int64 // of the App whose hook it is; 0 for others

	Run Run // of a job only its ID and RunAttempt
	Job Job // of EventJob
}

const signaturePrefix = "sha256="

// VerifySignature tells whether a delivery's X-Hub-Signature-256 is the HMAC-SHA256 of its body under the secret. It takes as
// long whatever the signature is. An empty secret signs nothing.
func VerifySignature(secret, body []byte, signature string) bool {
	mac := hmac.New(sha256.New, secret)
	mac.Write(body)
	sent, err := hex.DecodeString(strings.TrimPrefix(signature, signaturePrefix))
	return hmac.Equal(mac.Sum(nil), sent) && err == nil && strings.HasPrefix(signature, signaturePrefix) && len(secret) > 0
}

var errNoRepository = errors.New("it names no repository")

// ParseDelivery reads the body of a delivery of EventRun or EventJob, which its signature has shown to be GitHub's. now is the
// local clock: times that cannot be are left out by it.
func ParseDelivery(ctx context.Context, event string, body []byte, now time.Time) (Delivery, error) {
	if event != EventRun && event != EventJob {
		return Delivery{}, fmt.Errorf("reading a delivery: %q is no event of a run or job", cleanText(event))
	}
	d := Delivery{Event: event}
	r := newReader(ctx, body)
	r.object(func(key []byte) {
		switch string(key) {
		case "action":
			r.must("action", r.text(&d.Action))
		case "repository":
			readRepository(r, &d.Repository)
		case "installation":
			r.members("installation", func(key []byte) {
				if string(key) == "id" {
					r.loose(&d.Installation)
				} else {
					r.skip()
				}
			})
		case EventRun:
			readRun(r, &d.Run)
		case EventJob:
			readJob(r, &d.Job)
		default:
			r.skip()
		}
	})
	err := r.end()
	s := spanAt(now, nil)
	switch {
	case err != nil:
	case r.odd != "":
		err = fmt.Errorf("%s is not what it should be", r.odd)
	case d.Repository.ID <= 0 || !validName(d.Repository.FullName):
		err = errNoRepository
	case event == EventRun:
		if d.Run.ID <= 0 || !s.bindRun(&d.Run) {
			err = errNoEntry
		}
	case d.Job.ID <= 0 || d.Job.RunID <= 0 || !s.bindJob(&d.Job):
		err = errNoEntry
	default:
		d.Run = Run{ID: d.Job.RunID, RunAttempt: d.Job.RunAttempt}
	}
	if err != nil {
		return Delivery{}, fmt.Errorf("reading a delivery of %s: %w", event, err)
	}
	return d, nil
}
