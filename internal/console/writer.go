package console

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

// writer writes what waits in a queue, one entry after the other.
type writer struct {
	results     io.Writer
	diagnostics *Diagnostics
	lossless    bool
	// together writes up to so many bytes of entries at once, where one Write
	// each would cost more than the work; 0 writes each alone.
	together int
	// screen, if there is one, is cleared and held during each Write.
	screen *progress
	// full lasts from a write that found the disk full to the next that did not.
	full bool
	// torn tells that the last block ended in the middle.
	torn bool
}

// empty writes until the queue ends, or until an error makes going on useless;
// then it ends the queue.
func (w *writer) empty(q *queue) error {
	var taken backlog
	for {
		var more bool
		if taken, more = q.take(taken); !more {
			return nil
		}
		data := taken.data
		for entries := taken.entries; len(entries) > 0; {
			n, length := 1, entries[0].length
			for n < len(entries) && length+entries[n].length <= w.together {
				length += entries[n].length
				n++
			}
			w.diagnostics.lines.awaitBriefly(entries[0].complaints)
			written, err := w.write(data[:length])
			if err != nil {
				q.fail(err)
				return err
			}
			whole := 0
			for rest := written; whole < n && rest >= entries[whole].length; whole++ {
				rest -= entries[whole].length
			}
			q.wrote(whole, n-whole)
			data, entries = data[length:], entries[n:]
		}
	}
}

// write writes one or more blocks and returns how many bytes of them: not all
// when the disk is full. An error is final.
func (w *writer) write(block []byte) (written int, err error) {
	mended := 0
	if w.torn {
		// The rest of the torn line must not run into this block.
		block = append([]byte{'\n'}, block...)
		mended = 1
	}
	w.screen.clear()
	n, err := w.results.Write(block)
	w.screen.release()
	switch {
	case err == nil:
		w.full, w.torn = false, false
		return n - mended, nil
	case w.isGone(err):
		return 0, ErrClosed
	case isDiskFull(err) && !w.lossless:
		w.torn = w.torn || n > 0
		if !w.full {
			w.diagnostics.Warn("Results are dropped until there is room for them: " + err.Error())
		}
		w.full = true
		return max(n-mended, 0), nil
	default:
		return 0, fmt.Errorf("write the results: %w", err)
	}
}

// isGone reports whether a write failed because its reader is no more: a closed
// pipe or socket, or a terminal that hung up.
func (w *writer) isGone(err error) bool {
	if errors.Is(err, syscall.EIO) {
		// From a file the same error is a broken disk, which is to be told.
		file, ok := w.results.(*os.File)
		if !ok {
			return false
		}
		info, err := file.Stat()
		return err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) ||
		errors.Is(err, os.ErrClosed) || errors.Is(err, io.ErrClosedPipe)
}

func isDiskFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
