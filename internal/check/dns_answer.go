package check

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// answersLimit is how many records of an answer are kept.
const answersLimit = 16

var (
	errNotDNS        = errors.New("answer is not DNS")
	errOtherQuestion = errors.New("answer is to another question")
)

// answer is what a name server said to a question.
type answer struct {
	// code is the response code (RFC 1035, section 4.1.1).
	code int
	// truncated tells that not all fitted into the datagram.
	truncated bool
	// texts are the first records, each as zone files write its data and at
	// most textLimit bytes.
	texts []string
	// wanted tells that one of all records was the one that is wanted.
	wanted bool
}

// String says what was answered.
func (a answer) String() string {
	switch {
	case a.code != 0:
		return "answered " + codeName(a.code)
	case len(a.texts) == 0:
		return "answered nothing"
	default:
		return "answered " + a.texts[0]
	}
}

// read reads an answer (RFC 1035, section 4). It returns errNotDNS for what is
// none and errOtherQuestion for one that has not the question's identity, or
// repeats another question. A server may leave out the question if it could
// not make sense of it.
func (q *query) read(message []byte) (answer, error) {
	var parser dnsmessage.Parser
	header, err := parser.Start(message)
	switch {
	case err != nil, !header.Response, header.OpCode != 0:
		return answer{}, errNotDNS
	case header.ID != q.id:
		return answer{}, errOtherQuestion
	}
	if err := q.readQuestion(&parser, header.RCode); err != nil {
		return answer{}, err
	}
	a := answer{code: int(header.RCode), truncated: header.Truncated}
	for {
		record, err := parser.Answer()
		if errors.Is(err, dnsmessage.ErrSectionDone) {
			return a, nil
		}
		text, ok := "", false
		if err == nil {
			text, ok = recordText(record.Body)
		}
		switch {
		case ok:
			a.add(record.Header.Type, text, q.wanted)
		case header.Truncated:
			// Some servers cut in the middle of a record.
			return a, nil
		default:
			return answer{}, errNotDNS
		}
	}
}

// readQuestion reads the question section, in which stands ours and no other.
func (q *query) readQuestion(parser *dnsmessage.Parser, code dnsmessage.RCode) error {
	question, err := parser.Question()
	switch {
	case errors.Is(err, dnsmessage.ErrSectionDone) && code != dnsmessage.RCodeSuccess:
		return nil
	case err != nil:
		return errNotDNS
	case question.Type != q.question.Type, question.Class != q.question.Class,
		!strings.EqualFold(question.Name.String(), q.question.Name.String()):
		return errOtherQuestion
	}
	if _, err := parser.Question(); !errors.Is(err, dnsmessage.ErrSectionDone) {
		return errNotDNS
	}
	return nil
}

// add notes a record.
func (a *answer) add(kind dnsmessage.Type, text, wanted string) {
	if len(a.texts) < answersLimit {
		a.texts = append(a.texts, truncate(text))
	}
	a.wanted = a.wanted || sameData(kind, text, wanted)
}

// sameData reports whether a record's data is what the user wrote: addresses
// in any form, names in any case and without the root's dot, texts exactly.
func sameData(kind dnsmessage.Type, text, wanted string) bool {
	switch kind {
	case dnsmessage.TypeTXT:
		return text == wanted
	case dnsmessage.TypeA, dnsmessage.TypeAAAA:
		addr, err := netip.ParseAddr(wanted)
		return err == nil && addr.String() == text
	default:
		return strings.EqualFold(strings.TrimSuffix(text, "."), strings.TrimSuffix(wanted, "."))
	}
}

// recordText writes a record's data as zone files have it (RFC 1035, section
// 5.1), but texts joined and as they came. ok is false when the data makes no
// sense.
func recordText(body dnsmessage.ResourceBody) (text string, ok bool) {
	switch r := body.(type) {
	case *dnsmessage.AResource:
		return netip.AddrFrom4(r.A).String(), true
	case *dnsmessage.AAAAResource:
		return netip.AddrFrom16(r.AAAA).String(), true
	case *dnsmessage.NSResource:
		return r.NS.String(), true
	case *dnsmessage.CNAMEResource:
		return r.CNAME.String(), true
	case *dnsmessage.PTRResource:
		return r.PTR.String(), true
	case *dnsmessage.MXResource:
		return fmt.Sprintf("%d %s", r.Pref, r.MX), true
	case *dnsmessage.SRVResource:
		return fmt.Sprintf("%d %d %d %s", r.Priority, r.Weight, r.Port, r.Target), true
	case *dnsmessage.SOAResource:
		return fmt.Sprintf("%s %s %d %d %d %d %d", r.NS, r.MBox, r.Serial, r.Refresh, r.Retry, r.Expire, r.MinTTL), true
	case *dnsmessage.TXTResource:
		return strings.Join(r.TXT, ""), true
	case *dnsmessage.UnknownResource:
		if r.Type == typeCAA {
			return authorizationText(r.Data)
		}
		// RFC 3597, section 5.
		return fmt.Sprintf(`\# %d %x`, len(r.Data), r.Data[:min(len(r.Data), textLimit)]), true
	default:
		return "", false
	}
}

// authorizationText writes the data of a CAA record: flags, the length of the
// tag, the tag, the value (RFC 8659, section 4.1).
func authorizationText(data []byte) (text string, ok bool) {
	if len(data) < 2 || data[1] == 0 || len(data) < 2+int(data[1]) {
		return "", false
	}
	tag, value := data[2:2+int(data[1])], data[2+int(data[1]):]
	return strconv.Itoa(int(data[0])) + " " + string(tag) + ` "` + string(value) + `"`, true
}

// codeName is a response code as those who run name servers know it.
func codeName(code int) string {
	names := [...]string{"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"}
	if code < len(names) {
		return names[code]
	}
	return "response code " + strconv.Itoa(code)
}
