package netsonde_test

import (
	"testing"
	"time"

	"netsonde"
)

func TestLateness(t *testing.T) {
	var l netsonde.Lateness
	if l.Percentile(0.99) != 0 || l.Max() != 0 {
		t.Error("an empty histogram is late")
	}
	for i := range 1000 {
		l.Add(time.Duration(i+1) * time.Microsecond)
	}
	for share, want := range map[float64]time.Duration{0.5: 500 * time.Microsecond, 0.99: 990 * time.Microsecond} {
		if got := l.Percentile(share); got < want || got > want*6/5 {
			t.Errorf("percentile %v is %v, want %v and a fifth more at most", share, got, want)
		}
	}
	var other netsonde.Lateness
	other.Add(-time.Second)
	other.Add(time.Hour)
	l.Merge(&other)
	if l.Max() != time.Hour || l.Count() != 1002 || l.Percentile(1) != time.Hour || l.Percentile(0) > time.Microsecond {
		t.Errorf("%v %v %v %v", l.Max(), l.Count(), l.Percentile(1), l.Percentile(0))
	}
	// Every delay stands in its step.
	for d := time.Duration(0); d < 5*time.Hour; d = d*9/8 + 1 {
		var one netsonde.Lateness
		one.Add(d)
		one.Add(10 * time.Hour)
		if got := one.Percentile(0); got < d || got > d+d/4+3 {
			t.Errorf("%v is shown as %v", d, got)
		}
	}
}
