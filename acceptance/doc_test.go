// Package acceptance_test holds what must be true of the whole: the built
// program beside real ping and traceroute, and whole agents over a simulated
// network and over the kernel's, by the same bodies.
//
// What needs root, namespaces or a program that is missing is skipped with the
// reason, or fails if NETSONDE_LAB=require.
package acceptance_test

import (
	"os/exec"
	"testing"

	"netsonde/internal/lab"
)

// requireTools skips a test that needs a program that is not there.
func requireTools(t *testing.T, programs ...string) {
	t.Helper()
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil {
			lab.Skip(t, err.Error())
		}
	}
}
