package simulator

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// Kind is a way of answering wrongly.
type Kind string

// The kinds of faults; what they take besides selection is in brackets.
const (
	ServerError    Kind = "server_error"    // 5xx [Status, default 502]
	Reset          Kind = "reset"           // the connection breaks before an answer
	CutBody        Kind = "cut_body"        // Content-Length promises more than is sent
	HTML           Kind = "html"            // a web page with status 200
	Slow           Kind = "slow"            // the answer comes late [Delay]
	BigPages       Kind = "big_pages"       // 502 for jobs lists with more than so many a page [PerPage]
	ShiftedPages   Kind = "shifted_pages"   // from page 2 on lists have moved on [Shift: 1 hides entries, -1 (default) repeats]
	ForeignAttempt Kind = "foreign_attempt" // the first read of an attempt's jobs carries jobs of another attempt
	LaggingFilter  Kind = "lagging_filter"  // filtered lists know the past only [Delay]
	PartialFilter  Kind = "partial_filter"  // filtered lists miss half of the runs
	EmptyFilter    Kind = "empty_filter"    // filtered lists are empty
	Unauthorized   Kind = "unauthorized"    // 401: the token is revoked
	Forbidden      Kind = "forbidden"       // 403 without limit marks: no permission
	NotFound       Kind = "not_found"       // 404
	ClockSkew      Kind = "clock_skew"      // the Date header is off [Delay, may be negative]
	UndecodableJob Kind = "undecodable_job" // the first entry of a jobs list cannot be decoded
	PrimaryLimit   Kind = "primary_limit"   // the primary limit is used up [Status, default Options.PrimaryStatus]

	SecondarySeconds Kind = "secondary_seconds" // 403, Retry-After in seconds [Delay, default 1 min]
	SecondaryDate    Kind = "secondary_date"    // 403, Retry-After as an HTTP date [Delay]
	SecondaryMessage Kind = "secondary_message" // 403, only the message tells
	SecondaryDocs    Kind = "secondary_docs"    // 403, only documentation_url tells
	SecondaryBare    Kind = "secondary_bare"    // 429 with Retry-After and nothing else that tells [Delay]
)

// Fault makes some requests be answered wrongly.
type Fault struct {
	Kind Kind
	// Selection. Everything that is set has to hold.
	Path        *regexp.Regexp // on path and query below the base path
	Repository  string         // owner/name as now
	Endpoint    string         // as in Requests.ByEndpoint
	Probability float64        // drawn from the seed; 0: every request
	Times       int            // switched off after so many; 0: never

	Status  int
	PerPage int
	Shift   int
	Delay   time.Duration
}

// Faults are the faults switched on. They may be changed while the server runs.
type Faults struct {
	seed uint64

	mu    sync.Mutex
	on    map[string]*Fault
	fired map[string]int
	read  map[string]bool // attempts whose jobs have been read under ForeignAttempt
}

func newFaults(seed int64) *Faults {
	return &Faults{seed: uint64(seed), on: map[string]*Fault{}, fired: map[string]int{}, read: map[string]bool{}}
}

// Faults returns the switches.
func (g *GitHub) Faults() *Faults { return g.faults }

// Set switches a fault on under a name of the caller's choice, in place of the one there.
func (f *Faults) Set(name string, fault Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.on[name] = &fault
	f.fired[name] = 0
	clear(f.read)
}

// Clear switches a fault off.
func (f *Faults) Clear(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.on, name)
}

// ClearAll switches all faults off.
func (f *Faults) ClearAll() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.on)
}

// On lists the names of the faults that are on.
func (f *Faults) On() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Sorted(maps.Keys(f.on))
}

// Fired tells how many requests a fault has hit since it was set.
func (f *Faults) Fired(name string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.fired[name]
}

// hits are the faults that befall one request, by kind.
type hits map[Kind]Fault

// draw decides which faults befall a request.
func (f *Faults) draw(sequence uint64, q *request) hits {
	f.mu.Lock()
	defer f.mu.Unlock()
	var h hits
	for _, name := range slices.Sorted(maps.Keys(f.on)) {
		fault := f.on[name]
		if !fault.matches(q) {
			continue
		}
		if p := fault.Probability; p > 0 && source(f.seed, sequence, uint64(len(name)), uint64(name[0])).Float64() >= p {
			continue
		}
		if fault.Kind == ForeignAttempt {
			key := fmt.Sprint(q.run, " ", q.attempt, " ", q.page)
			if f.read[key] {
				continue
			}
			f.read[key] = true
		}
		if h == nil {
			h = hits{}
		}
		h[fault.Kind] = *fault
		f.fired[name]++
		if fault.Times > 0 && f.fired[name] >= fault.Times {
			delete(f.on, name)
		}
	}
	return h
}

func (fault *Fault) matches(q *request) bool {
	switch {
	case fault.Path != nil && !fault.Path.MatchString(q.target):
	case fault.Repository != "" && (q.repo == nil || !strings.EqualFold(q.repo.name(), fault.Repository)):
	case fault.Endpoint != "" && q.endpoint != fault.Endpoint:
	case fault.Endpoint == "" && fault.Path == nil && q.endpoint == endpointGraphQL: // what befalls REST leaves it alone
	case fault.Kind == BigPages && (!q.listsJobs() || q.perPage <= fault.PerPage):
	case fault.Kind == UndecodableJob && !q.listsJobs():
	case fault.Kind == ForeignAttempt && q.endpoint != endpointAttemptJobs:
	case fault.Kind == ShiftedPages && q.page < 2:
	default:
		return true
	}
	return false
}
