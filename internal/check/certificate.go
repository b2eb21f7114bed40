package check

import (
	"crypto/x509"
	"errors"
	"net"
	"strings"
	"time"

	"netsonde"
)

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
