package packet

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"netsonde"
)

// The properties that every parser must have on every input. They take the
// parser as an argument, so that planted bugs can show that they hold nothing
// for granted: each returns what is violated, nil if nothing.

type (
	replyParser func([]byte) (Reply, error)
	icmpParser  func([]byte, netip.Addr) (Reply, error)
	ipv4Parser  func([]byte) (IPv4, []byte, error)
)

func knownError(err error) bool {
	return err == ErrNotReply || err == ErrTruncated || err == ErrMalformed || err == ErrChecksum
}

// checkReply calls the parser with the input alone and with the input before
// other bytes, and looks whether what it says can be found in the input.
func checkReply(parse replyParser, in []byte) (r Reply, err error, violation error) {
	defer func() {
		if p := recover(); p != nil {
			violation = fmt.Errorf("panic: %v", p)
		}
	}()
	alone := bytes.Clone(in)
	r, err = parse(alone[:len(in):len(in)])
	if !bytes.Equal(alone, in) {
		return r, err, errors.New("the input was written to")
	}
	for _, filler := range []byte{0, 0xa5} {
		roomy := append(bytes.Clone(in), bytes.Repeat([]byte{filler}, 256)...)
		if r2, err2 := parse(roomy[:len(in)]); r2 != r || err2 != err {
			return r, err, fmt.Errorf("bytes behind the input were read: %+v, %v, not %+v, %v", r2, err2, r, err)
		}
	}
	if err != nil {
		switch {
		case !knownError(err):
			return r, err, fmt.Errorf("an error of its own: %w", err)
		case r != (Reply{}):
			return r, err, fmt.Errorf("%w with %+v", err, r)
		}
		return r, err, nil
	}
	method := map[Protocol]netsonde.Method{Echo: netsonde.MethodICMP, UDP: netsonde.MethodUDP, TCP: netsonde.MethodTCP}
	if want, known := method[r.Protocol]; !known || r.Method != want || r.Protocol == Echo && r.Port != 0 {
		return r, err, fmt.Errorf("protocol %d, method %d, port %d", r.Protocol, r.Method, r.Port)
	}
	if !r.HasToken && r.Token != 0 {
		return r, err, fmt.Errorf("token %x that it has not", r.Token)
	}
	if r.Protocol == TCP {
		return r, err, checkTCPNumber(&r, in)
	}
	evidence := [][]byte{binary.BigEndian.AppendUint16(nil, r.Identity), binary.BigEndian.AppendUint16(nil, r.Sequence)}
	if r.HasToken {
		evidence = append(evidence, binary.BigEndian.AppendUint64(nil, r.Token))
	}
	for _, e := range evidence {
		if !bytes.Contains(in, e) {
			return r, err, fmt.Errorf("%x is not in the input", e)
		}
	}
	return r, err, nil
}

// checkTCPNumber looks for the ports and the sequence number of a SYN of ours,
// quoted or acknowledged.
func checkTCPNumber(r *Reply, in []byte) error {
	if !r.HasToken || r.Token > 0xffff {
		return fmt.Errorf("token %v %x of a TCP probe", r.HasToken, r.Token)
	}
	there, back := [2]uint16{r.Identity, r.Port}, [2]uint16{r.Port, r.Identity}
	number := uint32(r.Sequence)<<16 | uint32(r.Token)
	for _, ports := range [][2]uint16{there, back} {
		if bytes.Contains(in, binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, ports[0]), ports[1])) &&
			(bytes.Contains(in, binary.BigEndian.AppendUint32(nil, number)) ||
				bytes.Contains(in, binary.BigEndian.AppendUint32(nil, number+1))) {
			return nil
		}
	}
	return fmt.Errorf("ports %d and %d, or number %x, are not in the input", r.Identity, r.Port, number)
}

// checkTCP adds what holds for whole TCP segments.
func checkTCP(parse icmpParser, in []byte) error {
	from := target4
	r, err, violation := checkReply(func(b []byte) (Reply, error) { return parse(b, from) }, in)
	if violation != nil || err != nil {
		return violation
	}
	if in[13]&0x10 == 0 || in[13]&0x02 == in[13]&0x04>>1 {
		return fmt.Errorf("flags %x are no answer to a SYN", in[13])
	}
	if length := int(in[12]>>4) * 4; length < 20 || length > len(in) {
		return fmt.Errorf("a header of %d bytes in a segment of %d", length, len(in))
	}
	request := AppendTCP(nil, &Probe{Source: host4, Destination: from,
		Identity: r.Identity, Sequence: r.Sequence, Port: r.Port, Token: r.Token})
	for _, accepts := range []bool{false, true} {
		if r2, err := parse(AppendTCPAnswer(nil, from, host4, request, accepts), from); r2 != r || err != nil {
			return fmt.Errorf("built again and parsed: %+v, %v, not %+v", r2, err, r)
		}
	}
	want := Reply{Kind: PortAnswered, Protocol: TCP, Method: netsonde.MethodTCP, From: from, Destination: from,
		Identity: r.Identity, Sequence: r.Sequence, Port: r.Port, HasToken: true, Token: r.Token}
	if r != want {
		return fmt.Errorf("%+v says more than a segment can", r)
	}
	return nil
}

