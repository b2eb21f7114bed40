package check

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"netsonde"
)

// authority is a certificate authority of a test's own.
type authority struct {
	certificate *x509.Certificate
	key         crypto.Signer
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"},
		NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(2 * time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	a := authority{template, newKey(t)}
	a.certificate = a.issue(t, template, a.key).Leaf
	return a
}

func newKey(t *testing.T) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (a authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.certificate)
	return pool
}

// issue signs a template for a key.
func (a authority) issue(t *testing.T, template *x509.Certificate, key crypto.Signer) tls.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// webTest is a template that is valid for web.test and 127.0.0.1.
func webTest() *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "web.test"},
		DNSNames: []string{"web.test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
}

// speaksTLS is a server that handles connections inside TLS.
func speaksTLS(config *tls.Config, handle func(net.Conn)) func(net.Conn) {
	return func(conn net.Conn) {
		secured := tls.Server(conn, config)
		if secured.Handshake() == nil {
			handle(secured)
			secured.Close()
		}
	}
}

func TestHTTPSVersions(t *testing.T) {
	ca := newAuthority(t)
	certificate := ca.issue(t, webTest(), newKey(t))
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	rsaCertificate := ca.issue(t, webTest(), rsaKey)
	tests := []struct {
		name    string
		config  *tls.Config
		version string
	}{
		{"1.3", &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{certificate}}, "TLS 1.3"},
		{"1.2", &tls.Config{MaxVersion: tls.VersionTLS12, Certificates: []tls.Certificate{certificate}}, "TLS 1.2"},
		{"1.2 with an old suite", &tls.Config{
			MaxVersion: tls.VersionTLS12, Certificates: []tls.Certificate{rsaCertificate},
			CipherSuites: []uint16{tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA},
		}, "TLS 1.2"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			server := serve(t, speaksTLS(test.config, answers("HTTP/1.1 200 OK\r\nServer: nginx/1.24.0\r\n\r\n")))
			probe := netsonde.Probe{Kind: netsonde.KindHTTPS, Port: server.Port()}
			s := checkOf(t, Options{RootCAs: ca.pool()}, patience, probe, "web.test", server.Addr())
			if s.State != netsonde.ServiceOpen || s.Code != 200 || s.Server != "nginx/1.24.0" || s.TLSVersion != test.version {
				t.Errorf("got %+v", s)
			}
			wantPhases(t, s, true)
		})
	}
	t.Run("1.1 alone", func(t *testing.T) {
		config := &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11, Certificates: []tls.Certificate{certificate}}
		s := checkPort(t, patience, netsonde.KindHTTPS, serve(t, speaksTLS(config, holds)))
		if s.State != netsonde.ServiceWrongProtocol || !strings.Contains(s.Reason, "protocol version") {
			t.Errorf("got %v, %q", s.State, s.Reason)
		}
	})
}

// Any certificate is taken, and what is wrong with it is said.
func TestCertificate(t *testing.T) {
	ca := newAuthority(t)
	tests := []struct {
		name, host string
		change     func(*x509.Certificate)
		roots      *x509.CertPool
		problem    string
	}{
		{"good", "web.test", func(*x509.Certificate) {}, ca.pool(), ""},
		{"good for an address", "127.0.0.1", func(*x509.Certificate) {}, ca.pool(), ""},
		{"good for a zoned address", "fe80::1%eth0", func(c *x509.Certificate) { c.IPAddresses = []net.IP{net.ParseIP("fe80::1")} }, ca.pool(), ""},
		{"wrong name", "other.test", func(*x509.Certificate) {}, ca.pool(), "wrong name"},
		{"wrong address", "127.0.0.2", func(*x509.Certificate) {}, ca.pool(), "wrong name"},
		{"unknown authority", "web.test", func(*x509.Certificate) {}, newAuthority(t).pool(), "unknown authority"},
		{"expired", "web.test", func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }, ca.pool(), "expired"},
		{"not yet valid", "web.test", func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Minute) }, ca.pool(), "not yet valid"},
		{"not for servers", "web.test", func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }, ca.pool(), "x509: certificate specifies an incompatible key usage"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			template := webTest()
			test.change(template)
			certificate := ca.issue(t, template, newKey(t))
			config := &tls.Config{Certificates: []tls.Certificate{certificate}}
			server := serve(t, speaksTLS(config, answers("HTTP/1.1 200 OK\r\n\r\n")))
			probe := netsonde.Probe{Kind: netsonde.KindHTTPS, Port: server.Port()}
			s := checkOf(t, Options{RootCAs: test.roots}, patience, probe, test.host, server.Addr())
			if s.State != netsonde.ServiceOpen || s.Certificate == nil {
				t.Fatalf("got %+v", s)
			}
			want := netsonde.Certificate{
				Subject: "CN=web.test", Issuer: "CN=authority", Problem: test.problem,
				NotBefore: certificate.Leaf.NotBefore, NotAfter: certificate.Leaf.NotAfter,
			}
			if *s.Certificate != want {
				t.Errorf("got %+v, want %+v", *s.Certificate, want)
			}
		})
	}
}

