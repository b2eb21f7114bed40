package check

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"strings"
	"time"

	"netsonde"
)

var errNotTLS = errors.New("answer is not TLS")

// clientConfig is how checks speak TLS: versions 1.2 and 1.3, any cipher suite
// and any certificate. Nothing secret is ever sent, and the question is
// whether the server works, not whether it may be trusted.
func clientConfig() *tls.Config {
	var suites []uint16
	for _, suite := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		suites = append(suites, suite.ID)
	}
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		CipherSuites:       suites,
		InsecureSkipVerify: true,
		NextProtos:         []string{"http/1.1"},
		// Without the post-quantum groups the first message fits into one packet.
		CurvePreferences: []tls.CurveID{tls.X25519, tls.CurveP256, tls.CurveP384, tls.CurveP521},
	}
}

// checkHTTPS does a TLS handshake (RFC 5246, RFC 8446) with the host as server
// name (RFC 6066, section 3; none for address literals), then checks HTTP
// within it.
func (c *Checker) checkHTTPS(ctx context.Context, x *exchange, host string) {
	config := c.tls.Clone()
	config.ServerName = host
	secured := tls.Client(x.transport, config)
	// The handshake has no context of its own: its connection ends with ours.
	if err := secured.Handshake(); err != nil {
		if header := (tls.RecordHeaderError{}); errors.As(err, &header) {
			err = errNotTLS
		}
		answered := x.transport.left < ReadLimit
		x.service.State, x.service.Reason = conversationFailure(ctx, err, answered)
		return
	}
	x.service.Phases.TLS = x.endPhase()
	x.conn = secured
	checkHTTP(ctx, x, host)

	// Judged only now, outside the measured time.
	state := secured.ConnectionState()
	x.service.TLSVersion = tls.VersionName(state.Version)
	x.service.Certificate = c.describe(state.PeerCertificates, host, time.Now())
}

// describe reports the certificate at the head of a chain as a client that
// verifies it for host would see it at the time now; nil if there is none.
func (c *Checker) describe(chain []*x509.Certificate, host string, now time.Time) *netsonde.Certificate {
	if len(chain) == 0 {
		return nil
	}
	leaf := chain[0]
	intermediates := x509.NewCertPool()
	for _, certificate := range chain[1:] {
		intermediates.AddCert(certificate)
	}
	if ip, _, zoned := strings.Cut(host, "%"); zoned && net.ParseIP(ip) != nil {
		host = ip
	}
	_, err := leaf.Verify(x509.VerifyOptions{
		DNSName: host, Intermediates: intermediates, Roots: c.roots, CurrentTime: now,
	})
	return &netsonde.Certificate{
		Subject:   truncate(leaf.Subject.String()),
		Issuer:    truncate(leaf.Issuer.String()),
		NotBefore: leaf.NotBefore,
		NotAfter:  leaf.NotAfter,
		Problem:   certificateProblem(err, now),
	}
}

// certificateProblem words the error of a verification, "" for none.
func certificateProblem(err error, now time.Time) string {
	var (
		invalid   x509.CertificateInvalidError
		authority x509.UnknownAuthorityError
		name      x509.HostnameError
	)
	switch {
	case err == nil:
		return ""
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		// The library has one reason for both ends of the validity.
		if now.Before(invalid.Cert.NotBefore) {
			return "not yet valid"
		}
		return "expired"
	case errors.As(err, &authority):
		return "unknown authority"
	case errors.As(err, &name):
		return "wrong name"
	default:
		return truncate(err.Error())
	}
}