// checkICMP adds what holds for whole ICMP messages, as they are and, for
// ICMP, with the checksum repaired.
func checkICMP(parse icmpParser, f *family, in []byte) error {
	if f.host.Is4() {
		if err := checkMessage(parse, f, repaired(in)); err != nil {
			return err
		}
	}
	return checkMessage(parse, f, in)
}

func checkMessage(parse icmpParser, f *family, in []byte) error {
	from := f.router
	parseFrom := func(b []byte) (Reply, error) { return parse(b, from) }
	r, err, violation := checkReply(parseFrom, in)
	if violation != nil || err != nil {
		return violation
	}
	if r.Kind < EchoReply || r.Kind > Unreachable {
		return fmt.Errorf("kind %d", r.Kind)
	}
	if r.From != from || r.Kind == EchoReply && r.Destination != from {
		return fmt.Errorf("from %v, destination %v of a message from %v", r.From, r.Destination, from)
	}
	if r.Type != in[0] || r.Code != in[1] {
		return fmt.Errorf("type %d/%d of a message of %d/%d", r.Type, r.Code, in[0], in[1])
	}
	if f.host.Is4() {
		for _, at := range []int{2, 7, len(in) - 1} {
			corrupt := bytes.Clone(in)
			corrupt[at] ^= 0x10
			if r, err := parse(corrupt, from); err == nil {
				return fmt.Errorf("a wrong checksum was taken for %+v", r)
			}
		}
	}
	if r.Kind != EchoReply {
		other := bytes.Clone(in)
		for i := quotedEnd(f, in); i < len(other); i++ {
			other[i] ^= 0xff
		}
		if f.host.Is4() {
			other = repaired(other)
		}
		// Extensions stand there: they no longer have their version.
		without := r
		without.Labels = ""
		if r2, err := parse(other, from); r2 != without || err != nil {
			return fmt.Errorf("bytes behind the quoted datagram were read: %+v, %v, not %+v", r2, err, without)
		}
		if err := checkLabels(f, &r, in); err != nil {
			return err
		}
	}
	if r2, err := parse(rebuild(f, &r), from); r2 != r || err != nil {
		return fmt.Errorf("built again and parsed: %+v, %v, not %+v", r2, err, r)
	}
	return nil
}

// quotedEnd is where the datagram that an ICMP error quotes ends by its own
// header or by RFC 4884, at most at the end of the message, which quotes an IP
// header at least.
func quotedEnd(f *family, message []byte) int {
	end, at, unit, extensible := len(message), 4, 8, "\x01\x03"
	if f.host.Is4() {
		at, unit, extensible = 5, 4, "\x03\x0b\x0c"
	}
	if words := int(message[at]); words != 0 && bytes.IndexByte([]byte(extensible), message[0]) >= 0 {
		end = min(end, transportSize+unit*words)
	}
	original := message[transportSize:]
	if f.host.Is4() {
		return min(end, transportSize+int(original[2])<<8+int(original[3]))
	}
	return min(end, transportSize+ipv6HeaderSize+int(original[4])<<8+int(original[5]))
}

// rebuild makes a message that says what the reply says.
func rebuild(f *family, r *Reply) []byte {
	transport := []byte{f.echoRequest, 0, 0, 0, byte(r.Identity >> 8), byte(r.Identity), byte(r.Sequence >> 8), byte(r.Sequence)}
	protocol, size := f.icmp, 0
	if r.HasToken {
		size = TokenSize
	}
	if r.Protocol == UDP {
		protocol = ProtocolNumberUDP
		transport = []byte{byte(r.Identity >> 8), byte(r.Identity), byte(r.Port >> 8), byte(r.Port),
			0, byte(transportSize + size), byte(r.Sequence >> 8), byte(r.Sequence)}
	}
	if r.Protocol == TCP {
		protocol = ProtocolNumberTCP
		transport = []byte{byte(r.Identity >> 8), byte(r.Identity), byte(r.Port >> 8), byte(r.Port),
			byte(r.Sequence >> 8), byte(r.Sequence), byte(r.Token >> 8), byte(r.Token)}
	} else if r.HasToken {
		transport = binary.BigEndian.AppendUint64(transport, r.Token)
	}
	if r.Kind == EchoReply {
		b := AppendEchoReply(nil, r.From, f.host, transport)
		b[1] = r.Code
		return repairedFor(f, b)
	}
	quoted := *f
	quoted.target = r.Destination
	if r.Labels != "" {
		b := AppendLabelled(nil, r.From, f.host, quoted.datagram(protocol, transport), r.Labels, true)
		b[0], b[1] = r.Type, r.Code
		return repairedFor(f, b)
	}
	return AppendUnreachable(nil, r.From, f.host, r.Type, r.Code, quoted.datagram(protocol, transport))
}

