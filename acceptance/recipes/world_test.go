package recipes_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"testing"
	"time"

	"netsonde/internal/lab"
)

// world is the network of the page: a monitor, its gateway, and behind that the
// network of servers, in which addresses that nobody has are silent.
//
//	monitor 198.51.100.2 — 198.51.100.1 gateway — 192.0.2.0/24 servers
type world struct {
	monitor, gateway, servers *lab.Node
	uplink, downlink          *lab.Link
}

func newWorld(t *testing.T) *world {
	t.Helper()
	n := lab.ForTest(t)
	w := &world{monitor: n.Node("monitor"), gateway: n.Node("gateway"), servers: n.Node("servers")}
	w.uplink = n.Link(w.monitor, w.gateway).Addresses("198.51.100.2/24", "198.51.100.1/24")
	w.downlink = n.Link(w.gateway, w.servers).Addresses("203.0.113.1/30", "203.0.113.2/30")
	w.gateway.Forward()
	w.servers.Forward()
	w.monitor.Route("default4", "198.51.100.1")
	w.gateway.Route("192.0.2.0/24", "203.0.113.2")
	w.servers.Route("default4", "203.0.113.1")
	w.servers.Drop(lab.HookForward, "ip daddr 192.0.2.0/24")
	w.servers.Address("192.0.2.1/32", "192.0.2.10/32", "192.0.2.20/32", "192.0.2.30/32")
	w.monitor.Hosts("192.0.2.10 web.example", "192.0.2.20 db.example", "192.0.2.30 mail.example", "192.0.2.30 shop.example")
	const day = 24 * time.Hour
	w.servers.Serve("192.0.2.10:80", lab.Nginx("1.24.0"))
	w.servers.Serve("192.0.2.10:443", secure(t, "web.example", 90*day))
	w.servers.Serve("192.0.2.20:3306", lab.MySQL("8.0.36"))
	w.servers.Serve("192.0.2.30:443", secure(t, "mail.example", 10*day+day/2))
	return w
}

// happen does to the network what the page says.
func (w *world) happen(t *testing.T, event string) {
	t.Helper()
	switch event {
	case "time passes":
	case "192.0.2.77 joins":
		w.servers.Address("192.0.2.77/32")
	case "db.example is switched off":
		w.servers.Drop(lab.HookInput, "ip daddr 192.0.2.20")
	case "the cable to the servers breaks":
		// A router without a route says so five times and then once a second, by a
		// limit that namespaces cannot change; evidence uses that up.
		w.gateway.Reject(lab.HookPrerouting, "ip daddr 192.0.2.0/24", "no-route")
		w.downlink.Down()
	case "the cable of this machine breaks":
		w.uplink.Down()
	default:
		t.Fatalf("nobody knows how to make this happen: %s", event)
	}
}

// secure is a web server whose certificate, which nobody vouches for, is good
// for some time from now.
func secure(t *testing.T, name string, life time.Duration) lab.Server {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: name},
		DNSNames:     []string{name},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(life),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	config := &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}},
		MinVersion:   tls.VersionTLS12,
	}
	serve := lab.Nginx("1.24.0")
	return func(connection net.Conn) {
		secured := tls.Server(connection, config)
		if secured.Handshake() == nil {
			serve(secured)
			secured.Close()
		}
	}
}
