package console

import (
	"bytes"
	"context"
	"io"
	"sync"
	"time"
)

const (
	// maxLines is how many bytes of lines wait before the newest are dropped.
	maxLines = 1 << 20
	// linesPatience is how long a block waits for the lines that stand before it.
	linesPatience = 200 * time.Millisecond
)

// asyncWriter writes lines, in order, for callers who never wait. While there
// are any, a goroutine writes them.
//
// It does not ask with poll(2) whether the stream takes more: when results and
// diagnostics share a pipe, the other of the two may fill it before our write,
// and a terminal waits for the whole line even when there is room for some of
// it. Nor does it make the stream non-blocking, for that would make it so for
// all the processes that share it.
type asyncWriter struct {
	stream io.Writer
	// missedLine makes the line that tells how many lines were dropped.
	missedLine func(n int) []byte

	mu sync.Mutex
	// limit is the number of bytes that may wait, 0 for any number.
	limit   int
	pieces  [][]byte
	size    int // of all that is not yet written
	writing bool
	// accepted and written count pieces.
	accepted, written uint64
	// missed counts the lines dropped since the stream last took everything.
	missed int
	// behind lasts from a wait in vain until the stream has taken everything.
	behind bool
	// moved, if somebody waits, is closed when a piece has been written.
	moved chan struct{}
}

// write takes whole lines, which the caller gives away, for one Write. The
// mark is for awaitBriefly; it is 0 if nothing will be written.
func (w *asyncWriter) write(lines []byte) (mark uint64) {
	if len(lines) == 0 {
		return 0
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.missed > 0 || w.limit > 0 && w.size+len(lines) > w.limit {
		w.missed += bytes.Count(lines, []byte{'\n'})
		return 0
	}
	w.accept(lines)
	if !w.writing {
		w.writing = true
		go w.empty()
	}
	return w.accepted
}

// accept needs w.mu.
func (w *asyncWriter) accept(lines []byte) {
	w.pieces = append(w.pieces, lines)
	w.size += len(lines)
	w.accepted++
}

// empty writes until nothing waits.
func (w *asyncWriter) empty() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		if len(w.pieces) == 0 && w.missed > 0 {
			w.accept(w.missedLine(w.missed))
			w.missed = 0
		}
		if len(w.pieces) == 0 {
			w.pieces, w.writing, w.behind = nil, false, false
			return
		}
		piece := w.pieces[0]
		w.pieces[0], w.pieces = nil, w.pieces[1:]
		w.mu.Unlock()
		// A stream that cannot be written is not told: there is nowhere left.
		_, _ = w.stream.Write(piece)
		w.mu.Lock()
		w.size -= len(piece)
		w.written++
		if w.moved != nil {
			close(w.moved)
			w.moved = nil
		}
	}
}

// awaitBriefly waits a short while until what mark stands for is written, and
// not at all while the stream is behind.
func (w *asyncWriter) awaitBriefly(mark uint64) {
	w.mu.Lock()
	enough := w.behind || w.written >= mark
	w.mu.Unlock()
	if enough {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), linesPatience)
	defer cancel()
	if w.await(ctx, mark) == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.behind = w.writing
}

// flush waits until everything that was taken is written, and how many lines
// were dropped is told.
func (w *asyncWriter) flush(ctx context.Context) error {
	w.mu.Lock()
	mark := w.accepted
	if w.missed > 0 {
		mark++
	}
	w.mu.Unlock()
	return w.await(ctx, mark)
}

func (w *asyncWriter) await(ctx context.Context, mark uint64) error {
	for {
		w.mu.Lock()
		if w.written >= mark {
			w.mu.Unlock()
			return nil
		}
		if w.moved == nil {
			w.moved = make(chan struct{})
		}
		moved := w.moved
		w.mu.Unlock()
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// keepAll drops nothing from now on.
func (w *asyncWriter) keepAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.limit = 0
}
