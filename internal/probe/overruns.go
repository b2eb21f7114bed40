package probe

import (
	"time"

	"netsonde"
)

// overruns remembers when our own queues dropped packets, to tell an answer
// that we lost from one that never came.
type overruns struct {
	total   uint64
	checked time.Duration
	recent  []overrun
}

// overrun is a number of drops that fell somewhere between two moments.
type overrun struct {
	from, to time.Duration
	count    uint64
}

func (o *overruns) observe(now netsonde.Instant, total uint64) {
	if total > o.total {
		o.recent = append(o.recent, overrun{o.checked, now.Monotonic, total - o.total})
		o.total = total
	}
	o.checked = now.Monotonic
	keep := o.recent[:0]
	for _, r := range o.recent {
		if r.count > 0 && now.Monotonic-r.to < holdTime {
			keep = append(keep, r)
		}
	}
	o.recent = keep
}

// explain charges a missing answer that was waited for from sent to until to
// a drop of that time, if one is left.
func (o *overruns) explain(sent, until time.Duration) bool {
	for i := range o.recent {
		if r := &o.recent[i]; r.count > 0 && r.from <= until && r.to >= sent {
			r.count--
			return true
		}
	}
	return false
}
