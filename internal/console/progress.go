package console

import (
	"io"
	"strconv"
	"sync"
	"time"
)

const (
	// progressAfter is how long work takes before its progress is shown.
	progressAfter = 2 * time.Second
	// progressEvery is the time from one drawing to the next.
	progressEvery = 250 * time.Millisecond
	// barColumns bounds the line: the terminal of the results tells its width,
	// but the progress may stand on another.
	barColumns = defaultColumns
)

// progress is one line on a terminal that is drawn again and again. A nil
// progress has no screen, and does nothing.
type progress struct {
	stream io.Writer

	mu    sync.Mutex
	shown bool
	line  []byte
}

// clear erases the line and holds the screen until release.
func (p *progress) clear() {
	if p == nil {
		return
	}
	p.mu.Lock()
	if p.shown {
		p.shown = false
		// A terminal that is gone is told by the results.
		_, _ = io.WriteString(p.stream, eraseLine)
	}
}

func (p *progress) release() {
	if p != nil {
		p.mu.Unlock()
	}
}

// erase takes the line away.
func (p *progress) erase() {
	p.clear()
	p.release()
}

// draw shows the progress of done targets of total, 0 when unknown.
func (p *progress) draw(t *tally, total uint64, elapsed time.Duration, columns int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.line = append(p.line[:0], '\r')
	p.line = appendProgress(p.line, t, total, elapsed)
	p.line, _ = cutCells(p.line, 1, columns-1)
	p.line = append(p.line, eraseLine[1:]...)
	p.shown = true
	_, _ = p.stream.Write(p.line)
}

// appendProgress appends how far the work is. Before the first target is done
// that is no more than how long it has taken: echoes are told with their target.
func appendProgress(dst []byte, t *tally, total uint64, elapsed time.Duration) []byte {
	done := t.done()
	dst = strconv.AppendUint(dst, done, 10)
	if total > 0 {
		dst = strconv.AppendUint(append(dst, " of "...), total, 10)
	}
	dst = append(dst, " targets done"...)
	if t.checks > 0 {
		dst = appendCount(append(dst, ", "...), t.checks, "port")
	}
	dst = append(dst, " in "...)
	dst = append(dst, elapsed.Truncate(time.Second).String()...)
	if done == 0 {
		return append(dst, ", waiting"...)
	}
	rate := float64(done) / elapsed.Seconds()
	dst = strconv.AppendFloat(append(dst, ", "...), rate, 'f', 0, 64)
	dst = append(dst, "/s, "...)
	dst = strconv.AppendUint(dst, t.counts.Unreachable+t.counts.Unresolved, 10)
	dst = append(dst, " without answer"...)
	if total > done {
		left := time.Duration(float64(total-done) / rate * float64(time.Second))
		dst = append(append(dst, ", "...), max(left, time.Second).Round(time.Second).String()...)
		dst = append(dst, " left"...)
	}
	return dst
}
