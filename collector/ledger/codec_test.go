package ledger

import (
	"errors"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var records = []struct {
	name   string
	value  any
	encode func(any) []byte
	decode func([]byte) (any, error)
}{
	{"family",
		familyRecord{Number: 300, Kind: 2, Labels: []string{"a", "", "ü"}, Bounds: []float64{0.1, 1, math.MaxFloat64}, Disabled: true},
		func(v any) []byte { return appendFamily(nil, v.(familyRecord)) },
		func(p []byte) (any, error) { return decodeFamily(p) }},
	{"birth",
		birthRecord{Family: 3, Repository: math.MaxInt64, Born: start, Created: start.Add(-time.Hour), Baseline: true, Shown: true, Named: true,
			Values: []string{"octo/repo", "", "a\x00b"}},
		func(v any) []byte { return appendBirth(nil, v.(birthRecord)) },
		func(p []byte) (any, error) { return decodeBirth(p, nil) }},
	{"account",
		Account{ID: 9, Name: "octo/repo", Since: start, Swept: true, Through: start.Add(time.Minute)},
		func(v any) []byte { return appendAccount(nil, v.(Account)) },
		func(p []byte) (any, error) { return decodeAccount(9, p) }},
	{"run",
		runRecord{RunMark: RunMark{Created: start, Started: start, Open: true, Closed: []int{1, 2, 40}}, Marked: true, Assumed: true,
			Executed: []Execution{{ID: 5, Attempt: 1, Fingerprint: 1 << 63}, {ID: math.MaxInt64, Attempt: 2}},
			Omitted:  []omission{{ID: -4, Attempt: 1}, {ID: 5, Attempt: 3}}},
		func(v any) []byte { return appendRun(nil, v.(runRecord)) },
		func(p []byte) (any, error) { return decodeRun(p) }},
	{"histogram",
		&State{Count: 6, Sum: 1.5, Buckets: []uint64{1, 0, 5}, Zero: 1, Native: []NativeBucket{{-9, 2}, {0, 1}, {math.MaxInt32, 2}}, Updated: start},
		func(v any) []byte { return appendState(nil, v.(*State), true) },
		func(p []byte) (any, error) { return decodeState(p, true) }},
	{"counter",
		&State{Value: 1 << 53, Updated: start},
		func(v any) []byte { return appendState(nil, v.(*State), false) },
		func(p []byte) (any, error) { return decodeState(p, false) }},
}

func TestRecordsRoundTrip(t *testing.T) {
	for _, r := range records {
		t.Run(r.name, func(t *testing.T) {
			zero := reflect.Zero(reflect.TypeOf(r.value)).Interface()
			if _, ok := zero.(*State); ok {
				zero = &State{}
			}
			for _, v := range []any{r.value, zero} {
				got, err := r.decode(r.encode(v))
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(v, got, cmp.AllowUnexported(), equateEmpty); diff != "" {
					if a, ok := v.(Account); !ok || a != (Account{}) { // the id is in the key
						t.Errorf("(-want +got):\n%s", diff)
					}
				}
			}
			// Cut short or with something after it, it is refused.
			whole := r.encode(r.value)
			for n := range whole {
				if _, err := r.decode(whole[:n]); err == nil {
					t.Errorf("the first %d of %d bytes were taken for a record", n, len(whole))
				}
			}
			if _, err := r.decode(append(whole, 0)); err == nil {
				t.Error("a trailing byte was accepted")
			}
		})
	}
}

// equateEmpty takes nil and empty slices for the same.
var equateEmpty = cmp.FilterValues(func(x, y any) bool {
	a, b := reflect.ValueOf(x), reflect.ValueOf(y)
	return x != nil && y != nil && a.Kind() == reflect.Slice && b.Kind() == reflect.Slice && a.Len() == 0 && b.Len() == 0
}, cmp.Comparer(func(_, _ any) bool { return true }))

func TestRunSummaryAgrees(t *testing.T) {
	rec := records[3].value.(runRecord)
	s, err := readRun(appendRun(nil, rec), nil)
	want := runSummary{open: true, assumed: true, started: start, executed: 2}
	if err != nil || s != want {
		t.Errorf("readRun = %+v, %v, want %+v", s, err, want)
	}
}

func TestSeal(t *testing.T) {
	key, other := []byte("key"), []byte("kez")
	value := runTable.seal(key, append(begin(), "payload"...))
	p, err := runTable.unseal(key, value)
	if err != nil || string(p) != "payload" {
		t.Fatalf("unseal = %q, %v", p, err)
	}
	if _, err := runTable.unseal(other, value); !errors.Is(err, errChecksum) {
		t.Errorf("under another key: %v", err)
	}
	if _, err := openTable.unseal(key, value); !errors.Is(err, errChecksum) {
		t.Errorf("in another table: %v", err)
	}
	for i := range len(value) * 8 {
		value[i/8] ^= 1 << (i % 8)
		if _, err := runTable.unseal(key, value); err == nil {
			t.Errorf("bit %d flipped: not noticed", i)
		}
		value[i/8] ^= 1 << (i % 8)
	}
	for n := range value {
		if _, err := runTable.unseal(key, value[:n]); err == nil {
			t.Errorf("cut to %d bytes: not noticed", n)
		}
	}
}

func TestTimesRoundTrip(t *testing.T) {
	for _, want := range []time.Time{{}, time.Unix(0, 0), start, time.Unix(-1, 5), time.Date(9999, 1, 1, 0, 0, 0, 0, time.Local), time.Now()} {
		r := reader{b: appendTime(nil, want)}
		if got := r.time(); !got.Equal(want) || got != stored(want) || r.end() != nil {
			t.Errorf("%v came back as %v", want, got)
		}
	}
}

// FuzzDecode feeds records to every decoder: none may panic, and what one accepts must survive being written again.
func FuzzDecode(f *testing.F) {
	for _, r := range records {
		f.Add(r.encode(r.value))
	}
	f.Add([]byte{})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01})
	f.Fuzz(func(t *testing.T, p []byte) {
		for _, r := range records {
			v, err := r.decode(p)
			if err != nil {
				continue
			}
			encoded := r.encode(v)
			again, err := r.decode(encoded)
			if err != nil {
				t.Fatalf("%s: what was written of %#v is refused: %v", r.name, v, err)
			}
			if string(r.encode(again)) != string(encoded) {
				t.Fatalf("%s: %#v became %#v", r.name, v, again)
			}
		}
		for _, table := range tables {
			_, _ = table.unseal([]byte("key"), p)
			if got, err := table.unseal([]byte("key"), table.seal([]byte("key"), append(begin(), p...))); err != nil || string(got) != string(p) {
				t.Fatalf("sealing %x: %x, %v", p, got, err)
			}
		}
	})
}

// FuzzPages feeds whole files to the verification that precedes every opening.
func FuzzPages(f *testing.F) {
	small, _ := sampleFile(f)
	f.Add(small)
	f.Add([]byte{})
	f.Add(small[:5000])
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _ = readPages(bytesAt(b), int64(len(b)))
	})
}
