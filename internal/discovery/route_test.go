package discovery

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/fstest"
)

// hex4 writes an address as /proc/net/route does on this machine.
func hex4(s string) string {
	b := netip.MustParseAddr(s).As4()
	return fmt.Sprintf("%08X", binary.NativeEndian.Uint32(b[:]))
}

func row4(destination, gateway, flags, metric, mask string) string {
	return fmt.Sprintf("eth0\t%s\t%s\t%s\t0\t0\t%s\t%s\t0\t0\t0", hex4(destination), hex4(gateway), flags, metric, hex4(mask))
}

const (
	header4 = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT"
	zero6   = "00000000000000000000000000000000"
	local6  = "fe800000000000000000000000000001"
	unique6 = "fd000000000000000000000000000001"
)

func row6(destination, length, next, metric, flags, device string) string {
	return strings.Join([]string{destination, length, zero6, "00", next, metric, "00000001", "00000000", flags, device}, " ")
}

func TestGateways(t *testing.T) {
	for _, test := range []struct {
		name           string
		table4, table6 []string
		want           string
	}{
		{name: "no table"},
		{name: "header only", table4: []string{header4}},
		{"one", []string{header4, row4("0.0.0.0", "10.0.0.1", "0003", "100", "0.0.0.0")}, nil, "10.0.0.1"},
		{"by metric", []string{
			row4("0.0.0.0", "10.0.0.3", "0003", "300", "0.0.0.0"),
			row4("0.0.0.0", "10.0.0.1", "0003", "20", "0.0.0.0"),
			row4("0.0.0.0", "10.0.0.2", "0003", "100", "0.0.0.0"),
		}, nil, "10.0.0.1 10.0.0.2 10.0.0.3"},
		{"equal metrics keep the kernel's order", []string{
			row4("0.0.0.0", "10.0.0.9", "0003", "0", "0.0.0.0"),
			row4("0.0.0.0", "10.0.0.1", "0003", "0", "0.0.0.0"),
		}, nil, "10.0.0.9 10.0.0.1"},
		{"no default route", []string{row4("10.0.0.0", "10.0.0.1", "0003", "0", "255.0.0.0")}, nil, ""},
		{"half of all addresses", []string{row4("0.0.0.0", "10.0.0.1", "0003", "0", "128.0.0.0")}, nil, ""},
		{"not 0.0.0.0", []string{row4("1.0.0.0", "10.0.0.1", "0003", "0", "0.0.0.0")}, nil, ""},
		{"without a gateway", []string{row4("0.0.0.0", "0.0.0.0", "0003", "0", "0.0.0.0")}, nil, ""},
		{"down", []string{row4("0.0.0.0", "10.0.0.1", "0002", "0", "0.0.0.0")}, nil, ""},
		{"on link", []string{row4("0.0.0.0", "10.0.0.1", "0001", "0", "0.0.0.0")}, nil, ""},
		{"rejected", []string{row4("0.0.0.0", "10.0.0.1", "0203", "0", "0.0.0.0")}, nil, ""},
		{"IPv6", nil, []string{
			row6(zero6, "00", zero6, "ffffffff", "00200200", "lo"),
			row6(zero6, "00", unique6, "00000400", "00450003", "eth1"),
			row6(zero6, "00", local6, "00000064", "00450003", "eth0"),
		}, "fe80::1%eth0 fd00::1"},
		{"IPv6 prefixes", nil, []string{
			row6(zero6, "01", unique6, "00000400", "00000003", "eth0"),
			row6(unique6, "00", unique6, "00000400", "00000003", "eth0"),
			row6(zero6, "00", zero6, "00000400", "00000003", "eth0"),
			row6(zero6, "00", unique6, "00000400", "00000001", "eth0"),
			row6(zero6, "00", unique6, "00000400", "00000203", "eth0"),
		}, ""},
		{"both", []string{row4("0.0.0.0", "10.0.0.1", "0003", "900", "0.0.0.0")},
			[]string{row6(zero6, "00", unique6, "00000001", "00000003", "eth0")}, "10.0.0.1 fd00::1"},
		{"rubbish between", []string{
			"", "\x00\xff", "eth0", "eth0\t00000000", "eth0\tx\ty\tz\t0\t0\tm\tn",
			"eth0\t00000000\t1100000A0\t0003\t0\t0\t0\t00000000",
			"eth0\t00000000\t0100000A\t0003\t0\t0\t-1\t00000000",
			row4("0.0.0.0", "10.0.0.1", "0003", "0", "0.0.0.0"),
		}, []string{
			zero6, row6(zero6, "00", "fe80", "0", "00000003", "eth0"), row6(zero6, "00", "zz"+local6[2:], "0", "00000003", "eth0"),
			row6(zero6, "100", unique6, "0", "00000003", "eth0"),
		}, "10.0.0.1"},
		{"an endless line", []string{strings.Repeat("x", 1<<20), row4("0.0.0.0", "10.0.0.1", "0003", "0", "0.0.0.0")}, nil, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			proc := fstest.MapFS{}
			for path, lines := range map[string][]string{"net/route": test.table4, "net/ipv6_route": test.table6} {
				if lines != nil {
					proc[path] = &fstest.MapFile{Data: []byte(strings.Join(lines, "\n") + "\n")}
				}
			}
			var got []string
			for _, address := range Gateways(proc) {
				got = append(got, address.String())
			}
			if strings.Join(got, " ") != test.want {
				t.Errorf("gateways = %v, want %s", got, test.want)
			}
		})
	}
}

func FuzzGateways(f *testing.F) {
	f.Add(header4+"\n"+row4("0.0.0.0", "10.0.0.1", "0003", "0", "0.0.0.0"), row6(zero6, "00", local6, "0", "00000003", "eth0"))
	f.Add("", "\x00")
	f.Fuzz(func(t *testing.T, table4, table6 string) {
		proc := fstest.MapFS{
			"net/route":      &fstest.MapFile{Data: []byte(table4)},
			"net/ipv6_route": &fstest.MapFile{Data: []byte(table6)},
		}
		addresses := Gateways(proc)
		if most := strings.Count(table4, "\n") + strings.Count(table6, "\n") + 2; len(addresses) > most {
			t.Errorf("%d gateways in %d lines", len(addresses), most)
		}
		for _, address := range addresses {
			if !address.IsValid() || address.IsUnspecified() || address.Is4In6() && address.Zone() != "" {
				t.Errorf("gateway %v", address)
			}
		}
	})
}