func TestHTTPSHello(t *testing.T) {
	ca := newAuthority(t)
	certificate := ca.issue(t, webTest(), newKey(t))
	hellos := make(chan *tls.ClientHelloInfo, 1)
	config := &tls.Config{
		NextProtos: []string{"h2", "http/1.1"},
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			hellos <- hello
			return &certificate, nil
		},
	}
	server := serve(t, speaksTLS(config, answers("HTTP/1.1 200 OK\r\n\r\n")))
	for host, name := range map[string]string{
		"web.test": "web.test", "127.0.0.1": "", "fd77:10::1": "", "fe80::1%eth0": "",
	} {
		probe := netsonde.Probe{Kind: netsonde.KindHTTPS, Port: server.Port()}
		if s := checkOf(t, Options{}, patience, probe, host, server.Addr()); s.State != netsonde.ServiceOpen {
			t.Errorf("%s: got %v, %q", host, s.State, s.Reason)
		}
		hello := <-hellos
		if hello.ServerName != name || strings.Join(hello.SupportedProtos, " ") != "http/1.1" {
			t.Errorf("%s: server name %q, protocols %q", host, hello.ServerName, hello.SupportedProtos)
		}
	}
}

// The limit counts what TLS reads, before and after the handshake.
func TestHTTPSLimits(t *testing.T) {
	ca := newAuthority(t)
	t.Run("large certificate", func(t *testing.T) {
		template := webTest()
		for range 2500 {
			template.DNSNames = append(template.DNSNames, strings.Repeat("a", 30)+".test")
		}
		config := &tls.Config{Certificates: []tls.Certificate{ca.issue(t, template, newKey(t))}}
		s := checkPort(t, patience, netsonde.KindHTTPS, serve(t, speaksTLS(config, holds)))
		if s.State != netsonde.ServiceWrongProtocol || s.Reason != errTooMuch.Error() {
			t.Errorf("got %v, %q", s.State, s.Reason)
		}
	})
	t.Run("endless interim responses", func(t *testing.T) {
		config := &tls.Config{Certificates: []tls.Certificate{ca.issue(t, webTest(), newKey(t))}}
		server := serve(t, speaksTLS(config, repeats("", "HTTP/1.1 100 Continue\r\n\r\n")))
		s := checkPort(t, patience, netsonde.KindHTTPS, server)
		if s.State != netsonde.ServiceWrongProtocol || s.Reason != errTooMuch.Error() || s.Certificate == nil {
			t.Errorf("got %v, %q", s.State, s.Reason)
		}
	})
	t.Run("long subject", func(t *testing.T) {
		template := webTest()
		template.Subject.CommonName = strings.Repeat("a", 5000)
		config := &tls.Config{Certificates: []tls.Certificate{ca.issue(t, template, newKey(t))}}
		server := serve(t, speaksTLS(config, func(conn net.Conn) { io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n") }))
		s := checkPort(t, patience, netsonde.KindHTTPS, server)
		if s.Certificate == nil || len(s.Certificate.Subject) != textLimit {
			t.Errorf("got %+v", s.Certificate)
		}
	})
}
