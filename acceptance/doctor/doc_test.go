// Package doctor_test breaks machines one way at a time and sees that the built
// program's doctor names the gap, and that the command that it prints, run as
// it stands, closes it.
//
// The machines are namespaces of the lab, and one, whose buffers are too small,
// a kernel of its own: net.core.rmem_max is one for all network namespaces of a
// kernel, so that the machine's would have to be changed. It needs root; what
// cannot run is skipped with the reason, or fails if NETSONDE_LAB=require.
package doctor_test

import (
	"os"
	"testing"

	"netsonde/acceptance/built"
)

func TestMain(m *testing.M) { os.Exit(built.Main(m)) }
