package check

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"netsonde"
)

func TestHTTPParameters(t *testing.T) {
	requests := make(chan string, 1)
	server := serve(t, func(conn net.Conn) {
		requests <- readRequest(conn)
		io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
	})
	port := ":" + strconv.Itoa(int(server.Port()))
	for _, test := range []struct {
		asked      netsonde.CheckParameters
		line, host string
	}{
		{netsonde.CheckParameters{}, "GET /", "web.test" + port},
		{netsonde.CheckParameters{Method: "HEAD"}, "HEAD /", "web.test" + port},
		{netsonde.CheckParameters{Method: "OPTIONS", Path: "/health?a=b%20c"}, "OPTIONS /health?a=b%20c", "web.test" + port},
		{netsonde.CheckParameters{ServerName: "other.test"}, "GET /", "other.test" + port},
	} {
		probe := netsonde.Probe{Kind: netsonde.KindHTTP, Port: server.Port(), Check: &test.asked}
		if s := checkOf(t, Options{}, patience, probe, "web.test", server.Addr()); s.State != netsonde.ServiceOpen {
			t.Errorf("%+v: got %+v", test.asked, s)
		}
		want := test.line + " HTTP/1.1\r\nHost: " + test.host + "\r\nUser-Agent: netsonde\r\nConnection: close\r\n\r\n"
		if got := <-requests; got != want {
			t.Errorf("request is %q, want %q", got, want)
		}
	}
}

// A parameter that would add lines to a request is never sent.
func TestParametersAreNotInjected(t *testing.T) {
	for _, asked := range []netsonde.CheckParameters{
		{ServerName: "a\r\nX: y"}, {ServerName: "a b"}, {ServerName: "a\x00"},
		{Path: "/a\r\nX: y"}, {Path: "/a b"}, {Path: "/\x7f"}, {Path: "a"}, {Path: "http://web.test/"},
		{Method: "GET /x"}, {Method: "GET\r\n"}, {Method: "GÉT"}, {Method: strings.Repeat("G", 33)},
		{Question: "a\nb"},
	} {
		refuse := func(context.Context, netip.Addr, netip.AddrPort) (net.Conn, error) {
			t.Errorf("connected for %+v", asked)
			return nil, io.EOF
		}
		for _, kind := range []netsonde.Kind{netsonde.KindHTTP, netsonde.KindHTTPS, netsonde.KindDNS} {
			o := Options{DialContext: refuse, DialDatagram: refuse}
			s := checkOf(t, o, patience, netsonde.Probe{Kind: kind, Check: &asked}, "web.test", netip.MustParseAddr("127.0.0.1"))
			if s.State != netsonde.ServiceFailed || s.Reason == "" {
				t.Errorf("%+v: got %v, %q", asked, s.State, s.Reason)
			}
		}
	}
}

func TestHTTPStatus(t *testing.T) {
	server := serve(t, answers("HTTP/1.1 503 Busy\r\nServer: nginx\r\n\r\n"))
	for _, test := range []struct {
		wanted []int
		reason string
	}{
		{nil, ""}, {[]int{503}, ""}, {[]int{200, 503}, ""},
		{[]int{200}, "status 503, wanted 200"}, {[]int{200, 204}, "status 503, wanted 200, 204"},
	} {
		probe := netsonde.Probe{Kind: netsonde.KindHTTP, Port: server.Port(), Check: &netsonde.CheckParameters{Status: test.wanted}}
		s := checkOf(t, Options{}, patience, probe, "web.test", server.Addr())
		state := netsonde.ServiceOpen
		if test.reason != "" {
			state = netsonde.ServiceWrongAnswer
		}
		if s.State != state || s.Reason != test.reason || s.Code != 503 || s.Server != "nginx" {
			t.Errorf("wanted %v: got %+v", test.wanted, s)
		}
		wantPhases(t, s, false)
	}
}

