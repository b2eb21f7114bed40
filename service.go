package netsonde

import (
	"net/netip"
	"time"
)

// ServiceState is what a service check found.
type ServiceState uint8

// The states.
const (
	ServiceInvalid ServiceState = iota
	// ServiceOpen speaks the expected protocol.
	ServiceOpen
	// ServiceClosed refused the connection.
	ServiceClosed
	// ServiceFiltered gave no answer in time, or an ICMP error came instead.
	ServiceFiltered
	// ServiceWrongProtocol accepted the connection and then did not speak the
	// expected protocol, or said nothing before the deadline.
	ServiceWrongProtocol
	// ServiceFailed could not be tried for a reason of this machine.
	ServiceFailed
	// ServiceStalled was not run in time by this process.
	ServiceStalled
	// ServiceUnresolved had no address to go to.
	ServiceUnresolved
	// ServiceWrongAnswer speaks the expected protocol, but what it said is not
	// what was asked for: another status, a certificate that is refused, another
	// record.
	ServiceWrongAnswer
)

var serviceStateNames = [...]string{"invalid", "open", "closed", "filtered", "wrong_protocol", "failed", "stalled", "unresolved", "wrong_answer"}

// String returns the state's name as outputs print it.
func (s ServiceState) String() string {
	if int(s) < len(serviceStateNames) {
		return serviceStateNames[s]
	}
	return "invalid"
}

// Phases are the parts of a check's RTT; those not reached are 0.
type Phases struct {
	Connect   time.Duration
	TLS       time.Duration
	FirstByte time.Duration
}

// Certificate is what a server showed. It is reported, never judged here:
// any certificate is taken.
type Certificate struct {
	Subject, Issuer     string
	NotBefore, NotAfter time.Time
	// Problem says why a verifying client would refuse it, "" when it would not.
	Problem string
}

// Service is one service check and what it found. Everything that came from
// the network is length-limited but not escaped: whoever prints it escapes it.
type Service struct {
	Probe   ProbeID
	Round   uint64
	Kind    Kind
	Addr    netip.Addr
	Port    uint16
	Started time.Time
	State   ServiceState
	// RTT is from the start to the first byte of the answer, TLS handshake included.
	RTT    time.Duration
	Phases Phases
	// Code is the HTTP status code, the MySQL error code of an error packet, or
	// the DNS response code (RFC 1035, section 4.1.1).
	Code int
	// Server is the HTTP Server header, "" when there was none in the first kilobyte.
	Server string
	// Version is the MySQL server's version or the SSH server's identification,
	// "" when it did not say.
	Version string
	// Answers are what a name server answered, at most 16.
	Answers     []string
	TLSVersion  string
	Certificate *Certificate
	// Reason says why the state is not open, in the words that connmonitor's
	// users know: "[Errno 111] Connection refused", "timed out", ….
	Reason string
}
