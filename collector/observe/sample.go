package observe

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github_workflow_exporter/collector/family"
	"github_workflow_exporter/collector/relabel"
	"github_workflow_exporter/githubapi"
)

// slot is the place of a visible label in labelSet.
type slot int

const (
	repositorySlot slot = iota
	workflowSlot
	jobNameSlot
	stepSlot
	runnerSlot
	labelSlot
	conclusionSlot
	eventSlot
	branchSlot
	statusSlot
	heldSlot
	reasonSlot
	skuSlot
	phaseSlot
	slots
)

// labelSet holds the visible label values of one sample, of all families' labels.
type labelSet [slots]string

func slotOf(label string) slot {
	names := [slots]string{
		family.Repository, family.Workflow, family.JobName, family.StepName, family.Runner, family.Label,
		family.Conclusion, family.Event, family.Branch, family.Status, family.Held, family.Reason, family.SKU, family.Phase,
	}
	return slot(slices.Index(names[:], label))
}

// layout says which slots make up a family's values.
type layout struct {
	name     string
	labels   []string
	slots    []slot
	disabled bool
}

func newLayout(f family.Family, disabled bool) layout {
	l := layout{name: f.Name, labels: f.Labels, disabled: disabled}
	for _, label := range f.Labels {
		l.slots = append(l.slots, slotOf(label))
	}
	return l
}

// builder collects the samples of one job or one attempt. Its fields but the results are set by whoever feeds it.
type builder struct {
	observer *Observer
	visible  labelSet
	hidden   []relabel.Label // what only relabel rules can read
	scratch  []relabel.Label
	at       time.Time
	run, job int64
	who      identity // what must not stay in a label value
	labels   []string // of the job, in lower case

	samples  []Sample
	discards []string
	slab     []string // the values of all samples lie in a few arrays
}

// wants tells whether any of the families is counted, so that what nobody counts is not discarded either.
func (b *builder) wants(ids ...family.ID) bool {
	for _, id := range ids {
		if !b.observer.families[id].disabled {
			return true
		}
	}
	return false
}

// add makes a sample with the labels as they stand.
func (b *builder) add(id family.ID, value float64) {
	l := &b.observer.families[id]
	if l.disabled {
		return
	}
	values, keep := b.values(l)
	if !keep {
		return
	}
	b.samples = append(b.samples, Sample{Family: id, Values: values, Value: value, At: b.at, RunID: b.run, JobID: b.job})
}

// labelsOf are the values that a sample of the family would have, nil where it would have none.
func (b *builder) labelsOf(id family.ID) []string {
	l := &b.observer.families[id]
	if l.disabled {
		return nil
	}
	values, keep := b.values(l)
	if !keep {
		return nil
	}
	return values
}

// addDuration makes a sample of the seconds from one time to another, or discards the value with its reason. impossible
// says that one of the times that belong together was, and is missing for that.
func (b *builder) addDuration(id family.ID, from, to time.Time, impossible bool) {
	if !b.wants(id) {
		return
	}
	seconds, reason := duration(from, to)
	if reason == MissingTime && impossible {
		reason = ImpossibleTime
	}
	if reason != "" {
		b.discards = append(b.discards, reason)
		return
	}
	b.add(id, seconds)
}

// longest is how long a run may last, and so whatever is part of it: GitHub ends it then.
const longest = 35 * 24 * time.Hour

// duration returns the seconds between two times, or the reason why there are none. The zero time is a missing one:
// taken as a number it would put two thousand years into a histogram. So would a foreign clock's 1970: what took longer
// than anything may is no duration.
func duration(from, to time.Time) (seconds float64, reason string) {
	if from.IsZero() || to.IsZero() {
		return 0, MissingTime
	}
	d := to.Sub(from)
	switch {
	case d < -Slack:
		return 0, NegativeDuration
	case d < 0:
		return 0, ""
	case d > longest:
		return 0, ImpossibleTime
	}
	return d.Seconds(), ""
}

// values returns the family's label values, relabelled; keep is false if a rule dropped the sample.
func (b *builder) values(l *layout) (values []string, keep bool) {
	if len(b.observer.relabel) > 0 {
		return b.relabelled(l)
	}
	values = b.room(len(l.slots))
	for i, s := range l.slots {
		values[i] = b.visible[s]
	}
	return values, true
}

// relabelled passes the family's labels and the hidden ones through the rules. Label names that begin with __ and
// those the family does not have end here; a label that was removed is empty, which means the same to Prometheus.
func (b *builder) relabelled(l *layout) (values []string, keep bool) {
	in := b.scratch[:0]
	for i, s := range l.slots {
		in = append(in, relabel.Label{Name: l.labels[i], Value: b.visible[s]})
	}
	in = append(in, b.hidden...)
	in = append(in, relabel.Label{Name: "__family__", Value: l.name})
	b.scratch = in
	out, keep := relabel.Process(in, b.observer.relabel)
	if !keep {
		return nil, false
	}
	values = b.room(len(l.labels))
	for _, label := range out {
		if i := slices.Index(l.labels, label.Name); i >= 0 {
			values[i] = clean(label.Value)
		}
	}
	return values, true
}

// room returns n empty strings out of the slab.
func (b *builder) room(n int) []string {
	if cap(b.slab)-len(b.slab) < n {
		b.slab = make([]string, 0, max(64, n))
	}
	start := len(b.slab)
	b.slab = b.slab[:start+n]
	return b.slab[start : start+n : start+n]
}

// forRun returns a builder with the labels every sample of the attempt shares.
func (o *Observer) forRun(repo githubapi.Repository, a githubapi.Attempt, workflow string) builder {
	b := builder{observer: o, run: a.Run.ID, who: identityOf(a)}
	name := repo.FullName
	if name == "" {
		name = a.Run.Repository.FullName
	}
	b.visible[repositorySlot] = clean(name)
	b.visible[workflowSlot] = clean(workflow)
	b.visible[eventSlot] = event(a.Run.Event)
	b.visible[branchSlot] = clean(o.branch(repo, a.Run))
	if len(o.relabel) > 0 {
		b.hidden = []relabel.Label{
			{Name: "__event__", Value: valid(a.Run.Event)},
			{Name: "__branch__", Value: valid(a.Run.HeadBranch)},
			{Name: "__actor__", Value: valid(a.Run.Actor.Login)},
			{Name: "__workflow_path__", Value: valid(a.Run.WorkflowPath())},
			{Name: "__run_attempt__", Value: strconv.Itoa(a.Number)},
		}
	}
	return b
}

// forJob returns a copy of the run's builder with the job's labels added and room for its samples.
func (b builder) forJob(j githubapi.Job) builder {
	labels := lowered(j.Labels)
	b.job, b.labels = j.ID, labels
	b.who.job = decimal(j.ID)
	b.visible[jobNameSlot] = clean(j.Name)
	b.visible[runnerSlot] = clean(b.who.strip(b.observer.runners.fold(clean(j.RunnerName)), true))
	b.visible[labelSlot] = clean(b.observer.runsOn(labels, b.who))
	if len(b.observer.relabel) > 0 {
		between := ""
		if len(labels) > 0 {
			between = "," + strings.Join(labels, ",") + ","
		}
		b.hidden = append(slices.Clip(b.hidden),
			relabel.Label{Name: "__runner_name__", Value: valid(j.RunnerName)},
			relabel.Label{Name: "__runner_group__", Value: valid(j.RunnerGroupName)},
			relabel.Label{Name: "__labels__", Value: between},
		)
	}
	return b
}
