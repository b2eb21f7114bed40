package lab

import (
	"crypto/tls"
	"strings"
	"time"
)

// referenceNames is what the client's hosts file holds.
func referenceNames() []string {
	return []string{
		"10.77.10.1 web.test",
		"10.77.10.2 noserver.test",
		"10.77.10.3 maria.test",
		"10.77.10.4 closed.test",
		"10.77.10.5 noping.test",
		"10.77.10.6 reject.test",
		"10.77.10.7 black.test",
		"10.77.10.8 quote.test",
		"10.77.10.9 hang.test",
		"10.77.10.20 closer.test",
		"10.77.10.21 late.test",
		"10.77.10.22 slow.test",
		"10.77.10.23 garbage.test",
		"10.77.10.24 drip.test",
		"10.77.10.25 endless.test",
		"10.77.99.1 noroute.test",
		"fd77:10::1 six.test",
		// IPv6 stands first, so that a choice by the file's order shows.
		"fd77:10::1 dual.test",
		"10.77.10.1 dual.test",
		"10.77.10.2 multi.test",
		"10.77.10.1 multi.test",
	}
}

// referenceServers is who listens, by address and port. drip.test and
// endless.test were not there when the originals ran.
func referenceServers(n *Network) map[string]map[string]Server {
	secure := func(name string, version uint16, serve Server) Server {
		server, err := TLS(name, version, serve)
		n.fail(err)
		return server
	}
	notFound := HTTP("404 Not Found", "Content-Length: 0", "Connection: close")
	const dripping = 50 * time.Millisecond
	const slow = 200 * time.Millisecond
	return map[string]map[string]Server{
		"10.77.10.1": {
			"80":   Nginx("1.24.0"),
			"443":  secure("web.test", 0, Nginx("1.24.0")),
			"3306": MySQL("5.7.2"),
		},
		"10.77.10.2": {
			"80":   notFound,
			"443":  secure("noserver.test", 0, notFound),
			"3306": MySQL("8.0.36"),
		},
		"10.77.10.3": {
			"80": HTTP("301 Moved Permanently", "server: Apache/2.4.57 (Debian)",
				"Location: http://maria.test/x", "Connection: close"),
			"443":  Say("HTTP/1.1 400 Bad Request\r\nServer: Apache/2.4.57 (Debian)\r\n\r\n"),
			"3306": MySQL("5.5.5-10.11.6-MariaDB"),
		},
		"10.77.10.8": {
			"80":   HTTP("200 OK", `Server: we"ird\srv (x, y)`),
			"443":  secure("quote.test", tls.VersionTLS12, Nginx("1.24.0")),
			"3306": MySQLError(1130, "Host '10.77.1.2' is not allowed to connect to this MySQL server"),
		},
		"10.77.10.9":  {"80": Hang, "443": Hang, "3306": Hang},
		"10.77.10.20": {"80": Reset, "443": Reset, "3306": Close},
		"10.77.10.21": {
			"80":   HTTP("200 OK", "X-Padding: "+strings.Repeat("x", 1200), "Server: late/1.0"),
			"443":  secure("late.test", 0, Nginx("1.24.0")),
			"3306": Say("SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n"),
		},
		"10.77.10.22": {
			"80":   Slow(slow, Nginx("1.24.0")),
			"443":  Slow(slow, secure("slow.test", 0, Nginx("1.24.0"))),
			"3306": Slow(slow, MySQL("8.0.36")),
		},
		"10.77.10.23": {
			"80":   AfterRequest(Say("complete garbage instead of an answer\r\n")),
			"3306": Say(strings.Repeat("\xff", 32)),
		},
		"10.77.10.24": {
			"80":   Drip(dripping, "HTTP/1.1 200 OK\r\nServer: "+strings.Repeat("drip", 200)),
			"443":  Drip(dripping, strings.Repeat("\x16", 600)),
			"3306": Drip(dripping, strings.Repeat("\x40", 600)),
		},
		"10.77.10.25": {
			"80":   AfterRequest(Endless("HTTP/1.1 200 OK\r\n", "X-Again: and again\r\n")),
			"443":  secure("endless.test", 0, AfterRequest(Endless("HTTP/1.1 200 OK\r\n", "X-Again: and again\r\n"))),
			"3306": Endless("\xff\xff\xff\x00\x0a", "8.0"),
		},
	}
}
