package probe

// timerHeap is a binary heap by time.
type timerHeap []timedTimer

func (h *timerHeap) push(t timedTimer) {
	*h = append(*h, t)
	h.up(len(*h) - 1)
}

// remove takes the timer at a place out.
func (h *timerHeap) remove(i int) {
	last := len(*h) - 1
	(*h)[i].timer.place = 0
	moved := (*h)[last]
	(*h)[last] = timedTimer{}
	*h = (*h)[:last]
	if i == last {
		return
	}
	(*h)[i] = moved
	h.down(i)
	h.up(int(moved.timer.place) - 1)
}

// up moves the entry at a place to where those before it are not later.
func (h timerHeap) up(i int) {
	moved := h[i]
	for i > 0 {
		parent := (i - 1) / 2
		if h[parent].at <= moved.at {
			break
		}
		h.set(i, h[parent])
		i = parent
	}
	h.set(i, moved)
}

// down moves the entry at a place to where those behind it are not earlier.
func (h timerHeap) down(i int) {
	moved := h[i]
	for {
		child := 2*i + 1
		if child >= len(h) {
			break
		}
		if child+1 < len(h) && h[child+1].at < h[child].at {
			child++
		}
		if moved.at <= h[child].at {
			break
		}
		h.set(i, h[child])
		i = child
	}
	h.set(i, moved)
}

func (h timerHeap) set(i int, e timedTimer) {
	h[i] = e
	e.timer.place = int32(i) + 1
}
