package check

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"netsonde"
)

// Recorded from servers, and the edges of RFC 4253, section 4.2.
func TestIdentification(t *testing.T) {
	longest := "SSH-2.0-" + strings.Repeat("x", 245)
	tests := []struct {
		name, data, want string
	}{
		{"OpenSSH", "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u2\r\n", "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u2"},
		{"Dropbear", "SSH-2.0-dropbear_2022.83\r\nmore", "SSH-2.0-dropbear_2022.83"},
		{"both protocols", "SSH-1.99-Cisco-1.25\n", "SSH-1.99-Cisco-1.25"},
		{"Go", "SSH-2.0-Go\r\n", "SSH-2.0-Go"},
		{"comments beyond ASCII", "SSH-2.0-x caf\xe9\r\n", "SSH-2.0-x caf\xe9"},
		{"lines before", "Welcome\r\n\r\n  SSH-2.0-no\r\nSSH-2.0-yes\r\n", "SSH-2.0-yes"},
		{"longest", longest + "\r\n", longest},
		{"much before", strings.Repeat("12345678\r\n", 818) + "SSH-2.0-x\r\n", "SSH-2.0-x"},

		{"nothing", "", ""},
		{"no end", "SSH-2.0-OpenSSH_9.2p1", ""},
		{"too long", longest + "x\r\n", ""},
		{"no software", "SSH-2.0-\r\n", ""},
		{"no versions", "SSH-\r\n", ""},
		{"no protocol", "SSH--x\r\n", ""},
		{"nothing but comments", "SSH- 2.0-x\r\n", ""},
		{"control character", "SSH-2.0-x\x1b[31m\r\n", ""},
		{"control character in comments", "SSH-2.0-x y\x1b\r\n", ""},
		{"version beyond ASCII", "SSH-2.0-\xe9\r\n", ""},
		{"CR inside", "SSH-2.0-x\ry\r\n", ""},
		{"NUL", "J\x00\x00\x00\x0a8.0.36\x00\r\nSSH-2.0-x\r\n", ""},
		{"another protocol", "220 mail.test ESMTP\r\n", ""},
		{"too much before", strings.Repeat("12345678\r\n", 820) + "SSH-2.0-x\r\n", ""},
		{"one long line before", strings.Repeat("x", 8193) + "\r\nSSH-2.0-x\r\n", ""},
	}
	for _, test := range tests {
		for _, piece := range []int{1, 7, len(test.data) + 1} {
			var p identificationParser
			for rest := test.data; rest != ""; {
				n := min(piece, len(rest))
				if p.feed([]byte(rest[:n])) {
					break
				}
				rest = rest[n:]
			}
			if got, ok := p.identification(); got != test.want || ok != (test.want != "") {
				t.Errorf("%s in pieces of %d: %q, %v", test.name, piece, got, ok)
			}
		}
	}
}

func TestSSH(t *testing.T) {
	said := make(chan string, 1)
	server := serve(t, func(conn net.Conn) {
		io.WriteString(conn, "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u2\r\n")
		heard, err := io.ReadAll(conn)
		if err != nil {
			t.Errorf("the connection ended with %v, not normally", err)
		}
		said <- string(heard)
	})
	s := checkPort(t, patience, netsonde.KindSSH, server)
	if s.State != netsonde.ServiceOpen || s.Version != "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u2" || s.Reason != "" {
		t.Errorf("got %+v", s)
	}
	wantPhases(t, s, false)
	if got := <-said; got != "SSH-2.0-netsonde\r\n" {
		t.Errorf("the check said %q", got)
	}
}

// Who speaks something else is told nothing.
func TestNotSSH(t *testing.T) {
	tests := []struct{ name, says, reason string }{
		{"MySQL", string(handshake10("8.0.36")), "answer is not SSH"},
		{"mail", "220 mail.test ESMTP\r\n", "answer is not SSH"},
		{"half a line", "SSH-2.0-Open", "timed out"},
	}
	for _, test := range tests {
		said := make(chan string, 1)
		server := serve(t, func(conn net.Conn) {
			io.WriteString(conn, test.says)
			heard, _ := io.ReadAll(conn)
			said <- string(heard)
		})
		s := checkPort(t, 100*time.Millisecond, netsonde.KindSSH, server)
		if s.State != netsonde.ServiceWrongProtocol || s.Reason != test.reason || s.Version != "" {
			t.Errorf("%s: got %+v", test.name, s)
		}
		if got := <-said; got != "" {
			t.Errorf("%s: the check said %q", test.name, got)
		}
	}
	s := checkPort(t, patience, netsonde.KindSSH, serve(t, says("SSH-2.0-Open")))
	if s.State != netsonde.ServiceWrongProtocol || s.Reason != "connection closed in the middle of the answer" {
		t.Errorf("hung up: got %+v", s)
	}
}

// What is found was said, has its parts, and does not depend on how it was
// cut into pieces.
func FuzzIdentification(f *testing.F) {
	for _, seed := range []string{
		"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u2\r\n", "Welcome\r\nSSH-1.99-x\n", "SSH-2.0-\x00\r\n", "SSH--\n",
	} {
		f.Add([]byte(seed), uint8(3))
	}
	f.Fuzz(func(t *testing.T, data []byte, piece uint8) {
		var whole, pieces identificationParser
		whole.feed(data)
		for rest := data; len(rest) > 0; {
			n := min(int(piece)+1, len(rest))
			if pieces.feed(rest[:n]) {
				break
			}
			rest = rest[n:]
		}
		text, ok := whole.identification()
		if other, same := pieces.identification(); other != text || same != ok {
			t.Errorf("%q at once, %q in pieces", text, other)
		}
		if !ok {
			if text != "" {
				t.Errorf("a slice of garbage: %q", text)
			}
			return
		}
		if len(text) > identificationLimit-1 || !strings.HasPrefix(text, "SSH-") || strings.ContainsAny(text, "\r\n\x00\x1b") ||
			!strings.Contains(string(data), text) {
			t.Errorf("identification %q", text)
		}
	})
}
