package lab

import "os"

// Test is what ForTest needs of a *testing.T or *testing.B.
type Test interface {
	Helper()
	Cleanup(func())
	Errorf(format string, arguments ...any)
	Fatalf(format string, arguments ...any)
	Skipf(format string, arguments ...any)
}

// Skip skips a test that cannot run here, or fails it when the environment
// says that everything must run (NETSONDE_LAB=require).
func Skip(t Test, reason string) {
	t.Helper()
	if os.Getenv("NETSONDE_LAB") == "require" {
		t.Fatalf("cannot run here, and NETSONDE_LAB=require: %s", reason)
	}
	t.Skipf("%s", reason)
}

// ForTest returns an empty network for the life of a test. The test is skipped,
// or fails if NETSONDE_LAB=require, where no network can be built, and ends at
// the first step that fails.
func ForTest(t Test) *Network {
	t.Helper()
	n, err := New()
	if err != nil {
		Skip(t, err.Error())
	}
	n.failed = func(err error) {
		t.Helper()
		t.Fatalf("lab: %v", err)
	}
	t.Cleanup(func() {
		n.failed = nil
		if err := n.Close(); err != nil {
			t.Errorf("closing the lab: %v", err)
		}
	})
	return n
}
