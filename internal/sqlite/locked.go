package sqlite

import (
	"context"
	"time"
)

// lockedKey is where WithLocked keeps its function in a context.
type lockedKey struct{}

// WithLocked returns a context under which Open, Read and Write call locked
// after each try that found the database locked, with how long that has been
// so since the first refused try of that call. A call that was never refused tells
// nothing, however long it took. It is called by the goroutine that waits, about 30
// times a second at most.
func WithLocked(ctx context.Context, locked func(waited time.Duration)) context.Context {
	return context.WithValue(ctx, lockedKey{}, locked)
}

func tellLocked(ctx context.Context, waited time.Duration) {
	if locked, ok := ctx.Value(lockedKey{}).(func(time.Duration)); ok {
		locked(waited)
	}
}
