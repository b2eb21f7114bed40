package probe

// sendQueue is measurements in turn: a ring.
type sendQueue struct {
	ring  []*measurement
	first int
	count int
}

func (q *sendQueue) length() int { return q.count }

// add gives a measurement a turn behind the others, unless it has one.
func (q *sendQueue) add(m *measurement) {
	if m.queued {
		return
	}
	q.grow()
	q.ring[(q.first+q.count)%len(q.ring)] = m
	q.count++
	m.queued = true
}

// putBack gives a measurement the next turn again.
func (q *sendQueue) putBack(m *measurement) {
	q.grow()
	q.first = (q.first + len(q.ring) - 1) % len(q.ring)
	q.ring[q.first] = m
	q.count++
	m.queued = true
}

// next takes whose turn it is, nil when nobody waits.
func (q *sendQueue) next() *measurement {
	if q.count == 0 {
		return nil
	}
	m := q.ring[q.first]
	q.ring[q.first] = nil
	q.first = (q.first + 1) % len(q.ring)
	q.count--
	m.queued = false
	return m
}

// grow makes room for one more.
func (q *sendQueue) grow() {
	if q.count < len(q.ring) {
		return
	}
	ring := make([]*measurement, max(64, 2*len(q.ring)))
	n := copy(ring, q.ring[q.first:])
	copy(ring[n:], q.ring[:q.first])
	q.ring, q.first = ring, 0
}

// turns are the measurements that have something to send, or a check to run,
// in two queues: those that the rates hold for, and those that are free.
type turns struct{ free, paced sendQueue }

func (t *turns) length() int { return t.free.length() + t.paced.length() }

// enqueue has a measurement send, or be run, when its turn has come.
func (e *Engine) enqueue(m *measurement) {
	queue := &e.sending
	if m.plan.Kind.IsCheck() {
		queue = &e.checking
	}
	if m.group.target.paced {
		queue.paced.add(m)
		return
	}
	queue.free.add(m)
}
