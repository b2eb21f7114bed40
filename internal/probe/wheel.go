package probe

import "math/bits"

const (
	// tickShift makes a tick of 2²⁰ nanoseconds, about a millisecond.
	tickShift = 20
	// wheelSlots is how many ticks a block has, and how many blocks there are:
	// together eighteen minutes. What is due later is looked at again then.
	wheelSlots = 1024
	wheelWords = wheelSlots / 64
)

// wheel is a hierarchical timing wheel of two levels (Varghese and Lauck,
// Hashed and Hierarchical Timing Wheels, SOSP 1987). The first level has a slot
// a tick for the next 1,024 ticks, the second a slot a block of so many.
type wheel struct {
	// slots hold timers: those of ticks, modulo their number, and behind them those
	// of blocks. As in the heap the times stand beside them.
	slots [2 * wheelSlots][]timedTimer
	// taken has a bit for each slot that holds something.
	taken [2 * wheelWords]uint64
}

// put places a timer of a tick that is not before the horizon.
func (w *wheel) put(t timedTimer, tick, horizon int64) {
	slot := int32(tick % wheelSlots)
	if tick-horizon >= wheelSlots {
		block := min(tick/wheelSlots, horizon/wheelSlots+wheelSlots-1)
		slot = wheelSlots + int32(block%wheelSlots)
	}
	w.slots[slot] = append(w.slots[slot], t)
	t.timer.place, t.timer.slot = int32(len(w.slots[slot])), slot+1
	w.taken[slot/64] |= 1 << (slot % 64)
}

// take takes a timer out of its slot; the slot's last takes its place.
func (w *wheel) take(t *timer) {
	slot := t.slot - 1
	held := w.slots[slot]
	last := len(held) - 1
	moved := held[last]
	held[t.place-1] = moved
	moved.timer.place = t.place
	held[last] = timedTimer{}
	w.slots[slot] = held[:last]
	if last == 0 {
		w.taken[slot/64] &^= 1 << (slot % 64)
	}
	t.place, t.slot = 0, 0
}

// empty takes all timers out of a slot, for the caller to put them elsewhere and
// to clear the list. A tick's slot keeps the list's memory, as it is filled as much
// again in a second; that of a block would be kept for nothing.
func (w *wheel) empty(slot int) []timedTimer {
	held := w.slots[slot]
	w.slots[slot] = nil
	if slot < wheelSlots {
		w.slots[slot] = held[:0]
	}
	w.taken[slot/64] &^= 1 << (slot % 64)
	return held
}

// nextTick is the first tick from the horizon on that has timers, or, not
// found, the beginning of a block that must be looked into first.
func (w *wheel) nextTick(horizon int64) (tick int64, found bool) {
	block := horizon / wheelSlots
	if slot := w.search(int(horizon%wheelSlots), 0, wheelSlots); slot >= 0 {
		return block*wheelSlots + int64(slot), true
	}
	// What stands before the horizon's place in its block is of the next one.
	if w.search(0, 0, wheelSlots) >= 0 {
		return (block + 1) * wheelSlots, false
	}
	at := int((block + 1) % wheelSlots)
	slot := w.search(at, wheelSlots, wheelSlots)
	if slot < 0 {
		slot = w.search(0, wheelSlots, wheelSlots) + wheelSlots
	}
	return (block + 1 + int64(slot-at)) * wheelSlots, false
}

// search is the first slot with timers from a place of a level on, whose slots
// begin at base; −1 when there is none up to its end.
func (w *wheel) search(from, base, end int) int {
	for word := from / 64; word < end/64; word++ {
		held := w.taken[base/64+word]
		if word == from/64 {
			held &= ^uint64(0) << (from % 64)
		}
		if held != 0 {
			return word*64 + bits.TrailingZeros64(held)
		}
	}
	return -1
}
