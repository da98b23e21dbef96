package collector

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github_workflow_exporter/collector/family"
)

// gauges fold the values of families that are made anew each time they are shown, by label set: counts add up, of the
// oldest the oldest stays.
type gauges map[gaugeKey]*liveSeries

type gaugeKey struct {
	family family.ID
	values string
}

// liveSeries is a label set and the repository it is put down to: of those that it comes from the one with the least id.
type liveSeries struct {
	LiveValue
	repository int64
}

func newGauges() gauges { return gauges{} }

func (g gauges) add(repository int64, value LiveValue) {
	k := gaugeKey{value.Family, strings.Join(value.Values, "\xff")}
	if v, ok := g[k]; ok {
		v.Value = fold(v.Family, v.Value, value.Value)
		v.repository = min(v.repository, repository)
		return
	}
	g[k] = &liveSeries{value, repository}
}

// values are what there is, in order. Label sets beyond the limit of each family, 0 for none, fold into one.
func (g gauges) values(limit int) []LiveValue {
	values := make([]liveSeries, 0, len(g))
	for _, v := range g {
		values = append(values, *v)
	}
	slices.SortFunc(values, func(a, b liveSeries) int {
		if a.Family != b.Family {
			return int(a.Family - b.Family)
		}
		return slices.Compare(a.Values, b.Values)
	})
	return bound(values, limit)
}

// bound folds what is over the limit of each family into its overflow label set. The limit is shared by the repositories:
// each has room for as many as any other, and what some do not need the others have. Of a repository's the first stay, in
// order of their labels.
func bound(values []liveSeries, limit int) []LiveValue {
	kept := make([]LiveValue, 0, len(values))
	if limit <= 0 || len(values) <= limit {
		for _, v := range values {
			kept = append(kept, v.LiveValue)
		}
		return kept
	}
	type owner struct {
		family     family.ID
		repository int64
	}
	of := func(v liveSeries) owner { return owner{v.Family, v.repository} }
	wanted := map[family.ID]map[int64]int{}
	for _, v := range values {
		if wanted[v.Family] == nil {
			wanted[v.Family] = map[int64]int{}
		}
		wanted[v.Family][v.repository]++
	}
	room := map[owner]int{}
	for id, wants := range wanted {
		for repository, n := range divide(limit, wants) {
			room[owner{id, repository}] = n
		}
	}
	overflow := map[family.ID]*LiveValue{}
	for _, v := range values {
		if room[of(v)] > 0 {
			room[of(v)]--
			kept = append(kept, v.LiveValue)
			continue
		}
		if o, ok := overflow[v.Family]; ok {
			o.Value = fold(v.Family, o.Value, v.Value)
			continue
		}
		o := LiveValue{Family: v.Family, Value: v.Value}
		for range v.Values {
			o.Values = append(o.Values, family.OverflowValue)
		}
		overflow[v.Family] = &o
	}
	for _, o := range overflow {
		kept = append(kept, *o)
	}
	return kept
}

// divide gives everybody what is wanted, or where that is more than the limit as much as any other gets.
func divide(limit int, wants map[int64]int) map[int64]int {
	got := make(map[int64]int, len(wants))
	least := slices.SortedFunc(maps.Keys(wants), func(a, b int64) int { return cmp.Or(cmp.Compare(wants[a], wants[b]), cmp.Compare(a, b)) })
	for i, who := range least {
		got[who] = min(wants[who], limit/(len(least)-i))
		limit -= got[who]
	}
	return got
}

func fold(id family.ID, a, b float64) float64 {
	switch family.Get(id).Fold {
	case family.Minimum:
		return min(a, b)
	case family.Maximum:
		return max(a, b)
	default:
		return a + b
	}
}
