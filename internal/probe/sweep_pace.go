package probe

import (
	"time"

	"netsonde"
	"netsonde/internal/packet"
)

// mostMadeUp is how late an echo may leave for the next not to be put off.
const mostMadeUp = time.Millisecond

// Opens returns when a packet to one more target may leave, after those that
// wait for nothing but the rate of all: now, or later.
func (e *Engine) Opens(now time.Duration) time.Duration {
	if e.pacer == nil {
		return now
	}
	return e.pacer.opens(now, e.sending.paced.length()+e.checking.paced.length())
}

// Held is the number of probes that wait until more packets may leave for
// their address or its network, or for a router on the way.
func (e *Engine) Held() int { return e.holds.length() }

// fillPaced is fillFree for those that the rates hold for, one packet a turn.
func (e *Engine) fillPaced(now netsonde.Instant, out []packet.Probe) (n int) {
	for starved := 0; n < len(out); {
		m := e.pass(now.Monotonic, &e.sending.paced)
		if m == nil {
			break
		}
		filled, more := m.fill(e, now, out[n:n+1])
		n += filled
		if filled > 0 {
			e.pacer.take(now.Monotonic, m.group.addr)
			m.hadTurn = false
			m.planEcho(e, now.Monotonic)
		}
		if more {
			e.enqueue(m)
		}
		if more && filled == 0 {
			if starved++; starved >= e.sending.paced.length() {
				break
			}
		}
	}
	return n
}

// pass takes the first of a queue that the rates let go now, and has those
// before it wait in the line of their network or address.
func (e *Engine) pass(now time.Duration, queue *sendQueue) *measurement {
	for m := queue.next(); m != nil; m = queue.next() {
		if !m.active {
			continue
		}
		if at := e.pacer.opens(now, 0); at > now {
			queue.putBack(m)
			e.opensAt = at
			return nil
		}
		line, of := e.pacer.obstacle(now, m.group.addr, m.hadTurn)
		if line == nil {
			return m
		}
		e.hold(m, line, of, now)
	}
	return nil
}

// release has those go on whose turn in a line has come.
func (e *Engine) release(now time.Duration) {
	for t := e.holds.pop(now); t != nil; t = e.holds.pop(now) {
		m := t.measured
		m.line.waiting--
		m.line, m.queued, m.hadTurn = nil, false, true
		if m.active {
			e.enqueue(m)
		}
	}
}

// planEcho sets the time of the next echo now that the one before it leaves:
// an echo that the rates have put off is not caught up.
func (m *measurement) planEcho(e *Engine, now time.Duration) {
	b := &m.burst
	if b.next == nil || b.filled < b.came || b.came == len(b.samples) {
		return
	}
	if late := now - m.echoTime(b.came-1) - mostMadeUp; late > 0 {
		b.putOff += late
	}
	e.echoes.set(b.next, m.echoTime(b.came))
}

// Admit appends to out at most so many checks of targets that were begun, to be
// run now.
func (e *Engine) Admit(now netsonde.Instant, out []Due, most int) []Due {
	for admitted := 0; admitted < most; {
		m := e.checking.free.next()
		if m == nil && e.pacer != nil {
			if m = e.pass(now.Monotonic, &e.checking.paced); m != nil {
				e.pacer.take(now.Monotonic, m.group.addr)
				m.hadTurn = false
			}
		}
		if m == nil {
			break
		}
		if m.active {
			out = append(out, m.due(now))
			admitted++
		}
	}
	return out
}
