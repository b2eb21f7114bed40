package lab

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// plainDatagram is the longest answer over UDP without EDNS, in bytes (RFC
// 1035, section 4.2.1).
const plainDatagram = 512

// NameServer answers for a few names over UDP and TCP (RFC 1035).
type NameServer struct {
	// records are by the lower-case name, with its dot at the end.
	records map[string][]dnsmessage.Resource
}

// NewNameServer returns a server for records, each a name, a type and data:
// "web.test A 10.77.10.1", also AAAA, CNAME, NS and TXT. A name with several
// records has several answers.
func NewNameServer(records ...string) (*NameServer, error) {
	s := &NameServer{records: map[string][]dnsmessage.Resource{}}
	for _, line := range records {
		record, err := parseRecord(line)
		if err != nil {
			return nil, fmt.Errorf("record %q: %w", line, err)
		}
		name := strings.ToLower(record.Header.Name.String())
		s.records[name] = append(s.records[name], record)
	}
	return s, nil
}

// Datagram answers a query over UDP. What is too long is truncated to nothing.
func (s *NameServer) Datagram(query []byte) []byte { return s.answer(query, plainDatagram) }

// Stream answers a connection's queries over TCP.
func (s *NameServer) Stream(connection net.Conn) {
	for {
		var length [2]byte
		if _, err := io.ReadFull(connection, length[:]); err != nil {
			return
		}
		query := make([]byte, binary.BigEndian.Uint16(length[:]))
		if _, err := io.ReadFull(connection, query); err != nil {
			return
		}
		answer := s.answer(query, 0xffff)
		framed := binary.BigEndian.AppendUint16(nil, uint16(len(answer)))
		if _, err := connection.Write(append(framed, answer...)); err != nil {
			return
		}
	}
}

// answer answers a query in at most limit bytes, nil if it is none.
func (s *NameServer) answer(query []byte, limit int) []byte {
	var message dnsmessage.Message
	if err := message.Unpack(query); err != nil || message.Response || len(message.Questions) != 1 {
		return nil
	}
	question := message.Questions[0]
	reply := dnsmessage.Message{
		Header: dnsmessage.Header{
			ID: message.ID, Response: true, Authoritative: true, RecursionDesired: message.RecursionDesired,
		},
		Questions: message.Questions,
	}
	records, known := s.records[strings.ToLower(question.Name.String())]
	if !known {
		reply.RCode = dnsmessage.RCodeNameError
	}
	for _, record := range records {
		if record.Header.Type == question.Type {
			reply.Answers = append(reply.Answers, record)
		}
	}
	packed, err := reply.Pack()
	if err != nil || len(packed) > limit {
		reply.Truncated, reply.Answers = true, nil
		// A question that was read can be written.
		packed, _ = reply.Pack()
	}
	return packed
}

// parseRecord reads a name, a type and data.
func parseRecord(line string) (dnsmessage.Resource, error) {
	owner, rest, _ := strings.Cut(line, " ")
	kind, data, _ := strings.Cut(rest, " ")
	name, err := absoluteName(owner)
	if err != nil {
		return dnsmessage.Resource{}, err
	}
	record := dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: name, Class: dnsmessage.ClassINET, TTL: 60}}
	switch kind {
	case "A", "AAAA":
		addr, err := netip.ParseAddr(data)
		if err != nil || addr.Is4() != (kind == "A") {
			return dnsmessage.Resource{}, fmt.Errorf("%q is no address of type %s", data, kind)
		}
		if addr.Is4() {
			record.Header.Type, record.Body = dnsmessage.TypeA, &dnsmessage.AResource{A: addr.As4()}
		} else {
			record.Header.Type, record.Body = dnsmessage.TypeAAAA, &dnsmessage.AAAAResource{AAAA: addr.As16()}
		}
	case "CNAME", "NS":
		target, err := absoluteName(data)
		if err != nil {
			return dnsmessage.Resource{}, err
		}
		if kind == "NS" {
			record.Header.Type, record.Body = dnsmessage.TypeNS, &dnsmessage.NSResource{NS: target}
		} else {
			record.Header.Type, record.Body = dnsmessage.TypeCNAME, &dnsmessage.CNAMEResource{CNAME: target}
		}
	case "TXT":
		record.Header.Type, record.Body = dnsmessage.TypeTXT, &dnsmessage.TXTResource{TXT: []string{data}}
	default:
		return dnsmessage.Resource{}, fmt.Errorf("type %q is not A, AAAA, CNAME, NS or TXT", kind)
	}
	return record, nil
}

// absoluteName is a name with its dot at the end.
func absoluteName(text string) (dnsmessage.Name, error) {
	name, err := dnsmessage.NewName(strings.TrimSuffix(text, ".") + ".")
	if err != nil {
		return dnsmessage.Name{}, fmt.Errorf("name %q: %w", text, err)
	}
	return name, nil
}
