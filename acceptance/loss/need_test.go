package loss_test

import (
	"os/exec"
	"testing"

	"netsonde/internal/lab"
)

// need skips a test on a machine without a program.
func need(t *testing.T, tool string) {
	t.Helper()
	if _, err := exec.LookPath(tool); err != nil {
		lab.Skip(t, err.Error())
	}
}
