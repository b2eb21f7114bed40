package probe

import (
	"container/heap"
	"time"
)

// timer is an entry of a queue. Its zero value is not queued.
type timer struct {
	at       time.Duration
	place    int // index in the queue + 1; 0 when not queued
	group    *group
	measured *measurement
}

// timers is a queue of what is due next, by monotonic time.
type timers struct{ queue timerQueue }

// set queues t for at, or moves it there.
func (q *timers) set(t *timer, at time.Duration) {
	t.at = at
	if t.place == 0 {
		heap.Push(&q.queue, t)
		return
	}
	heap.Fix(&q.queue, t.place-1)
}

// stop takes t out of the queue if it is there.
func (q *timers) stop(t *timer) {
	if t.place > 0 {
		heap.Remove(&q.queue, t.place-1)
	}
}

// next is the time of the earliest timer.
func (q *timers) next() (at time.Duration, ok bool) {
	if len(q.queue) == 0 {
		return 0, false
	}
	return q.queue[0].at, true
}

// pop takes the earliest timer that is due at now, nil if there is none.
func (q *timers) pop(now time.Duration) *timer {
	if len(q.queue) == 0 || q.queue[0].at > now {
		return nil
	}
	return heap.Pop(&q.queue).(*timer)
}

type timerQueue []*timer

func (q timerQueue) Len() int           { return len(q) }
func (q timerQueue) Less(i, j int) bool { return q[i].at < q[j].at }
func (q timerQueue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].place, q[j].place = i+1, j+1
}

func (q *timerQueue) Push(x any) {
	t := x.(*timer)
	*q = append(*q, t)
	t.place = len(*q)
}

func (q *timerQueue) Pop() any {
	last := len(*q) - 1
	t := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	t.place = 0
	return t
}
