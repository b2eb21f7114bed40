package check

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/sys/unix"

	"netsonde"
)

// nameServer answers questions on one port of the loopback, each datagram by
// those that udp returns and each stream by what tcp returns, until the test
// ends. A nil tcp has the port closed.
func nameServer(t *testing.T, udp func(query []byte) [][]byte, tcp func(query []byte) []byte) netip.AddrPort {
	t.Helper()
	listener, conn := listenBoth(t)
	var running sync.WaitGroup
	running.Go(func() {
		buffer := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			for _, answer := range udp(buffer[:n]) {
				conn.WriteTo(answer, from)
			}
		}
	})
	t.Cleanup(func() {
		conn.Close()
		running.Wait()
	})
	if tcp == nil {
		server := netip.MustParseAddrPort(listener.Addr().String())
		listener.Close()
		return server
	}
	return serveOn(t, listener, func(conn net.Conn) {
		var length [2]byte
		if _, err := io.ReadFull(conn, length[:]); err != nil {
			return
		}
		query := make([]byte, binary.BigEndian.Uint16(length[:]))
		if _, err := io.ReadFull(conn, query); err == nil {
			conn.Write(tcp(query))
		}
	})
}

// listenBoth listens by TCP and UDP on one port. One that TCP has free another
// program may hold in UDP.
func listenBoth(t *testing.T) (listener net.Listener, conn net.PacketConn) {
	t.Helper()
	for {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		conn, err := net.ListenPacket("udp", listener.Addr().String())
		switch {
		case err == nil:
			return listener, conn
		case !errors.Is(err, unix.EADDRINUSE):
			t.Fatal(err)
		}
		defer listener.Close() // not now, or the next might have its port again
	}
}

// framed puts a message's length before it.
func framed(message []byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(message))), message...)
}

// reply answers a question by records, after change.
func reply(t testing.TB, query []byte, change func(*dnsmessage.Message), bodies ...dnsmessage.ResourceBody) []byte {
	t.Helper()
	var message dnsmessage.Message
	if err := message.Unpack(query); err != nil {
		t.Fatal(err)
	}
	message.Response = true
	message.RecursionAvailable = true
	for _, body := range bodies {
		record := dnsmessage.Resource{Body: body}
		record.Header.Name = message.Questions[0].Name
		record.Header.Class = dnsmessage.ClassINET
		if unknown, ok := body.(*dnsmessage.UnknownResource); ok {
			record.Header.Type = unknown.Type
		}
		message.Answers = append(message.Answers, record)
	}
	if change != nil {
		change(&message)
	}
	packed, err := message.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return packed
}

func a(text string) dnsmessage.ResourceBody {
	return &dnsmessage.AResource{A: netip.MustParseAddr(text).As4()}
}

func name(text string) dnsmessage.Name { return dnsmessage.MustNewName(text) }

// ask runs one check of a name server.
func ask(t *testing.T, timeout time.Duration, server netip.AddrPort, asked *netsonde.CheckParameters) netsonde.Service {
	t.Helper()
	probe := netsonde.Probe{Kind: netsonde.KindDNS, Port: server.Port(), Check: asked}
	return checkOf(t, Options{}, timeout, probe, "ns.test", server.Addr())
}

