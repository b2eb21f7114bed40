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
		for _, e := range taken.entries {
			w.diagnostics.lines.awaitBriefly(e.complaints)
			lost, err := w.write(data[:e.length])
			if err != nil {
				q.fail(err)
				return err
			}
			q.wrote(lost)
			data = data[e.length:]
		}
	}
}

// write writes one block. lost tells that it did not fit on the disk; an error
// is final.
func (w *writer) write(block []byte) (lost bool, err error) {
	if w.torn {
		// The rest of the torn line must not run into this block.
		block = append([]byte{'\n'}, block...)
	}
	n, err := w.results.Write(block)
	switch {
	case err == nil:
		w.full, w.torn = false, false
		return false, nil
	case w.isGone(err):
		return false, ErrClosed
	case isDiskFull(err) && !w.lossless:
		w.torn = w.torn || n > 0
		if !w.full {
			w.diagnostics.Warn("Results are dropped until there is room for them: " + err.Error())
		}
		w.full = true
		return true, nil
	default:
		return false, fmt.Errorf("write the results: %w", err)
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
