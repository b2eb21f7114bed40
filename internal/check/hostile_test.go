package check

import (
	"context"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"netsonde"
)

// countingConn counts what is read from a connection.
type countingConn struct {
	net.Conn
	read *atomic.Int64
}

func (c countingConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.read.Add(int64(n))
	return n, err
}

// repeats is a server that says a text and then another without end, and reads
// nothing.
func repeats(first, rest string) func(net.Conn) {
	return func(conn net.Conn) {
		io.WriteString(conn, first)
		for {
			if _, err := io.WriteString(conn, rest); err != nil {
				return
			}
		}
	}
}

// drips is a server that says a text byte by byte, five milliseconds each.
func drips(text string) func(net.Conn) {
	return func(conn net.Conn) {
		for i := range len(text) {
			if _, err := conn.Write([]byte{text[i]}); err != nil {
				return
			}
			time.Sleep(5 * time.Millisecond)
		}
		holds(conn)
	}
}

// Whatever a server does, a check of any kind ends by its deadline and reads
// no more than the limit.
func TestHostileServers(t *testing.T) {
	const (
		open  = netsonde.ServiceOpen
		wrong = netsonde.ServiceWrongProtocol
	)
	// A handshake record that holds nothing but part of a certificate message
	// of 16 MB.
	record := "\x16\x03\x03\x40\x00" + "\x0b\xff\xff\xff" + strings.Repeat("\x00", 0x4000-4)
	servers := []struct {
		name               string
		handle             func(net.Conn)
		http, https, mysql netsonde.ServiceState
	}{
		{"silent", holds, wrong, wrong, wrong},
		{"zeros without end", repeats("", strings.Repeat("\x00", 4096)), wrong, wrong, wrong},
		{"text without end", repeats("", "garbage "), wrong, wrong, wrong},
		{"spaces without end", repeats("", " "), wrong, wrong, wrong},
		{"status line without end", repeats("HTTP/1.1 200 ", "x"), wrong, wrong, wrong},
		{"header without end", repeats("HTTP/1.1 200 OK\r\nX: ", "x"), open, wrong, wrong},
		{"headers without end", repeats("HTTP/1.1 200 OK\r\n", "X: y\r\n"), open, wrong, wrong},
		{"Server without end", repeats("HTTP/1.1 200 OK\r\nServer: ", "a"), open, wrong, wrong},
		{"folds without end", repeats("HTTP/1.1 200 OK\r\nServer: a\r\n", " b\r\n"), open, wrong, wrong},
		{"interim responses without end", repeats("", "HTTP/1.1 100 Continue\r\n\r\n"), wrong, wrong, wrong},
		{"interim header without end", repeats("HTTP/1.1 103 Early Hints\r\nX: ", "x"), wrong, wrong, wrong},
		{"slow status line", drips("HTTP/1.1 200 " + strings.Repeat("x", 500)), wrong, wrong, wrong},
		{"slow headers", drips("HTTP/1.1 200 OK\r\n" + strings.Repeat("X: y\r\n", 100)), open, wrong, wrong},
		{"certificate without end", repeats("", record), wrong, wrong, wrong},
		{"slow record", drips(record[:500]), wrong, wrong, wrong},
		{"empty records without end", repeats("", "\x16\x03\x03\x00\x00"), wrong, wrong, wrong},
		{"warnings without end", repeats("", "\x15\x03\x03\x00\x02\x01\x00"), wrong, wrong, wrong},
		{"greeting without end", repeats("\x00\x10\x00\x00\x0a", "8"), wrong, wrong, wrong},
		{"greeting of 16 MB", repeats("\xff\xff\xff\x00\x0a", "8"), wrong, wrong, wrong},
		{"SSH without end", repeats("SSH-2.0-", "x"), wrong, wrong, wrong},
		{"lines before SSH without end", repeats("", "welcome\r\n"), wrong, wrong, wrong},
		{"slow SSH", drips("SSH-2.0-" + strings.Repeat("x", 500)), wrong, wrong, wrong},
		{"slow greeting", drips(string(packetOf("\x0a" + strings.Repeat("8", 500)))), wrong, wrong, wrong},
	}
	for _, server := range servers {
		for kind, want := range map[netsonde.Kind]netsonde.ServiceState{
			netsonde.KindHTTP: server.http, netsonde.KindHTTPS: server.https, netsonde.KindMySQL: server.mysql,
			netsonde.KindTLS: wrong, netsonde.KindSSH: wrong,
		} {
			t.Run(server.name+"/"+kind.String(), func(t *testing.T) {
				t.Parallel()
				at := serve(t, server.handle)
				var read atomic.Int64
				o := Options{DialContext: func(ctx context.Context, source netip.Addr, destination netip.AddrPort) (net.Conn, error) {
					conn, err := dialSystem(ctx, source, destination)
					return countingConn{conn, &read}, err
				}}
				probe := netsonde.Probe{Kind: kind, Port: at.Port()}
				s := checkOf(t, o, 400*time.Millisecond, probe, "web.test", at.Addr())
				if s.State != want {
					t.Errorf("got %v, %q; want %v", s.State, s.Reason, want)
				}
				if s.State == wrong && s.Reason == "" {
					t.Error("no reason")
				}
				if read.Load() > ReadLimit {
					t.Errorf("read %d bytes", read.Load())
				}
			})
		}
	}
}
