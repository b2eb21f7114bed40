package probe

// sendQueue is the measurements that have packets to send, in turn: a ring.
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
