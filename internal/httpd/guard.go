package httpd

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// contentPolicy lets a page use nothing but what comes from here, and no code
// or style that stands within it.
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; " +
	"img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Guard answers requests for hosts that are not ours with 421 (RFC 9110,
// section 15.5.20), those that pages from other origins make with 403, and
// hands the rest to next, with headers that keep browsers careful.
//
// Ours are localhost, the given names, and IP addresses: an attacker can make
// a name lead here, but not an address.
func Guard(next http.Handler, names ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", contentPolicy)
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("X-Frame-Options", "DENY")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Cross-Origin-Opener-Policy", "same-origin")
		header.Set("Cross-Origin-Resource-Policy", "same-origin")
		header.Set("Cache-Control", "no-store")
		switch {
		case !ours(r.Host, names):
			http.Error(w, "this is not that host: use the address that was printed at the start", http.StatusMisdirectedRequest)
		case !sameOrigin(r):
			http.Error(w, "pages from elsewhere may not read this", http.StatusForbidden)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// ours reports whether a Host header, with or without a port, is one of ours.
func ours(host string, names []string) bool {
	name := host
	if split, _, err := net.SplitHostPort(host); err == nil {
		name = split
	}
	name = strings.TrimSuffix(strings.TrimPrefix(name, "["), "]")
	if _, err := netip.ParseAddr(name); err == nil {
		return true
	}
	for _, known := range append([]string{"localhost"}, names...) {
		if known != "" && strings.EqualFold(name, known) {
			return true
		}
	}
	return false
}

// sameOrigin reports whether a request comes from a page of ours, or from none
// (RFC 6454, section 7.3).
func sameOrigin(r *http.Request) bool {
	values := r.Header.Values("Origin")
	if len(values) == 0 {
		return true
	}
	origin, err := url.Parse(values[0])
	return err == nil && len(values) == 1 && origin.Host != "" && strings.EqualFold(origin.Host, r.Host)
}
