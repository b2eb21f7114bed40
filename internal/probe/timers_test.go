package probe

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"
)

// TestTimersComeInTheirOrder plays seeded mixes of sets, moves and stops, near
// and years away, against a plain list.
func TestTimersComeInTheirOrder(t *testing.T) {
	spans := []time.Duration{
		time.Microsecond, time.Millisecond, 900 * time.Millisecond, 1100 * time.Millisecond,
		time.Minute, 20 * time.Minute, 100 * time.Hour,
	}
	for seed := range uint64(30) {
		random := rand.New(rand.NewPCG(seed, 1))
		var q timers
		all := make([]timer, 300)
		var waiting []*timer
		now := time.Duration(0)
		for range 3000 {
			one := &all[random.IntN(len(all))]
			switch random.IntN(8) {
			case 0:
				q.stop(one)
				waiting = slices.DeleteFunc(waiting, func(w *timer) bool { return w == one })
			case 1, 2, 3, 4:
				if !one.queued() {
					waiting = append(waiting, one)
				}
				q.set(one, now+time.Duration(random.Int64N(int64(spans[random.IntN(len(spans))]))))
			case 5:
				now += time.Duration(random.Int64N(int64(spans[random.IntN(len(spans))])))
			default:
				now = max(now, popLike(t, &q, &waiting, now))
			}
			earliest, ok := q.next()
			if ok != (len(waiting) > 0) || q.length() != len(waiting) {
				t.Fatalf("seed %d: %d queued, something is next: %v, want %d", seed, q.length(), ok, len(waiting))
			}
			if ok && earliest != first(waiting).at {
				t.Fatalf("seed %d: next at %v, want %v", seed, earliest, first(waiting).at)
			}
		}
		for len(waiting) > 0 {
			now = first(waiting).at
			popLike(t, &q, &waiting, now)
		}
	}
}

func first(waiting []*timer) *timer {
	return slices.MinFunc(waiting, func(a, b *timer) int { return cmp.Compare(a.at, b.at) })
}

// popLike pops from both and returns the time of the next that is not yet due.
func popLike(t *testing.T, q *timers, waiting *[]*timer, now time.Duration) time.Duration {
	t.Helper()
	got := q.pop(now)
	if len(*waiting) == 0 || first(*waiting).at > now {
		if got != nil {
			t.Fatalf("popped one of %v at %v, when none was due", got.at, now)
		}
		return now
	}
	if got == nil || got.queued() || got.at != first(*waiting).at {
		t.Fatalf("popped %+v at %v, want one of %v", got, now, first(*waiting).at)
	}
	*waiting = slices.DeleteFunc(*waiting, func(w *timer) bool { return w == got })
	return now
}

// BenchmarkTimers has each of many timers come, and set for a second later.
func BenchmarkTimers(b *testing.B) {
	for _, count := range []int{100, 10_000, 1_000_000} {
		b.Run(strconv.Itoa(count), func(b *testing.B) {
			var q timers
			all := make([]timer, count)
			random := rand.New(rand.NewPCG(1, 2))
			for i := range all {
				q.set(&all[i], time.Duration(random.Int64N(int64(time.Second))))
			}
			for b.Loop() {
				at, _ := q.next()
				t := q.pop(at)
				q.set(t, at+time.Second)
			}
		})
	}
}