func TestDNSAnswers(t *testing.T) {
	long := strings.Repeat("t", 200)
	tests := []struct {
		kind, wanted string
		bodies       []dnsmessage.ResourceBody
		answers      []string
		reason       string
	}{
		{"A", "", []dnsmessage.ResourceBody{a("192.0.2.1"), a("192.0.2.2")}, []string{"192.0.2.1", "192.0.2.2"}, ""},
		{"a", "192.0.2.2", []dnsmessage.ResourceBody{a("192.0.2.1"), a("192.0.2.2")}, []string{"192.0.2.1", "192.0.2.2"}, ""},
		{"A", "192.0.2.9", []dnsmessage.ResourceBody{a("192.0.2.1")}, []string{"192.0.2.1"}, "answered 192.0.2.1, wanted 192.0.2.9"},
		{"A", "192.0.2.9", nil, nil, "answered nothing, wanted 192.0.2.9"},
		{"A", "", nil, nil, ""},
		{"A", "www.test", []dnsmessage.ResourceBody{&dnsmessage.CNAMEResource{CNAME: name("WWW.test.")}, a("192.0.2.1")}, []string{"WWW.test.", "192.0.2.1"}, ""},
		{"AAAA", "2001:DB8:0::1", []dnsmessage.ResourceBody{&dnsmessage.AAAAResource{AAAA: netip.MustParseAddr("2001:db8::1").As16()}}, []string{"2001:db8::1"}, ""},
		{"NS", "", []dnsmessage.ResourceBody{&dnsmessage.NSResource{NS: name("ns.test.")}}, []string{"ns.test."}, ""},
		{"PTR", "", []dnsmessage.ResourceBody{&dnsmessage.PTRResource{PTR: name("host.test.")}}, []string{"host.test."}, ""},
		{"MX", "10 MAIL.test", []dnsmessage.ResourceBody{&dnsmessage.MXResource{Pref: 10, MX: name("mail.test.")}}, []string{"10 mail.test."}, ""},
		{"SRV", "", []dnsmessage.ResourceBody{&dnsmessage.SRVResource{Priority: 1, Weight: 2, Port: 443, Target: name("web.test.")}}, []string{"1 2 443 web.test."}, ""},
		{"SOA", "", []dnsmessage.ResourceBody{&dnsmessage.SOAResource{NS: name("ns.test."), MBox: name("root.test."), Serial: 7, Refresh: 1, Retry: 2, Expire: 3, MinTTL: 4}}, []string{"ns.test. root.test. 7 1 2 3 4"}, ""},
		{"TXT", "v=spf1 -all", []dnsmessage.ResourceBody{&dnsmessage.TXTResource{TXT: []string{"v=spf1", " -all"}}}, []string{"v=spf1 -all"}, ""},
		{"TXT", "Token", []dnsmessage.ResourceBody{&dnsmessage.TXTResource{TXT: []string{"token"}}}, []string{"token"}, "answered token, wanted Token"},
		{"TXT", long + long, []dnsmessage.ResourceBody{&dnsmessage.TXTResource{TXT: []string{long, long}}}, []string{(long + long)[:256]}, ""},
		{"CAA", `0 issue "ca.test"`, []dnsmessage.ResourceBody{&dnsmessage.UnknownResource{Type: 257, Data: []byte("\x00\x05issueca.test")}}, []string{`0 issue "ca.test"`}, ""},
		{"A", "", []dnsmessage.ResourceBody{&dnsmessage.UnknownResource{Type: 999, Data: []byte{10, 0}}}, []string{`\# 2 0a00`}, ""},
	}
	for _, test := range tests {
		server := nameServer(t, func(query []byte) [][]byte {
			return [][]byte{reply(t, query, nil, test.bodies...)}
		}, nil)
		s := ask(t, patience, server, &netsonde.CheckParameters{Question: "web.test", QuestionType: test.kind, Answer: test.wanted})
		want := netsonde.ServiceOpen
		if test.reason != "" {
			want = netsonde.ServiceWrongAnswer
		}
		if s.State != want || s.Reason != test.reason || s.Code != 0 || !slices.Equal(s.Answers, test.answers) {
			t.Errorf("%s, wanted %q: got %+v", test.kind, test.wanted, s)
		}
		if p := s.Phases; s.RTT <= 0 || p != (netsonde.Phases{FirstByte: s.RTT}) {
			t.Errorf("RTT %v of phases %+v", s.RTT, p)
		}
	}
}

func TestDNSCodes(t *testing.T) {
	for code, reason := range map[dnsmessage.RCode]string{
		0: "", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED", 9: "response code 9",
	} {
		server := nameServer(t, func(query []byte) [][]byte {
			return [][]byte{reply(t, query, func(m *dnsmessage.Message) {
				m.RCode = code
				if code == 1 {
					m.Questions = nil
				}
			})}
		}, nil)
		if s := ask(t, patience, server, nil); s.State != netsonde.ServiceOpen || s.Code != int(code) || s.Reason != reason {
			t.Errorf("%d: got %+v", code, s)
		}
		s := ask(t, patience, server, &netsonde.CheckParameters{Question: "x.test", Answer: "192.0.2.1"})
		if s.State != netsonde.ServiceWrongAnswer || (code != 0 && s.Reason != "answered "+reason+", wanted 192.0.2.1") {
			t.Errorf("%d: got %+v", code, s)
		}
	}
}

