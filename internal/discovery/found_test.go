package discovery

import (
	"fmt"
	"testing"
	"testing/fstest"
)

func file(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }

func TestResolvers(t *testing.T) {
	for _, test := range []struct{ name, etc, systemd, want string }{
		{"none", "", "", "[]"},
		{"as resolvers read it", "# nameserver 192.0.2.9\n; nameserver 192.0.2.8\n\nsearch example\noptions edns0\n" +
			"nameserver\t192.0.2.1 # here\nnameserver fe80::1%eth0\r\n", "", "[192.0.2.1 fe80::1%eth0]"},
		{"the first three, each once", "nameserver 192.0.2.1\nnameserver 192.0.2.1\nnameserver 192.0.2.2\n" +
			"nameserver 192.0.2.3\nnameserver 192.0.2.4", "", "[192.0.2.1 192.0.2.2 192.0.2.3]"},
		{"what makes no sense", "nameserver\nnameserver dns.example\nnameserver 0.0.0.0\nnameserver 192.0.2.300\n" +
			"Nameserver 192.0.2.2\nnameserver ::\nnameserver 192.0.2.1\n\x00\xff", "", "[192.0.2.1]"},
		{"a stub on this machine", "nameserver 127.0.0.53\n", "nameserver 192.0.2.1\n", "[192.0.2.1]"},
		{"only a stub is known", "nameserver 127.0.0.53\n", "", "[127.0.0.53]"},
		{"not only a stub", "nameserver 127.0.0.53\nnameserver 192.0.2.2\n", "nameserver 192.0.2.1\n", "[127.0.0.53 192.0.2.2]"},
	} {
		t.Run(test.name, func(t *testing.T) {
			root := fstest.MapFS{}
			if test.etc != "" {
				root["etc/resolv.conf"] = file(test.etc)
			}
			if test.systemd != "" {
				root["run/systemd/resolve/resolv.conf"] = file(test.systemd)
			}
			if got := fmt.Sprint(Resolvers(root)); got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
}

func TestFind(t *testing.T) {
	through := row4("0.0.0.0", "10.0.0.1", "0003", "0", "0.0.0.0") + "\n"
	tunnel := row4("0.0.0.0", "0.0.0.0", "0001", "0", "0.0.0.0") + "\n"
	through6 := row6(zero6, "00", local6, "00000064", "00450003", "eth0") + "\n"
	refused6 := row6(zero6, "00", zero6, "ffffffff", "00200200", "lo") + "\n"
	for _, test := range []struct{ name, route4, route6, want string }{
		{"nothing", "", "", "{[] [] []}"},
		{"IPv4", through, refused6, "{[10.0.0.1] [] [9.9.9.9]}"},
		{"both", through + through, through6, "{[10.0.0.1 fe80::1%eth0] [] [9.9.9.9 2620:fe::fe]}"},
		{"a tunnel is a way without a gateway", tunnel, "", "{[] [] [9.9.9.9]}"},
	} {
		t.Run(test.name, func(t *testing.T) {
			found := Find(fstest.MapFS{"proc/net/route": file(header4 + "\n" + test.route4), "proc/net/ipv6_route": file(test.route6)})
			if got := fmt.Sprint(found); got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
			if found.Empty() != (test.route4+test.route6 == "") {
				t.Errorf("empty: %v", found.Empty())
			}
		})
	}
}

func TestNothingIsFoundInNothing(t *testing.T) {
	if found := Find(fstest.MapFS{}); !found.Empty() {
		t.Errorf("found %v in nothing", found)
	}
}

func FuzzFind(f *testing.F) {
	f.Add(header4+"\n"+row4("0.0.0.0", "10.0.0.1", "0003", "0", "0.0.0.0"), row6(zero6, "00", local6, "64", "3", "eth0"), "nameserver 192.0.2.1")
	f.Fuzz(func(t *testing.T, route4, route6, resolv string) {
		found := Find(fstest.MapFS{"proc/net/route": file(route4), "proc/net/ipv6_route": file(route6), "etc/resolv.conf": file(resolv)})
		if len(found.Resolvers) > resolverLimit {
			t.Errorf("%d resolvers", len(found.Resolvers))
		}
		for _, gateway := range found.Gateways {
			if !gateway.IsValid() || gateway.IsUnspecified() {
				t.Errorf("gateway %v", gateway)
			}
		}
	})
}
