package doctor

import (
	"encoding/binary"
	"net/netip"
	"os/exec"
	"reflect"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

func TestParseStatus(t *testing.T) {
	got := parseStatus("Name:\tx\nUid:\t1\t65534\t2\t3\nGid:\t4\t100\t5\t6\nCapEff:\t0000000000002000\nCapBnd:\t000001ffffffffff\nNoNewPrivs:\t1\n")
	want := Rights{UID: 65534, GID: 100, Effective: 1 << unix.CAP_NET_RAW, Bounding: 1<<41 - 1, NoNewPrivileges: true}
	if got != want {
		t.Errorf("got %+v", got)
	}
	if got := parseStatus("Uid:\nGid:\tx y\nCapEff:\tz\nUid: 1 4294967296\n"); got != (Rights{UID: Unknown, GID: Unknown}) {
		t.Errorf("of nonsense: %+v", got)
	}
}

func TestInUserNamespace(t *testing.T) {
	for text, want := range map[string]bool{
		"": false, "         0          0 4294967295\n": false, "0 65534 1\n": true, "0 1000 1\n1 100000 65536\n": true,
	} {
		if inUserNamespace(text) != want {
			t.Errorf("%q is not %v", text, want)
		}
	}
}

func TestParseFileCapabilities(t *testing.T) {
	attribute := []byte{1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0}
	if got := parseFileCapabilities(attribute); got != 1<<unix.CAP_NET_RAW|1<<32 {
		t.Errorf("got %x", got)
	}
	if got := parseFileCapabilities(attribute[:19]); got != 0 {
		t.Errorf("of a short one: %x", got)
	}
}

func TestParseChains(t *testing.T) {
	got := parseChains(`table inet filter {
	chain out {
		type filter hook output priority filter; policy accept;
	}
	chain helper {
	}
	chain post {
		type nat hook postrouting priority srcnat; policy accept;
	}
	chain in {
		type filter hook input priority 0; policy drop;
	}
	chain a;reboot {
		type filter hook output priority 0; policy drop;
	}
}
table ip6 six {
	chain last {
		type filter hook postrouting priority 0; policy drop;
	}
}
table bridge b {
	chain out {
		type filter hook output priority 0; policy drop;
	}
}
`)
	want := []Chain{
		{"inet", "filter", "out", DirectionOut, 0}, {"inet", "filter", "in", DirectionIn, ProtocolAny}, {"ip6", "six", "last", DirectionOut, ProtocolAny},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %+v", got)
	}
}

func TestParseServers(t *testing.T) {
	got := parseServers("# nameserver 192.0.2.1\nnameserver 192.0.2.2 # here\nnameserver\nnameserver x\nnameserver 192.0.2.2\n" +
		"options edns0\n nameserver fe80::1%eth0\nnameserver ::1\nnameserver 192.0.2.4\n")
	want := []netip.Addr{netip.MustParseAddr("192.0.2.2"), netip.MustParseAddr("fe80::1%eth0"), netip.MustParseAddr("::1")}
	if !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}

// neighbour builds a message of the neighbour table.
func neighbour(state uint16, attributes ...[]byte) []byte {
	b := binary.NativeEndian.AppendUint16(make([]byte, 8, 64), state)
	b = append(b, 0, 0)
	for _, attribute := range attributes {
		b = append(b, attribute...)
	}
	return b
}

func attribute(kind uint16, data ...byte) []byte {
	b := binary.NativeEndian.AppendUint16(nil, uint16(4+len(data)))
	b = append(binary.NativeEndian.AppendUint16(b, kind), data...)
	return append(b, make([]byte, -len(b)&3)...)
}

func TestParseNeighbour(t *testing.T) {
	four := netip.MustParseAddr("192.0.2.1")
	for name, test := range map[string]struct {
		in    []byte
		addr  netip.Addr
		state string
	}{
		"empty":    {nil, netip.Addr{}, ""},
		"plain":    {neighbour(unix.NUD_FAILED, attribute(unix.NDA_DST, 192, 0, 2, 1)), four, "failed"},
		"second":   {neighbour(unix.NUD_STALE, attribute(unix.NDA_LLADDR, 1, 2, 3, 4, 5, 6), attribute(unix.NDA_DST, 192, 0, 2, 1)), four, "stale"},
		"too long": {neighbour(unix.NUD_STALE, []byte{20, 0, 1, 0, 1, 2, 3, 4}), netip.Addr{}, "stale"},
		"endless":  {neighbour(0, []byte{0, 0, 1, 0}), netip.Addr{}, ""},
	} {
		if addr, state := parseNeighbour(test.in); addr != test.addr || state != test.state {
			t.Errorf("%s: %v %q", name, addr, state)
		}
	}
}

func FuzzParseNeighbour(f *testing.F) {
	f.Add(neighbour(2, attribute(1, 1, 2, 3, 4)))
	f.Fuzz(func(_ *testing.T, b []byte) { parseNeighbour(b) })
}

// What stands in files and in the firewall's listing comes out as plain words.
func FuzzParseText(f *testing.F) {
	f.Add("table inet filter {\nchain out {\ntype filter hook output priority 0; policy drop;\n")
	f.Add("nameserver 192.0.2.1\n")
	f.Add("Uid:\t1\t2\t3\t4\nCapEff:\tff\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, chain := range parseChains(text) {
			if quote(chain.Table) != chain.Table || quote(chain.Name) != chain.Name {
				t.Errorf("%+v", chain)
			}
		}
		if len(parseServers(text)) > maxServers {
			t.Error("too many servers")
		}
		parseStatus(text)
		inUserNamespace(text)
	})
}

func TestLikelyRouters(t *testing.T) {
	prefixes := func(texts ...string) (list []netip.Prefix) {
		for _, text := range texts {
			list = append(list, netip.MustParsePrefix(text))
		}
		return list
	}
	got := likelyRouters([]Link{
		{Name: "lo", Up: true, Carrier: true, Loopback: true, Prefixes: prefixes("127.0.0.1/8")},
		{Name: "down", Prefixes: prefixes("10.0.0.1/8")},
		{Name: "dark", Up: true, Prefixes: prefixes("10.1.0.1/8")},
		{Name: "a", Up: true, Carrier: true, Prefixes: prefixes("192.0.2.2/24", "2001:db8::1/64", "10.9.9.9/32", "1.2.3.4/0")},
		{Name: "b", Up: true, Carrier: true, Prefixes: prefixes("198.51.100.1/30", "203.0.113.4/31")},
	})
	want := []Router{
		{netip.MustParseAddr("192.0.2.1"), "a"}, {netip.MustParseAddr("192.0.2.254"), "a"},
		{netip.MustParseAddr("198.51.100.2"), "b"}, {netip.MustParseAddr("203.0.113.5"), "b"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v", got)
	}
}

func TestQuote(t *testing.T) {
	for _, word := range []string{"", "plain", "a b", "it's", `a"b`, "$(reboot)", "`x`", "a\nb", "-n", "{a,b}", `\`, "ä"} {
		text, err := exec.Command("sh", "-c", "printf %s "+single("x")+quote(word)).Output()
		if err != nil || string(text) != "x"+word {
			t.Errorf("%q became %q: %v", word, text, err)
		}
	}
}