// What is sent: one question, recursion desired, an identity of its own each.
func TestDNSQuestion(t *testing.T) {
	tests := []struct {
		asked *netsonde.CheckParameters
		want  string
	}{
		{nil, ". TypeNS"},
		{&netsonde.CheckParameters{}, ". TypeNS"},
		{&netsonde.CheckParameters{QuestionType: "SOA"}, ". TypeSOA"},
		{&netsonde.CheckParameters{Question: "Web.Test"}, "Web.Test. TypeA"},
		{&netsonde.CheckParameters{Question: "192.0.2.17", QuestionType: "PTR"}, "17.2.0.192.in-addr.arpa. TypePTR"},
		{&netsonde.CheckParameters{Question: "2001:db8::567:89ab", QuestionType: "ptr"}, "b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa. TypePTR"},
	}
	seen := map[uint16]bool{}
	for _, test := range tests {
		queries := make(chan dnsmessage.Message, 1)
		server := nameServer(t, func(query []byte) [][]byte {
			var message dnsmessage.Message
			if err := message.Unpack(query); err != nil {
				t.Error(err)
			}
			queries <- message
			return [][]byte{reply(t, query, nil)}
		}, nil)
		if s := ask(t, patience, server, test.asked); s.State != netsonde.ServiceOpen {
			t.Errorf("%s: got %+v", test.want, s)
		}
		message := <-queries
		question := message.Questions[0]
		if got := question.Name.String() + " " + question.Type.String(); got != test.want || len(message.Questions) != 1 {
			t.Errorf("asked %s, want %s", got, test.want)
		}
		if question.Class != dnsmessage.ClassINET || !message.RecursionDesired || message.Response || len(message.Additionals) != 0 {
			t.Errorf("%s: %+v", test.want, message)
		}
		seen[message.ID] = true
	}
	// Six alike have a chance of one in 2⁸⁰.
	if len(seen) == 1 {
		t.Error("all questions have one identity")
	}
}

func TestDNSBadQuestion(t *testing.T) {
	server := nameServer(t, func([]byte) [][]byte {
		t.Error("asked")
		return nil
	}, nil)
	for _, asked := range []netsonde.CheckParameters{
		{Question: "a b"}, {Question: "a..b"}, {Question: strings.Repeat("a", 64)},
		{Question: strings.Repeat("a.", 200)}, {QuestionType: "ANY"},
	} {
		if s := ask(t, patience, server, &asked); s.State != netsonde.ServiceFailed || !strings.HasPrefix(s.Reason, "question ") {
			t.Errorf("%+v: got %v, %q", asked, s.State, s.Reason)
		}
	}
}