// checkLabels looks for the labels of a reply where extensions may stand, by
// their own header, and for a checksum where there is one.
func checkLabels(f *family, r *Reply, message []byte) error {
	if r.Labels == "" {
		return nil
	}
	if len(r.Labels)%4 != 0 || r.Labels.Len() > netsonde.MostLabels {
		return fmt.Errorf("a label stack of %d bytes", len(r.Labels))
	}
	at, unit, extensible := 4, 8, "\x01\x03"
	if f.host.Is4() {
		at, unit, extensible = 5, 4, "\x03\x0b\x0c"
	}
	begin := transportSize + 128
	told := int(message[at])
	if told > 0 {
		begin = transportSize + unit*told
	}
	structure := message[begin:]
	checksum := int(structure[2])<<8 | int(structure[3])
	switch {
	case bytes.IndexByte([]byte(extensible), message[0]) < 0:
		return fmt.Errorf("labels of an error of type %d, which has none", message[0])
	case structure[0]>>4 != 2:
		return fmt.Errorf("labels of extensions of version %d", structure[0]>>4)
	case checksum == 0 && told == 0, checksum != 0 && sumOfWords(structure) != 0xffff:
		return fmt.Errorf("labels of extensions with the checksum %#x", checksum)
	case !bytes.Contains(structure[8:], []byte(r.Labels)):
		return fmt.Errorf("labels %x are not in the extensions", string(r.Labels))
	}
	return nil
}

// sumOfWords is the one's complement sum of 16-bit words (RFC 1071).
func sumOfWords(b []byte) uint16 {
	total := uint32(0)
	for i := range b {
		word := uint32(b[i])
		if i%2 == 0 {
			word <<= 8
		}
		total += word
		total = total>>16 + total&0xffff
	}
	return uint16(total)
}

func repairedFor(f *family, message []byte) []byte {
	if f.host.Is4() {
		return repaired(message)
	}
	return message
}

// checkQuotedEcho adds what holds for an echo request from the error queue.
func checkQuotedEcho(parse replyParser, in []byte) error {
	r, err, violation := checkReply(parse, in)
	if violation != nil || err != nil {
		return violation
	}
	want := Reply{Identity: r.Identity, Sequence: r.Sequence, HasToken: r.HasToken, Token: r.Token}
	if r != want {
		return fmt.Errorf("%+v says more than a quoted echo can", r)
	}
	size := 0
	if r.HasToken {
		size = TokenSize
	}
	again := AppendEcho(nil, &Probe{Destination: target4, Identity: r.Identity, Sequence: r.Sequence, Size: size, Token: r.Token})
	if r2, err := parse(again); r2 != r || err != nil {
		return fmt.Errorf("built again and parsed: %+v, %v, not %+v", r2, err, r)
	}
	return nil
}

// checkIPv4 is what holds for every datagram.
func checkIPv4(parse ipv4Parser, in []byte) (violation error) {
	defer func() {
		if p := recover(); p != nil {
			violation = fmt.Errorf("panic: %v", p)
		}
	}()
	alone := bytes.Clone(in)
	header, payload, err := parse(alone[:len(in):len(in)])
	roomy := append(bytes.Clone(in), bytes.Repeat([]byte{0xa5}, 256)...)
	header2, payload2, err2 := parse(roomy[:len(in)])
	switch {
	case !bytes.Equal(alone, in):
		return errors.New("the input was written to")
	case header2 != header || !bytes.Equal(payload2, payload) || err2 != err:
		return fmt.Errorf("bytes behind the input were read: %+v, %x, %v, not %+v, %x, %v", header2, payload2, err2, header, payload, err)
	case err != nil && !knownError(err):
		return fmt.Errorf("an error of its own: %w", err)
	case err != nil && (header != IPv4{} || payload != nil):
		return fmt.Errorf("%w with %+v, %x", err, header, payload)
	case err != nil:
		return nil
	}
	length, total := int(in[0]&0xf)*4, int(in[2])<<8|int(in[3])
	if !bytes.Equal(payload, in[length:total]) {
		return fmt.Errorf("payload %x is not bytes %d to %d", payload, length, total)
	}
	again := append(AppendIPv4Header(nil, header, len(payload)), payload...)
	header2, payload2, err = parse(again)
	if header2 != header || !bytes.Equal(payload2, payload) || err != nil {
		return fmt.Errorf("built again and parsed: %+v, %x, %v, not %+v, %x", header2, payload2, err, header, payload)
	}
	return nil
}
