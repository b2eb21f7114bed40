package lab_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"netsonde/internal/lab"
)

// output runs a program in a node, for at most 20 seconds.
func output(t *testing.T, n *lab.Node, program string, arguments ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	text, err := n.Output(ctx, program, arguments...)
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return text
}

// requireProgram skips when a program that the test looks through is missing.
func requireProgram(t *testing.T, name string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		lab.Skip(t, err.Error())
	}
}

// hops returns who answers for each TTL on the way to a host.
func hops(t *testing.T, n *lab.Node, host string) string {
	t.Helper()
	requireProgram(t, "traceroute")
	var answers []string
	for line := range strings.Lines(output(t, n, "traceroute", "-n", "-q", "1", "-w", "0.3", "-m", "6", host)) {
		if fields := strings.Fields(line); regexp.MustCompile(`^ *\d+ `).MatchString(line) {
			answers = append(answers, fields[1])
		}
	}
	return strings.Join(answers, " ")
}

// TestReference needs root and namespaces.
func TestReference(t *testing.T) {
	network := lab.ForTest(t)
	r := lab.NewReference(network)

	t.Run("paths", func(t *testing.T) {
		for host, want := range map[string]string{
			"web.test":     "10.77.1.1 10.77.2.2 10.77.3.2 10.77.10.1",
			"closed.test":  "10.77.1.1 10.77.2.2 10.77.3.2 10.77.10.4",
			"reject.test":  "10.77.1.1 10.77.2.2 10.77.3.2 10.77.10.6",
			"black.test":   "10.77.1.1 10.77.2.2 10.77.3.2 * * *",
			"six.test":     "fd77:1::1 fd77:2::2 fd77:3::2 fd77:10::1",
			"noroute.test": "10.77.1.1",
		} {
			if got := hops(t, r.Client, host); got != want {
				t.Errorf("path to %s: %s, want %s", host, got, want)
			}
		}
	})
	t.Run("reroute", func(t *testing.T) {
		r.Reroute()
		if got, want := hops(t, r.Client, "web.test"), "10.77.1.1 10.77.2.6 10.77.3.2 10.77.10.1"; got != want {
			t.Errorf("rerouted path: %s, want %s", got, want)
		}
		r.RouteBack()
		if got, want := hops(t, r.Client, "web.test"), "10.77.1.1 10.77.2.2 10.77.3.2 10.77.10.1"; got != want {
			t.Errorf("path back: %s, want %s", got, want)
		}
	})
	t.Run("silent router", func(t *testing.T) {
		silence := r.Router2.Silent()
		if got, want := hops(t, r.Client, "web.test"), "10.77.1.1 * 10.77.3.2 10.77.10.1"; got != want {
			t.Errorf("path: %s, want %s", got, want)
		}
		if got, want := hops(t, r.Client, "six.test"), "fd77:1::1 * fd77:3::2 fd77:10::1"; got != want {
			t.Errorf("path: %s, want %s", got, want)
		}
		silence.Remove()
		if got, want := hops(t, r.Client, "web.test"), "10.77.1.1 10.77.2.2 10.77.3.2 10.77.10.1"; got != want {
			t.Errorf("path afterwards: %s, want %s", got, want)
		}
	})
	t.Run("pings", func(t *testing.T) {
		requireProgram(t, "ping")
		for host, want := range map[string]string{
			"web.test":     "1 received",
			"noping.test":  "0 received",
			"reject.test":  "Packet filtered",
			"noroute.test": "Net Unreachable",
			"10.77.98.1":   "No route to host",
			"six.test":     "1 received",
		} {
			if got := output(t, r.Client, "ping", "-c", "1", "-W", "1", host); !strings.Contains(got, want) {
				t.Errorf("ping %s: %q, want %q in it", host, got, want)
			}
		}
		mute := r.Mute("10.77.10.1")
		output(t, r.Client, "ping", "-c", "2", "-i", "0.01", "-W", "0.2", "web.test")
		if n, err := mute.Count(); n != 2 || err != nil {
			t.Errorf("the filter caught %d pings, error %v; want 2", n, err)
		}
		mute.Remove()
	})
	t.Run("connections", func(t *testing.T) { checkConnections(t, r) })
}

