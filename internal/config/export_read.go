package config

import (
	"context"
	"io"
)

// Read reads a configuration from r as Parse does, and returns with the plan
// what stands beside it. The context's end interrupts nothing but long lists.
func Read(ctx context.Context, name string, r io.Reader) (*Configuration, []Diagnostic, error) {
	return parse(ctx, name, r, localSurroundings())
}
