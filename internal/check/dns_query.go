package check

import (
	"cmp"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"golang.org/x/net/dns/dnsmessage"

	"netsonde"
)

// typeCAA is the type of records that say who may issue certificates (RFC
// 8659), which the library does not know.
const typeCAA dnsmessage.Type = 257

// query is a question to a name server and the answer that is wanted of it.
type query struct {
	id       uint16
	question dnsmessage.Question
	// message is the question as it is sent.
	message []byte
	wanted  string
}

// newQuery builds the question that the parameters name, or the one for the
// root's name servers, which every server has an opinion on. Its identity is
// random, so that an answer cannot be forged by who does not see it; the case of
// its letters is not, since some servers answer in their own. An address may
// be asked for its name. Errors say what is wrong with the question.
func newQuery(asked *netsonde.CheckParameters) (*query, error) {
	usual := "A"
	if asked.Question == "" {
		usual = "NS"
	}
	kind, ok := questionType(cmp.Or(asked.QuestionType, usual))
	if !ok {
		return nil, fmt.Errorf("question has the unknown type %q: A, AAAA, NS, MX, TXT, CNAME, SOA, PTR, SRV or CAA", asked.QuestionType)
	}
	text := asked.Question
	if addr, err := netip.ParseAddr(text); err == nil && kind == dnsmessage.TypePTR {
		text = reverseName(addr)
	}
	if !strings.HasSuffix(text, ".") {
		text += "."
	}
	name, err := dnsmessage.NewName(text)
	if err != nil {
		return nil, errors.New("question is longer than the 255 bytes of a name")
	}
	var id [2]byte
	// It never fails.
	_, _ = rand.Read(id[:])
	q := &query{
		id:       binary.BigEndian.Uint16(id[:]),
		question: dnsmessage.Question{Name: name, Type: kind, Class: dnsmessage.ClassINET},
		wanted:   asked.Answer,
	}
	message := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: q.id, RecursionDesired: true},
		Questions: []dnsmessage.Question{q.question},
	}
	if q.message, err = message.Pack(); err != nil {
		return nil, errors.New("question is no name: its parts have 1 to 63 bytes, with a dot between them")
	}
	return q, nil
}

// questionType returns the type of that name.
func questionType(name string) (dnsmessage.Type, bool) {
	switch strings.ToUpper(name) {
	case "A":
		return dnsmessage.TypeA, true
	case "AAAA":
		return dnsmessage.TypeAAAA, true
	case "NS":
		return dnsmessage.TypeNS, true
	case "MX":
		return dnsmessage.TypeMX, true
	case "TXT":
		return dnsmessage.TypeTXT, true
	case "CNAME":
		return dnsmessage.TypeCNAME, true
	case "SOA":
		return dnsmessage.TypeSOA, true
	case "PTR":
		return dnsmessage.TypePTR, true
	case "SRV":
		return dnsmessage.TypeSRV, true
	case "CAA":
		return typeCAA, true
	default:
		return 0, false
	}
}

// reverseName is the name under which an address's name is found (RFC 1035,
// section 3.5; RFC 3596, section 2.5).
func reverseName(addr netip.Addr) string {
	var name strings.Builder
	addr = addr.Unmap()
	bytes := addr.AsSlice()
	for i := len(bytes) - 1; i >= 0; i-- {
		if addr.Is4() {
			name.WriteString(strconv.Itoa(int(bytes[i])) + ".")
		} else {
			fmt.Fprintf(&name, "%x.%x.", bytes[i]&15, bytes[i]>>4)
		}
	}
	if addr.Is4() {
		return name.String() + "in-addr.arpa."
	}
	return name.String() + "ip6.arpa."
}
