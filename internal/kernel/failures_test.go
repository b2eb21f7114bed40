package kernel

import (
	"os"
	"testing"
	"time"
)

// TestFailingLooksAreTold warns once of looks that fail for long, and once of the end.
func TestFailingLooksAreTold(t *testing.T) {
	var f failures
	told := 0
	at := time.Duration(0)
	look := func(lasts time.Duration, err error, want int) {
		t.Helper()
		for end := at + lasts; at < end; at += time.Second {
			f.note(at, err, func(string) { told++ })
		}
		if told != want {
			t.Errorf("%d warnings at %v, want %d", told, at, want)
		}
	}
	look(time.Minute, nil, 0)
	look(toldAfter, os.ErrDeadlineExceeded, 0)
	look(time.Second, nil, 0)
	look(time.Minute, os.ErrDeadlineExceeded, 1)
	look(time.Minute, nil, 2)
	look(toldAfter, os.ErrDeadlineExceeded, 2)
}
