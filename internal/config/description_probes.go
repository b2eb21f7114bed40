package config

import (
	"math"
	"time"
)

func everyKey(otherwise string) Key {
	return Key{
		Name: "every", Type: ValueDuration, Least: int64(leastEvery), Most: int64(mostEvery), Default: otherwise,
		Text: "The time from the start of one round to that of the next.", Example: "every: 10s",
	}
}

func timeoutKey(otherwise string) Key {
	return Key{
		Name: "timeout", Type: ValueDuration, Least: int64(leastTimeout), Most: int64(mostTimeout), Default: otherwise,
		Text: "How long an answer is waited for. One given further out than the interval shrinks to fit it.", Example: "timeout: 1s",
	}
}

func familyKey() Key {
	return Key{
		Name: "family", Type: ValueEnum, Values: []string{"any", "ipv4", "ipv6"}, Default: "any",
		Text: "Which of a name's addresses are used.", Example: "family: ipv6",
	}
}

// commonKeys are those that every kind of probe has.
func commonKeys(every, timeout string) []Key {
	return []Key{
		everyKey(every), timeoutKey(timeout), familyKey(),
		{Name: "source", Type: ValueAddress, Default: "(the system's choice)", Text: "The local address to send from. A default is used for targets of its family.", Example: "source: 192.0.2.9"},
	}
}

// describeProbe is the mapping of one kind of probe, whose defaults are those
// that hold without any other.
func describeProbe(kind string) Mapping {
	m := Mapping{Name: kind}
	switch kind {
	case "ping":
		m.Text = "Echoes (ICMP, RFC 792 and RFC 4443)."
		m.Keys = append(commonKeys("10s", "2s"), describePing()...)
	case "trace":
		m.Text = "The route: who answers at each hop."
		m.Keys = append(commonKeys("5m", "1s"), describeTrace()...)
	case "http":
		m.Text = "An HTTP request."
		m.Keys = append(append(commonKeys("30s", "1s"), portKey("80")), describeHTTP()...)
	case "https":
		m.Text = "An HTTP request over TLS."
		m.Keys = append(append(commonKeys("30s", "1s"), portKey("443")), append(describeHTTP(), verifyKey())...)
	case "tcp":
		m.Text = "A connection that is opened and closed again."
		port := portKey("")
		port.Required, port.Example = true, "port: 8443"
		m.Keys = append(commonKeys("30s", "1s"), port)
	case "tls":
		m.Text = "A TLS handshake."
		m.Keys = append(commonKeys("30s", "1s"), portKey("443"), serverNameKey("TLS's server name indication"), verifyKey())
	case "dns":
		m.Text = "A question to a name server, over UDP, and over TCP where the answer does not fit."
		m.Keys = append(append(commonKeys("30s", "1s"), portKey("53")), describeDNS()...)
	case "ssh":
		m.Text = "The identification of an SSH server (RFC 4253, section 4.2)."
		m.Keys = append(commonKeys("30s", "1s"), portKey("22"))
	case "mysql":
		m.Text = "The greeting of a MySQL or MariaDB server."
		m.Keys = append(commonKeys("30s", "1s"), portKey("3306"))
	}
	return m
}

func dscpKey() Key {
	return Key{
		Name: "dscp", Type: ValueInteger, Most: 63, Default: "0",
		Text: "The differentiated services codepoint (RFC 2474).", Example: "dscp: 46",
	}
}

func describePing() []Key {
	return []Key{
		{Name: "count", Type: ValueInteger, Least: 1, Most: maxPings, Unit: "echoes", Default: "1", Text: "Echoes a round.", Example: "count: 10"},
		{Name: "spacing", Type: ValueDuration, Most: int64(time.Hour), Default: "100ms", Text: "The time from one echo of a round to the next.", Example: "spacing: 20ms"},
		{Name: "size", Type: ValueSize, Most: maxPayload, Default: "56B", Text: "Payload bytes of an echo.", Example: "size: 1400B"},
		dscpKey(),
		{Name: "dont_fragment", Type: ValueBoolean, Default: "false", Text: "Forbids to cut echoes, here and on the way.", Example: "dont_fragment: true"},
	}
}

func describeTrace() []Key {
	port := portKey("80")
	port.Default, port.Text = "(80 for tcp, traceroute's for udp)", "The destination port of udp and tcp."
	return []Key{
		{Name: "protocol", Type: ValueEnum, Values: []string{"udp", "icmp", "tcp"}, Default: "udp", Text: "What the packets are.", Example: "protocol: icmp"},
		port,
		{Name: "hops", Type: ValueInteger, Least: 1, Most: maxHops, Default: "30", Text: "The largest TTL.", Example: "hops: 20"},
		{Name: "flows", Type: ValueInteger, Least: 1, Most: flowLimit, Default: "1", Text: "How many flows are traced: routers that share a load may send two flows two ways.", Example: "flows: 4"},
		dscpKey(),
	}
}

func portKey(otherwise string) Key {
	return Key{
		Name: "port", Type: ValueInteger, Least: 1, Most: math.MaxUint16, Default: otherwise,
		Text: "The port.", Example: "port: " + otherwise,
	}
}

func serverNameKey(use string) Key {
	return Key{Name: "host", Type: ValueText, Default: "(the target's host)", Text: "The name in " + use + ".", Example: "host: www.example"}
}

func verifyKey() Key {
	return Key{Name: "verify", Type: ValueBoolean, Default: "false", Text: "Whether a certificate that a client would refuse is a wrong answer.", Example: "verify: true"}
}

func describeHTTP() []Key {
	return []Key{
		{Name: "method", Type: ValueEnum, Values: []string{"GET", "HEAD", "OPTIONS", "POST"}, Default: "GET", Text: "The request's method.", Example: "method: HEAD"},
		{Name: "path", Type: ValueText, Default: "/", Text: "The request's path, with a query if there is one.", Example: "path: /health"},
		serverNameKey("the Host header and in TLS's server name indication"),
		{Name: "status", Type: ValueList, Element: ValueInteger, Least: 100, Most: 599, Default: "(any)", Text: "The status codes that are well.", Example: "status: [200, 204]"},
	}
}

func describeDNS() []Key {
	return []Key{
		{Name: "question", Type: ValueText, Default: ".", Text: "The name that is asked for.", Example: "question: example.com"},
		{
			Name: "type", Type: ValueEnum, Values: []string{"A", "AAAA", "NS", "MX", "TXT", "CNAME", "SOA", "PTR", "SRV", "CAA"},
			Default: "(A with a question, NS without)", Text: "The type of record that is asked for.", Example: "type: A",
		},
		{Name: "answer", Type: ValueText, Default: "(any)", Text: "What one of the answers must be.", Example: "answer: 192.0.2.1"},
	}
}