// Whatever else arrives, the right answer is waited for.
func TestDNSForgeries(t *testing.T) {
	const other, not = "answer is to another question", "answer is not DNS"
	tests := []struct {
		name, reason string
		forge        func(t *testing.T, query []byte) []byte
	}{
		{"another identity", other, func(t *testing.T, query []byte) []byte {
			return reply(t, query, func(m *dnsmessage.Message) { m.ID++ }, a("192.0.2.66"))
		}},
		{"another name", other, func(t *testing.T, query []byte) []byte {
			return reply(t, query, func(m *dnsmessage.Message) { m.Questions[0].Name = name("evil.test.") }, a("192.0.2.66"))
		}},
		{"another type", other, func(t *testing.T, query []byte) []byte {
			return reply(t, query, func(m *dnsmessage.Message) { m.Questions[0].Type = dnsmessage.TypeMX }, a("192.0.2.66"))
		}},
		{"no question", not, func(t *testing.T, query []byte) []byte {
			return reply(t, query, func(m *dnsmessage.Message) { m.Questions = nil }, a("192.0.2.66"))
		}},
		{"two questions", not, func(t *testing.T, query []byte) []byte {
			return reply(t, query, func(m *dnsmessage.Message) { m.Questions = append(m.Questions, m.Questions[0]) }, a("192.0.2.66"))
		}},
		{"an update", not, func(t *testing.T, query []byte) []byte {
			return reply(t, query, func(m *dnsmessage.Message) { m.OpCode = 5 }, a("192.0.2.66"))
		}},
		{"an echo", not, func(_ *testing.T, query []byte) []byte { return query }},
		{"garbage", not, func(*testing.T, []byte) []byte { return []byte(strings.Repeat("\xff", 300)) }},
		{"empty", not, func(*testing.T, []byte) []byte { return nil }},
		{"cut in the middle", not, func(t *testing.T, query []byte) []byte {
			whole := reply(t, query, nil, a("192.0.2.66"))
			return whole[:len(whole)-2]
		}},
		{"a name that refers to itself", not, func(t *testing.T, query []byte) []byte {
			whole := reply(t, query, nil, a("192.0.2.66"))
			// The record's name points at the pointer.
			at := len(query)
			return append(whole[:at:at], 0xc0, byte(at), 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 192, 0, 2, 66)
		}},
		{"authorization without a tag", not, func(t *testing.T, query []byte) []byte {
			return reply(t, query, nil, &dnsmessage.UnknownResource{Type: 257, Data: []byte{0, 9, 'x'}})
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			asked := &netsonde.CheckParameters{Question: "web.test"}
			forger := nameServer(t, func(query []byte) [][]byte { return [][]byte{test.forge(t, query)} }, nil)
			s := ask(t, 100*time.Millisecond, forger, asked)
			if s.State != netsonde.ServiceWrongProtocol || s.Reason != test.reason || s.Answers != nil || s.RTT != 0 {
				t.Errorf("alone: got %+v", s)
			}
			both := nameServer(t, func(query []byte) [][]byte {
				return [][]byte{test.forge(t, query), reply(t, query, nil, a("192.0.2.1"))}
			}, nil)
			s = ask(t, patience, both, asked)
			if s.State != netsonde.ServiceOpen || !slices.Equal(s.Answers, []string{"192.0.2.1"}) {
				t.Errorf("before the answer: got %+v", s)
			}
		})
	}
}

func TestDNSSilent(t *testing.T) {
	server := nameServer(t, func([]byte) [][]byte { return nil }, nil)
	if s := ask(t, 100*time.Millisecond, server, nil); s.State != netsonde.ServiceFiltered || s.Reason != "timed out" || s.RTT != 0 {
		t.Errorf("got %+v", s)
	}
}

func TestDNSClosed(t *testing.T) {
	s := ask(t, patience, closedPort(t), nil)
	if s.State != netsonde.ServiceClosed || s.Reason != "[Errno 111] Connection refused" {
		t.Errorf("got %+v", s)
	}
}

func TestDNSFlood(t *testing.T) {
	server := nameServer(t, func([]byte) [][]byte {
		return slices.Repeat([][]byte{make([]byte, 1400)}, 60)
	}, nil)
	s := ask(t, patience, server, nil)
	if s.State != netsonde.ServiceWrongProtocol || s.Reason != "answer is not DNS" {
		t.Errorf("got %+v", s)
	}
}

