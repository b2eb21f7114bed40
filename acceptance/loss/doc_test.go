// Package loss_test forces what can become of a probe, and judges what the built
// program tells of it. Whatever happens is forced in networks of namespaces
// while the program runs and knows nothing of it; the judge reads the program's
// lines and what a tap at the program's own interface has seen, and nothing
// else: whether a probe left, and what came back of it.
//
// It needs root, nft, tc and /dev/net/tun; what cannot run is skipped with the
// reason, or fails if NETSONDE_LAB=require.
package loss_test

import (
	"os"
	"testing"

	"netsonde/acceptance/built"
)

func TestMain(m *testing.M) { os.Exit(built.Main(m)) }
