package lab_test

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"netsonde/internal/lab"
)

// question is a query as a resolver sends it.
func question(t *testing.T, name string, kind dnsmessage.Type) []byte {
	t.Helper()
	message := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: 7, RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName(name), Type: kind, Class: dnsmessage.ClassINET}},
	}
	packed, err := message.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return packed
}

// told is an answer in a few words.
func told(t *testing.T, answer []byte) string {
	t.Helper()
	var message dnsmessage.Message
	if err := message.Unpack(answer); err != nil {
		t.Fatal(err)
	}
	if message.ID != 7 || !message.Response || len(message.Questions) != 1 {
		t.Errorf("answer %+v", message)
	}
	return fmt.Sprintf("%v, %d answers, truncated %v", message.RCode, len(message.Answers), message.Truncated)
}

func TestNameServer(t *testing.T) {
	records := []string{"Web.test A 10.77.10.1", "web.test A 10.77.10.2", "web.test AAAA fd77:10::1", ". NS ns.test", "ns.test TXT a b", "www.test CNAME web.test"}
	for i := range 100 {
		records = append(records, fmt.Sprintf("many.test A 10.0.0.%d", i))
	}
	server, err := lab.NewNameServer(records...)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		kind dnsmessage.Type
		// tcp is "" when it is as over UDP.
		udp, tcp string
	}{
		{name: "WEB.test.", kind: dnsmessage.TypeA, udp: "RCodeSuccess, 2 answers, truncated false"},
		{name: "web.test.", kind: dnsmessage.TypeAAAA, udp: "RCodeSuccess, 1 answers, truncated false"},
		{name: "web.test.", kind: dnsmessage.TypeMX, udp: "RCodeSuccess, 0 answers, truncated false"},
		{name: ".", kind: dnsmessage.TypeNS, udp: "RCodeSuccess, 1 answers, truncated false"},
		{name: "other.test.", kind: dnsmessage.TypeA, udp: "RCodeNameError, 0 answers, truncated false"},
		{name: "many.test.", kind: dnsmessage.TypeA, udp: "RCodeSuccess, 0 answers, truncated true",
			tcp: "RCodeSuccess, 100 answers, truncated false"},
	} {
		query := question(t, test.name, test.kind)
		if got := told(t, server.Datagram(query)); got != test.udp {
			t.Errorf("%s over UDP: %s, want %s", test.name, got, test.udp)
		}
		want := cmp.Or(test.tcp, test.udp)
		if got := told(t, overStream(t, server, query)); got != want {
			t.Errorf("%s over TCP: %s, want %s", test.name, got, want)
		}
	}
	if answer := server.Datagram([]byte("garbage")); answer != nil {
		t.Errorf("answered garbage with %q", answer)
	}
	for _, record := range []string{"", "web.test", "web.test A", "web.test A fd77::1", "web.test AAAA 10.0.0.1", "web.test MX 10 x", strings.Repeat("a", 300) + " A 10.0.0.1"} {
		if _, err := lab.NewNameServer(record); err == nil {
			t.Errorf("record %q is taken", record)
		}
	}
}

// overStream asks over TCP.
func overStream(t *testing.T, server *lab.NameServer, query []byte) []byte {
	t.Helper()
	ours, theirs := net.Pipe()
	served := make(chan struct{})
	go func() {
		defer close(served)
		server.Stream(theirs)
	}()
	defer func() {
		ours.Close()
		<-served
	}()
	ours.SetDeadline(time.Now().Add(10 * time.Second))
	ours.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(query))), query...))
	var length [2]byte
	if _, err := io.ReadFull(ours, length[:]); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, binary.BigEndian.Uint16(length[:]))
	if _, err := io.ReadFull(ours, answer); err != nil {
		t.Fatal(err)
	}
	return answer
}

// A connected socket hears only whom it asked. It needs root and namespaces.
func TestDatagramsComeFromWhereTheyWent(t *testing.T) {
	network := lab.ForTest(t)
	node := network.Node("server")
	service := node.ServeDatagrams("0.0.0.0:53", func(datagram []byte) []byte {
		return append([]byte("heard "), datagram...)
	})
	ask := func(address string) (string, error) {
		var answer string
		err := node.Do(func() error {
			conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(netip.MustParseAddrPort(address)))
			if err != nil {
				return err
			}
			defer conn.Close()
			conn.SetDeadline(time.Now().Add(5 * time.Second))
			if _, err := conn.Write([]byte(address)); err != nil {
				return err
			}
			buffer := make([]byte, 100)
			n, err := conn.Read(buffer)
			answer = string(buffer[:n])
			return err
		})
		return answer, err
	}
	for _, address := range []string{"127.0.0.1:53", "127.1.2.3:53"} {
		if answer, err := ask(address); answer != "heard "+address {
			t.Errorf("%s answered %q, %v", address, answer, err)
		}
	}
	for range 2 {
		if err := service.Close(); err != nil {
			t.Error(err)
		}
	}
	if answer, err := ask("127.0.0.1:53"); err == nil {
		t.Errorf("a closed server answered %q", answer)
	}
}

func TestSSHServer(t *testing.T) {
	ours, theirs := net.Pipe()
	served := make(chan struct{})
	go func() {
		defer close(served)
		lab.SSH("OpenSSH_9.2p1")(theirs)
	}()
	ours.SetDeadline(time.Now().Add(10 * time.Second))
	const want = "SSH-2.0-OpenSSH_9.2p1\r\n"
	said := make([]byte, len(want))
	if _, err := io.ReadFull(ours, said); err != nil || string(said) != want {
		t.Errorf("the server said %q, %v", said, err)
	}
	if _, err := io.WriteString(ours, "SSH-2.0-netsonde\r\n"); err != nil {
		t.Error(err)
	}
	ours.Close()
	<-served
}