func TestDNSTruncated(t *testing.T) {
	cut := func(query []byte) [][]byte {
		return [][]byte{reply(t, query, func(m *dnsmessage.Message) { m.Truncated = true }, a("192.0.2.1"))}
	}
	// Some servers cut where the datagram ends.
	torn := func(query []byte) [][]byte {
		whole := reply(t, query, func(m *dnsmessage.Message) { m.Truncated = true }, a("192.0.2.1"), a("192.0.2.2"))
		return [][]byte{whole[:len(whole)-3]}
	}
	var many []dnsmessage.ResourceBody
	var texts []string
	for i := range 1000 {
		addr := netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)})
		many = append(many, a(addr.String()))
		texts = append(texts, addr.String())
	}
	whole := func(query []byte) []byte { return framed(reply(t, query, nil, many...)) }
	says := func(text string) func([]byte) []byte { return func([]byte) []byte { return []byte(text) } }
	const over = "answer is truncated, and over TCP: "
	first := []string{"192.0.2.1"}
	tests := []struct {
		name    string
		udp     func([]byte) [][]byte
		tcp     func([]byte) []byte
		wanted  string
		answers []string
		reason  string
		state   netsonde.ServiceState
	}{
		{"whole over TCP", cut, whole, "10.0.3.231", texts[:16], "", netsonde.ServiceOpen},
		{"torn", torn, whole, "", texts[:16], "", netsonde.ServiceOpen},
		{"no TCP", torn, nil, "", first, over + "[Errno 111] Connection refused", netsonde.ServiceOpen},
		{"no TCP, wanted", cut, nil, "192.0.2.1", first, over + "[Errno 111] Connection refused", netsonde.ServiceOpen},
		{"no TCP, not there", cut, nil, "192.0.2.2", first, "answered 192.0.2.1, wanted 192.0.2.2", netsonde.ServiceWrongAnswer},
		{"hung up", cut, says(""), "", first, over + "connection closed without data", netsonde.ServiceOpen},
		{"cut over TCP", cut, says("\x00\xff\x00\x00"), "", first, over + "answer is not DNS", netsonde.ServiceOpen},
		{"garbage over TCP", cut, says(strings.Repeat("\x20", 70000)), "", first, over + "answer is not DNS", netsonde.ServiceOpen},
		{"too much over TCP", cut, says(strings.Repeat("\xff", 70000)), "", first, over + errTooMuch.Error(), netsonde.ServiceOpen},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			server := nameServer(t, test.udp, test.tcp)
			s := ask(t, patience, server, &netsonde.CheckParameters{Question: "web.test", Answer: test.wanted})
			if s.State != test.state || s.Reason != test.reason || !slices.Equal(s.Answers, test.answers) || s.RTT <= 0 {
				t.Errorf("got %+v", s)
			}
		})
	}
	t.Run("silent over TCP", func(t *testing.T) {
		listener, conn := listenBoth(t)
		server := serveOn(t, listener, holds)
		defer conn.Close()
		go func() {
			buffer := make([]byte, 1500)
			if n, from, err := conn.ReadFrom(buffer); err == nil {
				conn.WriteTo(cut(buffer[:n])[0], from)
			}
		}()
		s := ask(t, 300*time.Millisecond, server, nil)
		if s.State != netsonde.ServiceOpen || s.Reason != over+"timed out" {
			t.Errorf("got %+v", s)
		}
	})
}

func TestDNSSource(t *testing.T) {
	from := make(chan netip.Addr, 1)
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	go func() {
		_, addr, _ := conn.ReadFromUDPAddrPort(make([]byte, 1500))
		from <- addr.Addr()
	}()
	server := netip.MustParseAddrPort(conn.LocalAddr().String())
	probe := netsonde.Probe{Kind: netsonde.KindDNS, Port: server.Port(), Source: netip.MustParseAddr("127.0.0.2")}
	checkOf(t, Options{}, 100*time.Millisecond, probe, "ns.test", server.Addr())
	if got := <-from; got != probe.Source {
		t.Errorf("asked from %v", got)
	}
}

// Whatever comes, it is read without panic, is bounded, and is taken only with
// our identity and question.
func FuzzAnswer(f *testing.F) {
	q, err := newQuery(&netsonde.CheckParameters{Question: "web.test"})
	if err != nil {
		f.Fatal(err)
	}
	q.id = 0
	q.message[0], q.message[1] = 0, 0
	f.Add(reply(f, q.message, nil, a("192.0.2.1")))
	f.Add(reply(f, q.message, nil, &dnsmessage.TXTResource{TXT: []string{"x"}}, &dnsmessage.UnknownResource{Type: 257, Data: []byte("\x00\x05issuex")}))
	f.Add(reply(f, q.message, func(m *dnsmessage.Message) { m.Truncated = true }, &dnsmessage.MXResource{MX: name("mail.test.")}))
	f.Add(reply(f, q.message, func(m *dnsmessage.Message) { m.RCode, m.Questions = 1, nil }))
	f.Add(q.message)
	f.Fuzz(func(t *testing.T, message []byte) {
		found, err := q.read(message)
		if err != nil {
			if found.texts != nil || found.code != 0 {
				t.Errorf("a slice of garbage: %+v", found)
			}
			return
		}
		if len(found.texts) > answersLimit || found.code < 0 || found.code > 15 {
			t.Errorf("%d answers, code %d", len(found.texts), found.code)
		}
		for _, text := range found.texts {
			if len(text) > textLimit {
				t.Errorf("answer of %d bytes", len(text))
			}
		}
		if message[0] != 0 || message[1] != 0 || message[2]&0x80 == 0 {
			t.Error("taken in spite of its header")
		}
	})
}
