package mesh

import (
	"os"
	"time"
)

// WriteState makes a directory the home of a mesh with this state.
func WriteState(d Directory, state *State) error { return d.write(state) }

// Lock makes this process the one that runs the mesh.
func Lock(d Directory) (*os.File, error) { return d.lock() }

// TakeOver makes what an earlier mesh left the fresh one's.
func TakeOver(d Directory, fresh *State) error { return d.takeOver(fresh) }

// AppendSample adds a sample to those that are kept.
func AppendSample(samples []Sample, sample Sample) []Sample { return appendSample(samples, sample) }

// Expire makes the observer read anew.
func Expire(o *Observer) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.at = time.Time{}
}
