package simulator

import (
	"maps"
	"net/url"
	"slices"
)

// page cuts one page out of a list of so many entries: the range, and the Link header's value.
func (q *request) cut(count int) (from, to int) {
	from = min((q.page-1)*q.perPage, count)
	to = min(from+q.perPage, count)
	if shift, ok := q.hits[ShiftedPages]; ok {
		by := shift.Shift
		if by == 0 {
			by = -1
		}
		from, to = min(max(from+by, 0), count), min(max(to+by, 0), count)
	}
	return from, to
}

// link is the Link header of a list under its unchanging address; "" if everything fits on one page.
func (q *request) link(path string, count int) string {
	last := (count + q.perPage - 1) / q.perPage
	if last < 2 {
		return ""
	}
	var link string
	add := func(page int, rel string) {
		v := maps.Clone(q.query)
		if v == nil {
			v = url.Values{}
		}
		v.Set("page", itoa(page))
		if link != "" {
			link += ", "
		}
		link += "<" + q.place.api + path + "?" + v.Encode() + `>; rel="` + rel + `"`
	}
	if q.page > 1 {
		add(min(q.page-1, last), "prev")
	}
	if q.page < last {
		add(q.page+1, "next")
		add(last, "last")
	}
	if q.page > 1 {
		add(1, "first")
	}
	return link
}

// address is the numeric form of a request for a repository.
func (q *request) address() string { return "/repositories/" + i64(q.repo.id) + "/" + q.rest }

// listBody writes {"total_count": …, "<field>": [...]}.
func listBody(total int, field string, n int, entry func(b []byte, i int) []byte) []byte {
	o := newObject(make([]byte, 0, 4096))
	o.num("total_count", int64(total))
	o.key(field)
	o.b = arrayBody(o.b, n, entry)
	return o.end()
}

func arrayBody(b []byte, n int, entry func(b []byte, i int) []byte) []byte {
	b = append(b, '[')
	start := len(b)
	for i := range n {
		if i > 0 {
			b = append(b, ',')
		}
		b = entry(b, i)
		if i == 0 { // the others are about as long
			b = slices.Grow(b, (n-1)*(len(b)-start)*9/8)
		}
	}
	return append(b, ']')
}
