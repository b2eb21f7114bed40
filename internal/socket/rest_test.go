package socket

import (
	"testing"
	"time"
)

// TestRest has so many packets a second, works for a while, looks whether more
// have come, and counts the sleeps.
func TestRest(t *testing.T) {
	for _, c := range []struct {
		name    string
		packets int
		want    time.Duration // of a second
	}{
		{"idle", 0, 0},
		{"a lone trace", 4_000, 0},
		{"busy", 20_000, 900 * time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			const work = 100 * time.Microsecond
			var r rest
			var now, slept time.Duration
			for packets := 0; now < time.Second; {
				due := c.packets * int(now) / int(time.Second)
				r.note(due - packets)
				packets = due
				length := r.length(now+work, now+work+50*time.Microsecond)
				if length < 0 || length > restTime {
					t.Fatalf("a sleep of %v", length)
				}
				slept += length
				now += work + length
			}
			if slept < c.want*9/10 || slept > c.want*11/10 {
				t.Errorf("slept %v in all, want about %v", slept, c.want)
			}
		})
	}
}

func TestNoRestFromWork(t *testing.T) {
	r := rest{busy: true}
	if length := r.length(5*time.Millisecond, 5*time.Millisecond); length != 0 {
		t.Errorf("a caller who has something to do sleeps %v", length)
	}
}
