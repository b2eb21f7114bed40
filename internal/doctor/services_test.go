package doctor

import (
	"io/fs"
	"reflect"
	"testing"
	"testing/fstest"
)

func TestRunning(t *testing.T) {
	link := func(to string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(to), Mode: fs.ModeSymlink} }
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	g := &gatherer{root: fstest.MapFS{
		"proc/self/ns/net":  link("net:[1]"),
		"proc/self/net/dev": file("Inter-| Receive\n    lo: 0 0\n    d1: 0 0\n"),
		"proc/7/comm":       file("systemd-network\n"), "proc/7/ns/net": link("net:[1]"),
		"proc/8/comm": file("NetworkManager\n"), "proc/8/ns/net": link("net:[2]"),
		// Not for us to read, but its interfaces are.
		"proc/9/comm": file("systemd-resolve\n"), "proc/9/net/dev": file("    lo: 1 2\n    d1: 3 4\n"),
		"proc/10/comm": file("dhcpcd\n"), "proc/10/net/dev": file("lo: 1\neth0: 2\n"),
		"proc/sys/comm": file("dhcpcd\n"),
	}}
	got := g.running("systemd-network", "NetworkManager", "systemd-resolve", "dhcpcd")
	if want := map[string]bool{"systemd-network": true, "NetworkManager": false, "systemd-resolve": true, "dhcpcd": false}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v", got)
	}
}

func TestManaged(t *testing.T) {
	for text, want := range map[string]bool{
		"": false, "# This is private data.\nADMIN_STATE=configured\nOPER_STATE=routable\n": true,
		"ADMIN_STATE=unmanaged\n": false, "ADMIN_STATE=\n": false, "OPER_STATE=routable\n": false,
	} {
		if managed(text, "ADMIN_STATE=") != want {
			t.Errorf("%q is not %v", text, want)
		}
	}
	if !managed("[device]\nmanaged=full\n", "managed=") || managed("[device]\nmanaged=unmanaged\n", "managed=") {
		t.Error("NetworkManager's files are misread")
	}
}

func TestHostRoutes(t *testing.T) {
	got := hostRoutes("Iface\tDestination\tGateway\n" +
		"d1\t0100090A\t00000000\t0005\t0\t0\t0\tFFFFFFFF\t0\t0\t0\n" +
		"d2\t0200090A\t00000000\t0205\t0\t0\t0\tFFFFFFFF\t0\t0\t0\n" +
		"d3\t0000090A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n" +
		"d4\tzz\t00000000\t0001\t0\t0\t0\tFFFFFFFF\n")
	if len(got) != 1 || got[0].Device != "d1" || !got[0].Addr.Is4() {
		t.Errorf("got %+v", got)
	}
}
