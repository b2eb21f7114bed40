package packet

import (
	"testing"

	"netsonde"
	"pgregory.net/rapid"
)

// drawProbe draws any probe that can be sent to the family's target.
func drawProbe(t *rapid.T, f *family) Probe {
	p := Probe{
		Protocol:    rapid.SampledFrom([]Protocol{Echo, UDP, TCP}).Draw(t, "protocol"),
		Source:      f.host,
		Destination: f.target,
		Identity:    rapid.Uint16().Draw(t, "identity"),
		Sequence:    rapid.Uint16().Draw(t, "sequence"),
		Size:        rapid.IntRange(0, 200).Draw(t, "size"),
		Token:       rapid.Uint64Min(1).Draw(t, "token"),
		FixedFlow:   rapid.Bool().Draw(t, "fixed flow"),
	}
	if p.Protocol == UDP {
		p.Sequence = rapid.Uint16Range(1, 65534).Draw(t, "checksum")
	}
	if p.Protocol != Echo {
		p.Port = rapid.Uint16().Draw(t, "port")
	}
	if p.Protocol == TCP {
		p.Token = rapid.Uint64Range(1, 1<<16-1).Draw(t, "token of TCP")
	}
	p.Flow = rapid.Byte().Draw(t, "flow")
	return p
}

func (f *family) transport(p *Probe) (protocol uint8, b []byte) {
	switch p.Protocol {
	case UDP:
		return ProtocolNumberUDP, AppendUDP(nil, p)
	case TCP:
		return ProtocolNumberTCP, AppendTCP(nil, p)
	default:
		return f.icmp, AppendEcho(nil, p)
	}
}

// payloadSize is what the probe's payload really has.
func payloadSize(p *Probe) int {
	if p.Protocol == UDP || p.FixedFlow {
		return max(p.Size, FlowSize)
	}
	return p.Size
}

func TestErrorsComeBackAsTheProbesThatTheyQuote(t *testing.T) {
	for _, f := range []family{version4, version6} {
		rapid.Check(t, func(t *rapid.T) {
			p := drawProbe(t, &f)
			original := f.datagram(f.transport(&p))
			least := f.headerSize + transportSize
			quoted := rapid.IntRange(least, len(original)).Draw(t, "quoted bytes")
			want := Reply{
				Protocol: p.Protocol, From: f.router, Destination: f.target,
				Identity: p.Identity, Sequence: p.Sequence, Port: p.Port,
			}
			want.HasToken = payloadSize(&p) >= TokenSize && quoted >= least+TokenSize
			switch p.Protocol {
			case UDP:
				want.Method = netsonde.MethodUDP
			case TCP:
				want.Method, want.HasToken = netsonde.MethodTCP, true
			}
			if want.HasToken {
				want.Token = p.Token
			}
			var message []byte
			if rapid.Bool().Draw(t, "time exceeded") {
				want.Kind, want.Type = TimeExceeded, 11
				if f.host.Is6() {
					want.Type = 3
				}
				message = AppendTimeExceeded(nil, f.router, f.host, original[:quoted])
			} else {
				want.Kind, want.Type = Unreachable, f.typeUnreachable()
				want.Code = rapid.Byte().Draw(t, "code")
				message = AppendUnreachable(nil, f.router, f.host, want.Type, want.Code, original[:quoted])
			}
			if got, err := f.parse(message, f.router); got != want || err != nil {
				t.Fatalf("%s:\ngot  %+v, %v\nwant %+v", f.name, got, err, want)
			}
		})
	}
}

func TestEchoesComeBackAsReplies(t *testing.T) {
	for _, f := range []family{version4, version6} {
		rapid.Check(t, func(t *rapid.T) {
			p := drawProbe(t, &f)
			p.Protocol = Echo
			request := AppendEcho(nil, &p)
			if want := transportSize + payloadSize(&p); len(request) != want {
				t.Fatalf("%s: request of %d bytes, want %d", f.name, len(request), want)
			}
			message := AppendEchoReply(nil, f.target, f.host, request)
			want := Reply{Kind: EchoReply, From: f.target, Destination: f.target, Identity: p.Identity, Sequence: p.Sequence,
				Type: message[0], HasToken: payloadSize(&p) >= TokenSize}
			if want.HasToken {
				want.Token = p.Token
			}
			if got, err := f.parse(message, f.target); got != want || err != nil {
				t.Fatalf("%s:\ngot  %+v, %v\nwant %+v", f.name, got, err, want)
			}
		})
	}
}