// checkConnections sees what the servers say.
func checkConnections(t *testing.T, r *lab.Reference) {
	for _, c := range []struct {
		address string
		secure  bool
		want    string
		err     error
	}{
		{address: "10.77.10.1:80", want: "HTTP/1.1 200 OK\r\nServer: nginx/1.24.0\r\n"},
		{address: "10.77.10.1:443", secure: true, want: "HTTP/1.1 200 OK\r\nServer: nginx/1.24.0\r\n"},
		{address: "10.77.10.1:3306", want: "\x0a5.7.2\x00"},
		{address: "10.77.10.2:80", want: "HTTP/1.1 404 Not Found\r\nContent-Length"},
		{address: "10.77.10.3:80", want: "\r\nserver: Apache"},
		{address: "10.77.10.3:3306", want: "\x0a5.5.5-10.11.6-MariaDB\x00"},
		{address: "10.77.10.4:80", err: syscall.ECONNREFUSED},
		{address: "10.77.10.6:80", err: syscall.EHOSTUNREACH},
		{address: "10.77.10.8:80", want: "\r\nServer: we\"ird\\srv (x, y)\r\n"},
		{address: "10.77.10.8:3306", want: "\x00\xff\x6a\x04Host"},
		{address: "10.77.10.20:80", err: syscall.ECONNRESET},
		{address: "10.77.10.20:3306", want: ""},
		{address: "10.77.10.21:3306", want: "SSH-2.0-"},
		{address: "10.77.10.22:3306", want: "\x0a8.0.36\x00"},
		{address: "10.77.10.23:80", want: "complete garbage"},
		{address: "10.77.10.24:80", want: "HTTP/1.1 200 OK\r\nServer: drip"},
		{address: "10.77.10.25:80", want: "\r\nX-Again: "},
		{address: "10.77.10.25:443", secure: true, want: "HTTP/1.1 200 OK\r\n"},
		{address: "10.77.99.1:80", err: syscall.ENETUNREACH},
		{address: "[fd77:10::1]:80", err: syscall.ECONNREFUSED},
	} {
		got, err := converse(r.Client, c.address, c.secure)
		if !errors.Is(err, c.err) || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, error %v; want %q, error %v", c.address, got, err, c.want, c.err)
		}
	}
	if err := r.ClosePorts("10.77.10.1"); err != nil {
		t.Fatal(err)
	}
	if _, err := converse(r.Client, "10.77.10.1:80", false); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("closed port: error %v, want %v", err, syscall.ECONNREFUSED)
	}
	r.OpenPorts("10.77.10.1")
	if got, err := converse(r.Client, "10.77.10.1:80", false); err != nil || !strings.Contains(got, "nginx") {
		t.Errorf("port open again: %q, error %v", got, err)
	}
}

// converse sends a request from a node and returns the first of the answer.
func converse(n *lab.Node, address string, secure bool) (answer string, err error) {
	err = n.Do(func() error {
		// With the address a literal and no second one to try, the socket is
		// made on this thread, which is the node's.
		connection, err := net.DialTimeout("tcp", address, 3*time.Second)
		if err != nil {
			return err
		}
		defer connection.Close()
		if err := connection.SetDeadline(time.Now().Add(3 * time.Second)); err != nil {
			return err
		}
		if secure {
			connection = tls.Client(connection, &tls.Config{InsecureSkipVerify: true})
		}
		// A MySQL server speaks first, and what it has not read when it closes
		// would break the connection off.
		if !strings.HasSuffix(address, ":3306") {
			if _, err := io.WriteString(connection, "HEAD / HTTP/1.1\r\n\r\n"); err != nil {
				return err
			}
		}
		buffer := make([]byte, 2000)
		n, err := io.ReadAtLeast(connection, buffer, 40)
		answer = string(buffer[:n])
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil
		}
		return err
	})
	return answer, err
}