// A server whose certificate is refused is asked nothing.
func TestVerify(t *testing.T) {
	ca := newAuthority(t)
	expired := webTest()
	expired.NotAfter = time.Now().Add(-time.Minute)
	for _, test := range []struct {
		name       string
		template   *x509.Certificate
		serverName string
		roots      *x509.CertPool
		reason     string
	}{
		{"good", webTest(), "", ca.pool(), ""},
		{"good by its server name", webTest(), "web.test", ca.pool(), ""},
		{"expired", expired, "web.test", ca.pool(), "certificate: expired"},
		{"wrong name", webTest(), "other.test", ca.pool(), "certificate: wrong name"},
		{"unknown", webTest(), "web.test", newAuthority(t).pool(), "certificate: unknown authority"},
	} {
		for _, kind := range []netsonde.Kind{netsonde.KindHTTPS, netsonde.KindTLS} {
			t.Run(test.name+"/"+kind.String(), func(t *testing.T) {
				said := make(chan string, 1)
				config := &tls.Config{Certificates: []tls.Certificate{ca.issue(t, test.template, newKey(t))}}
				server := serve(t, speaksTLS(config, func(conn net.Conn) {
					said <- readRequest(conn)
					io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
				}))
				host := "web.test"
				if test.serverName != "" {
					host = "typed.test"
				}
				probe := netsonde.Probe{Kind: kind, Port: server.Port(), Check: &netsonde.CheckParameters{Verify: true, ServerName: test.serverName}}
				s := checkOf(t, Options{RootCAs: test.roots}, patience, probe, host, server.Addr())
				state, asks := netsonde.ServiceOpen, kind == netsonde.KindHTTPS
				if test.reason != "" {
					state, asks = netsonde.ServiceWrongAnswer, false
				}
				if s.State != state || s.Reason != test.reason || s.Certificate == nil || s.TLSVersion != "TLS 1.3" {
					t.Errorf("got %+v", s)
				}
				if request := <-said; (request != "") != asks {
					t.Errorf("the server heard %q", request)
				}
			})
		}
	}
}

func TestTLS(t *testing.T) {
	ca := newAuthority(t)
	certificate := ca.issue(t, webTest(), newKey(t))
	hellos := make(chan *tls.ClientHelloInfo, 1)
	config := &tls.Config{
		// A client that names a protocol of the web's would be refused.
		NextProtos: []string{"imap"},
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			hellos <- hello
			return &certificate, nil
		},
	}
	server := serve(t, speaksTLS(config, func(conn net.Conn) {
		if n, _ := conn.Read(make([]byte, 1)); n > 0 {
			t.Error("the check said something")
		}
	}))
	for serverName, want := range map[string]string{"": "web.test", "other.test": "other.test"} {
		probe := netsonde.Probe{Kind: netsonde.KindTLS, Port: server.Port(), Check: &netsonde.CheckParameters{ServerName: serverName}}
		s := checkOf(t, Options{RootCAs: ca.pool()}, patience, probe, "web.test", server.Addr())
		if s.State != netsonde.ServiceOpen || s.TLSVersion != "TLS 1.3" || s.Certificate == nil || s.Certificate.Subject != "CN=web.test" {
			t.Errorf("got %+v", s)
		}
		if p := s.Phases; p.Connect <= 0 || p.TLS <= 0 || p.FirstByte != 0 || s.RTT != p.Connect+p.TLS {
			t.Errorf("RTT %v of phases %+v", s.RTT, p)
		}
		if hello := <-hellos; hello.ServerName != want || hello.SupportedProtos != nil {
			t.Errorf("server name %q, protocols %q", hello.ServerName, hello.SupportedProtos)
		}
	}
	s := checkPort(t, patience, netsonde.KindTLS, serve(t, func(conn net.Conn) {
		io.WriteString(conn, "220 mail.test ESMTP\r\n")
		holds(conn)
	}))
	if s.State != netsonde.ServiceWrongProtocol || s.Reason != "answer is not TLS" || s.RTT != 0 {
		t.Errorf("got %+v", s)
	}
}
