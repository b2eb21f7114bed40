package check

import (
	"context"
	"crypto/tls"
	"errors"
	"time"

	"netsonde"
)

var errNotTLS = errors.New("answer is not TLS")

// clientConfig is how checks speak TLS: versions 1.2 and 1.3, any cipher suite
// and any certificate. The question is whether the server works; whether it may
// be trusted is reported, and decides only where the user says so.
func clientConfig() *tls.Config {
	var suites []uint16
	for _, suite := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		suites = append(suites, suite.ID)
	}
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		CipherSuites:       suites,
		InsecureSkipVerify: true,
		// Without the post-quantum groups the first message fits into one packet.
		CurvePreferences: []tls.CurveID{tls.X25519, tls.CurveP256, tls.CurveP384, tls.CurveP521},
	}
}

// checkTLS does a handshake and no more, without naming a protocol to be
// spoken within: servers of mail or directories may refuse one of the web's.
func (c *Checker) checkTLS(ctx context.Context, x *exchange) {
	secured := c.secure(ctx, x)
	if secured == nil {
		return
	}
	x.service.State = netsonde.ServiceOpen
	x.service.RTT = x.phase.Sub(x.service.Started)
	if !x.asked.Verify {
		c.report(x, secured)
	}
}

// secure does a TLS handshake (RFC 5246, RFC 8446) with the host as server
// name (RFC 6066, section 3; none for address literals) and the protocols
// (RFC 7301). If the certificate is to be verified, that is part of the
// handshake and of its time, and nothing is said to a server that fails. It
// returns nil when there is nothing to be said within.
func (c *Checker) secure(ctx context.Context, x *exchange, protocols ...string) *tls.Conn {
	config := c.tls.Clone()
	config.ServerName = x.host
	config.NextProtos = protocols
	secured := tls.Client(x.transport, config)
	// The handshake has no context of its own: its connection ends with ours.
	if err := secured.Handshake(); err != nil {
		if header := (tls.RecordHeaderError{}); errors.As(err, &header) {
			err = errNotTLS
		}
		x.end(ctx, err, x.transport.left < ReadLimit)
		return nil
	}
	if x.asked.Verify {
		c.report(x, secured)
	}
	x.service.Phases.TLS = x.endPhase()
	if !x.asked.Verify {
		return secured
	}
	switch certificate := x.service.Certificate; {
	case certificate == nil:
		x.refuse("certificate: none")
	case certificate.Problem != "":
		x.refuse("certificate: " + certificate.Problem)
	default:
		return secured
	}
	return nil
}

// report notes what a handshake showed.
func (c *Checker) report(x *exchange, secured *tls.Conn) {
	state := secured.ConnectionState()
	x.service.TLSVersion = tls.VersionName(state.Version)
	x.service.Certificate = c.describe(state.PeerCertificates, x.host, time.Now())
}
